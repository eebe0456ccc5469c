"""The arrays of the session index, from sessions of clicks.

In: `Clicks`, the vectors of the encoder and the chosen settings. Out: the arrays `edge.core.sessions.index.ARRAYS`
names.
"""

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from edge.core.index import Floats
from training.sessions.clicks import Clicks
from training.sessions.encoder import Encoder

_SESSIONS_PER_ITEM = 500
_NEXT_KEPT = 100  # transitions per item
_REACH = 6  # clicks between two items that still count as a transition
_DOUBT = 3.0  # clicks of doubt in a share
_NEWEST, _RECENT, _LATELY = 0.01, 0.04, 0.12  # shares of all sessions


@dataclass(frozen=True)
class Chosen:
    """The hyper-parameters, in the order of `edge.core.sessions.index.SETTINGS`; `half_life` is in sessions."""

    decay: float
    half_life: float
    neighbours: float
    spread: float
    direction: float


def build(clicks: Clicks, encoder: Encoder, chosen: Chosen) -> dict[str, NDArray[Any]]:
    """Every array, from these sessions only."""
    return {
        "ids": np.array([id_.encode() for id_ in clicks.ids], np.bytes_),
        "session_ptr": clicks.ptr.astype(np.int32),
        "session_items": clicks.items,
        "vectors": encoder.vectors,
        "encoder": encoder.weights,
        "settings": np.array(astuple(chosen), np.float32),
        **_sessions_of_items(clicks),
        **_transitions(clicks),
        **_popularity(clicks),
    }


def _sessions_of_items(clicks: Clicks) -> dict[str, NDArray[Any]]:
    """Each item's newest sessions, newest first, and where in them it was clicked last."""
    session, count = clicks.session_of(), len(clicks.ids)
    place = np.arange(len(session)) - clicks.ptr[session]
    newest = np.lexsort((-place, -session, clicks.items))
    item, session, place = clicks.items[newest], session[newest], place[newest]
    first = np.ones(len(item), np.bool_)  # of an item in a session: its last click
    first[1:] = (item[1:] != item[:-1]) | (session[1:] != session[:-1])
    item, session, place = item[first], session[first], place[first]
    starts = np.searchsorted(item, np.arange(count + 1))
    kept = np.arange(len(item)) - starts[item] < _SESSIONS_PER_ITEM
    return {
        "item_session_ptr": np.searchsorted(item[kept], np.arange(count + 1)).astype(np.int32),
        "item_sessions": session[kept],
        "item_places": place[kept].astype(np.int32),
    }


def flows(clicks: Clicks, reach: int, half_life: float) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """How clicks flow from item to item: to the very next click, and to the next `reach`, each 1 / distance.

    Newer sessions weigh more: half after `half_life` sessions. [N, N], row to column.
    """
    session, items, count = clicks.session_of(), clicks.items, len(clicks.ids)
    weight = np.exp2((session - len(clicks)) / half_life).astype(np.float32)
    rows, columns, values, next_values = [], [], [], []
    for distance in range(1, reach + 1):
        here, there = slice(None, -distance), slice(distance, None)
        at = np.flatnonzero((session[here] == session[there]) & (items[here] != items[there]))
        rows.append(items[at])
        columns.append(items[at + distance])
        values.append(weight[at] / np.float32(distance))
        next_values.append(weight[at] * np.float32(distance == 1))
    place = (np.concatenate(rows), np.concatenate(columns))
    flow, following = (sp.csr_matrix((np.concatenate(some), place), (count, count)) for some in (values, next_values))
    return following, flow


def _transitions(clicks: Clicks) -> dict[str, NDArray[Any]]:
    following, flow = flows(clicks, _REACH, half_life=len(clicks) / 8)
    count = len(clicks.ids)
    strength = (flow + 0.5 * flow.T + 2 * following).tocsr()
    row = np.repeat(np.arange(count), np.diff(strength.indptr))
    order = np.lexsort((-strength.data, row))
    kept = order[np.arange(len(order)) - strength.indptr[row[order]] < _NEXT_KEPT]
    one, other = row[kept], strength.indices[kept]
    out, into, to_next = (np.asarray(total).ravel() + _DOUBT for total in (flow.sum(1), flow.sum(0), following.sum(1)))
    forward, backward = _at(flow, one, other), _at(flow, other, one)
    both = np.sqrt((out + into)[one] * (out + into)[other])
    values = [forward / out[one], backward / into[one], _at(following, one, other) / to_next[one]]
    return {
        "next_ptr": np.searchsorted(one, np.arange(count + 1)).astype(np.int32),
        "next_items": other.astype(np.int32),
        "next_values": np.stack([*values, (forward + backward) / both], axis=1).astype(np.float16),
    }


def _at(matrix: sp.csr_matrix, rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(matrix[rows, columns]).ravel()


def _popularity(clicks: Clicks) -> dict[str, NDArray[Any]]:
    """See `edge.core.sessions.index.POPULARITY`: counts as doublings, in steps of a half."""
    sessions, count = len(clicks), len(clicks.ids)

    def since(share: float) -> NDArray[Any]:
        start = clicks.ptr[sessions - max(round(share * sessions), 1)]
        return np.bincount(clicks.items[start:], minlength=count)

    newest, recent, lately, ever = (since(share) for share in (_NEWEST, _RECENT, _LATELY, 1.0))
    last = np.full(count, -1)
    last[clicks.items] = clicks.session_of()
    columns = [_doublings(1 + some) for some in (newest, recent, lately, ever)]
    columns.append(_doublings(0.05 + newest * (_LATELY / _NEWEST) / (lately + 5)))
    columns.append(_doublings(0.05 + recent / _RECENT / (ever + 5)))
    columns.append(_doublings(np.float64(sessions) - last))
    popular = np.lexsort((np.arange(count), -ever, -recent))
    return {
        "popularity": np.stack(columns, axis=1).astype(np.float32),
        "popular": popular[ever[popular] > 0][:1_000].astype(np.int32),
    }


def _doublings(values: NDArray[Any]) -> Floats:
    halves: Floats = (np.round(2 * np.log2(values)) / 2).astype(np.float32)
    return halves
