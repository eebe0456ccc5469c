"""Kernels that are not compiled, or from other sources than lie beside them, are never used silently."""

import subprocess
import sys
from pathlib import Path

import pytest

from edge.core import built

ROOT = Path(__file__).parents[3]


def record(kernel: Path) -> None:
    """That it is compiled as it is."""
    built.record(kernel, built.digest(kernel, built.shared(kernel.parent)))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout's directory of kernels, with one that is compiled."""
    kernels = tmp_path / "edge" / "core" / "compiled"
    kernels.mkdir(parents=True)
    (tmp_path / "setup.py").write_text("flags")
    (kernels / "sums.pyx").write_text("def add(a, b): return a + b\n")
    (kernels / "shared.pxd").write_text("cdef int one\n")
    built.compiled(kernels / "sums.pyx").touch()
    record(kernels / "sums.pyx")
    return kernels


def test_these_kernels_are_compiled_from_their_sources() -> None:
    """The suite itself runs on what lies here; if not, this says what to do."""
    assert built.fault() is None


def test_types_and_declarations_belong_to_kernels() -> None:
    """A .pyi whose kernel is gone would let mypy pass what cannot be imported."""
    kernels = {path.stem for path in built.KERNELS.glob("*.pyx")}
    assert kernels
    assert {path.stem for path in built.KERNELS.glob("*.pyi")} <= kernels


def test_nothing_is_wrong_with_kernels_as_they_were_compiled(checkout: Path) -> None:
    """Nor where there are no sources, as in an installed edge."""
    assert built.fault(checkout) is None
    for path in checkout.iterdir():
        path.unlink()
    assert built.fault(checkout) is None


@pytest.mark.parametrize("changed", ["edge/core/compiled/sums.pyx", "edge/core/compiled/shared.pxd", "setup.py"])
def test_a_changed_source_is_told(checkout: Path, changed: str) -> None:
    """By what is in it: a file that was only touched is the same, one with an old time is not."""
    path = checkout.parents[2] / changed
    path.touch()
    assert built.fault(checkout) is None
    path.write_text("# changed")
    found = built.fault(checkout)
    assert found is not None
    assert "changed since they were compiled" in found
    assert "(sums.pyx): run `python setup.py build_ext --inplace` there" in found
    record(checkout / "sums.pyx")
    assert built.fault(checkout) is None


def test_a_kernel_that_is_not_compiled_is_told(checkout: Path) -> None:
    """Whatever is written down about it: another Python's are not this one's."""
    (checkout / "more.pyx").write_text("")
    assert "not compiled" in (built.fault(checkout) or "")
    built.compiled(checkout / "more.pyx").touch()
    assert "(more.pyx)" in (built.fault(checkout) or "")
    record(checkout / "more.pyx")
    assert built.fault(checkout) is None
    built.compiled(checkout / "sums.pyx").unlink()
    assert "(sums.pyx)" in (built.fault(checkout) or "")


def test_a_kernel_whose_source_is_gone_is_told(checkout: Path) -> None:
    """What still imports it here would find nothing anywhere else."""
    gone = checkout / "gone.pyx"
    built.compiled(gone).touch()
    assert "changed since they were compiled" in (built.fault(checkout) or "")
    assert "(gone.pyx)" in (built.fault(checkout) or "")
    assert built.left_over(checkout) == [gone]


@pytest.mark.parametrize("text", ["", "[]", "{", "\xff"])
def test_a_damaged_note_counts_as_none(checkout: Path, text: str) -> None:
    """The kernels are then compiled again."""
    (note,) = checkout.glob("built*.json")
    note.write_bytes(text.encode("latin-1"))
    assert built.fault(checkout) is not None


def test_the_import_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """By whichever module asks first; the program that scripts/environment asks says the same, with status 1."""
    core = tmp_path / "edge" / "core"
    kernels = core / "compiled"
    kernels.mkdir(parents=True)
    for name in ("built.py", "compiled/__init__.py", "compiled/packing.pyx"):
        (core / name).write_bytes((ROOT / "edge" / "core" / name).read_bytes())
    code = [sys.executable, "-c", "from edge.core.compiled.packing import unplanes"]
    asked = [sys.executable, str(core / "built.py")]
    for command, last in ((code, "ImportError: kernels in "), (asked, "kernels in ")):
        told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert told.returncode == 1
        assert told.stderr.splitlines()[-1].startswith(last)
        assert "not compiled for Python" in told.stderr
        assert "pip install -e ." in told.stderr
    built.compiled(kernels / "packing.pyx").touch()
    record(kernels / "packing.pyx")
    assert subprocess.run(asked, cwd=tmp_path, check=False).returncode == 0
