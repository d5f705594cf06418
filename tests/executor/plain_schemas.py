"""Schemas of graphql-core alone, drawn by hypothesis, whose every value is made up: all that a resolver may return.

Types are wrapped in lists and non-null at random; objects, an interface, a union, an enumeration and a scalar that
refuses some values. What a field yields depends on a seed, its source, its key and its arguments, so it is the same for
every executor: values that fit or do not, nulls, ``Undefined``, exceptions raised and returned, lists of every kind. In
an *asynchronous* schema anything may be awaitable, after any number of turns. Some fields have a level resolver; their
values are no awaitables, which is all that it promises.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Generator
from dataclasses import dataclass, field
from inspect import CORO_CLOSED, getcoroutinestate
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from hypothesis import strategies as st

from tests.executor.comparison import Place
from tests.executor.faults import LEVEL
from tests.executor.plain_leaves import LEAVES, ODD, right_leaves, wrong_leaves

NO_LISTS: list[Any] = ["text", b"bytes", {"a": 1}, 7]


class Later:
    """An awaitable that is none of asyncio's: arrives after some turns of the loop. Needs not be awaited."""

    def __init__(self, value: Any, turns: int) -> None:
        self._value, self._turns = value, turns

    def __await__(self) -> Generator[None, None, Any]:
        for _ in range(self._turns):
            yield
        if isinstance(self._value, Exception):
            raise self._value
        return self._value


class Stream:
    """An asynchronous iterable."""

    def __init__(self, items: list[Any]) -> None:
        self._items = iter(items)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        await asyncio.sleep(0)
        for item in self._items:
            return item
        raise StopAsyncIteration


class Source:
    """An object: what is asked of it, it makes up. ``id`` tells it from all others of the response."""

    def __init__(self, plain: Plain, id_: str, type_: str, *, named: bool) -> None:
        self.plain, self.id, self.type = plain, id_, type_
        if named:
            self.__typename = type_

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("bare"):
            raise AttributeError(name)
        return lambda info, **arguments: self.plain.resolve(self, info, **arguments)

    def __repr__(self) -> str:
        return f"<{self.type} {self.id}>"


