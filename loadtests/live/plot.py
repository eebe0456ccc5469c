"""Weekly recall as a picture: a panel per shelf, a line with intervals per arm, a mark where a new model took over.

In: `Week` rows and the weeks in which a model was published. Out: SVG text that needs nothing else; it follows the
reader's light or dark theme.
"""

from collections.abc import Collection, Sequence
from html import escape

from loadtests.live.weekly import Week

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 250, 190, 44, 46, 34
_COLOURS = ("#0b7285", "#e8590c", "#868e96", "#6741d9")
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:currentColor}svg{color:#212529;background:#fff}.g{stroke:currentColor;"
    "opacity:.15}.m{stroke:currentColor;stroke-dasharray:3 3;opacity:.5}"
    "@media(prefers-color-scheme:dark){svg{color:#f1f3f5;background:#1a1b1e}}"
)


def draw(weeks: Sequence[Week], published: Collection[int]) -> str:
    """The whole picture; `published` names the weeks at whose end a new model began to serve."""
    shelves = list(dict.fromkeys(row.shelf for row in weeks))
    arms = list(dict.fromkeys(row.arm for row in weeks))
    width = len(shelves) * (_WIDTH + _GAP + _LEFT)
    panels = [_panel([row for row in weeks if row.shelf == shelf], arms, published) for shelf in shelves]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT + 2 * _TOP + 20}" role="img">',
        f"<title>Recall@10 by week</title><style>{_STYLE}</style>",
        *(
            f'<g transform="translate({place * (_WIDTH + _GAP + _LEFT) + _LEFT},{_TOP})">{panel}</g>'
            for place, panel in enumerate(panels)
        ),
        *_legend(arms),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(rows: Sequence[Week], arms: Sequence[str], published: Collection[int]) -> str:
    count = max(row.week for row in rows) + 1
    bottom, top = min(row.low for row in rows), max(row.high for row in rows)
    room = (top - bottom) * 0.08 or 0.01
    bottom, top = max(0.0, bottom - room), top + room

    def x(week: float) -> float:
        return (week + 0.5) / count * _WIDTH

    def y(value: float) -> float:
        return _HEIGHT * (1 - (value - bottom) / (top - bottom))

    parts = [f'<text x="0" y="-14" font-weight="600">{escape(rows[0].shelf)}: recall@10</text>']
    for step in range(5):
        value = bottom + (top - bottom) * step / 4
        parts.append(f'<line class="g" x1="0" x2="{_WIDTH}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text x="-6" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3f}</text>')
    parts += [
        f'<line class="m" x1="{x(week + 0.5):.1f}" x2="{x(week + 0.5):.1f}" y1="0" y2="{_HEIGHT}"/>'
        for week in sorted(published)
        if week + 1 < count
    ]
    parts += [
        f'<text x="{x(week):.1f}" y="{_HEIGHT + 18}" text-anchor="middle">{week + 1}</text>' for week in range(count)
    ]
    for place, arm in enumerate(arms):
        line = sorted((row for row in rows if row.arm == arm), key=lambda row: row.week)
        shift = (place - (len(arms) - 1) / 2) * 7  # beside each other, so that intervals can be told apart
        colour = _COLOURS[place % len(_COLOURS)]
        points = [(x(row.week) + shift, y(row.recall)) for row in line]
        joined = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{joined}"/>')
        for (px, py), row in zip(points, line, strict=True):
            parts.append(
                f'<path stroke="{colour}" opacity=".6" d="M{px:.1f} {y(row.low):.1f}V{y(row.high):.1f}"/>'
                f'<circle fill="{colour}" r="3" cx="{px:.1f}" cy="{py:.1f}"/>'
            )
    return "".join(parts)


def _legend(arms: Sequence[str]) -> list[str]:
    bottom, at, parts = _TOP + _HEIGHT + 48, _LEFT, []
    for place, arm in enumerate(arms):
        parts.append(f'<circle r="5" fill="{_COLOURS[place % len(_COLOURS)]}" cx="{at}" cy="{bottom - 4}"/>')
        parts.append(f'<text x="{at + 10}" y="{bottom}">{escape(arm)}</text>')
        at += 30 + 7 * len(arm)
    parts.append(f'<text x="{at}" y="{bottom}">week of the replay; dashed: a new model took over; bars: 95 %</text>')
    return parts
