"""`python -m loadtests`: a load run with a verdict, and shelves to read. Exit status: 0 passed, 1 failed, 2 usage."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from loadtests.ask import Asker, HostError, check_host
from loadtests.budget import BudgetError
from loadtests.discover import discover
from loadtests.live import freshness
from loadtests.live.admin import Admin
from loadtests.live.clock import SimulatedClock
from loadtests.live.replay import read as read_replay
from loadtests.live.servers import playing
from loadtests.live.simulate import Plan, save, simulate
from loadtests.live.weekly import leads
from loadtests.measure import percentile
from loadtests.run import DURATIONS_S, Options, Shape, leave
from loadtests.run import run as make_run
from loadtests.server import RunError
from loadtests.shelves import Wanted, show_shelves
from loadtests.traffic import parse_customers

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
_OWNED_HELP = "the machine at --host, and the network to it, are yours to load"
_DURATION_HELP = "seconds that are measured; default: steady 60, spike 50, soak 600"
_SHAPE_HELP = "steady; spike: to three times the knee and back; soak: ten minutes, with a look at memory"
_NETWORK_HELP = "40 ms of round trip between shoppers and server, 2 ms between server and store"
_WORKERS_HELP = "processes of the server; default 2, or 1 on a core of its own for --shape and --network"
_OURS = {"ENDCAP_DATA_DIR", "ENDCAP_CLOCK_FILE", "ENDCAP_PORT"}  # of a simulation's servers: not to be inherited
_BAD_USAGE = 2


@app.command()
def run(
    rate: Annotated[float, typer.Option(min=0.1, help="requests per second to ask for; in a spike at most")] = 300.0,
    duration: Annotated[float | None, typer.Option(min=1, help=_DURATION_HELP)] = None,
    shape: Annotated[Shape, typer.Option(help=_SHAPE_HELP)] = "steady",
    knee: Annotated[float | None, typer.Option(min=1, help="of the server, in requests/s; default: found out")] = None,
    network: Annotated[bool, typer.Option("--network", help=_NETWORK_HELP)] = False,
    users: Annotated[int | None, typer.Option(min=1, help="shoppers at a time; default: a fifth of the rate")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help=_WORKERS_HELP)] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="of the server; default: a free one")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="the server's data; default ENDCAP_DATA_DIR, else data")] = None,
    host: Annotated[str | None, typer.Option(help="load this address instead of starting a server")] = None,
    i_own_this_host: Annotated[bool, typer.Option("--i-own-this-host", help=_OWNED_HELP)] = False,
    fault: Annotated[Literal["redis"] | None, typer.Option(help="kill and restore the store meanwhile")] = None,
    customers: Annotated[str, typer.Option(help="customer ids, such as 1-2500 or 7,12,c-:001-200")] = "1-2500",
    seed: Annotated[int, typer.Option(help="of shoppers, products and moments")] = 1,
    report_dir: Annotated[Path, typer.Option(help="where load.html, load.json and the logs go")] = Path("reports"),
) -> None:
    """Load a shop's server with realistic shoppers and judge it by loadtests/budget.toml."""
    options = Options(
        rate=rate,
        duration_s=duration or DURATIONS_S[shape],
        users=users,
        workers=workers,
        port=port,
        data_dir=data_dir or Path(os.environ.get("ENDCAP_DATA_DIR", "data")),
        host=check_host(host, owned=i_own_this_host) if host else None,
        fault=fault is not None,
        customers=parse_customers(customers),
        seed=seed,
        report_dir=report_dir,
        shape=shape,
        knee=knee,
        network=network,
    )
    if make_run(options, Console()):
        raise typer.Exit(1)


@app.command()
def shelves(
    customer: Annotated[list[str], typer.Option(help="whose shelves; may be repeated")],
    host: Annotated[str, typer.Option(help="the server's address")] = "http://127.0.0.1:8000",
    i_own_this_host: Annotated[bool, typer.Option("--i-own-this-host", help=_OWNED_HELP)] = False,
    product: Annotated[str | None, typer.Option(help="of the product page; default: from the homepage")] = None,
    cart: Annotated[str | None, typer.Option(help="product ids, comma-separated; default: from the homepage")] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="products on a shelf")] = 6,
    baskets: Annotated[
        Path | None, typer.Option(help="lines.parquet of a prepared data set: also print the last three baskets")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="fail unless every answer is whole and personal")] = False,
) -> None:
    """Print a customer's shelves on the homepage, a product page and the cart, as a shopper would see them."""
    wanted = Wanted(tuple(customer), product, tuple(filter(None, (cart or "").split(","))), limit, baskets)
    lacking = show_shelves(check_host(host, owned=i_own_this_host), wanted, Console())
    if check and lacking:
        raise typer.Exit(1)


