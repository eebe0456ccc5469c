"""The pages of a release: Jinja templates that escape every value, in the look of the training report.

In: nothing. Out: the environment that renders them.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import training.page


def environment() -> Environment:
    """Templates of `backend/release/page`, with the style sheet of the training report. No scripts, no requests."""
    places = [Path(__file__).parent / "page", *(Path(place) for place in training.page.__path__)]
    return Environment(
        loader=FileSystemLoader(places),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
