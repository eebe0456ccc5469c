"""The drawings of the product tiles, by kind of product: the shop's own, made of plain shapes.

In: `drawings/<group>/<name>.svg`, each in a field of 200 by 200. Out: their shapes. `fresh` has its own colours;
`packed` and `home` take those of a wrapping: `var(--p)` its colour, `--d` a darker, `--l` a lighter one, `--a` the
label's.
"""

import re
from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__).parent / "drawings"
_SHAPES = {
    path.stem: path.read_text().partition("\n")[2].removesuffix("</svg>\n").replace("\n", "")
    for path in sorted(_HERE.glob("*/*.svg"))
}
FRESH = frozenset(path.stem for path in (_HERE / "fresh").glob("*.svg"))
NAMES = frozenset(_SHAPES)


def shapes(name: str, colours: Mapping[str, str]) -> str:
    """The shapes of one drawing in these colours (`p`, `d`, `l`, `a`)."""
    return re.sub(r"var\(--([pdla])\)", lambda found: colours[found[1]], _SHAPES[name])
