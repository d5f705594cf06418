"""The executor: resolves and completes levels until none is left, then puts the response together."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLResolveInfoHelpers,
    OperationType,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import GroupedFieldSet, collect_fields
from graphql.execution.executor import SELECTIONS_NESTED_TOO_DEEPLY
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from resolvers.executor.completion import Completion
from resolvers.executor.errors import FieldErrors
from resolvers.executor.level import FAILED, Column, Level
from resolvers.executor.plan import Attribute, FieldPlan, Plans, Selection
from resolvers.executor.rows import assemble, column_values, objects
from resolvers.executor.waits import Waits, WhenIdle
from resolvers.executor.written import LOOKS_AHEAD, Ahead

Then = Callable[[dict[int, Any]], None]


class BreadthFirstExecutor(Executor[None]):
    """Executes an operation a level at a time; see the package's documentation.

    :param plans: the document's plans, kept by the caller; made anew where there are none.
    :param when_idle: called when there is nothing to do but to wait, with whether coroutines are being waited for: they
        may still ask for more, while a plain future cannot. It may return work to be awaited here and now.
    :param operation_extensions: what Strawberry hands on to its resolvers as ``info.input_extensions``.
    """

    def __init__(
        self,
        *args: Any,
        plans: Plans | None = None,
        when_idle: WhenIdle | None = None,
        operation_extensions: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.plans = plans or Plans()
        self.when_idle = when_idle
        self.operation_extensions = operation_extensions
        self.cost = 0
        self._is_strawberry = hasattr(self.schema, "_strawberry_schema")

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The operation's ExecutionResult, or an awaitable of it where a resolver returned an awaitable.

        Raises AbortedGraphQLExecutionError where the abort signal says so.
        """
        abort_signal = self.abort_signal
        if abort_signal is not None and abort_signal.aborted:
            self.run_async_work_finished_hook()
            raise self.abort_error()
        self.async_helpers = GraphQLResolveInfoHelpers(self.gather_async_work, self.track_async_work)
        self.errors = FieldErrors(propagates=self.error_propagation)
        self.completion = Completion(self)
        self.waits = Waits(self.errors)
        self._todo: deque[Level] = deque()
        self._levels: list[Level] = []
        run = self._run(serially)
        try:
            next(run)
        except StopIteration as stop:
            return self.finish(stop.value)
        if abort_signal is None:
            return self._drive(run)
        return self.with_aborted_execution_error(self._drive(run))

    def _run(self, serially: bool | None) -> Generator[None, None, Any]:
        """Executes; yields whenever something has to be waited for."""
        try:
            selection = self._root_selection()
        except GraphQLError as error:
            self.errors.add_located((), None, error)
            return self._respond(None)
        root = Level(None, selection, [self.root_value], None)
        self.cost = selection.weight
        serially = self.operation.operation is OperationType.MUTATION if serially is None else serially
        batches = [[plan] for plan in selection.fields] if serially else [list(selection.fields)]
        for batch in batches:
            if self.abort_signal is not None and self.abort_signal.aborted:
                raise self.abort_error()
            for plan in batch:
                self._resolve(root, plan)
            yield from self._settle()
            if self.waits.all_dead:
                self.waits.abandon()
                return self._respond(None)
            assemble(self._levels, keep=bool(self.errors))
            if serially and FAILED in (column_values(column)[0] for column in root.columns[-1:]):
                return self._respond(None)
        (data,) = objects(root)
        if not self.errors:
            root.release()
        return self._respond(None if data is FAILED else data)

    def _settle(self) -> Generator[None, None, None]:
        """Works until nothing is left to do or to wait for."""
        while True:
            while self.waits.take() or self._todo:
                if self._todo:
                    level = self._todo.popleft()
                    for plan in level.selection.fields:
                        self._resolve(level, plan)
            if not self.waits or self.waits.prune():
                if self.waits.all_dead or not (self.waits or self._todo):
                    return
                continue
            yield

    def _respond(self, data: dict[str, Any] | None) -> Any:
        self.collected_errors.errors.extend(self.errors.collected())
        response = self.build_response(data)
        self._release()
        return response

    def _release(self) -> None:
        """Takes the cycles apart that hold everything of this execution: none of it waits for the garbage collector."""
        self.completion.release()
        self._levels.clear()
        self.plans.trim()
        self.async_helpers = None  # type: ignore[assignment]  # methods of the executor, for infos

    async def _drive(self, run: Generator[None, None, Any]) -> Any:
        """Waits and goes on, until the response is there. Cancelled, it cancels what it waits for."""
        try:
            while True:
                await self.waits.wait(self.when_idle)
                try:
                    next(run)
                except StopIteration as stop:
                    return stop.value
        finally:
            await self.waits.cancel()

    def enqueue(self, level: Level) -> None:
        """Takes a level whose fields are to be resolved."""
        self.cost += level.selection.weight * len(level.sources)
        self._levels.append(level)
        self._todo.append(level)

    def wait(
        self,
        column: Column,
        depth: int,
        awaitables: Mapping[int, Awaitable[Any]],
        then: Then,
        sound: Callable[[int, Any], Any] | None = None,
        *,
        aborts: bool = True,
    ) -> None:
        """Calls ``then`` with the values of some awaitables when all have arrived, by their indices in a layer.

        An exception that one of them raises is its value; ``sound`` makes of each what it is to be. ``aborts`` is False
        for work that looks after the abort signal itself.
        """
        settled: dict[int, Any] = {}

        def arrived(index: int, value: Any) -> None:
            settled[index] = value if sound is None else sound(index, value)
            if len(settled) == len(awaitables):
                then(settled)

        for index, awaitable in awaitables.items():
            self.waits.add(
                self._abortable(awaitable) if aborts else awaitable, partial(arrived, index), column, depth, index
            )

    def _abortable(self, awaitable: Awaitable[Any]) -> Awaitable[Any]:
        return awaitable if self.abort_signal is None else self.with_abort_signal(awaitable)

    def _resolve(self, level: Level, plan: FieldPlan) -> None:
        """Resolves one field of a level and completes what it yields."""
        resolver = plan.level if self.middleware_manager is None else None
        column = Column(level, plan, trusted=resolver is not None)
        level.columns.append(column)
        if resolver is None:
            self.completion.advance(column, self._resolve_each(level, plan))
            return
        try:
            if isinstance(resolver, Attribute):
                values: Any = resolver(level.sources)
            else:
                ahead = (Ahead(self, plan),) if getattr(resolver, LOOKS_AHEAD, False) else ()
                values = resolver(level.sources, self.info(plan, level, 0), plan.coerced_arguments(self), *ahead)
        except Exception as error:  # noqa: BLE001 - whatever a resolver raises is an error at its place
            values = [error] * len(level.sources)
        if not isinstance(values, list | tuple) and self.is_awaitable(values):
            self.waits.add(self._abortable(values), partial(self._take, column), column)
        else:
            self._take(column, values)

    def _take(self, column: Column, values: Any) -> None:
        """Completes a column with what its level resolver returned: values, or one error for all of them."""
        count = len(column.level.sources)
        if type(values) is list and len(values) == count:
            pass  # nearly always, and much faster to tell than what any other sequence is
        elif isinstance(values, Exception) or values is FAILED:
            values = [values] * count
        elif not isinstance(values, Sequence) or len(values) != count:
            what = f"{len(values)} values" if isinstance(values, Sequence) else f"a {type(values).__name__}"
            name = column.plan.coordinate
            values = [TypeError(f"The level resolver of {name} returned {what} for {count} sources.")] * count
        self.completion.advance(column, values)

    def _resolve_each(self, level: Level, plan: FieldPlan) -> list[Any]:
        """The values of a field without a level resolver: its resolver is called for every object."""
        resolve = plan.definition.resolve or self.field_resolver
        if self.middleware_manager is not None:
            resolve = self.middleware_manager.get_field_resolver(resolve)
        level.paths()
        values: list[Any] = []
        for index, source in enumerate(level.sources):
            info = self.info(plan, level, index)
            try:
                values.append(resolve(source, info, **plan.coerced_arguments(self)))
            except Exception as error:  # noqa: BLE001 - whatever a resolver raises is an error at its place
                values.append(error)
        return values

    def info(self, plan: FieldPlan, level: Level, index: int) -> GraphQLResolveInfo[Any]:
        """The info of a field of one object; a level resolver gets the first one's."""
        path = Path(level.path(index), plan.key, plan.parent.name)
        return self.build_resolve_info(plan.definition, plan.nodes.copy(), plan.parent, path)

    def build_resolve_info(self, *args: Any) -> GraphQLResolveInfo[Any]:
        """graphql-core's info, or for a Strawberry schema Strawberry's."""
        if self._is_strawberry:
            return StrawberryGraphQLCoreExecutionContext.build_resolve_info(cast("Any", self), *args)
        return super().build_resolve_info(*args)

    def _root_selection(self) -> Selection:
        operation = self.operation
        root_type = self.schema.get_root_type(operation.operation)
        if root_type is None:
            message = f"Schema is not configured to execute {operation.operation.value} operation."
            raise GraphQLError(message, operation)

        def collect() -> GroupedFieldSet:
            return self._collect(root_type)

        return self.plans.root(self, root_type, collect)

    def _collect(self, root_type: GraphQLObjectType) -> GroupedFieldSet:
        try:
            return collect_fields(
                self.schema, self.fragments, self.variable_values, root_type, self.operation, self.hide_suggestions
            ).grouped_field_set
        except RecursionError:
            pass
        # Outside of the block, so that the error does not keep the frames of the recursion alive.
        raise GraphQLError(SELECTIONS_NESTED_TOO_DEEPLY, self.operation)
