"""Where files go that may lie on disk or in an object store: one door for the event log and for bundles.

Not for the request path: it needs obstore (extra `objects`), and its calls block.

In: a path, or a URL that obstore knows (`s3://`, `gs://`, `az://`, `file://`, `memory:///`). Out: an obstore store
below it. Credentials come from the environment under the clouds' own names (AWS_..., GOOGLE_..., AZURE_...).
"""

from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from edge.core.errors import EndcapError

# Whoever asks has a loop of its own that tries again, and must be able to end meanwhile.
_RETRIES, _RETRY_S = 3, timedelta(seconds=20)


class ObjectStoreError(EndcapError):
    """A place for files that cannot be used: no such scheme, no access, or a failed transfer."""


def local_root(location: str) -> Path | None:
    """The directory that a path or a file:// URL names; None for anything that is not on this machine's disk."""
    if "://" not in location:
        return Path(location).absolute()
    parts = urlsplit(location)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def open_store(location: str) -> ObjectStore:
    """The store below `location`; a directory is made. Raises ObjectStoreError for what is no location."""
    root = local_root(location)
    try:
        if root is not None:
            # Empty days leave no empty directories behind.
            return LocalStore(root, mkdir=True, automatic_cleanup=True)
        return from_url(location, retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_S})
    except (BaseError, ValueError, OSError) as error:
        raise ObjectStoreError(f"{location!r} cannot be used as a place for files: {error}") from error
