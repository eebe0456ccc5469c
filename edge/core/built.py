"""Whether the kernels of edge/core/compiled are compiled, and from the sources that lie beside them.

In: a directory of kernels. Out: which are not, and what to do; `python edge/core/built.py` says it, with status 1.
setup.py keeps here what it compiled. An installed edge has no sources: nothing to ask. Standard library only.
"""

import json
import sys
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

KERNELS = Path(__file__).resolve().with_name("compiled")
SUFFIX = EXTENSION_SUFFIXES[0]  # of this Python and machine; others have files of their own
REMEDY = "run `python setup.py build_ext --inplace` there, or `pip install -e .`, as scripts/test and the others do"


def digest(kernel: Path, shared: bytes) -> str:
    """What a kernel is compiled from: its .pyx, and what all are."""
    return sha256(shared + kernel.read_bytes()).hexdigest()


def shared(directory: Path = KERNELS) -> bytes:
    """The digest of what all kernels are compiled from: the .pxd beside them, and the flags in setup.py."""
    sources = [*sorted(directory.glob("*.pxd")), directory.parents[2] / "setup.py"]
    return sha256(b"".join(sha256(one.read_bytes()).digest() for one in sources if one.exists())).digest()


def compiled(kernel: Path) -> Path:
    """Where this Python looks for a kernel."""
    return kernel.with_name(kernel.stem + SUFFIX)


def record(kernel: Path, source: str) -> None:
    """Keep that a kernel is compiled, and from what: its digest before, as somebody may write in it meanwhile."""
    noted = _noted(kernel.parent) | {kernel.stem: source}
    _note(kernel.parent).write_text(json.dumps(noted, indent=1, sort_keys=True) + "\n")


def stale(directory: Path = KERNELS) -> list[Path]:
    """The kernels that are not compiled, or from something else than lies here, or whose source is gone."""
    kernels = sorted(directory.glob("*.pyx"))
    if not kernels:
        return []
    noted, common = _noted(directory), shared(directory)
    changed = [one for one in kernels if noted.get(one.stem) != digest(one, common) or not compiled(one).exists()]
    return changed + left_over(directory)


def left_over(directory: Path = KERNELS) -> list[Path]:
    """Kernels that are compiled, but are no longer: what is imported of them here would be missing elsewhere."""
    sources = [one.with_name(one.name.removesuffix(SUFFIX) + ".pyx") for one in directory.glob(f"*{SUFFIX}")]
    return sorted(one for one in sources if not one.exists())


def fault(directory: Path = KERNELS) -> str | None:
    """What is wrong with the compiled kernels, and what to do; None: nothing."""
    wrong = stale(directory)
    if not wrong:
        return None
    python = "{}.{}".format(*sys.version_info)
    state = "changed since they were compiled" if all(compiled(one).exists() for one in wrong) else "not compiled"
    names = ", ".join(kernel.name for kernel in wrong)
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
