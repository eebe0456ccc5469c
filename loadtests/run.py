"""One load run from start to verdict: server, Locust, the fault or the shape, the judgement, the report.

In: `Options`. Out: the broken rules (none: passed), a table on the console, and files in the report directory.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from rich.console import Console

from loadtests import report, shapes
from loadtests.ask import Asker
from loadtests.budget import Budget, FaultBudget, judge, read_budget
from loadtests.discover import Found, discover
from loadtests.fault import StoreOutage, store_pid
from loadtests.measure import Numbers, Plan, Window, read, write
from loadtests.server import RunError, running, serving, tail
from loadtests.site import Site, Staging, staged
from loadtests.traffic import CONSENT, rank_products

LOCUSTFILE = Path(__file__).parent / "locustfile.py"
Shape = Literal["steady", "spike", "soak"]
DURATIONS_S: dict[Shape, float] = {"steady": 60.0, "spike": 50.0, "soak": 600.0}
_WORKERS = 2  # of a steady run: as the server is started by people
_REQUESTS_PER_USER = 5.0  # a second; a shopper who waits 200 ms for an answer still keeps to the schedule
_MIN_USERS = 4
_OUTAGE_SHARE = 1 / 3  # of a run too short for the whole outage
_START_S, _END_S = 30.0, 45.0  # what Locust may take before and after the traffic
_POLL_S = 0.05


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line."""

    rate: float
    duration_s: float
    users: int | None
    workers: int | None  # None: one on a core of its own where the server is what is measured, else two
    port: int | None
    data_dir: Path
    host: str | None
    fault: bool
    customers: tuple[str, ...]
    seed: int
    report_dir: Path
    shape: Shape = "steady"
    knee: float | None = None
    network: bool = False

    @property
    def alone(self) -> bool:
        """Whether the server gets a core to itself."""
        return self.shape != "steady" or self.network

    @property
    def pid_file(self) -> Path:
        """Where the embedded store notes its pid."""
        return self.data_dir / "store" / "store.pid"


def run(options: Options, console: Console) -> list[str]:
    """Make the run and report it. Raises RunError when it could not be made."""
    signal.signal(signal.SIGTERM, leave)  # so that the blocks below end what they started
    budget = read_budget()
    if options.fault:
        check_fault(options)
    check_shape(options)
    options.report_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        site = stack.enter_context(_site(options, budget, console))
        found = look_around(site.url, options)
        notes = _notes(found, options)
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="endcap-load-")))
        plan = make_plan(options, budget, found, work)
        shape = shapes.make(options.shape, site, plan, budget, work, options.report_dir, options.knee)
        plan = shape.prepared(lambda text: console.print(text, soft_wrap=True, highlight=False))
        console.print(
            f"{plan.rate:g} requests/s for {options.duration_s:g} s after {plan.warm_up_s:g} s of warm-up: "
            f"{plan.users} shoppers at a time, {len(plan.products):,} products"
        )
        numbers = _load(site, plan, options, work, shape)
        if options.fault:
            numbers.broken += recovery(site.url, found, budget.fault["redis"].recovery_s)
    broken = judge(numbers, budget) + shape.judged(numbers)
    _report(options, report.summary(numbers, broken, notes) | shape.told(), shape, budget, console)
    return broken


def _report(options: Options, summary: dict[str, Any], shape: shapes.Shape, budget: Budget, console: Console) -> None:
    files = [options.report_dir / "load.html", options.report_dir / "load.json"]
    report.save(summary, files[1])
    if picture := shape.picture():
        files.append(options.report_dir / f"{options.shape}.svg")
        files[-1].write_text(picture, encoding="utf-8")
    report.show(console, summary, budget, files)


@contextmanager
def _site(options: Options, budget: Budget, console: Console) -> Iterator[Site]:
    """What is loaded: another's server, ours as people start it, or ours on a core of its own."""
    if options.host is not None:
        yield Site(options.host)
        return
    console.print(f"Starting the server on {options.data_dir}", soft_wrap=True)
    if options.alone:
        network = budget.network if options.network else None
        with staged(Staging(options.data_dir, options.report_dir, options.port, options.workers, network)) as site:
            yield site
        return
    workers, log = options.workers or _WORKERS, options.report_dir / "server.log"
    with serving(options.data_dir, port=options.port, workers=workers, log=log) as url:
        yield Site(url)


def check_shape(options: Options) -> None:
    """Refuse what does not go together. Raises RunError."""
    if options.shape != "steady" and options.fault:
        raise RunError("--fault needs --shape steady: with both at once nobody could say what broke the budget")
    if options.knee is not None and options.shape != "spike":
        raise RunError("--knee says how high a spike goes; it needs --shape spike")
    if options.network and options.shape == "spike":
        raise RunError("--network with --shape spike would measure the proxies, which are Python, too; leave one out")
    if options.host is None:
        return
    if options.network:
        raise RunError("--network puts proxies round a server of our own; it cannot be had with --host")
    if options.shape == "soak":
        raise RunError("--shape soak watches the memory of a server of our own; it cannot be had with --host")
    if options.shape == "spike" and not options.host.startswith("http://127.0.0.1:"):
        raise RunError("--shape spike asks http://127.0.0.1:PORT alone: on another machine the knee is the network's")


