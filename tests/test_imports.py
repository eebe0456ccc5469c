"""The layout and the import rule of the design: what may lean on what."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KERNELS = ROOT / "edge" / "core" / "compiled"
PACKAGES = ("edge", "backend", "training", "loadtests")
# From DESIGN: which of our modules a package may import. A trailing dot means everything below.
ALLOWED = {
    "edge": ("edge", "edge."),
    "training": ("training", "training.", "edge.core", "edge.core."),
    "backend": (
        "backend",
        "backend.",
        "edge.core",
        "edge.core.",
        "edge.changes",
        "edge.collect",  # orders that the backend fetches take the same way in as those that webhooks tell
        "edge.identify",
        "edge.object_store",  # the way to a directory or an object store, for the log and for bundles
        "edge.profiles",
        "edge.webhooks.stock",
        "edge.drain",
        "edge.embedded",
        "edge.scoring",
        "edge.sync",  # which files an edge elsewhere needs, for the command that pushes them
        "training",
        "training.",
    ),
    "loadtests": ("loadtests", "loadtests."),
}


def modules(package: str) -> list[Path]:
    """All Python files of a package, stubs of kernels among them."""
    return sorted(path for path in (ROOT / package).rglob("*.py*") if path.suffix in (".py", ".pyi"))


def imports(path: Path) -> set[str]:
    """The full names a file imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the full name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def own(names: set[str]) -> set[str]:
    """Those of our own packages."""
    return {name for name in names if name.split(".")[0] in PACKAGES}


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_lean_only_on_what_the_design_allows(package: str) -> None:
    """edge stands alone, training sees edge.core, backend sees five parts, loadtests see nobody."""
    for path in modules(package):
        for name in own(imports(path)):
            if name == "edge":
                continue  # `from edge import x` also yields edge.x, which is judged
            fits = any(name == rule or (name.startswith(rule) if rule.endswith(".") else name.startswith(f"{rule}."))
                       for rule in ALLOWED[package])  # fmt: skip
            assert fits, f"{path.relative_to(ROOT)} imports {name}"


def test_core_imports_nothing_else_of_edge() -> None:
    """edge.core is what training shares, so it may not pull the server in."""
    for path in modules("edge/core"):
        assert all(name.startswith("edge.core") for name in own(imports(path))), path


def test_core_needs_only_numpy_and_msgspec() -> None:
    """Besides the standard library."""
    for path in modules("edge/core"):
        roots = {name.split(".")[0] for name in imports(path)} - {"edge", "numpy", "msgspec"}
        assert roots <= sys.stdlib_module_names, f"{path.name}: {sorted(roots - sys.stdlib_module_names)}"


def test_kernels_need_only_numpy_c_and_each_other() -> None:
    """Nothing of edge but its other kernels is imported by one, in Python or in C, and no other library."""
    allowed = {"numpy", "libc", "cpython", "cython"} | sys.stdlib_module_names
    for path in [path for path in KERNELS.iterdir() if path.suffix in (".pyx", ".pxd")]:
        found = re.findall(r"^\s*(?:from\s+(\S+)\s+c?import|c?import\s+(\S+))", path.read_text(), re.MULTILINE)
        for name in (first or second for first, second in found):
            own = name == "edge.core.compiled" or name.startswith("edge.core.compiled.")
            assert own or name.split(".")[0] in allowed, f"{path.name}: {name}"


def test_kernels_stand_in_one_place_and_in_one_language() -> None:
    """No Cython elsewhere, no C by hand; the edge does not know what compiled them."""
    for package in PACKAGES:
        sources = [path for path in (ROOT / package).rglob("*") if path.suffix in (".pyx", ".pxd", ".c", ".cpp", ".h")]
        assert all(path.parent == KERNELS for path in sources)
        for path in modules(package):
            assert not {name.split(".")[0] for name in imports(path)} & {"Cython", "cython", "numba", "setuptools"}


def test_the_request_path_knows_no_http() -> None:
    """recommend.py, and what it is made of, could serve any protocol."""
    for name in ("recommend", "ranking", "arrange", "shelves", "slots", "cache", "scoring", "catalogue", "profiles"):
        assert not any(root.startswith("starlette") for root in imports(ROOT / "edge" / f"{name}.py")), name


def test_serving_loads_no_training_library() -> None:
    """A process that has imported the app has none of the heavy libraries in memory, nor the client's httpx."""
    heavy = ["lightgbm", "sklearn", "pandas", "duckdb", "ibis", "pyarrow", "locust", "onnx", "skl2onnx", "scipy"]
    heavy += ["httpx", "edge.client.types"]
    code = f"import sys, edge.app; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_core_alone_pulls_in_no_web_framework() -> None:
    """Training imports edge.core; that must not bring Starlette or redis."""
    code = "import sys, edge.core.features; print([name for name in ('starlette', 'redis') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_no_pickle_anywhere() -> None:
    """No module reads or writes pickle, under any of its names."""
    for package in PACKAGES:
        for path in modules(package):
            names = {name.split(".")[0] for name in imports(path)}
            assert not names & {"pickle", "joblib", "cloudpickle", "shelve", "marshal"}, path
            assert "allow_pickle=True" not in path.read_text(), path
