"""Small schemas of graphql-core alone, with level resolvers, and ways to execute operations on them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from inspect import isawaitable
from typing import Any

from graphql import DocumentNode, ExecutionResult, GraphQLSchema, build_schema, parse

from resolvers.executor import LEVEL, BreadthFirstExecutor


@cache
def document(query: str) -> DocumentNode:
    """The parsed document of a text, the same each time: plans belong to a document."""
    return parse(query)


def schema(text: str, levels: Mapping[str, Callable[..., Any]] | None = None) -> GraphQLSchema:
    """A schema from its text, with level resolvers by their fields, as ``Query.items``."""
    built = build_schema(text)
    for coordinate, resolver in (levels or {}).items():
        parent, _, name = coordinate.partition(".")
        type_: Any = built.type_map[parent]
        type_.fields[name].extensions[LEVEL] = resolver
    return built


def start(built: GraphQLSchema, query: str, root: Any = None, **more: Any) -> ExecutionResult | Awaitable[Any]:
    """What the executor returns for an operation, and no sooner. ``variables`` and its own arguments are ``more``."""
    more["raw_variable_values"] = more.pop("variables", None)
    executor = BreadthFirstExecutor.build(built, document(query), root, **more)
    assert not isinstance(executor, list), executor
    started: ExecutionResult | Awaitable[Any] = executor.execute_operation()
    return started


def told(result: ExecutionResult) -> tuple[Any, list[tuple[list[str | int], str]]]:
    """A result as its data, and its errors' paths and messages."""
    return result.data, [(error.path or [], error.message) for error in result.errors or ()]


def run(built: GraphQLSchema, query: str, root: Any = None, **more: Any) -> Any:
    """What an operation returns that has nothing to wait for: ``told``."""
    result = start(built, query, root, **more)
    assert isinstance(result, ExecutionResult), "it waits"
    return told(result)


async def run_async(built: GraphQLSchema, query: str, root: Any = None, **more: Any) -> Any:
    """What an operation returns that has to wait: ``told``."""
    result = start(built, query, root, **more)
    assert isawaitable(result), "it does not wait"
    return told(await result)