def check_fault(options: Options) -> None:
    """Refuse to break what is not ours. Raises RunError."""
    if options.host is not None:
        raise RunError("--fault redis kills the store of the server it starts itself; it cannot be had with --host")
    if os.environ.get("REDIS_URL"):
        raise RunError("--fault redis kills the embedded store, but REDIS_URL names another: unset it")
    if (pid := store_pid(options.pid_file)) is not None:
        raise RunError(
            f"--fault redis would kill a store in use (process {pid}): stop the server that runs on "
            f"{options.data_dir}, or name another --data-dir"
        )


def look_around(url: str, options: Options) -> Found:
    """Find products and customers. Raises RunError when nothing answers."""
    with Asker(url) as asker:
        reply = asker.get("/v1/recommendations/home")
        if reply.status != 200:
            said = reply.body[:300].decode(errors="replace")
            raise RunError(f"{url} does not serve: status {reply.status}, {said}")
        found = discover(asker, options.customers)
    if not found.popular and not found.others:
        raise RunError(f"{url} answers, but shows no products; has it a model and a catalogue?")
    return found


def make_plan(options: Options, budget: Budget, found: Found, work: Path) -> Plan:
    """What Locust is to do."""
    return Plan(
        rate=options.rate,
        users=options.users or max(_MIN_USERS, round(options.rate / _REQUESTS_PER_USER)),
        warm_up_s=budget.run.warm_up_s,
        duration_s=options.duration_s,
        seed=options.seed,
        run_id=f"load-{random.randrange(16**8):08x}",
        customers=options.customers,
        products=rank_products(found.popular, found.others, options.seed),
        mix=budget.mix,
        shoppers=budget.shoppers,
        habits=budget.habits,
        begun_file=str(work / "begun"),
        numbers_file=str(work / "numbers.json"),
        outage=plan_outage(options.duration_s, budget) if options.fault else None,
    )


def plan_outage(duration_s: float, budget: Budget) -> Window:
    """In the middle of the run; shorter in a run that is too short for all of it."""
    fault: FaultBudget = budget.fault["redis"]
    outage_s = min(fault.outage_s, duration_s * _OUTAGE_SHARE)
    starts_s = budget.run.warm_up_s + (duration_s - outage_s) / 2
    ends_s = starts_s + outage_s
    return Window(starts_s, ends_s, ends_s + fault.recovery_s, fault.degraded_allowed)


def _load(site: Site, plan: Plan, options: Options, work: Path, shape: shapes.Shape) -> Numbers:
    """Run Locust, and beside it the fault or what the shape adds."""
    plan_file, log = work / "plan.json", options.report_dir / "locust.log"
    write(plan_file, plan)
    html = options.report_dir / "load.html"
    settings = {"locustfile": LOCUSTFILE, "host": site.url, "users": plan.users, "spawn-rate": plan.users, "html": html}
    command = site.asking(sys.executable, "-m", "locust", "--headless", "--only-summary", "--exit-code-on-error=0")
    command += [f"--{name}={value}" for name, value in settings.items()]
    with ExitStack() as stack:
        stack.enter_context(shape.beside())
        locust = stack.enter_context(running(command, {"ENDCAP_LOAD_PLAN": str(plan_file)}, log))
        begun = _await_begun(Path(plan.begun_file), locust, log)
        shape.begun(begun)
        outage = None
        if plan.outage:
            ends_at = begun + plan.outage.ends_s
            outage = StoreOutage(options.pid_file, starts_at=begun + plan.outage.starts_s, ends_at=ends_at)
            outage.start()
            stack.callback(outage.stop)
        try:
            locust.wait(plan.warm_up_s + plan.duration_s + _END_S)
        except subprocess.TimeoutExpired:
            raise RunError(f"Locust did not come to its end{tail(log)}") from None
        if locust.returncode != 0 or not Path(plan.numbers_file).exists():
            raise RunError(f"Locust ended with status {locust.returncode} and without a result{tail(log)}")
        shape.ended()
    numbers = read(Path(plan.numbers_file), Numbers)
    if outage and not outage.kills:
        numbers.broken.append(f"the store was never killed: {options.pid_file} named no store that runs")
    return numbers


def _await_begun(begun_file: Path, locust: "subprocess.Popen[bytes]", log: Path) -> float:
    """The Unix time of the first request."""
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s and locust.poll() is None:
        if begun_file.exists():
            return float(begun_file.read_text())
        time.sleep(_POLL_S)
    raise RunError(f"Locust did not begin{tail(log)}")


def recovery(url: str, found: Found, patience_s: float) -> list[str]:
    """What is still amiss when the store had its time to come back."""
    customer = found.personal_customers[0] if found.personal_customers else None
    query = f"?customer_id={customer}&consent={','.join(CONSENT)}" if customer else ""
    deadline_s = time.monotonic() + patience_s
    state = ""
    with Asker(url) as asker:
        while time.monotonic() < deadline_s:
            reply = asker.get(f"/v1/recommendations/home{query}")
            if reply.status == 200:
                answer = reply.answer()
                if not answer.degraded and (answer.personal or not customer):
                    return []
                state = f"degraded {list(answer.degraded)}, personal: {answer.personal}"
            else:
                state = f"status {reply.status}"
            time.sleep(_POLL_S)
    return [f"no recovery within {patience_s:g} s after the run: the homepage of customer {customer} is {state}"]


def _notes(found: Found, options: Options) -> list[str]:
    if options.customers and not found.personal_customers:
        return [
            "none of the customers asked for has a profile, so nobody was served personally; name some: --customers"
        ]
    return []


def leave(number: int, _: FrameType | None) -> None:
    """Handle a signal by leaving all `with` blocks."""
    raise SystemExit(128 + number)
