"""What a document may ask for: counted, and priced, before anything else looks at it.

``limits``
    The numbers, each a setting; and the error of a document that goes beyond one.

``text``
    A look at the text before it is parsed: its length, its tokens, and how deep its brackets are nested.

``counts``
    One pass over the parsed document, each fragment once: depth, fields, aliases, directives, introspection. It comes
    before validation, which a hostile document can keep busy; a fragment that spreads the next one twice, and that
    again, is 2^n fields and n fragments.

``weights``
    ``@cost`` and ``@listSize``, as fields and types of the schema carry them.

``blocks``, ``compiler``, ``estimate``
    What an operation costs at most, from those weights and its variables. What it has cost is counted by the executor,
    with the same weights.
"""

from resolvers.limits.counts import Counts, check_counts, count
from resolvers.limits.estimate import Estimate
from resolvers.limits.limits import DocumentRefusedError, Limits
from resolvers.limits.text import check_text
from resolvers.limits.weights import Cost, ListSize

__all__ = [
    "Cost",
    "Counts",
    "DocumentRefusedError",
    "Estimate",
    "Limits",
    "ListSize",
    "check_counts",
    "check_text",
    "count",
]
