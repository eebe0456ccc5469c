"""How the kernels of edge/core/compiled are compiled; what else there is to the package stands in pyproject.toml.

In: every .pyx there. Out: extensions. A new kernel needs no entry anywhere. In a checkout, after a change of one:
    python setup.py build_ext --inplace
"""

import os
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, CompileError, PlatformError

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "scripts"))

from build_backend import built, compiler  # noqa: E402 -- after the path

# For all kernels. They check what they are given before they start, and trust it from then on.
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
}
# No -march=native: one wheel for all machines of a kind. No contracted multiply-and-add: the same sums on all of them.
FLAGS = ["-O3", "-g0", "-ffp-contract=off", "-fno-math-errno", "-Wno-psabi"]


class Build(build_ext):
    """As setuptools does it, with the directives and the compiler, and the generated C out of sight."""

    def finalize_options(self) -> None:
        """What Cython is told."""
        super().finalize_options()
        self.cython_directives = DIRECTIVES
        self.cython_c_in_temp = True
        self.in_checkout = self.inplace

    def build_extensions(self) -> None:
        """All kernels, with this machine's compiler, or Zig's."""
        if not self.in_checkout or built.stale():
            self._choose_compiler()
        with TemporaryDirectory() as cache:  # Zig's, of some 50 MB; its usual place may be nowhere one can write
            os.environ.update(ZIG_GLOBAL_CACHE_DIR=cache, ZIG_LOCAL_CACHE_DIR=cache)
            super().build_extensions()

    def _choose_compiler(self) -> None:
        if not Path(sysconfig.get_path("include"), "Python.h").exists():
            raise PlatformError("endcap: compiling its kernels needs the headers of Python, which are not installed; "
                                "Debian, Ubuntu: apt-get install python3-dev")  # fmt: skip
        if not os.environ.get("CC"):
            os.environ.pop("CC", None)  # set to nothing, it would be taken for a compiler
        try:
            command = compiler()
        except LookupError as error:
            raise PlatformError(f"endcap: its kernels cannot be compiled, {error}") from error
        if command is not None:  # the flags that this Python was compiled with were meant for another compiler
            self.compiler.set_executables(
                compiler_so=[*command, "-fPIC", "-fwrapv", "-DNDEBUG"], linker_so=[*command, "-shared"]
            )

    def build_extension(self, ext: Extension) -> None:
        """One kernel; in a checkout only if it is not as its sources are, which times of files would not tell."""
        kernel = Path(ext.sources[0])
        if self.in_checkout and ROOT / kernel not in built.stale():
            made = self.get_ext_fullpath(ext.name)
            self.mkpath(str(Path(made).parent))
            self.copy_file(str(built.compiled(kernel)), made)
            return
        self.force = True
        source = built.digest(ROOT / kernel, built.shared())
        try:
            super().build_extension(ext)
        except CCompilerError as error:
            used = self.compiler.compiler_so[0]
            raise CompileError(f"endcap: {kernel} could not be compiled by {used}, see above; install gcc or "
                               "clang, name it in CC, or set no CC at all") from error  # fmt: skip
        if self.in_checkout:  # now, so that a mistake in the next one costs only that
            self.copy_file(self.get_ext_fullpath(ext.name), str(built.compiled(ROOT / kernel)))
            built.record(ROOT / kernel, source)

    def copy_extensions_to_source(self) -> None:
        """The last step in a checkout: nothing stays of kernels that are no longer."""
        super().copy_extensions_to_source()
        for kernel in built.left_over():
            built.compiled(kernel).unlink()


KERNELS = sorted(path.relative_to(ROOT) for path in built.KERNELS.glob("*.pyx"))
SHARED = sorted(str(path.relative_to(ROOT)) for path in built.KERNELS.glob("*.pxd"))

setup(
    ext_modules=[
        Extension(
            ".".join(path.with_suffix("").parts),
            [str(path)],
            include_dirs=[numpy.get_include()],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
            extra_compile_args=FLAGS,
            depends=SHARED,
        )
        for path in KERNELS
    ],
    cmdclass={"build_ext": Build},
)
