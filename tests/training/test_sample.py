"""The made-up shop: same arguments, same bytes, and structure a model can find."""

import csv
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from training.dataset import Dataset, prepare
from training.sample import generate

ENDS = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop as it comes, written once for all tests here."""
    return generate(tmp_path_factory.mktemp("sample"), ends=ENDS)


@pytest.fixture(scope="module")
def data(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The shop as a data set."""
    return prepare(shop, tmp_path_factory.mktemp("prepared") / "out", now=NOW)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def purchases(shop: Path) -> dict[str, list[dict[str, str]]]:
    """The lines of each purchase."""
    found: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows(shop / "events.csv"):
        if row["type"] == "purchase-complete":
            found[row["event_id"]].append(row)
    return found


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    """And another seed gives another shop."""
    one, same, other = (
        generate(tmp_path / str(number), shoppers=20, products=24, weeks=4, seed=seed, ends=ENDS)
        for number, seed in enumerate([1, 1, 2])
    )
    for name in ("events.csv", "products.csv"):
        assert (one / name).read_bytes() == (same / name).read_bytes()
    assert (one / "events.csv").read_bytes() != (other / "events.csv").read_bytes()


def test_every_row_passes_the_import(data: Dataset) -> None:
    """The living example of the format must be a good one."""
    assert data.summary.rejected == {}
    assert data.summary.ignored_columns == {}
    assert data.summary.products == 120
    assert 200 <= data.summary.shoppers <= 400  # customers, and the visits before they log in


def test_the_history_ends_just_before_the_day_asked_for(data: Dataset) -> None:
    """Twenty weeks, none of them in the future."""
    end = datetime(2026, 6, 1, tzinfo=UTC)
    assert end - timedelta(days=2) < data.summary.last < end
    assert timedelta(weeks=19) < data.summary.last - data.summary.first <= timedelta(weeks=20)


def test_by_default_the_history_ends_today(tmp_path: Path) -> None:
    """So that recency means something in a demo."""
    generate(tmp_path, shoppers=10, products=12, weeks=2)
    last = max(row["time"] for row in rows(tmp_path / "events.csv"))
    assert last < f"{datetime.now(UTC):%Y-%m-%d}T24"
    assert last > f"{datetime.now(UTC) - timedelta(days=7):%Y-%m-%d}"


def test_consent_differs_between_shoppers(data: Dataset) -> None:
    """Some agree to everything, some to less, some to nothing."""
    allowed = data.summary.lines_by_consent
    assert 0 < allowed["marketing"] < allowed["analytics"] < allowed["personalization"] < data.summary.lines


def test_products_are_looked_at_before_they_are_bought(shop: Path) -> None:
    """Within a visit each bought product was viewed and put into the cart first."""
    steps: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows(shop / "events.csv"):
        if row["product_id"]:
            steps[row["session_id"], row["product_id"]].append(row["type"])
    bought = [kinds for kinds in steps.values() if "purchase-complete" in kinds]
    assert bought
    assert all(kinds == ["detail-page-view", "add-to-cart", "purchase-complete"] for kinds in bought)
    assert len(bought) < len(steps)  # many are only looked at


def test_staples_are_bought_again(shop: Path) -> None:
    """The history of a shopper holds repeats, far more than chance would give among 120 products."""
    times: Counter[tuple[str, str]] = Counter(
        (lines[0]["customer_id"], line["product_id"]) for lines in purchases(shop).values() for line in lines
    )
    assert sum(count >= 4 for count in times.values()) > 200


def test_partners_are_bought_together(shop: Path) -> None:
    """A product's partner lies in the same basket far more often than any other product."""
    with_first: Counter[str] = Counter()
    for lines in purchases(shop).values():
        basket = {line["product_id"] for line in lines}
        for product_id in basket:
            number = int(product_id[1:]) - 1
            partner = f"p{(number + 1 if number % 2 == 0 else number - 1) + 1:03d}"
            with_first["together" if partner in basket else "alone"] += 1
    assert with_first["together"] / with_first.total() > 0.3


def test_one_product_rises_in_the_last_weeks(shop: Path) -> None:
    """Its share of all views in the last three weeks is many times what it was before."""
    recent, before = Counter[str](), Counter[str]()
    for row in rows(shop / "events.csv"):
        if row["type"] == "detail-page-view":
            (recent if row["time"] >= "2026-05-12" else before)[row["product_id"]] += 1
    rise = {
        product_id: (count / recent.total()) / ((before[product_id] + 1) / before.total())
        for product_id, count in recent.items()
        if count > 50
    }
    strongest = sorted(rise.values())[-2:]
    assert strongest[1] > 3
    assert strongest[1] > 1.5 * strongest[0]


def test_shoppers_have_tastes(data: Dataset) -> None:
    """A shopper's favourite category takes a far larger part than the twelfth that chance would give it."""
    category = {card.id: card.category for card in data.catalogue()}
    shares = []
    for _, _, events in data.replay():
        viewed = Counter(category[line.product_id] for one in events for line in one.products)
        if viewed.total() >= 40:
            shares.append(viewed.most_common(1)[0][1] / viewed.total())
    assert len(shares) > 50
    assert sum(shares) / len(shares) > 0.3


def test_the_catalogue_has_offers_and_gaps(data: Dataset) -> None:
    """Some products are on offer, some not available, and no two titles are the same."""
    cards = list(data.catalogue())
    assert len({card.title for card in cards}) == len({card.handle for card in cards}) == 120
    assert 0 < sum(card.compare_at_price is not None for card in cards) < 60
    assert 0 < sum(not card.available for card in cards) < 10
    assert all(card.price > 0 for card in cards)


@pytest.mark.parametrize("products", [12, 13, 700])
def test_shops_of_any_size_hold_together(tmp_path: Path, products: int) -> None:
    """Fewer products than shelves times kinds, an odd number, or more than names: all are good shops."""
    generate(tmp_path / "plain", shoppers=8, products=products, weeks=3, ends=ENDS)
    data = prepare(tmp_path / "plain", tmp_path / "out", now=NOW)
    assert data.summary.rejected == {}
    assert len({card.title for card in data.catalogue()}) == products


@pytest.mark.parametrize("arguments", [{"products": 11}, {"shoppers": 0}, {"weeks": 0}])
def test_a_shop_too_small_is_refused(tmp_path: Path, arguments: dict[str, Any]) -> None:
    """With the numbers that would do."""
    with pytest.raises(ValueError, match="at least 12 products, a shopper and a week"):
        generate(tmp_path, **arguments)
