"""Breadth-first execution: an operation a level at a time, where graphql-core goes object by object.

For a reader who knows graphql-core's ``Executor``, in the order of the modules:

``plan``
    What is known before the first value: which fields an object type has under a group of field nodes, how each is
    resolved, its type taken apart, its arguments where they hold no variable. graphql-core finds this out for every
    execution, and much of it for every object; here it is kept with the parsed document.

``level``
    A *level* is all objects of one object type that one field yields, over all of its parents: the vehicles of all
    groups of a page, say. A *column* is one field of a level, a value for each object. Under a list type the items of
    all lists lie flat in a further *layer*, with the lists' lengths beside them. Nothing has a path: where a value
    stands is worked out from lengths, and only for the few that are wrong.

``completion``
    Completes a column: nulls and exceptions, lists, leaves, objects. Each step looks at the *set of types* of the whole
    column first, which costs a few nanoseconds a value; mostly there is one type, and nothing to do for each value.
    A column of texts, ids or booleans is complete after that look: they are in the response as they are.

``leaves``, ``objects``, ``iterables``
    The three ends of that: a column of scalars or enumeration values is coerced at once; objects become a new level, by
    their object types; a list that is no list is iterated, or left to graphql-core where it is asynchronous.

``written``
    What a level resolver sees that *looks ahead*: the selection below its field. What it finds there, and makes of
    arguments without variables, it may keep with the field's plan (``once``). Where it fetches very many objects whose
    fields are all leaves, it has them written as they arrive, so that only their text is kept. Such an object is a
    ``Fragment``, and complete: no level comes of it. Objects with an error are not written. They become a level, and
    the error finds its place there.

``rows``
    When no level is left to do, their objects are put together from the last level to the first: the columns of a level
    are turned into one dict for each object, which take their places in the column above.

``errors``
    A value that is wrong leaves its column, layer and index, and ``FAILED`` in its place if its type is non-null.
    ``FAILED`` moves up while levels are put together, until a nullable position takes it as null. Errors are located
    at the end: in the order of the response, and of several that null the same position only the first.

``waits``
    What is being waited for, and where it belongs, so that nobody waits for what a null has swept away.

``executor``
    The loop: do what can be done, then wait for whatever the resolvers wait for, and so on. Everything runs without a
    coroutine of ours until a resolver returns an awaitable, so that a synchronous execution stays synchronous. When it
    has nothing to do but wait, it says so (``when_idle``): that is the moment to send a batch.

A field may carry, in its ``extensions`` under ``LEVEL``, a *level resolver*: called once for a level as
``resolve(sources, info, arguments)``, it returns a value for each source, or an awaitable of that; an exception among
the values is an error at its place. ``Attribute`` is the level resolver of a field that is read from its source. A
field without one is resolved as graphql-core does, object by object. A level resolver with the attribute
``LOOKS_AHEAD`` is given an ``Ahead`` as well. ``TYPES`` and ``LEAF`` do the same for abstract
types and for leaf types. Under ``WEIGHT`` a type has what an object of it costs, and a field what asking for it costs;
``cost`` is what the operation has cost so far, one addition for each level.

Why it is fast: a field costs once for a level what it used to cost for each object (looking up the definition,
collecting sub-fields, coercing arguments, building an info and a path, a coroutine); and what is left for each value
runs in C.

What is otherwise than in graphql-core, each allowed by the specification: all objects of a level are resolved before
any of them is completed, so a resolver may run although a sibling's failure has already nulled their parent; errors
come in the order of the response rather than that of their happening, but for those below an asynchronous iterable;
``@defer`` and ``@stream`` are ignored. When null reaches the root, coroutines that have not begun are closed;
graphql-core runs them after the answer.
"""

from resolvers.executor.executor import BreadthFirstExecutor
from resolvers.executor.leaves import LEAF
from resolvers.executor.plan import LEVEL, TYPES, Attribute, Plans
from resolvers.executor.written import LOOKS_AHEAD, Ahead, Writer

__all__ = ["LEAF", "LEVEL", "LOOKS_AHEAD", "TYPES", "Ahead", "Attribute", "BreadthFirstExecutor", "Plans", "Writer"]
