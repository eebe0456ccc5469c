"""The sources of evidence that candidates are found by, and their places in it.

What each says is worked out in `edge.core.compiled`: by `sources` and `candidates` for what looks at the shopper, by
`similar` for what looks at the page alone.
"""

SOURCES = (
    "pair",  # bought together with the anchors beyond chance: the score,
    "lift",  # by how much beyond chance,
    "hits",  # and with how many of them
    "kind",  # own purchases: how much more than by chance their category is bought with the anchors' kinds
    "neighbours",  # what the recent orders most like the anchors, or this visit, hold besides (VMIS-kNN)
    "own",  # bought before, the more and the later the stronger
    "history_pair",  # companions of this shopper's strongest purchases
    "visit_pair",  # what this visit, or else the last views, looked at, and the companions of that
    "favourite",  # the best of the narrow categories this shopper buys most
    "liked",  # what shoppers of this one's taste buy, of the shop's better known products
    "alike",  # like the page's product
    "popular",  # the shop's most popular, once anything is known of this shopper or visit
)
PAIR, LIFT, HITS, KIND, NEIGHBOURS, OWN, HISTORY_PAIR, VISIT_PAIR, FAVOURITE, LIKED, ALIKE, POPULAR = range(
    len(SOURCES)
)
