"""What a run and a bundle have to say: for people as tables, for documents as Markdown.

In: manifests and outcomes. Out: rich tables and Markdown text.
"""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table

from edge.core.bundle import Manifest, read_arrays, read_live, read_manifest, verify_files
from edge.core.index import Index
from training.metrics import BASELINES, Metrics

METRICS = ("hit_rate@10", "recall@10", "recall@20", "ndcg@10", "ndcg@20", "mrr@10", "mrr@20")
EXPOSURE = ("coverage@10", "percentile@10", "sold_share@10")
METHODS = {
    "endcap": "Endcap",
    "retrieval_order": "  retrieval order alone",
    "popularity": "global popularity",
    "own_frequency": "own most frequent",
    "item_cosine": "item-item cosine",
    "als": "ALS",
    "bpr": "BPR",
    "tifu_knn": "TIFU-KNN",
}
SLOTS = {
    "bought_together": "bought_together",
    "cart_complements": "cart_complements",
    "for_you": "for_you",
    "for_you_repeat": "for_you, repeat",
    "for_you_novel": "for_you, novel",
    "buy_again": "buy_again",
}
_INTERVAL = "ndcg@10"  # the rate shown with its interval; the manifest holds those of all
_LEADS = {"lead": "ndcg@10", "lead:recall@10": "recall@10", "lead:mrr@20": "mrr@20"}


def evaluation_rows(metrics: Metrics) -> Iterator[tuple[str, str, int, list[str]]]:
    """Slot, method, queries, and each metric as text; the best baseline of a metric is marked with *."""
    for slot, title in SLOTS.items():
        methods = metrics.get(slot, {})
        for method, name in METHODS.items():
            if method not in methods:
                continue
            values = methods[method]
            yield title, name, int(values["queries"]), [_marked(methods, method, metric) for metric in METRICS]


def _marked(methods: dict[str, dict[str, float]], method: str, metric: str) -> str:
    values = methods[method]
    best = methods[best_baseline(methods, metric)][metric]
    text = f"{values[metric]:.4f}" + ("*" if method in BASELINES and values[metric] == best else "")
    return f"{text} ({values[f'{metric}_low']:.4f} to {values[f'{metric}_high']:.4f})" if metric == _INTERVAL else text


def best_baseline(methods: dict[str, dict[str, float]], metric: str) -> str:
    """The baseline with the largest value of a metric."""
    return max((methods[name][metric], name) for name in BASELINES if name in methods)[1]


def evaluation_table(metrics: Metrics) -> Table:
    """The evaluation for a terminal."""
    table = Table(title="orders of weeks never learned from, means over shoppers; * best baseline")
    for name in ("shelf", "method", *METRICS):
        table.add_column(name, no_wrap=name != "method")
    last = ""
    for slot, method, _, values in evaluation_rows(metrics):
        if last and slot != last:
            table.add_section()
        table.add_row(slot if slot != last else "", method, *values)
        last = slot
    return table


def evaluation_markdown(metrics: Metrics) -> str:
    """The evaluation as Markdown: rates, leads, and what is shown of the catalogue."""
    header = [f"| shelf | queries | method | {' | '.join(METRICS)} |", "|---|--:|---|" + "--:|" * len(METRICS)]
    rows = [
        f"| {slot} | {queries:,} | {method.strip()} | {' | '.join(values)} |"
        for slot, method, queries, values in evaluation_rows(metrics)
    ]
    leads = [f"- {line}" for line in lead_lines(metrics)]
    return "\n".join([*header, *rows, "", *leads, "", *_exposure_markdown(metrics)]) + "\n"


def exposure_rows(metrics: Metrics) -> Iterator[tuple[str, str, list[str]]]:
    """Slot, method and what its first ten places show; the last line of a slot is what was bought."""
    for slot, title in SLOTS.items():
        methods = metrics.get(slot, {})
        for method, name in (METHODS | {"bought": "what was bought"}).items():
            if method in methods:
                yield title, name, [f"{methods[method][value]:.4f}" for value in EXPOSURE]


def _exposure_markdown(metrics: Metrics) -> Iterator[str]:
    yield f"| shelf | method | {' | '.join(EXPOSURE)} |"
    yield "|---|---|" + "--:|" * len(EXPOSURE)
    for slot, method, values in exposure_rows(metrics):
        yield f"| {slot} | {method.strip()} | {' | '.join(values)} |"


