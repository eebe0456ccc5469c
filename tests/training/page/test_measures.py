"""Tables of figures: whatever a manifest measured, with its intervals."""

import pytest

from training.page.measures import Cell, accuracies, breadths, slot_tables

OURS = {
    "ndcg@10": 0.2,
    "ndcg@10_low": 0.18,
    "ndcg@10_high": 0.25,
    "recall@10": 0.3,
    "queries": 1200.0,
    "shoppers": 700.0,
}
LEAD = {"lead": 0.05, "lead_low": 0.02, "lead_high": 0.08}
OWN = {"ndcg@10": 0.15, "ndcg@10_low": 0.13, "ndcg@10_high": 0.17, "recall@10": 0.2, "queries": 1200.0}
ALS = {"ndcg@10": 0.1, "recall@10": 0.25, "queries": 1200.0}


def test_a_table_has_every_method_and_metric() -> None:
    """The leading metric first, ours above, unknown methods below; counts told once."""
    (table,) = slot_tables({"for_you": {"als": ALS, "own_frequency": OWN, "endcap": OURS | LEAD}})
    assert table.title == "For you"
    assert table.metrics == ["NDCG@10", "Recall@10"]
    assert [(row.name, row.kind) for row in table.rows] == [
        ("Endcap", "ours"),
        ("own most frequent", "baseline"),
        ("ALS", "baseline"),
    ]
    assert table.rows[0].cells == [Cell(0.2, 0.18, 0.25), Cell(0.3, None, None)]


def test_counts_are_told_of_any_name() -> None:
    """Queries, shoppers and whatever else has no @; the lead is no count."""
    (table,) = slot_tables({"for_you": {"endcap": OURS | LEAD}})
    assert table.counts == "1,200 queries, 700 shoppers"


def test_the_best_baseline_of_each_metric_is_marked() -> None:
    """By metric, never ours nor our retrieval order."""
    order = {"ndcg@10": 0.19, "recall@10": 0.29}
    (table,) = slot_tables({"x": {"endcap": OURS, "retrieval_order": order, "own_frequency": OWN, "als": ALS}})
    marked = {row.name: [cell.best for cell in row.cells if cell] for row in table.rows}
    assert marked == {
        "Endcap": [False, False],
        "retrieval order alone": [False, False],
        "own most frequent": [True, False],
        "ALS": [False, True],
    }


def test_bars_share_one_scale() -> None:
    """The highest end of an interval is the full width: 0.25; 0.2 stands at 80 %, 0.1 at 40 %."""
    (table,) = slot_tables({"x": {"endcap": OURS, "als": ALS}})
    ours, als = (row.bar for row in table.rows)
    assert ours is not None
    assert (ours.at, ours.low, ours.high) == pytest.approx((80, 72, 100))
    assert als is not None
    assert als.at == pytest.approx(40)
    assert als.low is als.high is None


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.02, 0.08, "ahead"), (-0.02, 0.08, "too close to call"), (-0.08, -0.02, "behind")]
)
def test_the_verdict_is_that_of_the_interval(low: float, high: float, verdict: str) -> None:
    """Not of the mean."""
    lead = {"lead": 0.05, "lead_low": low, "lead_high": high}
    (table,) = slot_tables({"x": {"endcap": OURS | lead, "own_frequency": OWN, "als": ALS}})
    assert table.lead is not None
    assert (table.lead.verdict, table.lead.against) == (verdict, "own most frequent")


@pytest.mark.parametrize(("high", "apart"), [(0.17, True), (0.19, False), (None, None)])
def test_intervals_touch_or_not_or_are_unknown(high: float | None, apart: bool | None) -> None:
    """Ours begins at 0.18."""
    theirs = {"ndcg@10": 0.15} | ({} if high is None else {"ndcg@10_low": 0.1, "ndcg@10_high": high})
    (table,) = slot_tables({"x": {"endcap": OURS | LEAD, "als": theirs}})
    assert table.lead is not None
    assert table.lead.apart is apart


def test_a_slot_without_lead_or_baseline_has_no_verdict() -> None:
    """Nothing is claimed that was not measured."""
    assert all(
        table.lead is None
        for table in slot_tables(
            {"x": {"endcap": OURS}, "y": {"endcap": OURS, "als": ALS}, "z": {"endcap": OURS | LEAD}}
        )
    )


