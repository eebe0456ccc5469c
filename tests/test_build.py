"""How Endcap is built: the in-tree backend, the choice of a compiler, and wheels that need neither afterwards."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from edge.core import built
from scripts import build_backend
from tests.web.needs import missing

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
KERNEL = '''"""A kernel."""


def add(int a, int b):
    """The sum."""
    return a + b
'''


@pytest.fixture
def compiler() -> None:
    """One that is installed: these tests fetch none."""
    if build_backend.own_compiler() is None and find_spec("ziglang") is None:
        missing("compiler", "install gcc and libc6-dev, or ziglang from the package index")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as is built: the real files of the build, and a small kernel instead of the real ones."""
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "build_backend.py", tmp_path / "scripts")
    kernels = tmp_path / "edge" / "core" / "compiled"
    kernels.mkdir(parents=True)
    for name in ("__init__.py", "py.typed", "core/__init__.py", "core/built.py", "core/compiled/__init__.py"):
        shutil.copy(ROOT / "edge" / name, tmp_path / "edge" / name)
    (kernels / "sums.pyx").write_text(KERNEL)
    (kernels / "sums.pyi").write_text("def add(a: int, b: int) -> int: ...\n")
    (kernels / "shared.pxd").write_text("cdef int unused = 1\n")
    return tmp_path


def run(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """This Python in a checkout, with nothing of this repository on its path."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CC", "CFLAGS")}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=checkout, env=inherited | environment, capture_output=True, text=True, check=False
    )


def in_place(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The one command that compiles a checkout's kernels."""
    return run(checkout, "setup.py", "build_ext", "--inplace", **environment)


def empty_path(tmp_path: Path) -> str:
    """A PATH with no compiler on it, and nothing else."""
    (tmp_path / "empty").mkdir()
    return str(tmp_path / "empty")


# --- which compiler ---------------------------------------------------------------------------------------------------


def test_a_machine_with_a_compiler_fetches_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the suite has compiled the kernels, though perhaps with Zig's."""
    monkeypatch.setattr(build_backend, "own_compiler", lambda: ["gcc"])
    assert build_backend.get_requires_for_build_wheel() == []
    assert build_backend.get_requires_for_build_editable() == []


def test_a_machine_without_one_fetches_zigs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the version of constraints.txt, which pip itself does not apply to builds; so it is with Cython."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", empty_path(tmp_path))
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _: "gcc -pthread")
    assert build_backend.own_compiler() is None
    asked = [*build_backend.get_requires_for_build_wheel(), *PYPROJECT["build-system"]["requires"]]
    monkeypatch.setattr(built, "stale", lambda: [Path("sums.pyx")])
    assert build_backend.get_requires_for_build_editable() == ["ziglang==0.17.1"]
    monkeypatch.setattr(built, "stale", list)
    assert build_backend.get_requires_for_build_editable() == [], "all is compiled in the checkout already"
    pins = {line.lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    exact = [one.lower() for one in asked if "==" in one]
    assert {Requirement(one).name for one in exact} == {"cython", "ziglang"}
    assert set(exact) <= pins


def test_cc_is_taken_at_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it does not work: then the build fails with its words, and not with another compiler."""
    monkeypatch.setenv("CC", "ccache 'my gcc' -m64")
    assert build_backend.own_compiler() == ["ccache", "my gcc", "-m64"]
    assert build_backend.compiler() is None, "setuptools reads CC itself"


def fake(directory: Path, name: str, script: str) -> None:
    """A program."""
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)


def test_a_compiler_without_the_c_library_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Debian's gcc may be there without libc6-dev; the next one that makes a library is taken."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _: "gcc -pthread")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    fake(tmp_path / "bin", "gcc", "echo 'fatal error: stdlib.h: No such file or directory'; exit 1")
    fake(tmp_path / "bin", "clang", "exit 0")
    assert build_backend.own_compiler() == ["clang"]
    assert build_backend.compiler() == ["clang"], "setuptools would take gcc, as this Python was made with"
    fake(tmp_path / "bin", "gcc", "exit 0")
    assert build_backend.own_compiler() == ["gcc", "-pthread"]
    assert build_backend.compiler() is None


def test_zigs_compiler_is_told_to_serve_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself it compiles for the processor it runs on. Without it the remedy is said."""
    monkeypatch.setattr(build_backend, "own_compiler", lambda: None)
    monkeypatch.setattr(build_backend, "find_spec", lambda _: object())
    command = build_backend.compiler()
    assert command is not None
    assert command[:4] == [sys.executable, "-m", "ziglang", "cc"]
    assert "-mcpu=baseline" in command
    monkeypatch.setattr(build_backend, "find_spec", lambda _: None)
    with pytest.raises(LookupError, match=r"apt-get install gcc libc6-dev.*pip install ziglang"):
        build_backend.compiler()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert build_backend.compiler() is None
    assert build_backend.get_requires_for_build_wheel() == []


# --- compiling --------------------------------------------------------------------------------------------------------


def test_a_checkout_compiles_what_changed(compiler: None, checkout: Path) -> None:
    """Whatever the times of the files say; nothing but what was compiled lies beside the sources afterwards."""
    kernel = checkout / "edge" / "core" / "compiled" / "sums.pyx"
    done = in_place(checkout)
    assert done.returncode == 0, done.stderr
    assert "Cythonizing" in done.stdout
    assert "-ffp-contract=off" in done.stdout
    assert "-march=native" not in done.stdout
    assert built.fault(kernel.parent) is None
    use = ("-c", "from edge.core.compiled import sums; print(sums.add(2, 3))")
    assert run(checkout, *use).stdout == "5\n"
    again = in_place(checkout, PATH=empty_path(checkout))  # without a compiler: there is nothing to compile
    assert "Cythonizing" not in again.stdout
    assert "gcc" not in again.stdout
    os.utime(built.compiled(kernel), (2**32, 2**32))
    kernel.write_text(KERNEL.replace("a + b", "a + b + 1"))
    os.utime(kernel, (1, 1))
    assert "changed since they were compiled" in run(checkout, *use).stderr
    assert in_place(checkout).returncode == 0
    assert run(checkout, *use).stdout == "6\n"
    assert not list(kernel.parent.glob("*.c"))
    kernel.rename(kernel.with_name("totals.pyx"))
    assert in_place(checkout).returncode == 0
    assert [path.stem.partition(".")[0] for path in kernel.parent.glob(f"*{built.SUFFIX}")] == ["totals"]
    assert built.fault(kernel.parent) is None


def test_a_wheel_holds_what_runs_and_no_sources(compiler: None, checkout: Path, tmp_path: Path) -> None:
    """Compiled kernels and their types; it is made for this Python and machine, and needs no Cython afterwards."""
    pip = ("-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", "made", ".")
    done = run(checkout, *pip)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (checkout / "made").glob("endcap-*.whl")
    assert wheel.name.split("-")[2:4] == [f"cp{sys.version_info[0]}{sys.version_info[1]}"] * 2
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.startswith("endcap-")}
        archive.extractall(tmp_path / "installed")
        metadata = archive.read(next(name for name in archive.namelist() if name.endswith("METADATA"))).decode()
    kernel = built.compiled(Path("edge/core/compiled/sums.pyx"))
    assert {name for name in names if "compiled" in name} == {
        "edge/core/compiled/__init__.py", "edge/core/compiled/sums.pyi", str(kernel)
    }  # fmt: skip
    assert "edge/py.typed" in names
    assert "Requires-Dist: cython" not in metadata.partition("Provides-Extra")[0]
    code = "import sys, edge.core.compiled.sums as s; print(s.add(2, 3), 'Cython' in sys.modules, s.__file__)"
    told = run(tmp_path / "installed", "-c", code).stdout
    assert told.split() == ["5", "False", str(tmp_path / "installed" / kernel)]


