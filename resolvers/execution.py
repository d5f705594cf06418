"""Operations: documents parsed and validated once, executed in a caller's session."""

from __future__ import annotations

import gc
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import DocumentNode, ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType, parse
from graphql.execution import Executor
from graphql.validation import specified_rules
from strawberry import Schema
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext, validate_document

from resolvers.context import Context
from resolvers.executor import BreadthFirstExecutor, Plans
from sql.session import Session

MAX_TOKENS = 10_000
# Characters of documents that were read and not kept. Their tokens know each other, so only the collector frees them,
# and it counts objects: a few may hold a text of any size.
MOST_PASSED_ON = 4_000_000
MAX_CACHED_TEXT = 32_768  # characters; larger documents are read anew each time, refused ones as well
PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
OPERATION_FAILED = "OPERATION_RESOLUTION_FAILURE"
VARIABLES_FAILED = "BAD_USER_INPUT"


@dataclass(frozen=True)
class Document:
    """A document's text, parsed and validated: either a syntax tree or the errors that refuse it."""

    tree: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()
    plans: Plans = field(default_factory=Plans, compare=False)

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of this name, or the only one without a name; None where that is not clear."""
        found = [
            definition
            for definition in (self.tree.definitions if self.tree else ())
            if isinstance(definition, OperationDefinitionNode)
            and (name is None or (definition.name is not None and definition.name.value == name))
        ]
        return found[0] if len(found) == 1 else None


class Engine:
    """Executes operations on a schema; keeps the most recently used documents ready.

    A page of a connection has at most ``max_page_size`` rows.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        cached_documents: int = 1000,
        max_page_size: int = 200,
        executor_class: type[Executor[Any]] = BreadthFirstExecutor,
    ) -> None:
        self.schema = schema
        self._max_page_size = max_page_size
        self._executor_class = executor_class
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self._cached_documents = cached_documents
        self._passed_on = 0

    def document(self, text: str) -> Document:
        """The parsed and validated document of a text, from the cache where it was seen before."""
        document = self._documents.get(text)
        if document is None:
            document = self._read(text)
            if document.tree is None or len(text) > MAX_CACHED_TEXT:
                self._passed_on += len(text)
                if self._passed_on > MOST_PASSED_ON:
                    self._passed_on = 0
                    gc.collect(1)
                return document
            self._documents[text] = document
            if len(self._documents) > self._cached_documents:
                self._documents.popitem(last=False)
        else:
            self._documents.move_to_end(text)
        return document

    def _read(self, text: str) -> Document:
        try:
            tree = parse(text, max_tokens=MAX_TOKENS)
            errors = validate_document(self.schema._schema, tree, tuple(specified_rules))  # noqa: SLF001
        except GraphQLError as error:
            return Document(None, (_coded(error, PARSE_FAILED),))
        except RecursionError:
            return Document(
                None, (GraphQLError("The document is nested too deeply.", extensions={"code": PARSE_FAILED}),)
            )
        return Document(None if errors else tree, tuple(_coded(error, VALIDATION_FAILED) for error in errors))

    def resolve_operation(self, document: Document, name: str | None) -> OperationDefinitionNode:
        """The operation to execute. Raises GraphQLError where the name does not settle it, or for a subscription."""
        operation = document.operation(name)
        if operation is None:
            message = (
                f"The document has no operation named {name!r}."
                if name is not None
                else "Say which operation to execute: the document needs exactly one, or an operationName."
            )
            raise GraphQLError(message, extensions={"code": OPERATION_FAILED})
        if operation.operation is OperationType.SUBSCRIPTION:
            raise GraphQLError("Subscriptions are not served here.", extensions={"code": OPERATION_FAILED})
        return operation

    async def execute(
        self, document: Document, session: Session, variables: dict[str, Any] | None, operation_name: str | None
    ) -> ExecutionResult:
        """The result of an operation; its statements all run in the session's transaction."""
        if document.tree is None:
            return ExecutionResult(None, list(document.errors))
        context = Context.of(session, max_page_size=self._max_page_size)
        try:
            options: dict[str, Any] = {"operation_extensions": None}
            if issubclass(self._executor_class, BreadthFirstExecutor):
                options |= {"plans": document.plans, "when_idle": context.loaders.schedule.idle}
            executor = self._executor_class.build(
                self.schema._schema,  # noqa: SLF001 - Strawberry's own execute parses and validates anew
                document.tree,
                context_value=context,
                raw_variable_values=variables,
                operation_name=operation_name,
                is_awaitable=cast("Any", optimized_is_awaitable),
                **options,
            )
            if isinstance(executor, list):
                return ExecutionResult(None, executor)
            result: Any = executor.execute_operation()
            return result if isinstance(result, ExecutionResult) else await result
        finally:
            await context.loaders.close()


def graphql_core_executor() -> type[Executor[Any]]:
    """graphql-core's own executor, as Strawberry uses it: what breadth-first execution is compared with."""
    return StrawberryGraphQLCoreExecutionContext


def _coded(error: GraphQLError, code: str) -> GraphQLError:
    """The error with a code, and without its traceback: that would hold on to whoever keeps the error."""
    error.__traceback__ = None
    error.extensions = {"code": code, **(error.extensions or {})}
    return error
