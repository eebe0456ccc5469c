"""The whole page, made from the bundle of the sample shop: what it holds, and what it must not hold."""

import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from edge.core.bundle import MANIFEST, read_manifest
from edge.core.errors import BundleError
from edge.core.snapshot import write_snapshot
from training import showcase
from training.dataset import Dataset
from training.page import names
from training.page.render import ReportError, render, write
from training.pipeline import Outcome

_VOID = {"meta", "br", "line", "rect", "circle"}
HOSTILE = "</style><script>alert(1)</script>\"'><img src=https://evil.example/x onerror=alert(2)>{{ 7 * 7 }}"


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, text by element, and whether all is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.css = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element; remember that it is open."""
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Elements must end in the order they began."""
        assert self.open, f"</{tag}> ends nothing"
        assert self.open.pop() == tag, f"</{tag}> ends another element"

    def handle_data(self, data: str) -> None:
        """Text, or the style sheet."""
        if self.open and self.open[-1] == "style":
            self.css += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All text, spaces made single."""
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each such element."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="session")
def catalogue(shop_dir: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample shop's catalogue."""
    path = tmp_path_factory.mktemp("catalogue") / "demo.cat"
    write_snapshot(path, shop_dir.catalogue())
    return path


@pytest.fixture(scope="session")
def html(outcome: Outcome, catalogue: Path) -> str:
    """The page of the sample shop's bundle."""
    return render(outcome.directory, catalogue)


@pytest.fixture(scope="session")
def page(html: str) -> Page:
    """The same, read."""
    return Page(html)


@pytest.fixture
def copied(outcome: Outcome, tmp_path: Path) -> Path:
    """A copy of the bundle, to be tampered with."""
    return Path(shutil.copytree(outcome.directory, tmp_path / "demo" / outcome.directory.name))