def test_what_setuptools_packs_as_source_can_be_built(checkout: Path) -> None:
    """A source archive has all that the build reads."""
    done = run(checkout, "setup.py", "--quiet", "sdist", "--formats", "zip")
    assert done.returncode == 0, done.stderr
    (archive,) = (checkout / "dist").glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        names = {name.partition("/")[2] for name in opened.namelist()}
    kernels = {f"edge/core/compiled/{name}" for name in ("sums.pyx", "sums.pyi", "shared.pxd", "__init__.py")}
    assert kernels | {"setup.py", "pyproject.toml", "scripts/build_backend.py", "edge/core/built.py"} <= names


# --- when it cannot be compiled ---------------------------------------------------------------------------------------


def test_a_failing_compiler_is_named_with_the_remedy(checkout: Path) -> None:
    """What was there before stays as it was, and stays refused."""
    done = in_place(checkout, CC="false")
    assert done.returncode == 1
    assert "endcap: edge/core/compiled/sums.pyx could not be compiled by false" in done.stderr
    assert "install gcc or clang" in done.stderr
    assert "not compiled" in (built.fault(checkout / "edge" / "core" / "compiled") or "")


def test_no_compiler_at_all_is_said_with_the_remedy(checkout: Path, tmp_path: Path) -> None:
    """Where a build has to do with what is installed, as without build isolation."""
    done = run(
        checkout, "-c", "import sys, runpy, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'ziglang' else find(name, *more)\n"
        "sys.argv = ['setup.py', 'build_ext', '--inplace']; runpy.run_path('setup.py')",
        PATH=empty_path(tmp_path),
    )  # fmt: skip
    assert done.returncode == 1
    assert "endcap: its kernels cannot be compiled, there is no C compiler" in done.stderr
    assert "apt-get install gcc" in done.stderr


def test_pythons_headers_are_asked_for_by_the_name_of_their_package(checkout: Path) -> None:
    """Debian's Python comes without; the compiler's own words name a file and no remedy."""
    done = run(
        checkout, "-c", "import sys, runpy, sysconfig; find = sysconfig.get_path\n"
        "sysconfig.get_path = lambda name, *more: '/nowhere' if name == 'include' else find(name, *more)\n"
        "sys.argv = ['setup.py', 'build_ext', '--inplace']; runpy.run_path('setup.py')",
    )  # fmt: skip
    assert done.returncode == 1
    assert "endcap: compiling its kernels needs the headers of Python" in done.stderr
    assert "apt-get install python3-dev" in done.stderr
