"""An environment of its own for each framework that is measured beside Endcap, made once.

In: a directory. Out: `<directory>/<framework>` with exactly the versions that `<framework>.txt` names.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from loadtests.server import RunError

HERE = Path(__file__).parent
# What is asked for by name; everything comes in the version that the framework's file says.
WANTED = {
    "litserve": ("litserve", "onnxruntime", "numpy", "uvloop", "httptools"),
    "bentoml": ("bentoml", "onnxruntime", "numpy", "uvloop", "httptools", "orjson"),
}


def environment(framework: str, directory: Path) -> Path:
    """The `bin` directory of a framework's environment, made if need be. Raises RunError when pip fails."""
    versions = HERE / f"{framework}.txt"
    stamp = hashlib.sha256(versions.read_bytes() + repr(WANTED[framework]).encode()).hexdigest()
    place = directory / framework
    noted = place / "installed"
    if not noted.exists() or noted.read_text() != stamp:
        shutil.rmtree(place, ignore_errors=True)
        _run(framework, [sys.executable, "-m", "venv", str(place)])
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run(framework, [*pip, "--constraint", str(versions), *WANTED[framework]])
        noted.write_text(stamp)
    return place / "bin"


def _run(framework: str, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-800:]
        raise RunError(
            f"the environment of {framework} cannot be made: {said}\nIt needs Python's venv and a package index; "
            f"to measure without it: --without {framework}"
        )
