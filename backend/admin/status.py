"""How everything is, as plain values: for `GET /status`, and for the page that people look at.

In: the app. Out: nested dicts of JSON values. A store that is away leaves its parts empty and says so; a damaged file
is named in `faults` and hides nothing else.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from redis.exceptions import RedisError

from backend import audit
from backend.admin.jobs import Record, interval, next_run, read_records
from backend.admin.state import Backend
from backend.consume.stream import EventStream
from backend.release import drift as drift_reports
from backend.release import steps, trials
from backend.release import verdict as verdicts
from edge.core import clock
from edge.core.errors import EndcapError
from edge.core.keys import LOG_GROUP, PROFILES_GROUP
from edge.core.switches import read_switches

_DAY_S = 86_400
_PAGE = re.compile(r"\w[\w.-]*\.html")
_AUDIT_LINES = 20
_Part = TypeVar("_Part")


async def gather(backend: Backend) -> dict[str, Any]:
    """The whole status."""
    faults: list[str] = []

    def part(make: Callable[[], _Part]) -> _Part | None:
        try:
            return make()
        except EndcapError as error:
            faults.append(str(error))
            return None

    settings = backend.settings
    status: dict[str, Any] = {
        "shop": settings.shop,
        "time": clock.now(),
        "models": part(lambda: models(backend)),
        "drift": part(lambda: drift(backend)),
        "services": [asdict(one.health) for one in backend.supervisors],
        "switches": part(lambda: msgspec.to_builtins(read_switches(settings.bundles_dir, settings.shop))),
        "audit": audit_tail(backend),
    }
    try:
        status |= {"store": "ok", **await _from_store(backend, faults)}
    except (RedisError, OSError) as error:
        faults.append(f"the store does not answer: {type(error).__name__}")
        status |= {
            "store": "away",
            "jobs": jobs(backend, {}),
            "stream": None,
            "today": None,
            "canary": None,
            "shadow": None,
        }
    return status | {"faults": list(dict.fromkeys(faults))}  # one damaged file may hide several parts


async def _from_store(backend: Backend, faults: list[str]) -> dict[str, Any]:
    async def part(coming: Awaitable[_Part]) -> _Part | None:
        try:
            return await coming
        except EndcapError as error:
            faults.append(str(error))
            return None

    return {
        "jobs": jobs(backend, await read_records(backend.redis, backend.settings.shop)),
        "stream": await part(stream(backend)),
        "today": await part(today(backend)),
        "canary": await part(canary(backend)),
        "shadow": await part(shadow(backend)),
    }


def models(backend: Backend) -> dict[str, Any]:
    """Which versions serve, are tried, wait and are kept; of the candidate also what the gate said."""
    state = steps.state_of(backend.settings)
    live, candidate, attempt = state.live(), state.candidate(), state.attempt()
    return {
        "live": live.live if live else None,
        "canary": live.canary if live else None,
        "percent": live.percent if live else 0,
        "shadow": live.shadow if live else None,
        "candidate": msgspec.to_builtins(candidate) if candidate else None,
        "gate": _gate(backend, candidate.version) if candidate else None,
        "review": _page(backend, f"{candidate.version}-review.html") if candidate else None,
        "training": msgspec.to_builtins(attempt) if attempt else None,
        "kept": state.kept(),
        "releases": msgspec.to_builtins(state.releases()[-10:]),
    }


def drift(backend: Backend) -> dict[str, Any] | None:
    """The last report on drift, without the distributions."""
    kept = drift_reports.read_report(steps.reports_dir(backend.settings))
    if kept is None:
        return None
    report: dict[str, Any] = msgspec.to_builtins(kept)
    findings = [
        {name: value for name, value in one.items() if name not in ("bins", "before", "now")}
        for one in report["findings"]
    ]
    drifted = [one["name"] for one in findings if one["drifted"]]
    return report | {"findings": findings, "drifted": drifted, "page": _page(backend, "drift.html")}


def _page(backend: Backend, name: str) -> str | None:
    return f"/reports/{name}" if report_page(backend, name) else None


def report_page(backend: Backend, name: str) -> Path | None:
    """A page that was written about models or drift, by its file name, if there is one."""
    path = steps.reports_dir(backend.settings) / name
    return path if _PAGE.fullmatch(name) and path.is_file() else None


def _gate(backend: Backend, version: str) -> dict[str, Any] | None:
    verdict = verdicts.read(steps.reports_dir(backend.settings), version)
    return msgspec.to_builtins(verdict) if verdict else None


async def stream(backend: Backend) -> dict[str, Any]:
    """What waits in the event stream, for profiles and for the log, and how fast it goes."""
    groups = {}
    for name in (PROFILES_GROUP, LOG_GROUP):
        groups[name] = asdict(await EventStream(backend.redis, backend.settings.shop, "admin", group=name).backlog())
    rates = backend.rates()
    return {
        "profiles": groups[PROFILES_GROUP],
        "log": groups[LOG_GROUP],
        "dead_letters": groups[PROFILES_GROUP]["dead"],
        "events_per_s": round(sum(rates[-6:]) / len(rates[-6:]), 2) if rates else None,
    }


async def today(backend: Backend) -> dict[str, int]:
    """What was counted today: events by type, and orders."""
    counts = await trials.read_counts(backend.redis, backend.settings.shop, int(clock.now() // _DAY_S))
    return {name: n for name, n in sorted(counts.items()) if name.startswith("events:") or name == "orders"}


async def canary(backend: Backend) -> dict[str, Any] | None:
    """The trial and what the judge makes of it now."""
    found = await trials.assess(backend.settings, backend.redis)
    if found is None:
        return None
    trial, verdict = found
    return {"version": trial.version, "percent": trial.percent, "since": trial.started, **asdict(verdict)}


async def shadow(backend: Backend) -> dict[str, Any] | None:
    """What the shadow would have done, where there is one."""
    live = steps.state_of(backend.settings).live()
    if live is None or live.shadow is None:
        return None
    return await trials.shadow_report(backend.redis, backend.settings.shop, live.shadow)


def jobs(backend: Backend, records: dict[str, Record]) -> list[dict[str, Any]]:
    """Every job with its last run and its next."""
    rows = []
    for job in backend.scheduler.jobs:
        record, every = records.get(job.name), interval(job, backend.settings)
        rows.append(
            {
                "name": job.name,
                "about": job.about,
                "every_s": every,
                "running": job.name in backend.scheduler.running,
                "last": msgspec.to_builtins(record) if record else None,
                "next": next_run(record, every, clock.now()),
            }
        )
    return rows


def audit_tail(backend: Backend, lines: int = _AUDIT_LINES) -> dict[str, Any]:
    """The newest lines of the audit log, newest first, and whether the whole log holds."""
    try:
        entries = audit.read(backend.settings.data_dir)
    except audit.AuditError as error:
        return {"verified": False, "fault": str(error), "lines": []}
    mine = [entry for entry in entries if entry.shop == backend.settings.shop]
    return {"verified": True, "fault": None, "lines": msgspec.to_builtins(mine[-lines:][::-1])}
