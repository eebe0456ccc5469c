"""Whether the kernels of edge/core/compiled are compiled, and from the sources that lie beside them.

In: a directory of kernels. Out: which are not, and what to do; `python edge/core/built.py` says it, with status 1.
setup.py keeps here what it compiled. An installed edge has no sources: nothing to ask. Standard library only.
"""

import json
import sys
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

KERNELS = Path(__file__).with_name("compiled")
SUFFIX = EXTENSION_SUFFIXES[0]  # of this Python and machine; others have files of their own
REMEDY = "run `python setup.py build_ext --inplace` there, or `pip install -e .`, as scripts/test and the others do"


def digest(kernel: Path) -> str:
    """What a kernel is compiled from: its .pyx, all .pxd beside it, and the flags in setup.py."""
    sources = [kernel, *sorted(kernel.parent.glob("*.pxd")), kernel.parents[3] / "setup.py"]
    read = [source.read_bytes() for source in sources if source.exists()]
    return sha256(b"".join(sha256(one).digest() for one in read)).hexdigest()


def compiled(kernel: Path) -> Path:
    """Where this Python looks for a kernel."""
    return kernel.with_name(kernel.stem + SUFFIX)


def record(directory: Path = KERNELS) -> None:
    """Keep that all kernels here are compiled as they are now."""
    found = {kernel.stem: digest(kernel) for kernel in sorted(directory.glob("*.pyx"))}
    _note(directory).write_text(json.dumps(found, indent=1) + "\n")


def fresh(kernel: Path) -> bool:
    """Whether a kernel is there, compiled from what lies here."""
    try:
        kept = json.loads(_note(kernel.parent).read_bytes())
    except (OSError, ValueError):
        return False
    known = isinstance(kept, dict) and kept.get(kernel.stem) == digest(kernel)
    return known and compiled(kernel).exists()


def fault(directory: Path = KERNELS) -> str | None:
    """What is wrong with the compiled kernels, and what to do; None: nothing."""
    stale = [kernel for kernel in sorted(directory.glob("*.pyx")) if not fresh(kernel)]
    if not stale:
        return None
    python = "{}.{}".format(*sys.version_info)
    state = "changed since they were compiled" if all(compiled(one).exists() for one in stale) else "not compiled"
    names = ", ".join(kernel.name for kernel in stale)
    return f"kernels in {directory} are {state} for Python {python} ({names}): {REMEDY}"


def _note(directory: Path) -> Path:
    """The file that keeps what this Python's kernels were compiled from."""
    return directory / f"built{SUFFIX}.json"


if __name__ == "__main__":
    sys.exit(fault())
