"""What the Dockerfile makes, without Docker: the edge alone in an empty environment, started as the container would be.

In: the Dockerfile of this checkout, and a data directory with a bundle and a catalogue. Out: a table (and JSON) of how
long it takes to be ready, what it answers, what it imports, weighs and writes; status 1 if any of that is not as it
should be. Standard library only: it must run where nothing is installed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # it is started by its path

from scripts.edge_layout import Dockerfile, Package, closure, imported, packages, pinned  # noqa: E402 -- after the path
from scripts.edge_process import Launched, Surroundings, can_run, find_store, store  # noqa: E402 -- likewise

LIMIT_S = 2.0  # the issue's: from nothing to ready


@dataclass
class Report:
    """What was found out; `faults` are the sentences that make it a failure."""

    python: str = ""
    user: int = 0
    note: str = ""
    packages: list[Package] = field(default_factory=list)
    ready_s: list[float] = field(default_factory=list)
    ready_cpu_s: list[float] = field(default_factory=list)
    limit_s: float = LIMIT_S
    answers: dict[str, str] = field(default_factory=dict)
    imports: dict[str, int] = field(default_factory=dict)  # distribution (or top-level name) -> modules
    system_libraries: list[str] = field(default_factory=list)
    memory_mb: float = 0.0
    processes: int = 0
    written: list[str] = field(default_factory=list)
    end_status: int | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def median_s(self) -> float:
        """The start in the middle; of an even number the slower one."""
        return sorted(self.ready_s)[len(self.ready_s) // 2]


def install(dockerfile: Dockerfile, folder: Path, extras: str) -> Path:
    """Do the steps of the build stage here. Returns the environment's Python."""
    source = folder / "src"
    for name in dockerfile.copied("build"):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        ignore = shutil.ignore_patterns("__pycache__", "storefront", "*.so", "built*.json")  # as .dockerignore
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=ignore)
        else:
            shutil.copy(ROOT / name, target)
    command = [str(source / "scripts" / "install-edge"), str(folder / "environment"), extras]
    subprocess.run(command, check=True, env=os.environ | {"PYTHON": sys.executable})
    return folder / "environment" / "bin" / "python"


