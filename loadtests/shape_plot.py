"""A run as a picture: what was asked and answered, the 99th percentile, and memory, second by second.

In: seconds, memory samples, moments to mark. Out: SVG text that needs nothing else; it follows the reader's light or
dark theme. The scale of times is logarithmic: 5 ms and 500 ms are both to be seen.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape

from loadtests.measure import percentile
from loadtests.memory import Samples
from loadtests.seconds import Seconds

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 760, 150, 60, 50, 50
_POINTS = 200  # a longer run is drawn in slices
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:currentColor}svg{color:#212529;background:#fff}.g{stroke:currentColor;"
    "opacity:.15}.m{stroke:currentColor;stroke-dasharray:3 3;opacity:.5}.l{stroke:#e03131;stroke-dasharray:6 3}"
    "polyline{fill:none;stroke-width:2}@media(prefers-color-scheme:dark){svg{color:#f1f3f5;background:#1a1b1e}}"
)
_KINDS = {"asked": "#868e96", "useful": "#2b8a3e", "excess": "#e8590c"}
_COLOURS = ("#0b7285", "#6741d9", "#c2255c", "#5c940d")

Line = tuple[str, str, Sequence[tuple[float, float]]]  # name, colour, points


def draw(title: str, seconds: Seconds, samples: Samples, marks: Iterable[float], limit_ms: float) -> str:
    """The whole picture."""
    ends = max((*seconds, 0)) + 1
    slice_s = max(1, math.ceil(ends / _POINTS))
    sliced = [
        (begin, [seconds[n] for n in range(begin, begin + slice_s) if n in seconds])
        for begin in range(0, ends - slice_s + 1, slice_s)
    ]
    rates: list[Line] = [
        (kind, colour, [(begin, sum(getattr(one, kind) for one in part) / slice_s) for begin, part in sliced])
        for kind, colour in _KINDS.items()
    ]
    times = [(begin, percentile([ms for one in part for ms in one.took_ms], 0.99)) for begin, part in sliced]
    panels = [
        _panel("pages per second", rates, ends, marks),
        _panel("p99 from the scheduled start, ms", [("p99", _COLOURS[0], times)], ends, marks, limit=limit_ms),
    ]
    if samples:
        panels.append(_panel("resident memory, MB", _memory(samples), ends, marks))
    height = len(panels) * (_HEIGHT + _GAP) + _TOP
    placed = (
        f'<g transform="translate({_LEFT},{_TOP + place * (_HEIGHT + _GAP)})">{panel}</g>'
        for place, panel in enumerate(panels)
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + _LEFT + 130} {height}" role="img">'
    return "\n".join((head, f"<title>{escape(title)}</title><style>{_STYLE}</style>", *placed, "</svg>")) + "\n"


def _memory(samples: Samples) -> list[Line]:
    return [
        (f"process {pid}", _COLOURS[place % len(_COLOURS)], sampled[:: max(1, len(sampled) // _POINTS)])
        for place, (pid, sampled) in enumerate(samples.items())
    ]


def _panel(title: str, lines: Sequence[Line], ends: float, marks: Iterable[float], limit: float | None = None) -> str:
    values = [value for _, _, points in lines for _, value in points]
    logarithmic = limit is not None
    scale, ticks = (_logarithmic if logarithmic else _linear)([*values, *([limit] if limit is not None else [])])

    def x(at_s: float) -> float:
        return at_s / ends * _WIDTH

    parts = [f'<text x="0" y="-12" font-weight="600">{escape(title)}</text>']
    for tick in ticks:
        y = scale(tick)
        parts.append(f'<line class="g" x1="0" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{tick:,g}</text>')
    parts += [f'<line class="m" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="0" y2="{_HEIGHT}"/>' for at in marks]
    if limit is not None:
        parts.append(f'<line class="l" x1="0" x2="{_WIDTH}" y1="{scale(limit):.1f}" y2="{scale(limit):.1f}"/>')
    for step in range(6):
        at = ends * step / 5
        parts.append(f'<text x="{x(at):.1f}" y="{_HEIGHT + 17}" text-anchor="middle">{at:.0f} s</text>')
    for place, (name, colour, points) in enumerate(lines):
        joined = " ".join(f"{x(at):.1f},{scale(value):.1f}" for at, value in points)
        parts.append(f'<polyline stroke="{colour}" points="{joined}"/>')
        parts.append(f'<text x="{_WIDTH + 10}" y="{12 + 18 * place}" style="fill:{colour}">{escape(name)}</text>')
    return "".join(parts)


def _linear(values: Sequence[float]) -> tuple[Callable[[float], float], list[float]]:
    """From zero, or from below the least where all are near to each other, as memory is."""
    most, least = max(values, default=1.0), min(values, default=0.0)
    bottom = 0.0 if least < most * 0.7 else least - (most - least or most) * 0.3
    step = _round((most - bottom) / 4 or 1.0)
    first = math.floor(bottom / step)
    ticks = [step * number for number in range(first, math.ceil(most / step) + 1)]
    low, span = ticks[0], (ticks[-1] - ticks[0]) or 1.0
    return lambda value: _HEIGHT * (1 - (value - low) / span), ticks


def _logarithmic(values: Sequence[float]) -> tuple[Callable[[float], float], list[float]]:
    positive = [value for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    high = max(high, low + 1)
    ticks = [10.0**power for power in range(low, high + 1)]
    return lambda value: _HEIGHT * (1 - (math.log10(max(value, ticks[0])) - low) / (high - low)), ticks


def _round(step: float) -> float:
    """The next of 1, 2, 5, 10, 20 ... that is not smaller."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * nice for nice in (1, 2, 5, 10) if power * nice >= step * 0.999)
