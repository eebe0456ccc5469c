"""The kernels: what a request does for every candidate and every purchase, in Cython, compiled when Endcap is installed.

In: arrays and bytes. Out: arrays. One .pyx for each idea, and beside it a .pyi that says what it takes and gives.
"""
