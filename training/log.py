"""The event log as training reads it: each event once, however often a crash or a repeated import wrote it.

In: rows of the log, with `event_id`, `line` (which of the event's lines) and `recorded` (when it was written). Out: the
same rows without the repeated ones. Works on every engine.
"""

import ibis
from ibis.expr.types import Table


def resolved(rows: Table) -> Table:
    """Of each event the copy recorded last (an import may have been corrected), and of each of its lines one."""
    newest = rows.recorded == rows.recorded.max().over(group_by=rows.event_id)
    seat = ibis.row_number().over(group_by=[rows.event_id, rows.line], order_by=rows.recorded.desc())
    marked = rows.mutate(kept_=newest & (seat == 0))
    return marked.filter(marked.kept_).drop("kept_")
