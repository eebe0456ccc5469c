"""How pip and others build Endcap (PEP 517): setuptools, and a C compiler from the package index where there is none.

In: this checkout. Out: a wheel with the kernels compiled. setup.py asks here for the compiler.
"""

import os
import shlex
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

sys.path.insert(0, str(Path(__file__).parents[1]))  # pip imports this file alone

from edge.core import built

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

ZIGLANG = "ziglang==0.17.1"  # as in constraints.txt, which pip keeps from builds
# A program that needs what a compiler alone does not have: headers of the C library, and a linker.
_PROBE = b"#include <stdlib.h>\nvoid *probe(void) { return malloc(1); }\n"

Settings = dict[str, Any] | None


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """What a wheel's build needs besides pyproject.toml's list."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_compiler_from_index()]


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """The same for an editable install, which compiles only what is not as its sources are."""
    needed = _compiler_from_index() if built.stale() else []
    return [*build_meta.get_requires_for_build_editable(config_settings), *needed]


def _compiler_from_index() -> list[str]:
    """Zig's, where this machine has none that works; only on Linux, see `compiler`."""
    return [ZIGLANG] if sys.platform == "linux" and own_compiler() is None else []


def own_compiler() -> list[str] | None:
    """The command of this machine's C compiler, None if there is none: $CC, unasked; else the first that works."""
    if asked := shlex.split(os.environ.get("CC", "")):
        return asked
    usual = shlex.split(str(sysconfig.get_config_var("CC") or ""))
    return next((command for command in (usual, ["cc"], ["gcc"], ["clang"]) if command and _works(command)), None)


def _works(command: list[str]) -> bool:
    """Whether it makes a library out of a few lines: Debian's gcc may be there without the C library's headers."""
    with TemporaryDirectory() as directory:
        source = Path(directory, "probe.c")
        source.write_bytes(_PROBE)
        probe = [*command, "-shared", "-fPIC", str(source), "-o", str(source.with_suffix(".so"))]
        try:
            return subprocess.run(probe, capture_output=True, check=False).returncode == 0
        except OSError:
            return False


def compiler() -> list[str] | None:
    """The command that compiles, where setuptools is not to choose: another than this Python was made with, or Zig's.

    None: setuptools chooses; so always where it is not Linux, whose compilers alone take the same words. Raises
    LookupError, with the remedy, where there is no compiler.
    """
    if sys.platform != "linux":
        return None
    if own := own_compiler():
        return None if own == shlex.split(str(sysconfig.get_config_var("CC") or "")) or os.environ.get("CC") else own
    if find_spec("ziglang") is None:
        raise LookupError("there is no C compiler: install one (Debian, Ubuntu: apt-get install gcc libc6-dev), "
                          "or `pip install ziglang`, which is one")  # fmt: skip
    # Zig compiles for the very machine it runs on unless told otherwise, and checks for undefined behaviour.
    return [sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline", "-fno-sanitize=undefined"]
