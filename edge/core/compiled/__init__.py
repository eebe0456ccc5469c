"""The kernels: what a request does for every candidate and every purchase, in Cython, compiled on installation.

In: arrays and bytes. Out: arrays. One .pyx for each idea, and beside it a .pyi with its types. In a checkout, kernels
that are not compiled, or from other sources than lie here, are refused on import.
"""

from edge.core.built import fault

if wrong := fault():
    raise ImportError(wrong, name=__name__)
