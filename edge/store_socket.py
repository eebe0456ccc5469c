"""Where the embedded store listens: beside its data, or in a place of its own where that path is too long.

In: a data directory. Out: the path of its socket, and a directory for it that is closed to all other users.
"""

import hashlib
import os
import tempfile
from pathlib import Path

from edge.errors import StoreError

_PATH_MAX_BYTES = 103  # sun_path without its end mark: 103 on macOS, 107 on Linux


def socket_path(data_dir: Path) -> Path:
    """Say where the store of this (resolved) directory listens: the same answer in every process of this user."""
    if len(os.fsencode(data_dir / "store.sock")) <= _PATH_MAX_BYTES:
        return data_dir / "store.sock"
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()).resolve() / f"endcap-{os.getuid()}-{digest}" / "store.sock"


def prepare(folder: Path) -> None:
    """Make the socket's directory. Raises StoreError where it is there and somebody else's, or open to others."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()  # not stat: a link may lead anywhere
    if (found.st_mode & 0o170077, found.st_uid) != (0o040000, os.getuid()):  # a directory, closed to all others
        raise StoreError(f"{folder} must be a directory of this user with mode 0700: remove it, or set REDIS_URL")
