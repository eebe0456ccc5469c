"""The most memory a process has held, in MiB on every system."""

import numpy as np

from training.memory import peak_mib


def test_the_peak_is_in_mib_and_never_falls() -> None:
    """A Python with NumPy holds tens of MiB; after 100 more were held and let go, the peak has seen them."""
    before = peak_mib()
    assert 10 < before < 100_000
    held = np.ones(100 * 2**17)
    assert held.nbytes == 100 * 2**20
    during = peak_mib()
    assert during >= 100
    del held
    assert peak_mib() >= during >= before
