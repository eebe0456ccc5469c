"""The page that people look at: the status in HTML, readable on a phone, light and dark, without a line of script.

In: the status, the session's token, a nonce for the style. Out: HTML; the template engine escapes everything in it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from backend.admin.state import Backend
from edge.core.switches import SURFACES

_WEB = Path(__file__).parent / "web"
_WORST = 8  # quantities of the drift report shown
_SLOW_S = 60.0  # events that wait longer are worth a look


def login(shop: str, nonce: str, fault: str = "") -> str:
    """The form to get in."""
    return _environment.get_template("login.jinja").render(shop=shop, nonce=nonce, fault=fault, style=_style())


def status(
    found: dict[str, Any], backend: Backend, csrf: str, notices: Sequence[str], nonce: str, *, watch: bool
) -> str:
    """The page. `watch` has the browser load it again every few seconds."""
    drift = found["drift"] or {}
    worst = sorted(drift.get("findings", []), key=lambda one: -one["psi"] / max(one["psi_limit"], 1e-9))[:_WORST]
    return _environment.get_template("status.jinja").render(
        s=found,
        unread=dict.fromkeys(
            ("live", "canary", "percent", "shadow", "candidate", "gate", "review", "training", "kept")
        ),
        csrf=csrf,
        notices=notices,
        nonce=nonce,
        style=_style(),
        watch=watch,
        troubles=troubles(found),
        waiting=_waiting(found),
        worst=worst,
        rates=_line(backend.rates()),
        lags=_line([float(sample.lag) for sample in backend.samples]),
        surfaces=SURFACES,
    )


def troubles(found: dict[str, Any]) -> list[str]:
    """What a person should look at, in sentences."""
    said = list(found["faults"])
    said += [f"{one['name']} is down: {one['error']}" for one in found["services"] if one["state"] == "waiting"]
    said += [f"job {one['name']} failed last time" for one in found["jobs"] if one["last"] and not one["last"]["ok"]]
    stream, models = found["stream"], found["models"] or {}
    if stream and stream["profiles"]["oldest_s"] > _SLOW_S:
        said.append(f"events wait for {_age(stream['profiles']['oldest_s'])}")
    if stream and stream["dead_letters"]:
        said.append(f"{stream['dead_letters']} events could not be applied and wait as dead letters")
    if (training := models.get("training")) and training["outcome"] == "failed":
        said.append(f"the last training run failed: {training['message'][:300]}")
    if not found["audit"]["verified"]:
        said.append("the audit log was changed")
    return said


def _waiting(found: dict[str, Any]) -> str | None:
    """The candidate that waits for a person, if one does."""
    candidate = (found["models"] or {}).get("candidate")
    return str(candidate["version"]) if candidate and candidate["stage"] == "waiting" else None


def _line(values: Sequence[float]) -> Markup:
    """A line chart of the last hour; its scale begins at nothing and ends at the largest value, which is named."""
    if len(values) < 2:
        return Markup('<p class="soft">a moment, please</p>')
    top = max(*values, 1e-9)
    points = " ".join(
        f"{300 * at / (len(values) - 1):.1f},{58 - 54 * value / top:.1f}" for at, value in enumerate(values)
    )
    label = f"now {values[-1]:,.1f}, most {max(values):,.1f}"
    return Markup(
        '<svg class="line" viewBox="0 0 300 60" preserveAspectRatio="none" role="img" aria-label="{label}">'
        '<polygon points="0,60 {points} 300,60"/><polyline points="{points}"/></svg><span class="soft">{label}</span>'
    ).format(label=label, points=points)


def _bar(share: float, over: object = False) -> Markup:
    """A horizontal bar for a share of its limit."""
    wide = round(100 * min(max(share, 0.0), 1.0), 1)
    kind = "bar over" if over else "bar"
    return Markup(
        '<svg class="{}" viewBox="0 0 100 8" preserveAspectRatio="none"><rect width="{}" height="8"/></svg>'
    ).format(kind, wide)


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%d %b %H:%M:%S}"


def _age(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s" if seconds else "0 s"


def _figure(value: object) -> str:
    return (
        "–"
        if value is None
        else f"{value:,.4g}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )


def _style() -> Markup:
    return Markup((_WEB / "style.css").read_text())  # noqa: S704 -- a file of this package, not anybody's input


_environment = Environment(
    loader=FileSystemLoader(_WEB), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_environment.filters |= {"moment": _moment, "age": _age, "figure": _figure, "bar": _bar}
