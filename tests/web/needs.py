"""What a test needs beside Python: skipped where it is missing, failed where it must be there.

In: a name and the sentence that says what to install. Out: pytest's skip, or its failure where `ENDCAP_REQUIRE` (a
comma list, as set by `.ci/run`) names it.
"""

import os
from typing import NoReturn

import pytest


def missing(name: str, remedy: str) -> NoReturn:
    """End the test: it cannot run here. `name` is what `ENDCAP_REQUIRE` may list, as in `node,chromium`."""
    required = {part.strip() for part in os.environ.get("ENDCAP_REQUIRE", "").split(",")}
    if name in required:
        pytest.fail(f"{name} is missing, and ENDCAP_REQUIRE asks for it: {remedy}", pytrace=False)
    pytest.skip(f"{name} is missing: {remedy}")
