"""What people may do through the API and the page, each with its line in the audit log under their key's id.

In: the app, who asks, and the fields they sent. Out: a sentence on what was done, and figures. A step that cannot be
taken raises EndcapError, wrong fields msgspec.ValidationError.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from backend import audit
from backend.admin.jobs import job_named
from backend.admin.state import Backend
from backend.consume.dead import replay_dead
from backend.release import steps, trials
from edge.core import clock, tasks
from edge.core.errors import EndcapError
from edge.core.keys import ShopperKind, load_keys, pseudonym, tasks_key
from edge.core.switches import SURFACES, Switches, read_switches, write_switches

_NONE = "-"  # of a form's boxes, so that none checked differs from none sent
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Percent = Annotated[int, msgspec.Meta(ge=1, le=100)]


class _Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fields of one action; an empty one of a form counts as not given."""


class _Version(_Fields, frozen=True):
    version: _Name | None = None


class _Reject(_Version, frozen=True):
    why: Annotated[str, msgspec.Meta(max_length=500)] = ""


class _Canary(_Version, frozen=True):
    percent: _Percent = 10
    promote: bool = False
    withdraw: bool = False


class _Erase(_Fields, frozen=True):
    customer_id: _Name | None = None
    visitor_id: _Name | None = None
    loyalty_id: _Name | None = None
    email: _Name | None = None
    phone: _Name | None = None
    orders: tuple[_Name, ...] = ()
    reason: Annotated[str, msgspec.Meta(max_length=200)] = "asked for"


class _Switch(_Fields, frozen=True):
    off: tuple[str, ...] | None = None
    serve_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None


class _Replay(_Fields, frozen=True):
    ids: tuple[_Name, ...] = ()


class _Job(_Fields, frozen=True):
    job: _Name


Result = dict[str, Any]


@dataclass(frozen=True)
class Action:
    """One action: the shape of its fields and what it does."""

    fields: type[_Fields]
    run: Callable[[Backend, str, Any], Awaitable[Result]]


async def approve(backend: Backend, actor: str, fields: _Version) -> Result:
    """Let the waiting candidate serve."""
    change = steps.approve(backend.settings, actor, fields.version)
    return {"done": f"{change.live.live} is live", "live": change.live.live, "before": change.before}


async def reject(backend: Backend, actor: str, fields: _Reject) -> Result:
    """Decline the waiting candidate."""
    candidate = steps.reject(backend.settings, actor, fields.version, fields.why)
    return {"done": f"{candidate.version} is rejected", "version": candidate.version}


async def rollback(backend: Backend, actor: str, fields: _Version) -> Result:
    """Return to a kept version, or to the one before."""
    change = steps.rollback(backend.settings, actor, fields.version)
    return {"done": f"{change.live.live} is live again", "live": change.live.live, "before": change.before}


async def canary(backend: Backend, actor: str, fields: _Canary) -> Result:
    """Begin, promote or withdraw a trial."""
    if (fields.version is not None) + fields.promote + fields.withdraw != 1:
        raise EndcapError("name one thing: a `version` to try, `promote` or `withdraw`")
    if fields.promote:
        live = trials.promote(backend.settings, actor).live.live
        return {"done": f"{live} serves everybody", "live": live}
    if fields.withdraw:
        gone = trials.withdraw(backend.settings, actor)
        return {"done": f"{gone or 'nothing'} is withdrawn", "version": gone}
    version = str(fields.version)
    await trials.start(backend.settings, backend.redis, actor, version, fields.percent)
    return {"done": f"{version} serves {fields.percent} % of the shoppers", "version": version}


async def shadow(backend: Backend, actor: str, fields: _Version) -> Result:
    """Name the model that is asked besides; without a version, none."""
    trials.name_shadow(backend.settings, actor, fields.version)
    return {"done": f"the shadow is {fields.version or 'nobody'}", "version": fields.version}


async def erase(backend: Backend, actor: str, fields: _Erase) -> Result:
    """Ask the task worker to forget a person everywhere; what is passed on holds pseudonyms only."""
    settings = backend.settings
    known = load_keys(settings.data_dir, settings.pseudonym_key)  # also former ones, while they rotate
    kinds: dict[ShopperKind, str | None] = {
        "customer": fields.customer_id,
        "visitor": fields.visitor_id,
        "loyalty": fields.loyalty_id,
        "email": fields.email,
        "phone": fields.phone,
    }
    names = tuple(pseudonym(key, settings.shop, kind, id_) for key in known for kind, id_ in kinds.items() if id_)
    if not names and not fields.orders:
        raise EndcapError("name the person: customer_id, visitor_id, loyalty_id, email, phone or orders")
    task = tasks.Erase(secrets.token_hex(8), clock.now(), names, fields.orders, fields.reason)
    await backend.redis.xadd(tasks_key(settings.shop), {tasks.FIELD: tasks.encode_task(task)})
    _note(backend, "erase-asked", actor, task=task.id, names=len(names), orders=len(fields.orders))
    return {"done": f"erasure {task.id} is under way", "task": task.id}


async def switch(backend: Backend, actor: str, fields: _Switch) -> Result:
    """Switch surfaces off (all others are on), or set the share of shoppers served."""
    settings = backend.settings
    now = read_switches(settings.bundles_dir, settings.shop)
    for name in fields.off or ():
        if name not in (*SURFACES, _NONE):
            raise EndcapError(f"{name!r} is no surface; surfaces are {', '.join(SURFACES)}")
    off = now.off if fields.off is None else tuple(one for one in SURFACES if one in fields.off)
    switches = Switches(off, now.serve_percent if fields.serve_percent is None else fields.serve_percent)
    write_switches(settings.bundles_dir, settings.shop, switches)
    _note(backend, "switch", actor, off=list(switches.off), serve_percent=switches.serve_percent)
    told = f"off: {', '.join(switches.off) or 'none'}; shoppers served: {switches.serve_percent} %"
    return {"done": told, **msgspec.to_builtins(switches)}


async def replay(backend: Backend, actor: str, fields: _Replay) -> Result:
    """Put dead letters, all or those named, back into the event stream."""
    done = await replay_dead(backend.redis, backend.settings.shop, fields.ids)
    _note(backend, "replay-dead", actor, events=done)
    return {"done": f"{done} events are in the stream again", "events": done}


async def run_now(backend: Backend, actor: str, fields: _Job) -> Result:
    """Run a job now."""
    job = job_named(fields.job, backend.scheduler.jobs)
    started = backend.scheduler.start(job)
    _note(backend, "run", actor, job=job.name, started=started)
    return {"done": f"{job.name} {'is running' if started else 'was running already'}", "started": started}


ACTIONS: Mapping[str, Action] = {
    "approve": Action(_Version, approve),
    "reject": Action(_Reject, reject),
    "rollback": Action(_Version, rollback),
    "canary": Action(_Canary, canary),
    "shadow": Action(_Version, shadow),
    "erase": Action(_Erase, erase),
    "switch": Action(_Switch, switch),
    "dead-letters/replay": Action(_Replay, replay),
    "run": Action(_Job, run_now),
}


def _note(backend: Backend, action: str, actor: str, **details: audit.Detail) -> None:
    audit.append(backend.settings.data_dir, backend.settings.shop, action, actor, "done", **details)