def test_a_method_may_lack_a_metric() -> None:
    """Its cell stays empty, and its bar if it is the one drawn."""
    (table,) = slot_tables({"x": {"endcap": OURS, "als": {"recall@10": 0.1}}})
    assert table.rows[1].cells == [None, Cell(0.1, None, None, best=True)]
    assert table.rows[1].bar is None


def test_other_metrics_draw_the_first() -> None:
    """A slot measured by hit rate alone is drawn by hit rate."""
    (table,) = slot_tables({"next_view": {"endcap": {"hr@20": 57.0, "mrr@20": 21.0}, "knn": {"hr@20": 51.0}}})
    assert table.drawn == "HR@20"
    assert table.rows[0].bar is not None
    assert table.rows[0].bar.at == 100


def test_figures_of_zero_are_drawn_at_zero() -> None:
    """No division by the largest where that is nothing."""
    (table,) = slot_tables({"x": {"endcap": {"ndcg@10": 0.0}}})
    assert table.rows[0].bar is not None
    assert table.rows[0].bar.at == 0


def test_ends_of_intervals_are_no_metrics() -> None:
    """Nor are counts, leads, coverage and popularity; a metric that only ends in _low is one."""
    values = OURS | LEAD | {"coverage@10": 0.1, "popularity@10": 0.2, "price@10_low": 3.0}
    assert accuracies({"endcap": values}) == ["ndcg@10", "recall@10", "price@10_low"]


def test_reach_is_a_table_per_figure() -> None:
    """Slots by methods; a slot or method without it has no line, a gap stays open."""
    both = {"coverage@10": 0.1, "coverage@10_low": 0.05, "coverage@10_high": 0.2, "popularity@10": 5.0}
    (coverage, popularity) = breadths(
        {"buy_again": {"endcap": both}, "bought_together": {"als": {"coverage@10": 0.3}}, "x": {"endcap": OURS}}
    )
    assert (coverage.title, popularity.title) == ("Coverage@10", "Popularity@10")
    assert coverage.methods == ["Endcap", "ALS"]
    assert coverage.rows == [
        ("Bought together", [None, Cell(0.3, None, None)]),
        ("Buy again", [Cell(0.1, 0.05, 0.2), None]),
    ]
    assert popularity.rows == [("Buy again", [Cell(5.0, None, None)])]


def test_nothing_measured_is_no_table() -> None:
    """Neither of figures nor of reach."""
    assert slot_tables({}) == slot_tables({"x": {}}) == []
    assert breadths({}) == breadths({"x": {"endcap": OURS}}) == []


def test_leads_by_other_metrics_are_told() -> None:
    """`lead:<metric>` is against the best baseline of that metric, and is itself no metric."""
    more = {"lead:recall@10": 0.05, "lead:recall@10_low": -0.01, "lead:recall@10_high": 0.11}
    (table,) = slot_tables({"x": {"endcap": OURS | LEAD | more, "own_frequency": OWN, "als": ALS}})
    assert table.metrics == ["NDCG@10", "Recall@10"]
    (lead,) = table.other_leads
    assert (lead.metric, lead.value, lead.verdict, lead.against) == ("Recall@10", 0.05, "too close to call", "ALS")


def test_what_was_bought_is_no_method() -> None:
    """It has reach, and no line among the figures."""
    bought = {"coverage@10": 0.1, "percentile@10": 0.9, "sold_share@10": 0.01, "queries": 10.0}
    metrics = {"x": {"endcap": OURS | {"percentile@10": 0.95}, "bought": bought}}
    (table,) = slot_tables(metrics)
    assert [row.name for row in table.rows] == ["Endcap"]
    coverage, *_ = breadths({"x": {"bought": bought}})
    assert coverage.methods == ["what was bought"]
    assert coverage.about.startswith("The share of the catalogue")
    titles = [breadth.title for breadth in breadths(metrics)]
    assert titles == ["Percentile@10", "Coverage@10", "Sold share@10"]


def test_of_equal_baselines_one_is_best() -> None:
    """The same one that the run chooses for its lead: the last by name."""
    (table,) = slot_tables({"x": {"endcap": OURS | LEAD, "popularity": ALS, "own_frequency": ALS}})
    assert table.lead is not None
    assert table.lead.against == "global popularity"
