"""Operations: documents parsed and validated once, executed in a caller's session."""

from __future__ import annotations

import gc
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from graphql import DocumentNode, ExecutionResult, GraphQLError, OperationDefinitionNode, OperationType, parse
from graphql.execution import Executor
from graphql.validation import specified_rules, validate
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry import Schema
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from resolvers.context import Context
from resolvers.executor import BreadthFirstExecutor, Plans
from resolvers.limits import DocumentRefusedError, Estimate, Limits, check_counts, check_text
from resolvers.selection import names_in
from resolvers.upload_url import UrlSigner
from sql.session import Session

# Characters of documents that were read and not kept. Their tokens know each other, so only the collector frees them,
# and it counts objects: a few may hold a text of any size.
MOST_PASSED_ON = 4_000_000
MAX_CACHED_TEXT = 32_768  # characters; larger documents are read anew each time, refused ones as well
PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
INTROSPECTION_DISABLED = "INTROSPECTION_DISABLED"
OPERATION_FAILED = "OPERATION_RESOLUTION_FAILURE"
VARIABLES_FAILED = "BAD_USER_INPUT"
RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
MAX_VALIDATION_ERRORS = 20
# graphql-core's own bound on comparing fields of one name, a fifth of its default: the rest would be 60 ms of work.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 100_000


@dataclass(frozen=True)
class Document:
    """A document's text, parsed and validated: either a syntax tree or the errors that refuse it.

    ``introspects`` says whether it asks for the schema itself.
    """

    tree: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()
    introspects: bool = False
    plans: Plans = field(default_factory=Plans, compare=False)
    estimates: dict[int, Estimate] = field(default_factory=dict, compare=False)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all fields that are asked for, in any operation and fragment."""
        return names_in(self.tree)

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of this name, or the only one without a name; None where that is not clear."""
        found = [
            definition
            for definition in (self.tree.definitions if self.tree else ())
            if isinstance(definition, OperationDefinitionNode)
            and (name is None or (definition.name is not None and definition.name.value == name))
        ]
        return found[0] if len(found) == 1 else None


class Executed(ExecutionResult):
    """The result of an operation, and the points that it has cost; None where the executor does not count them."""

    __slots__ = ("cost",)

    def __init__(self, result: ExecutionResult, cost: int | None) -> None:
        super().__init__(result.data, result.errors, result.extensions)
        self.cost = cost


class Engine:
    """Executes operations on a schema; keeps the most recently used documents ready.

    A page of a connection has at most ``max_page_size`` rows. ``signer`` signs the URLs of uploads.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        cached_documents: int = 1000,
        max_page_size: int = 200,
        limits: Limits = Limits(),  # noqa: B008 - a value that never changes
        executor_class: type[Executor[Any]] = BreadthFirstExecutor,
        signer: UrlSigner | None = None,
    ) -> None:
        self.schema = schema
        self._signer = signer or UrlSigner()
        self._max_page_size = max_page_size
        self._limits = limits
        self._executor_class = executor_class
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self._cached_documents = cached_documents
        self._passed_on = 0
        self.looked_up = self.read = 0  # texts, and those of them that were not among the ready ones

    def document(self, text: str, *, introspection: bool = True) -> Document:
        """The parsed and validated document of a text, from the cache where it was seen before.

        Without ``introspection`` a document that asks for the schema is refused, and errors suggest no names.
        """
        document = self._documents.get(text)
        self.looked_up += 1
        if document is None:
            self.read += 1
            document = self._read(text, introspection=introspection)
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
            if document.introspects and not introspection:
                return Document(None, (_introspection_disabled(),))
        return document

    def _read(self, text: str, *, introspection: bool = True) -> Document:
        """Reads a document. Its size comes first: to validate it takes longer than to count it, and much for some."""
        try:
            check_text(text, self._limits)
            tree = parse(text)
            introspects = check_counts(tree, self._limits)
        except DocumentRefusedError as error:
            return Document(None, (error.with_traceback(None),))
        except GraphQLError as error:
            return Document(None, (_coded(error, PARSE_FAILED),))
        if introspects and not introspection:
            return Document(None, (_introspection_disabled(),))
        schema = self.schema._schema  # noqa: SLF001 - Strawberry's own validation keeps its suggestions
        errors = validate(schema, tree, RULES, MAX_VALIDATION_ERRORS, hide_suggestions=not introspection)
        if errors:
            return Document(None, tuple(_coded(error, VALIDATION_FAILED) for error in errors))
        return Document(tree, introspects=introspects)

    def estimate(self, document: Document, operation: OperationDefinitionNode, variables: dict[str, Any] | None) -> int:
        """The points that an operation costs at most. Raises DocumentRefusedError where these are too many."""
        found = document.estimates.get(id(operation))
        if found is None:
            if document.tree is None:
                return 0
            found = Estimate.of(self.schema._schema, document.tree, operation)  # noqa: SLF001 - as above
            document.estimates[id(operation)] = found
        cost = found.cost(variables, max_page_size=self._max_page_size)
        if cost > self._limits.cost:
            raise DocumentRefusedError("QUERY_TOO_EXPENSIVE", "Estimated cost in points", self._limits.cost, cost)
        return cost

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
        self,
        document: Document,
        session: Session,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        *,
        introspection: bool = True,
    ) -> Executed:
        """The result of an operation; its statements all run in the session's transaction.

        Without ``introspection`` errors suggest no names.
        """
        if document.tree is None:
            return Executed(ExecutionResult(None, list(document.errors)), 0)
        context = Context.of(session, names=document.names, max_page_size=self._max_page_size, signer=self._signer)
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
                hide_suggestions=not introspection,
                is_awaitable=cast("Any", optimized_is_awaitable),
                **options,
            )
            if isinstance(executor, list):
                return Executed(ExecutionResult(None, executor), 0)
            result: Any = executor.execute_operation()
            if not isinstance(result, ExecutionResult):
                result = await result
            if session.opening.unreadable:
                result.errors = [*(result.errors or ()), unavailable(session.opening.unreadable)]
            return Executed(result, getattr(executor, "cost", None))
        finally:
            await context.loaders.close()


def unavailable(values: int) -> GraphQLError:
    """What is told beside the data where encrypted values in it are null because they cannot be read."""
    return GraphQLError(
        f"{values} encrypted value(s) cannot be read now, and are null in the answer.",
        extensions={"code": "ENCRYPTED_FIELD_UNAVAILABLE"},
    )


def graphql_core_executor() -> type[Executor[Any]]:
    """graphql-core's own executor, as Strawberry uses it: what breadth-first execution is compared with."""
    return StrawberryGraphQLCoreExecutionContext


def _introspection_disabled() -> GraphQLError:
    message = "This gateway does not tell its schema: ask for data. The schema is published as schema.graphql."
    return GraphQLError(message, extensions={"code": INTROSPECTION_DISABLED})


def _coded(error: GraphQLError, code: str) -> GraphQLError:
    """The error with a code, and without its traceback: that would hold on to whoever keeps the error."""
    error.__traceback__ = None
    error.extensions = {"code": code, **(error.extensions or {})}
    return error