def rewrite(directory: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change a bundle's manifest, which no checksum covers."""
    raw = msgspec.json.decode((directory / MANIFEST).read_bytes())
    change(raw)
    (directory / MANIFEST).write_bytes(msgspec.json.encode(raw))


def test_every_slot_has_its_figures(page: Page, outcome: Outcome) -> None:
    """All that the manifest measured is there: slots, methods, four digits of every metric."""
    for slot, methods in outcome.manifest.metrics.items():
        assert names.slot(slot) in page.text
        for method, values in methods.items():
            assert names.method(method) in page.text
            for metric, value in values.items():
                if "@" in metric:
                    assert f"{value:.4f}" in page.text, (slot, method, metric)


def test_leads_come_with_verdicts(page: Page, outcome: Outcome) -> None:
    """Each slot's lead with its interval, and what may be said of it."""
    for methods in outcome.manifest.metrics.values():
        lead, low, high = (methods["endcap"][name] for name in ("lead", "lead_low", "lead_high"))
        verdict = "ahead" if low > 0 else "behind" if high < 0 else "too close to call"
        assert re.search(rf"{verdict} NDCG@10 {re.escape(f'{lead:+.4f}')} on ", page.text)
        assert f"({low:+.4f} to {high:+.4f})" in page.text


def test_calibration_is_drawn_and_told(page: Page, outcome: Outcome) -> None:
    """A picture with words per measured slot, a row per bin, and a warning that scores are no probabilities."""
    assert set(outcome.manifest.calibration) == {"bought_together", "cart_complements", "for_you", "buy_again"}
    pictures = [svg for svg in page.all("svg") if svg.get("role") == "img"]
    assert len(pictures) == 4
    for slot, one in outcome.manifest.calibration.items():
        assert any((svg["aria-label"] or "").startswith(f"{names.slot(slot)}: share bought") for svg in pictures)
        for each in one.bins:
            assert f"{each.low:.3f} to {each.high:.3f}" in page.text
    assert "never as a probability" in page.text


def test_features_and_readiness_are_told(page: Page, outcome: Outcome) -> None:
    """Every feature is named, drawn or among the small ones, and every slot's sentence is there."""
    for name in outcome.manifest.feature_names:
        assert name in page.text
    for sentence in outcome.manifest.readiness.values():
        assert " ".join(sentence.split()) in page.text


def test_shelves_have_product_names(page: Page, outcome: Outcome, shop_dir: Dataset) -> None:
    """Each example's products by title, with reasons; no product is only an id."""
    titles = {product.id: product.title for product in shop_dir.catalogue()}
    examples = showcase.read(outcome.directory).examples
    assert examples
    for one in examples:
        for shown in one.shelf:
            assert titles[shown.id] in page.text
    assert "bought before" in page.text
    assert "✓ bought" in page.text


def test_no_shopper_is_on_the_page(html: str, shop_dir: Dataset) -> None:
    """Examples come from real orders, but nobody's id is there."""
    shoppers = [shopper for _, shopper, _ in shop_dir.replay()]
    assert shoppers
    assert not [shopper for shopper in shoppers if shopper in html]


def test_the_page_needs_nothing_else(page: Page) -> None:
    """No scripts, images, frames or style sheets from elsewhere; links lead to places on the page only."""
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "use", "image"}
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "data", "action", "xlink:href"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
        if "href" in attributes:
            assert (attributes["href"] or "").startswith("#")
            assert (attributes["href"] or "")[1:] in ids
    assert not re.search(r"url\(|@import|https?:|//", page.css)
    policy = [meta["content"] or "" for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy[0].startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_all_elements_are_closed(page: Page) -> None:
    """Well-formed: what begins ends."""
    assert page.open == []


def test_light_dark_phone_and_paper(page: Page) -> None:
    """The style sheet knows of all four, and the width is the device's."""
    for query in ("prefers-color-scheme: dark", "max-width: 40rem", "@media print", "color-scheme: light dark"):
        assert query in page.css
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")


def test_tables_and_pictures_speak_for_themselves(page: Page) -> None:
    """Headers have a scope, wide tables can be reached by keyboard, each picture has words or says it is decoration."""
    assert page.all("th")
    assert all(head.get("scope") in ("col", "row") for head in page.all("th"))
    for svg in page.all("svg"):
        assert svg.get("aria-hidden") == "true" or (svg.get("role") == "img" and svg.get("aria-label"))
    scrolls = [box for box in page.all("div") if box.get("class") == "scroll"]
    assert len(scrolls) == len(page.all("table"))
    assert all(box.get("tabindex") == "0" and box.get("role") == "region" and box.get("aria-label") for box in scrolls)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_hostile_titles_are_text(outcome: Outcome, shop_dir: Dataset, tmp_path: Path) -> None:
    """A product called `<script>` is shown as that, and runs nothing; nor is it read as a template."""
    path = tmp_path / "hostile.cat"
    hostile = (msgspec.structs.replace(product, title=HOSTILE, category=HOSTILE) for product in shop_dir.catalogue())
    write_snapshot(path, hostile)
    html = render(outcome.directory, path)
    page = Page(html)
    assert not page.all("script")
    assert not page.all("img")
    assert "<script" not in html.lower()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7 * 7 }}" in page.text
    assert page.open == []


def test_hostile_manifests_are_text(copied: Path, catalogue: Path) -> None:
    """Nor do names of slots, methods, metrics, features and facts become elements or attributes."""

    def change(raw: dict[str, object]) -> None:
        raw["metrics"] = {HOSTILE: {HOSTILE: {f"{HOSTILE}@10": 0.5}, "endcap": {f"{HOSTILE}@10": 0.5}}}
        raw["data"] = {f"gain:{HOSTILE}": 0.5, HOSTILE: HOSTILE}
        raw["readiness"] = {HOSTILE: HOSTILE}
        raw["created"] = HOSTILE
        raw["calibration"] = {HOSTILE: {"bins": [{"rows": 1, "low": 0, "high": 1, "score": 0.5, "bought": 1}]}}

    rewrite(copied, change)
    page = Page(render(copied, catalogue))
    assert not page.all("script")
    assert not page.all("img")
    assert page.open == []
    assert page.text.count("{{ 7 * 7 }}") >= 6


def test_a_bundle_of_before_can_be_shown(copied: Path, catalogue: Path) -> None:
    """Without calibration, examples and intervals the page says what is missing, and shows the rest."""

    def change(raw: dict[str, object]) -> None:
        files = raw["files"]
        assert isinstance(files, dict)
        del raw["calibration"], files[showcase.FILE]

    rewrite(copied, change)
    (copied / showcase.FILE).unlink()
    text = Page(render(copied, catalogue)).text
    assert "made before calibration was measured" in text
    assert "made before examples were kept" in text
    assert "There is no older bundle of this shop" in text