@dataclass
class Plain:
    """A schema, and how often what it yields is wrong.

    Keeps where asynchronous iterables were, and the coroutines that resolvers returned.
    """

    asynchronous: bool
    seed: int = 0
    per_mille: int = 0
    streams: set[Place] = field(default_factory=set)
    coroutines: list[Coroutine[Any, Any, Any]] = field(default_factory=list)
    schema: GraphQLSchema = field(init=False)

    def random(self, *key: Any) -> Random:
        """Random numbers of a key's own."""
        return Random(repr((self.seed, *key)))  # noqa: S311 - no secrets here

    def wrong(self, random: Random) -> bool:
        """Whether something is wrong here."""
        return random.randrange(1000) < self.per_mille

    def error(self, random: Random, where: str) -> Exception:
        """An exception of some kind."""
        kind = random.choice([ValueError, KeyError, GraphQLError, RuntimeError])
        return kind(f"wrong at {where}")

    def root(self) -> Source:
        """The root value."""
        return Source(self, "", "Query", named=False)

    def resolve(self, source: Source, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        """What a field yields, raises or has awaited."""
        value = self._made(source, info, arguments, levels=False)
        random = self.random(source.id, info.path.key, "how")
        if self.asynchronous and random.random() < 0.4:
            return self._coroutine(value, random.randrange(4)) if random.random() < 0.5 else Later(value, 2)
        if isinstance(value, Exception) and random.random() < 0.5:
            raise value
        return value

    def level(self, sources: list[Source], info: GraphQLResolveInfo, arguments: dict[str, Any]) -> Any:
        """What a level resolver returns for all sources, or has awaited."""
        values = [self._made(source, info, arguments, levels=True) for source in sources]
        random = self.random(info.path.key, "how", len(sources))
        if self.asynchronous and random.random() < 0.5:
            return self._coroutine(values, random.randrange(4))
        return values if random.random() < 0.5 else tuple(values)

    def resolve_plainly(self, source: Source, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        """What the field of a level resolver yields, for an executor that goes object by object."""
        value = self._made(source, info, arguments, levels=True)
        if self.asynchronous and self.random(source.id, info.path.key, "how").random() < 0.4:
            return self._coroutine(value, 1)
        return value

    def _made(self, source: Source, info: GraphQLResolveInfo, arguments: dict[str, Any], *, levels: bool) -> Any:
        where = f"{source.id}/{info.path.key}"
        random = self.random(where, info.field_name, sorted(arguments.items()))
        return self.value(info.return_type, random, where, awaits=self.asynchronous and not levels)

    def _coroutine(self, value: Any, turns: int) -> Any:
        async def coroutine() -> Any:
            return await Later(value, turns)

        self.coroutines.append(coroutine())
        return self.coroutines[-1]

    def left(self) -> int:
        """How many coroutines have not come to an end. Closes them."""
        left = [coroutine for coroutine in self.coroutines if getcoroutinestate(coroutine) != CORO_CLOSED]
        for coroutine in left:
            coroutine.close()
        self.coroutines.clear()
        return len(left)

    def value(self, type_: GraphQLOutputType, random: Random, where: str, *, awaits: bool) -> Any:
        """A value of a type, mostly."""
        wrong = self.wrong(random)
        if wrong and random.random() < 0.4:
            return random.choice([None, None, Undefined, self.error(random, where), self.error(random, where)])
        bare: Any = get_nullable_type(type_)
        if is_list_type(bare):
            return random.choice(NO_LISTS) if wrong else self.items(bare.of_type, random, where, awaits=awaits)
        if is_object_type(bare) or is_abstract_type(bare):
            names = [bare.name] if is_object_type(bare) else [t.name for t in self.schema.get_possible_types(bare)]
            if wrong:
                names = [name for name in self.schema.type_map if name.startswith("O")]
            return Source(self, where, random.choice(names), named=random.random() < 0.8)
        mixed = self.random("mixed").random() < 0.5
        return random.choice((wrong_leaves if wrong else right_leaves)(bare.name, mixed=mixed))

    def items(self, type_: GraphQLOutputType, random: Random, where: str, *, awaits: bool) -> Any:
        """A list of some kind."""
        items = [
            self.value(type_, random, f"{where}/{i}", awaits=awaits) for i in range(random.choice([0, 1, 2, 2, 3]))
        ]
        if awaits:
            if random.random() < 0.15:
                self.streams.add(tuple(int(step) if step.isdigit() else step for step in where.split("/")[1:]))
                return Stream(items)
            items = [Later(item, random.randrange(4)) if random.random() < 0.2 else item for item in items]
        kind = random.choice(["list", "list", "tuple", "generator", "iterator"])
        return {"list": items, "tuple": tuple(items), "generator": (i for i in items), "iterator": iter(items)}[kind]

    def is_type_of(self, name: str, *, later: bool) -> Any:
        """A type's ``is_type_of``, which may be wrong."""

        def is_type_of(source: Source, _: GraphQLResolveInfo) -> Any:
            random = self.random(source.id, "is_type_of", name)
            wrong = self.wrong(random)
            answer: Any = self.error(random, f"{source.id} is {name}") if wrong else source.type == name
            if later and random.random() < 0.7:
                return Later(answer, random.randrange(3))
            if wrong:
                raise answer
            return answer

        return is_type_of

    def resolve_type(self, *, later: bool) -> Any:
        """An abstract type's ``resolve_type``, which may be wrong."""

        def resolve_type(source: Source, _: GraphQLResolveInfo, type_: GraphQLNamedType) -> Any:
            random = self.random(source.id, "resolve_type", type_.name)
            answer: Any = source.type
            if self.wrong(random):
                answer = random.choice([None, "Nothing", type_.name, "Int", 7, "Query", self.error(random, source.id)])
            if later and random.random() < 0.7:
                return Later(answer, random.randrange(3))
            if isinstance(answer, Exception):
                raise answer
            return answer

        return resolve_type


@st.composite
def plains(draw: st.DrawFn, *, asynchronous: bool) -> Plain:
    """Schemas, with the values that they yield."""
    rates = st.sampled_from([0, 30, 100, 300])
    plain = Plain(asynchronous, draw(st.integers(0, 2**32)), draw(rates))
    objects: list[GraphQLObjectType] = []
    arguments = {"x": GraphQLArgument(GraphQLNonNull(GraphQLInt), default_value=1), "y": GraphQLArgument(ODD)}

    def wrapped(named: GraphQLOutputType) -> GraphQLOutputType:
        type_: Any = named
        for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
            type_ = GraphQLList(type_ if is_non_null_type(type_) or draw(st.booleans()) else GraphQLNonNull(type_))
        return type_ if draw(st.booleans()) else GraphQLNonNull(type_)

    def fields(prefix: str, count: int) -> dict[str, GraphQLField]:
        found = {}
        for number in range(count):
            type_ = wrapped(draw(st.sampled_from([*LEAVES, *composites, *composites])))
            kind = draw(st.sampled_from(["bare", "each", "each", "level", "level"]))
            found[f"{kind}_{prefix}{number}"] = GraphQLField(
                type_,
                arguments if draw(st.booleans()) else {},
                {"bare": None, "each": plain.resolve, "level": plain.resolve_plainly}[kind],
                extensions={LEVEL: plain.level} if kind == "level" else {},
            )
        return found

    def asked(later: Any) -> bool:
        return asynchronous and draw(later)

    shared = wrapped(draw(st.sampled_from(LEAVES)))
    interface = GraphQLInterfaceType("I", {"bare_shared": GraphQLField(shared)})
    for number in range(4):
        name, counted = f"O{number}", draw(st.integers(1, 4))
        narrowed = shared if is_non_null_type(shared) or draw(st.booleans()) else GraphQLNonNull(shared)
        is_type_of = plain.is_type_of(name, later=asked(st.booleans())) if draw(st.integers(0, 2)) else None
        objects.append(
            GraphQLObjectType(
                name,
                lambda number=number, counted=counted, narrowed=narrowed: {  # type: ignore[misc]
                    "bare_shared": GraphQLField(narrowed),
                    **fields(f"{number}", counted),
                },
                [interface],
                is_type_of,
            )
        )
    union = GraphQLUnionType("U", objects[: draw(st.integers(1, 3))])
    for abstract in (interface, union):
        if draw(st.integers(0, 3)):
            abstract.resolve_type = plain.resolve_type(later=asked(st.booleans()))
    composites = [*objects, interface, union]
    query = GraphQLObjectType("Query", fields("q", 4))
    plain.schema = GraphQLSchema(query, types=objects)
    return plain
