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


def record(kernel: Path) -> None:
    """Keep that a kernel is compiled as it is now."""
    noted = _noted(kernel.parent) | {kernel.stem: digest(kernel)}
    _note(kernel.parent).write_text(json.dumps(noted, indent=1, sort_keys=True) + "\n")


def fresh(kernel: Path) -> bool:
    """Whether a kernel is there, compiled from what lies here."""
    return _noted(kernel.parent).get(kernel.stem) == digest(kernel) and compiled(kernel).exists()


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


def _noted(directory: Path) -> dict[str, str]:
    """Kernel -> what it was compiled from; nothing where the file is damaged."""
    try:
        noted = json.loads(_note(directory).read_bytes())
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


if __name__ == "__main__":
    sys.exit(fault())
