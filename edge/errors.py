"""Every error of our own, in one tree; messages name the value and the remedy.

EndcapError
├── InputError        a caller sent something wrong: answered as problem+json, never a 500
├── BundleError       a model bundle cannot be trusted: refused, the last good one serves on
└── StoreError        the embedded store cannot start
"""

from edge.core.errors import BundleError, CodecError, EndcapError


class InputError(EndcapError):
    """A request the caller must mend: `parameter` says where, the message says how."""

    def __init__(self, parameter: str, detail: str, *, status: int = 400) -> None:
        super().__init__(detail)
        self.parameter = parameter
        self.detail = detail
        self.status = status


class StoreError(EndcapError):
    """The embedded store could not be started, or belongs to somebody else."""


__all__ = ["BundleError", "CodecError", "EndcapError", "InputError", "StoreError"]