@app.command("freshness")
def freshness_command(
    host: Annotated[str, typer.Option(help="the server's address")] = "http://127.0.0.1:8000",
    i_own_this_host: Annotated[bool, typer.Option("--i-own-this-host", help=_OWNED_HELP)] = False,
    probes: Annotated[int, typer.Option(min=1, help="events that are watched")] = 300,
    pages: Annotated[float, typer.Option(min=0, help="product pages per second meanwhile")] = 50.0,
    events: Annotated[float, typer.Option(min=0, help="other events per second meanwhile")] = 200.0,
    within_ms: Annotated[float, typer.Option(min=1, help="p99 that must be kept")] = 1_000.0,
) -> None:
    """Measure how long an event takes to change an answer under load; `python -m backend` must be running."""
    url = check_host(host, owned=i_own_this_host)
    with Asker(url) as asker:
        products = discover(asker, (), most=200).popular
    fresh = freshness.measure(url, products, probes=probes, pages_s=pages, events_s=events)
    Console().print(str(fresh), soft_wrap=True, highlight=False)
    if fresh.visit_missed or percentile(fresh.profile_ms, 0.99) > within_ms:
        raise typer.Exit(1)


@app.command("simulate")
def simulate_command(
    replay: Annotated[Path, typer.Argument(help="the weeks to live: replay.jsonl.gz of `python -m training holdout`")],
    data_dir: Annotated[Path, typer.Option(help="the live shop's data: trained on what came before")],
    frozen_dir: Annotated[Path, typer.Option(help="a copy of them, which stays as it is")],
    ask: Annotated[int, typer.Option(min=1, help="orders a day before which all servers are asked")] = 60,
    retrain_wait_s: Annotated[float, typer.Option(min=1, help="how long a week's end waits for a new model")] = 900.0,
    seed: Annotated[int, typer.Option(help="of the orders asked about, the baskets' halves, the trouble made")] = 1,
    report_dir: Annotated[Path, typer.Option(help="where loop.json, loop.svg and the logs go")] = Path("reports/loop"),
) -> None:
    """Live through past weeks by HTTP: models retrained, judged, approved; beside them servers that stand still."""
    signal.signal(signal.SIGTERM, leave)  # so that the blocks below end what they started
    console = Console()
    clock = data_dir / "clock"
    settings = {name: os.environ[name] for name in os.environ if name.startswith("ENDCAP_") and name not in _OURS}
    SimulatedClock(clock, read_replay(replay)[0].time)
    with playing(data_dir, frozen_dir, clock, report_dir, settings) as cast:
        plan = Plan(replay, cast.arms, clock, ask, retrain_wait_s, seed)
        console.print(f"status page: {cast.admin}/  (key {cast.key})", soft_wrap=True, highlight=False)
        admin = Admin(cast.admin, cast.key)
        lived = simulate(plan, admin, lambda text: console.print(text, soft_wrap=True, highlight=False))
        admin.close()
    for path in save(lived, report_dir):
        console.print(str(path))
    for lead in leads(lived.rows, min(lived.published, default=0) + 1):
        console.print(f"live before {lead.arm}, {lead.shelf}: {lead.lead:+.4f} ({lead.low:+.4f} to {lead.high:+.4f})")
    if lived.missing:
        console.print(f"[red]sent but not counted, by type: {lived.missing}[/]")
        raise typer.Exit(1)
    console.print(f"every one of {sum(lived.sent.values()):,} events was counted once; {lived.repeated:,} came twice")


def main() -> int:
    """Run a command; what cannot be done is said in plain words, not as a traceback."""
    try:
        app()
    except (HostError, BudgetError, RunError, ValueError) as error:
        print(f"loadtests: {error}", file=sys.stderr)
        return _BAD_USAGE
    except KeyboardInterrupt:
        print("loadtests: interrupted; everything that was started has been stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