def lead_lines(metrics: Metrics) -> Iterator[str]:
    """How far the ranker is ahead of each shelf's best baseline, how sure that is, and if their intervals touch."""
    for slot, title in SLOTS.items():
        methods = metrics.get(slot, {})
        if "endcap" in methods:
            for lead, rate in _LEADS.items():
                yield f"{title}: {_lead(methods, lead, rate)}"


def _lead(methods: dict[str, dict[str, float]], lead: str, rate: str) -> str:
    ours, best = methods["endcap"], best_baseline(methods, rate)
    low, high = ours[f"{lead}_low"], ours[f"{lead}_high"]
    verdict = "ahead" if low > 0 else "behind" if high < 0 else "too close to call"
    apart = ours[f"{rate}_low"] > max(methods[name][f"{rate}_high"] for name in BASELINES if name in methods)
    if low > 0:
        verdict += ", the intervals of both apart" if apart else ", though the intervals of both touch"
    return f"{rate} {ours[lead]:+.4f} on {METHODS[best]} ({low:+.4f} to {high:+.4f}), {verdict}"


def readiness_lines(manifest: Manifest) -> list[str]:
    """One line per slot."""
    return [f"{slot}: {sentence}" for slot, sentence in manifest.readiness.items()]


def find_bundle(name: str, bundles: Path, shop: str) -> Path:
    """The directory of a bundle given as path, version or `live`. Raises BundleError when nothing is live."""
    if name == "live":
        name = read_live(bundles, shop).live
    return Path(name) if Path(name).is_dir() else bundles / shop / name


def inspect(directory: Path) -> RenderableType:
    """Everything a bundle says of itself, its files verified. Raises BundleError when it is damaged."""
    manifest = read_manifest(directory)
    verify_files(directory, manifest)
    index = Index.from_arrays(read_arrays(directory))
    about = Table(show_header=False, title=f"bundle {manifest.version} of shop {manifest.shop!r}")
    for name, value in _about(manifest, index):
        about.add_row(name, value)
    return Group(about, _features(manifest), _sizes(directory), evaluation_table(manifest.metrics), _ready(manifest))


def _about(manifest: Manifest, index: Index) -> Iterator[tuple[str, str]]:
    yield "created", manifest.created
    yield "files", f"{len(manifest.files)}, all checksums as written"
    yield "ONNX", ", ".join(f"{name} {version}" for name, version in manifest.onnx.items())
    yield "golden rows", f"{len(manifest.golden.rows)}, tolerance {manifest.golden.tolerance:.0e}"
    yield "products", f"{len(index.ids):,} in {len(index.category_paths):,} categories"
    yield "pairs beyond chance", f"{len(index.pair_items):,}"
    for name, number in manifest.data.items():
        if not name.startswith("gain:"):
            yield name.replace("_", " "), f"{number:,}" if isinstance(number, int) else str(number)


def _features(manifest: Manifest) -> Table:
    table = Table("feature", "share of gain", title="what the forest looks at")
    for name in sorted(manifest.feature_names, key=lambda name: -float(manifest.data.get(f"gain:{name}", 0))):
        table.add_row(name, f"{float(manifest.data.get(f'gain:{name}', 0)):.1%}")
    return table


def _sizes(directory: Path) -> Table:
    table = Table("file", "KiB", title="sizes")
    for path in sorted(directory.rglob("*"), key=lambda path: -path.stat().st_size):
        if path.is_file():
            table.add_row(str(path.relative_to(directory)), f"{path.stat().st_size / 1024:,.0f}")
    return table


def _ready(manifest: Manifest) -> Table:
    table = Table("shelf", "readiness", title="what will answer")
    for slot, sentence in manifest.readiness.items():
        table.add_row(slot, sentence)
    return table


def show(console: Console, manifest: Manifest) -> None:
    """The end of a run: evaluation, then a readiness line per slot."""
    console.print(evaluation_table(manifest.metrics) if manifest.metrics else "no order of the last days to measure on")
    for line in (*lead_lines(manifest.metrics), *readiness_lines(manifest)):
        console.print(line, highlight=False, soft_wrap=True)
