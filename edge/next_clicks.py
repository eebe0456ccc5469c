"""Next clicks on the homepage: for a visitor with a visit and no purchases, what visitors like this one went on to.

In: the model and what is known of the request. Out: `Foreseen`, the candidates of `for_you` found by the next-click
model instead of the shop's, with the features its own ranker scores.
"""

import numpy as np

from edge.core.context import Context
from edge.core.index import Floats
from edge.core.retrieval import Candidates
from edge.core.sessions.features import build
from edge.core.sessions.retrieval import candidates
from edge.core.sessions.visit import Visit
from edge.core.sources import SOURCES
from edge.scoring import Model, Ranker

REASON = "viewed_next"


class Foreseen(Candidates, frozen=True, eq=False):
    """Candidates of the next-click model; their `evidence` in the shop's sources is all zero."""

    features: Floats
    ranker: Ranker

    def score(self) -> Floats:
        """One raw score per candidate. Raises RankerError."""
        return self.ranker.scores(self.features)


def foresee(model: Model, context: Context) -> Foreseen | None:
    """The candidates, or None where the shop's own model knows more: purchases, or no visit to go by.

    A shopper with purchases keeps the shop's ranker, which weighs them; visits alone say nothing of what is due again.
    """
    if model.next_clicks is None or context.history.bought or not len(context.recent):
        return None
    index = model.next_clicks.index
    visit = Visit.of(context.recent)
    found = candidates(index, visit)
    return Foreseen(
        items=found.items,
        scores=found.scores,
        evidence=np.zeros((len(SOURCES), len(found.items)), np.float32),
        features=build(index, visit, found),
        ranker=model.next_clicks.ranker,
    )
