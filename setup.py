"""How the kernels of edge/core/compiled are compiled; what else there is to the package stands in pyproject.toml.

In: every .pyx there. Out: extensions. A new kernel needs no entry anywhere.
"""

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNELS = Path("edge/core/compiled")

# For all kernels. They check what they are given before they start, and trust it from then on.
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
}
# No -march=native: one wheel for all machines of a kind. No contracted multiply-and-add: the same sums on all of them.
FLAGS = ["-O3", "-g0", "-ffp-contract=off", "-fno-math-errno"]


class Build(build_ext):
    """As setuptools does it, with the directives, and the generated C out of sight."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.cython_directives = DIRECTIVES
        self.cython_c_in_temp = True


def kernels() -> list[Extension]:
    """An extension for each .pyx."""
    shared = sorted(map(str, KERNELS.glob("*.pxd")))
    return [
        Extension(".".join(path.with_suffix("").parts), [str(path)], extra_compile_args=FLAGS, depends=shared)
        for path in sorted(KERNELS.glob("*.pyx"))
    ]


setup(ext_modules=kernels(), cmdclass={"build_ext": Build})
