"""The next-click model: what a visitor looks at next, from the clicks of the visit alone.

Session-based recommendation. `index` holds the arrays, `sources` finds evidence in them, `direction` says where a visit
is heading, `retrieval` makes candidates of both, `features` the matrix the forest scores, `ranking` the order. Training
and serving call the same functions.
"""
