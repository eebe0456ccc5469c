"""The tiles' colours: a ground for each department, a wrapping for each brand.

In: a kind of product, the number of a wrapping (its colour, and how many times past the last one its label). Out: hex
colours.
"""

import hashlib
from typing import NamedTuple


class Ground(NamedTuple):
    """What a drawing stands on: the paper, a quiet second tone, and the department's own colour."""

    paper: str
    ink: str
    accent: str


_GROUNDS = {
    "baby": Ground("#eef3f8", "#dde8f2", "#6f9bc4"),
    "beauty-care": Ground("#f8eff0", "#f1dfe2", "#c26a7d"),
    "beer-wine": Ground("#f5efe6", "#ebdfcd", "#8c3b47"),
    "bread-bakery": Ground("#faf2e3", "#f3e4c8", "#c98a3c"),
    "breakfast": Ground("#fdf4dd", "#f8e7bb", "#dd9b2b"),
    "dairy-eggs": Ground("#eff4f9", "#dfe9f3", "#5b8db8"),
    "deli": Ground("#f8efe6", "#efdfcd", "#b5653f"),
    "drinks": Ground("#eaf4f3", "#d5e8e6", "#2f8079"),
    "flowers-garden": Ground("#f3f5ea", "#e3ead0", "#6d8f3c"),
    "frozen": Ground("#ecf4f9", "#d8e8f3", "#4b8fbf"),
    "fruit": Ground("#fcf1ea", "#f7e0d1", "#d6672f"),
    "health": Ground("#edf5f1", "#d9ebe1", "#3b8a67"),
    "home-leisure": Ground("#f3f0ec", "#e6e0d7", "#7a6a54"),
    "household": Ground("#eef3f4", "#dce7e9", "#4a7f8c"),
    "meat": Ground("#faeeec", "#f3dcd8", "#b14a41"),
    "natural-foods": Ground("#f2f5e9", "#e2ebce", "#6f8f34"),
    "pantry": Ground("#f9f1e6", "#f1e2cc", "#b7792f"),
    "pets": Ground("#f4f0e8", "#e8dfcf", "#93703f"),
    "seafood": Ground("#e9f3f6", "#d2e6ec", "#2f7f9a"),
    "seasonal": Ground("#f6eff3", "#ebdde6", "#9a4d7b"),
    "snacks-candy": Ground("#fbf0ec", "#f5ddd4", "#cc5d43"),
    "vegetables": Ground("#eff5e9", "#dcead0", "#4f8a3a"),
}
_WRAPPINGS = (
    "#c8553d", "#2f6f73", "#d99a1f", "#56733d", "#7a4e7e", "#2b4c7e",
    "#d4735e", "#8a5a3b", "#3d8361", "#b23a48", "#5b7db1", "#4a525c",
)  # fmt: skip
_LABELS = ("#f2b933", "#d2463c", "#5d9b45", "#4b8fbf", "#e58fa0")
_WHITE, _BLACK = (255, 255, 255), (20, 24, 28)


def ground_of(kind: str) -> Ground:
    """The department's ground; for one that is not known, one of them, always the same."""
    department = kind.split("--")[0]
    grounds = tuple(_GROUNDS.values())
    return _GROUNDS.get(department) or grounds[hashlib.blake2s(department.encode()).digest()[0] % len(grounds)]


def wrapping_of(number: int, accent: str) -> dict[str, str]:
    """Its colour `p`, a darker `d`, a lighter `l`, and the label's `a`: the department's accent or one of a few."""
    label, place = divmod(number, len(_WRAPPINGS))
    colour = _WRAPPINGS[place]
    labels = (accent, *_LABELS)
    return {
        "p": colour,
        "d": _mix(colour, _BLACK, 0.35),
        "l": _mix(colour, _WHITE, 0.84),
        "a": labels[label % len(labels)],
    }


def _mix(colour: str, other: tuple[int, int, int], share: float) -> str:
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(
        f"{round(part + (target - part) * share):02x}" for part, target in zip(parts, other, strict=True)
    )
