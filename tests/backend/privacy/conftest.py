"""The identity tests' shop, here too."""

from tests.backend.identity.conftest import shop

__all__ = ["shop"]
