"""The next-click model, whole: sessions in; arrays, forest and what was chosen out.

Time runs one way. Two windows of the newest sessions are asked about, each by an index and an encoder of the sessions
before it; settings and the size of the forest are chosen on the newer one, the forest that ships learns from both. The
index and the encoder that ship know all sessions.
"""

from dataclasses import asdict, dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from edge.core.bundle import Manifest, SessionsPart
from edge.core.sessions.features import FEATURE_NAMES
from edge.core.sessions.index import SessionIndex
from training.examples import Rows, stack
from training.export import Exported, export
from training.sessions import encoder, index, ranker, tuning
from training.sessions.clicks import Clicks, SessionsError
from training.sessions.examples import asked, rows
from training.sessions.index import Chosen
from training.sessions.measure import RATES
from training.sessions.ranker import Forest
from training.stages import Stages

_WINDOW = 0.08  # of all sessions, each of the two
_QUESTIONS = 60_000  # of a window that the forest learns from, at most
_TRIED_ON = 2_000  # that settings are tried on
_COMPARED_ON = 4_000  # that forests are compared on
_CLICKS_READ = 7_200_000  # by the encoder, over all its epochs
_EPOCHS = (2, 12)
_DIMENSIONS = 128
SLOT = "next_click"  # what its figures are kept under, beside the shelves

STAGES = {
    "encoder before the older window": 90.0,
    "encoder before the newer window": 100.0,
    "choosing the settings of retrieval": 40.0,
    "rows of both windows": 60.0,
    "choosing the size of the forest": 90.0,
    "growing the forest that ships": 90.0,
    "encoder of all sessions": 110.0,
    "index of all sessions, export, parity": 10.0,
}
_OLDER, _NEWER, _SETTINGS, _ROWS, _SIZE, _GROW, _ALL, _EXPORT = STAGES


@dataclass(frozen=True, eq=False)
class Trained:
    """A next-click model ready to ship. `tried` is what each forest reached on the newer window."""

    arrays: dict[str, NDArray[Any]]
    exported: Exported
    chosen: Chosen
    forest: Forest
    tried: dict[Forest, dict[str, float]]
    gains: dict[str, float]


def train(clicks: Clicks, threads: int, stages: Stages) -> Trained:
    """Everything, within `stages`, which must know STAGES. Raises SessionsError where there is too little to learn."""
    older, newer = (round(len(clicks) * (1 - windows * _WINDOW)) for windows in (2, 1))
    if older < 1 or older == newer or newer == len(clicks):
        raise SessionsError(f"{len(clicks)} sessions are too few to learn from and to choose by; bring thousands")
    first = _known(clicks.before(older), stages, _OLDER)
    second = _known(clicks.before(newer), stages, _NEWER)
    questions = asked(clicks, newer, len(clicks), _QUESTIONS)
    with stages.stage(_SETTINGS, tuning.TRIALS) as advance:
        chosen = tuning.choose(second, _some(questions, _TRIED_ON), advance)
    first = tuning.with_settings(first, tuning.scaled(chosen, newer, older))
    second = tuning.with_settings(second, chosen)
    earlier = asked(clicks, older, newer, _QUESTIONS)
    with stages.stage(_ROWS, len(earlier) + len(questions)) as advance:
        learned = rows(first, earlier, progress=advance)
        newest = rows(second, questions, progress=lambda done: advance(done + len(earlier)))
    forest, tried = _size(learned, second, _some(questions, _COMPARED_ON), threads, stages)
    both = stack([part for part in (learned, newest) if len(part.groups)])
    with stages.stage(_GROW, forest.trees) as advance:
        booster = ranker.train(both, forest, threads, advance)
    ships = _encoder(clicks, stages, _ALL)
    with stages.stage(_EXPORT):
        arrays = index.build(clicks, ships, tuning.scaled(chosen, newer, len(clicks)))
        exported = export(booster, both.features[:20_000])
    gains = dict(zip(booster.feature_name(), booster.feature_importance("gain").tolist(), strict=True))
    return Trained(arrays, exported, chosen, forest, tried, gains)


def told(manifest: Manifest, trained: Trained) -> Manifest:
    """The same manifest, with what is to be said of the next-click model.

    Its rates are those of the forest of the chosen size that was grown on the older window, asked about the newer one;
    sizes were compared there, too, so they are a little too good.
    """
    rates = trained.tried[trained.forest]
    reached = {name.replace("hr", "hit_rate"): rates[name] / 100 for name in RATES}
    return structs.replace(
        manifest,
        metrics=manifest.metrics | {SLOT: {"endcap": reached}},
        data=manifest.data | said(trained),
        sessions=SessionsPart(FEATURE_NAMES, trained.exported.versions, trained.exported.golden),
    )


def said(trained: Trained) -> dict[str, str | int | float]:
    """What a manifest says of it."""
    total = max(sum(trained.gains.values()), 1e-12)
    return {
        **{f"sessions:{name}": value for name, value in asdict(trained.chosen).items()},
        "sessions:trees": trained.forest.trees,
        "sessions:leaves": trained.forest.leaves,
        "sessions:parity": trained.exported.parity,
        **{f"session_gain:{name}": round(gain / total, 6) for name, gain in trained.gains.items()},
    }


def _size(
    learned: Rows, known: SessionIndex, questions: tuning.Questions, threads: int, stages: Stages
) -> tuple[Forest, dict[Forest, dict[str, float]]]:
    if not len(learned.groups) or not questions:
        raise SessionsError("the newest sessions hold no next click to learn from; more sessions are needed")
    grown = 0
    trees = {forest.leaves: forest.trees for forest in tuning.FORESTS}  # the last of each is the largest
    with stages.stage(_SIZE, sum(trees.values())) as advance:

        def grow(forest: Forest) -> lgb.Booster:
            nonlocal grown
            booster = ranker.train(learned, forest, threads, lambda done: advance(grown + done))
            grown += forest.trees
            return booster

        return tuning.choose_forest(grow, known, questions)


def _known(clicks: Clicks, stages: Stages, stage: str) -> SessionIndex:
    arrays = index.build(clicks, _encoder(clicks, stages, stage), tuning.usual(len(clicks)))
    return SessionIndex.from_arrays(arrays)


def _encoder(clicks: Clicks, stages: Stages, stage: str) -> encoder.Encoder:
    epochs = int(np.clip(_CLICKS_READ / max(len(clicks.items) - len(clicks), 1), *_EPOCHS))
    with stages.stage(stage, epochs) as advance:
        return encoder.train(clicks, _DIMENSIONS, epochs, progress=advance)


def _some(questions: tuning.Questions, most: int) -> tuning.Questions:
    """Spread evenly over all of them."""
    return [questions[int(at)] for at in np.linspace(0, len(questions) - 1, min(most, len(questions)))]
