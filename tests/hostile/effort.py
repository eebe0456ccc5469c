"""How hard to try: ENDCAP_FUZZ=20 asks for twenty times as many examples as a quick run does."""

import os

from hypothesis import HealthCheck, settings

EFFORT = int(os.environ.get("ENDCAP_FUZZ", "1"))


def tries(examples: int) -> settings:
    """Settings of a test that asks this many times; a busy machine is slow, and a server is kept over all examples."""
    health = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples * EFFORT, deadline=None, suppress_health_check=health)