def copy_data(data: Path, shop: str, target: Path) -> None:
    """The bundles that serve, the catalogue and the switches, for reading only."""
    live = data / "bundles" / shop / "live.json"
    named = json.loads(live.read_text())
    wanted = [live, live.with_name("switches.json"), data / "catalogue" / f"{shop}.cat"]
    wanted += [live.with_name(named[role]) for role in ("live", "canary", "shadow") if named.get(role)]
    for path in filter(Path.exists, wanted):
        copy = target / path.relative_to(data)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, copy) if path.is_dir() else shutil.copy(path, copy)
    for path in [target, *target.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def examine(around: Surroundings, report: Report, starts: int) -> None:
    """Start it over and over for the time, then once more to look at it."""
    for _ in range(starts):
        with Launched(around) as edge:
            report.ready_s.append(edge.await_ready())
            report.ready_cpu_s.append(edge.cpu_s())
    before = around.files()
    with Launched(around, PYTHONPROFILEIMPORTTIME="1") as edge:
        edge.await_ready()
        report.answers = edge.ask()
        report.memory_mb, report.processes = edge.memory_mb(), edge.processes()
        report.system_libraries = edge.system_libraries()
        during = around.files()
        report.end_status = edge.stop()
        report.written = sorted((during | around.files()) - before)
        report.imports = imported(edge.errors(), report.packages)


def judge(report: Report, wanted: set[str], pins: set[str]) -> list[str]:
    """What is wrong, a sentence each. `wanted`: all the edge may consist of; `pins`: all this project ever installs."""
    faults = [f"{name} is installed, which no dependency of the edge asks for" for name in _beyond(report, wanted)]
    faults += [
        f"{name} is imported, which the edge does not need" for name in sorted(set(report.imports) & pins - wanted)
    ]
    if report.median_s > report.limit_s:
        faults.append(f"ready after {report.median_s:.2f} s, the limit is {report.limit_s:g} s")
    wrong = {path: got for path, got in report.answers.items() if not got.startswith(_EXPECTED[path])}
    faults += [f"{path} answered {got}, not {_EXPECTED[path]}" for path, got in wrong.items()]
    if report.end_status != 0:
        faults.append(f"SIGTERM ended it with status {report.end_status}, not 0")
    if report.written:
        faults.append(f"it wrote {', '.join(report.written)}")
    return faults


_EXPECTED = {
    "/healthz": "200",
    "/readyz": "200",
    "/proxy/v1/recommendations/home, signed": "200",
    "/proxy/v1/recommendations/home, unsigned": "401",
    "/v1/recommendations/home, no key": "401",
}


def _beyond(report: Report, wanted: set[str]) -> list[str]:
    return sorted({package.name for package in report.packages} - wanted)


def show(report: Report) -> None:
    """The table."""
    print(f"{report.python}, user {report.user} {report.note}\n")
    print(f"{'package':24}{'version':16}{'MB':>8}{'modules imported':>18}")
    for package in sorted(report.packages, key=lambda one: -one.mb):
        print(f"{package.name:24}{package.version:16}{package.mb:8.1f}{report.imports.get(package.name, 0):18}")
    print(f"{'together':40}{sum(package.mb for package in report.packages):8.1f}\n")
    lines = {
        "ready after, s": f"{report.median_s:.2f} (limit {report.limit_s:g}; {len(report.ready_s)} starts, "
        f"{min(report.ready_s):.2f} to {max(report.ready_s):.2f})",
        "of which processor time, s": f"{sorted(report.ready_cpu_s)[len(report.ready_cpu_s) // 2]:.2f}",
        "memory, MB (resident)": f"{report.memory_mb:.0f} in {report.processes} process(es)",
        "system libraries": ", ".join(report.system_libraries),
        "written to disk": ", ".join(report.written) or "nothing",
        "status after SIGTERM": report.end_status,
        **report.answers,
    }
    for name, value in lines.items():
        print(f"{name:44}{value}")


def prove(options: argparse.Namespace, folder: Path) -> Report:
    """Make the layout in a folder that all may read, start it, look at it."""
    dockerfile, note = Dockerfile((ROOT / "Dockerfile").read_text()), ""
    given: Path | None = options.environment
    python = given / "bin" / "python" if given else install(dockerfile, folder, options.extras)
    user = dockerfile.user() if os.getuid() == 0 else os.getuid()
    if not can_run(python, user):
        note = f"run as root: user {user} may not run {python.resolve()}; PYTHON=... names another"
        user = os.getuid()
    copy_data(options.data, options.shop, folder / "data")
    around = Surroundings(folder, python, user, dockerfile, options.shop, ROOT if given else None)
    report = Report(python=around.version(), user=user, note=note, limit_s=options.limit_s)
    report.packages = packages(python, weighed="" if given else "*")
    with store(find_store(python), folder, user) as url:
        around.redis_url = url
        examine(around, report, options.starts)
    wanted = closure(ROOT / "pyproject.toml", report.packages, options.extras)
    if given:  # what else is installed there is its owner's affair
        report.packages = [package for package in report.packages if package.name in wanted]
    report.faults = judge(report, wanted, pinned(ROOT / "constraints.txt"))
    return report


def main(arguments: list[str] | None = None) -> int:
    """Run it. Returns 0, 1 if anything is not as it should be, 2 if it cannot be tried."""
    options = _options(arguments)
    if not (options.data / "bundles" / options.shop / "live.json").exists():
        missing = f"no live.json below {options.data}/bundles/{options.shop}"
        print(
            f"endcap: {missing}; name another directory with --data, or make one: scripts/demo --prepare",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory(prefix="endcap-edge-only-") as name:
        Path(name).chmod(0o755)
        report = prove(options, Path(name))
    show(report)
    if options.json:
        options.json.write_text(json.dumps(asdict(report) | {"median_s": report.median_s}, indent=1) + "\n")
    for fault in report.faults:
        print(f"endcap: {fault}", file=sys.stderr)
    return 1 if report.faults else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    about = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="scripts/edge-only", description=about)
    parser.add_argument(
        "--data", type=Path, default=ROOT / "data", help="directory with bundles/ and catalogue/ (data)"
    )
    parser.add_argument("--shop", default="demo", help="whose bundle (demo)")
    parser.add_argument("--extras", default="", help="adobe, objects: as the Dockerfile's argument EXTRAS")
    parser.add_argument("--starts", type=int, default=5, help="starts to take the time of (5)")
    parser.add_argument(
        "--limit-s", type=float, default=LIMIT_S, help=f"longest median from exec to ready ({LIMIT_S:g})"
    )
    parser.add_argument("--environment", type=Path, help="an environment to use in place of a new one")
    parser.add_argument("--json", type=Path, help="file for the same in JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