def test_a_shop_without_figures_can_be_shown(copied: Path, catalogue: Path) -> None:
    """Nothing measured, nothing learned: sentences instead of empty tables."""

    def change(raw: dict[str, object]) -> None:
        raw["metrics"], raw["calibration"], raw["data"] = {}, {}, {}

    rewrite(copied, change)
    page = Page(render(copied, catalogue))
    assert "no order in the last weeks to measure on" in page.text
    assert "nothing was learned, so the order of retrieval stands" in page.text
    assert page.open == []


def test_without_a_catalogue_ids_are_shown(outcome: Outcome, tmp_path: Path) -> None:
    """The page is made all the same and says why there are no names."""
    text = Page(render(outcome.directory, tmp_path / "none.cat")).text
    assert "Without names: no catalogue snapshot at" in text
    assert f"product {showcase.read(outcome.directory).examples[0].shelf[0].id}" in text


def test_intervals_and_reach_are_shown_where_measured(copied: Path, catalogue: Path) -> None:
    """Ranges beside the figures, whiskers in the drawing, a table for coverage and one for popularity."""

    def change(raw: dict[str, object]) -> None:
        ours = {"ndcg@10": 0.2, "ndcg@10_low": 0.1875, "ndcg@10_high": 0.2125, "coverage@10": 0.0625}
        ours |= {"lead": 0.05, "lead_low": 0.03, "lead_high": 0.07, "queries": 10.0}
        theirs = {"ndcg@10": 0.15, "ndcg@10_low": 0.14, "ndcg@10_high": 0.16, "popularity@10": 0.4321, "queries": 10.0}
        raw["metrics"] = {"for_you": {"endcap": ours, "tifu_knn": theirs}}

    rewrite(copied, change)
    page = Page(render(copied, catalogue))
    for piece in ("0.1875 to 0.2125", "Coverage@10", "0.0625", "Popularity@10", "0.4321", "intervals do not touch"):
        assert piece in page.text
    assert len([line for line in page.all("line") if line.get("class") == "whisker"]) == 2


def test_the_bundle_before_is_compared(copied: Path, catalogue: Path) -> None:
    """The newest older bundle beside it, found by itself; or the one that is named."""
    newer = copied.with_name("20991231T000000Z-0000")
    shutil.copytree(copied, newer)

    def change(raw: dict[str, object]) -> None:
        raw["version"] = newer.name
        metrics = raw["metrics"]
        assert isinstance(metrics, dict)
        metrics["for_you"]["endcap"]["ndcg@10"] += 0.0125

    rewrite(newer, change)
    before = read_manifest(copied)
    for text in (Page(render(newer, catalogue)).text, Page(render(newer, catalogue, copied)).text):
        assert f"Compared with {before.version}" in text
        assert f"was {before.metrics['for_you']['endcap']['ndcg@10']:.4f}" in text
        assert "+0.0125" in text
        assert "The same data set, weeks and numbers of queries" in text
        assert "Nothing: the same data, sizes and code" in text


def test_damage_is_refused(copied: Path, catalogue: Path, outcome: Outcome) -> None:
    """A report vouches for whole files: neither the bundle nor the one compared with may be damaged."""
    with (copied / "ranker.onnx").open("r+b") as file:
        file.write(b"\0")
    with pytest.raises(BundleError, match=r"ranker\.onnx is damaged"):
        render(copied, catalogue)
    with pytest.raises(BundleError, match=r"ranker\.onnx is damaged"):
        render(outcome.directory, catalogue, copied)


def test_a_page_replaces_an_older_one(tmp_path: Path) -> None:
    """Written whole into directories that need not exist; the size is in bytes, not characters."""
    out = tmp_path / "new" / "page.html"
    assert write("alt", out) == 3
    assert write("ä", out) == 2
    assert out.read_text("utf-8") == "ä"
    assert list(out.parent.iterdir()) == [out]


def test_a_page_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A directory in its place, or a file where its directory should be: what to do is in the message."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(ReportError, match="it is a directory; name a file"):
        write("x", tmp_path)
    with pytest.raises(ReportError, match="name another file with --out"):
        write("x", tmp_path / "file" / "page.html")
