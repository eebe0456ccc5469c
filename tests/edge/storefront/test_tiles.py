"""The product pictures: the same for the same address, well made, and none for nonsense."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from edge.storefront import drawings, kinds, tiles
from edge.storefront.colours import ground_of, wrapping_of
from tests.edge.storefront.conftest import Shop

DRAWINGS = Path(drawings.__file__).parent / "drawings"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("path", sorted(DRAWINGS.glob("*/*.svg")), ids=lambda path: path.stem)
def test_every_drawing_is_plain_shapes(path: Path) -> None:
    """No script, no style, no link, no text: nothing but shapes, and only the four colours of a wrapping."""
    root = ET.fromstring(path.read_text())  # noqa: S314 -- a file of our own
    assert root.attrib["viewBox"] == "0 0 200 200"
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in {"svg", "g", "path", "rect", "circle", "ellipse"}
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert "href" not in name
            if "var(" in value:
                assert value in {"var(--p)", "var(--d)", "var(--l)", "var(--a)"}


def test_every_rule_leads_to_a_drawing() -> None:
    """And every department."""
    named = {name for _, name in kinds._RULES} | set(kinds._DEPARTMENTS.values()) | {kinds._OTHER}
    assert named <= drawings.NAMES
    assert kinds._FOOD <= drawings.NAMES


@pytest.mark.parametrize(
    ("kind", "drawing"),
    [
        ("fruit--apples--red-apples", "apple"),
        ("snacks-candy--candy--chocolate", "bar"),
        ("beauty-care--hair-care--shampoo", "shampoo"),
        ("beauty-care--shaving--shaving-cream", "razor"),
        ("drinks--tea--herbal-tea", "tea"),
        ("frozen--boxed--mixed-cereal", "frozenbox"),
        ("frozen--ice-cream--premium", "icecream"),
        ("household--toilet-tissue--bath-tissue", "roll"),
        ("pantry", "can"),
        ("nobody--knows--this", "box"),
        ("pets--unheard-of", "paw"),
    ],
)
def test_kinds_get_a_drawing_that_fits(kind: str, drawing: str) -> None:
    """The narrowest level that is known speaks; then the department; then a box."""
    assert kinds.drawing_of(kind) == drawing


def test_a_tile_is_the_same_for_ever_and_its_wrapping_shows(shop: Shop) -> None:
    """The address says all, so it may be kept."""
    first, again = (shop.client.get("/tiles/drinks--coffee--coffee-7.svg") for _ in range(2))
    assert first.content == again.content
    assert "immutable" in first.headers["cache-control"]
    assert first.headers["content-type"].startswith("image/svg+xml")
    assert shop.client.get("/tiles/drinks--coffee--coffee-8.svg").content != first.content
    assert shop.client.get("/tiles/drinks--coffee--coffee-19.svg").content != first.content  # its label
    assert ET.fromstring(first.text).tag == f"{SVG}svg"  # noqa: S314 -- a file of our own


@pytest.mark.parametrize(
    "name", ["UPPER-1", "a%3Csvg-1", "-", "a---b-1", "..%2Fsecret-1", "x" * 200, "a--b-123", "caf%C3%A9"]
)
def test_names_that_are_none_have_no_tile(shop: Shop, name: str) -> None:
    """404, and nothing of them in the answer's picture."""
    assert shop.client.get(f"/tiles/{name}.svg").status_code in {200, 404}
    assert "<svg-1" not in shop.client.get(f"/tiles/{name}.svg").text


@pytest.mark.parametrize("category", ["Drinks > Coffee > Coffee Beans", "Café & Co.", "", " > ", "ÜÄ"])
def test_every_category_has_a_tile(shop: Shop, category: str) -> None:
    """For catalogues that name no pictures."""
    answer = shop.client.get(tiles.address(category))
    assert answer.status_code == 200
    assert tiles.address(category) == tiles.address(category)


def test_every_drawing_can_be_coloured() -> None:
    """Nothing of the placeholders is left."""
    for name in drawings.NAMES:
        assert "var(" not in drawings.shapes(name, wrapping_of(3, ground_of("drinks").accent))


def test_departments_that_nobody_chose_a_ground_for_have_one() -> None:
    """Always the same."""
    assert ground_of("garden--seeds") == ground_of("garden")
    assert ground_of("drinks").accent != ground_of("meat").accent
