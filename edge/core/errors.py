"""The errors that serving and training share; `edge.errors` draws the whole tree."""

import msgspec

# What msgspec raises for bytes from elsewhere: the last for what is nested past Python's own limit, also where skipped.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class EndcapError(Exception):
    """Root of every error Endcap raises on purpose."""


class CodecError(EndcapError):
    """Stored bytes that are not what they should be: foreign, truncated, or from a newer version."""


class BundleError(EndcapError):
    """A bundle or snapshot on disk that is missing, damaged or of another schema."""
