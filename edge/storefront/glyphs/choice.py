"""Which drawing a kind of product gets: the first rule whose word is in its narrowest levels, else the department's.

In: the slugs of a category path, wide to narrow, with `--` between. Out: the name of a drawing.
"""

import re

_RULES: tuple[tuple[str, str], ...] = (
    (r"apple", "apple"),
    (r"yogurt|ice-cream|sour-cream|margarine|dips", "tub"),
    (r"milk|juice|egg", "carton"),
    (r"soup|canned|soft-drinks|tuna|beans", "can"),
    (r"wine|sauce|dressing|oil|vinegar|water|detergent|shampoo|soap", "bottle"),
    (r"chips|candy|snack|pretzel|nuts|coffee|frozen-veg", "bag"),
    (r"jam|peanut-butter|pickle|olive|spice|baby-food|vitamin", "jar"),
)
_COMPILED = tuple((re.compile(words), name) for words, name in _RULES)
_DEPARTMENTS = {"fruit": "apple", "drinks": "bottle", "dairy-eggs": "carton"}
_OTHER = "box"


def glyph_of(kind: str) -> str:
    """The drawing's name. Narrow levels speak before wide ones."""
    levels = kind.split("--")
    for level in reversed(levels):
        for words, name in _COMPILED:
            if words.search(level):
                return name
    return _DEPARTMENTS.get(levels[0], _OTHER)
