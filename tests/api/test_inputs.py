"""Arguments that are wrong: each gets a GraphQL error with a stable code, and never one of ours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client, codes, refusal

pytestmark = pytest.mark.database

NOBODY = "00000000-0000-0000-0000-000000000000"
PAGE = "{ totalCount edges { cursor } pageInfo { endCursor } }"


async def error_code(client: Client, field: str) -> str:
    """The one code that a field of the root answers with."""
    response = await client.post(f"{{ {field} viewer {{ email }} }}")
    assert response.status_code in {200, 400}, response.text
    assert "errors" in response.json(), response.text
    (code,) = set(codes(response))
    return code


async def cursors(client: Client, field: str) -> list[str]:
    """The cursors of a connection's first page."""
    response = await client.post(f"{{ page: {field} {{ edges {{ cursor }} }} }}")
    return [edge["cursor"] for edge in response.json()["data"]["page"]["edges"]]


@pytest.mark.parametrize(
    "field",
    [
        'vehicle(id: "abc") { id }',
        'vehicle(id: "") { id }',
        "vehicle(id: 5) { id }",
        'vehicle(id: "00000000-0000-0000-0000-00000000000g") { id }',
        'vehicle(id: "\\u0000") { id }',
        'vehicle(id: "\0") { id }',
        'fleetGroup(id: "abc") { id }',
        'node(id: "VmVoaWNsZTox") { id }',
        f'nodes(ids: ["{NOBODY}", "abc"]) {{ id }}',
        'fleetTree(rootId: "abc") { depth }',
        'vehicles(filter: {fleetGroupId: "abc"}) { totalCount }',
        'events(filter: {vehicleId: "abc"}) { totalCount }',
        'uploads(filter: {vehicleId: "abc"}) { totalCount }',
        'explanations(filter: {fleetGroupId: "abc"}) { totalCount }',
        'eventStream(filter: {aggregateId: "abc"}) { totalCount }',
        'auditTrail(filter: {recordId: "abc"}) { totalCount }',
    ],
)
async def test_malformed_id_is_invalid_id(client: Client, field: str):
    """Wherever an id is taken."""
    assert await error_code(client, field) == "INVALID_ID"


async def test_unknown_ids_are_null(client: Client):
    """An id of nothing is no error; a filter on it finds nothing."""
    response = await client.post(
        f'{{ vehicle(id: "{NOBODY}") {{ id }} fleetGroup(id: "{NOBODY}") {{ id }} node(id: "{NOBODY}") {{ id }}'
        f' nodes(ids: ["{NOBODY}", "{NOBODY}"]) {{ id }} empty: nodes(ids: []) {{ id }}'
        f' fleetTree(rootId: "{NOBODY}") {{ depth }}'
        f' vehicles(filter: {{fleetGroupId: "{NOBODY}"}}) {{ totalCount nodes {{ id }} }} }}'
    )
    assert response.json() == {
        "data": {
            "vehicle": None,
            "fleetGroup": None,
            "node": None,
            "nodes": [None, None],
            "empty": [],
            "fleetTree": [],
            "vehicles": {"totalCount": 0, "nodes": []},
        }
    }


@pytest.mark.parametrize(
    "arguments",
    [
        "first: -1",
        "first: 0",
        "first: 201",
        "first: 100000",
        "last: 0",
        "last: 201",
        "first: 1, last: 1",
        'before: "a"',
        'first: 1, before: "a"',
        'last: 1, after: "a"',
    ],
)
@pytest.mark.parametrize("field", ["vehicles", "fleetGroups", "events", "uploads", "explanations", "eventStream"])
async def test_page_that_cannot_be_is_invalid_page(client: Client, field: str, arguments: str):
    """Every connection has the same bounds."""
    assert await error_code(client, f"{field}({arguments}) {{ totalCount }}") == "INVALID_PAGE"


async def test_cursor_from_elsewhere_is_invalid_cursor(client: Client):
    """Another connection's, another order's, another direction's, or anything that no connection made."""
    cursor = (await cursors(client, "vehicles(first: 2)"))[0]
    middle = len(cursor) // 2
    tampered = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    fields = [
        f'events(after: "{cursor}") {PAGE}',
        f'fleetGroups(after: "{cursor}") {PAGE}',
        f'vehicles(orderBy: [{{field: CREATED_AT}}], after: "{cursor}") {PAGE}',
        f'vehicles(orderBy: [{{field: LABEL, direction: DESC}}], after: "{cursor}") {PAGE}',
        *(
            f'vehicles(after: "{wrong}") {PAGE}'
            for wrong in (
                tampered,
                cursor[:-4],
                cursor[4:],
                cursor + "AAAA",
                cursor * 40,
                "",
                "a",
                "random text",
                "Zürich",
                "\\u0000",
                "AAAAAAAAAAA",
            )
        ),
    ]
    for field in fields:
        assert await error_code(client, field) == "INVALID_CURSOR", field


async def test_cursor_with_any_one_character_changed_is_never_an_internal_error(client: Client):
    """Either refused, or, where the changed bits are padding, still the same position."""
    cursor = (await cursors(client, "vehicles(first: 1)"))[0]
    query = "query ($after: String) { vehicles(first: 1, after: $after) { edges { cursor } } }"
    same = (await client.post(query, variables={"after": cursor})).json()
    for at in range(len(cursor)):
        wrong = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
        response = await client.post(query, variables={"after": wrong})
        if "errors" in response.json():
            assert codes(response) == ["INVALID_CURSOR"], wrong
        else:
            assert response.json() == same, wrong
            assert at == len(cursor) - 1


@pytest.mark.parametrize("end", ["2026-01-01", "2025-12-31"])
async def test_period_that_does_not_end_after_its_start_is_invalid_period(client: Client, end: str):
    """Empty or reversed."""
    period = f'period: {{start: "2026-01-01", end: "{end}"}}'
    assert await error_code(client, f"tenant {{ rollup({period}) {{ milesDriven }} }}") == "INVALID_PERIOD"


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("fleetTree(maxDepth: -1) { depth }", "INVALID_ARGUMENT"),
        ("fleetTree(maxDepth: 1001) { depth }", "INVALID_ARGUMENT"),
        ("nodes(ids: [" + f'"{NOBODY}"' * 201 + "]) { id }", "INVALID_ARGUMENT"),
        ("vehicles(filter: {label: {in: [" + '"a"' * 1001 + "]}}) { totalCount }", "INVALID_ARGUMENT"),
        ('tenant { rollup(period: {start: "yesterday", end: "today"}) { milesDriven } }', "GRAPHQL_VALIDATION_FAILED"),
        ('events(filter: {occurredFrom: "2026-01-01T00:00:00"}) { totalCount }', "GRAPHQL_VALIDATION_FAILED"),
    ],
    ids=lambda text: text[:40],
)
async def test_argument_out_of_bounds_has_a_code(client: Client, field: str, code: str):
    """Depths, numbers of values, days that are none."""
    assert await error_code(client, field) == code


@pytest.mark.parametrize(
    "condition", ['eq: "a\\u0000"', 'in: ["a", "\\u0000"]', 'contains: "\\u0000"', 'startsWith: "\\u0000"']
)
async def test_nul_in_a_text_condition_is_invalid_argument(client: Client, condition: str):
    """PostgreSQL's text cannot hold it."""
    assert await error_code(client, f"vehicles(filter: {{make: {{{condition}}}}}) {{ totalCount }}") == (
        "INVALID_ARGUMENT"
    )


@pytest.mark.parametrize(
    "field",
    [
        'auditTrail(filter: {tableName: "\\u0000"}) { totalCount }',
        'eventStream(filter: {eventType: "a\\u0000"}) { totalCount }',
    ],
    ids=lambda field: field.partition("(")[0],
)
async def test_nul_in_another_text_is_invalid_argument(client: Client, field: str):
    """The texts that are not a StringFilter."""
    assert await error_code(client, field) == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"], ids=["before time", "after time"]
)
async def test_moment_beyond_the_calendar_is_refused_or_compared(client: Client, moment: str):
    """A moment that is no year of UTC's is a caller's mistake."""
    response = await client.post(f'{{ events(filter: {{occurredFrom: "{moment}"}}) {{ totalCount }} viewer {{ id }} }}')
    assert response.status_code in {200, 400}
    assert "INTERNAL_ERROR" not in response.text


def nested(levels: int) -> Any:
    """Lists within lists."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [{}, [], [1], 5, 1.5, "text", "", True, False, {"a": {"b": [None]}}, {"": ""}], ids=repr
)
async def test_json_condition_of_any_shape_is_compared(client: Client, value: Any):
    """What PostgreSQL can compare it does; most of it finds nothing."""
    query = """query ($value: JSON) {
        vehicles(filter: {extendedAttributesContain: $value}) { totalCount }
        events(filter: {payloadContains: $value}) { totalCount } }"""
    answer = (await client.post(query, variables={"value": value})).json()
    assert "errors" not in answer
    assert (answer["data"]["vehicles"]["totalCount"] > 0) == (value == {})


@pytest.mark.parametrize("value", ["\0", {"a": "\0"}, {"\0": 1}, [["a\0"]]], ids=["text", "value", "key", "list"])
@pytest.mark.parametrize("field", ["vehicles(filter: {extendedAttributesContain", "events(filter: {payloadContains"])
async def test_nul_in_a_json_condition_is_a_mistake_of_the_caller(client: Client, field: str, value: Any):
    """PostgreSQL's jsonb cannot hold it: an error with a code that is not INTERNAL_ERROR."""
    query = f"query ($value: JSON) {{ {field}: $value}}) {{ totalCount }} viewer {{ email }} }}"
    response = await client.post(query, variables={"value": value})
    assert response.status_code in {200, 400}
    assert set(codes(response)) <= {"INVALID_ARGUMENT", "BAD_USER_INPUT"}, response.text
    assert len(codes(response)) == 1


@pytest.mark.parametrize("levels", [200, 300, 900])
async def test_deeply_nested_json_condition_is_compared_or_a_mistake_of_the_caller(client: Client, levels: int):
    """Whatever depth a request may have, a condition may have too, or it is told."""
    response = await client.post(
        "query ($value: JSON) { events(filter: {payloadContains: $value}) { totalCount } }",
        variables={"value": nested(levels)},
    )
    assert response.status_code in {200, 400}
    assert "INTERNAL_ERROR" not in response.text


@pytest.mark.parametrize(
    "literal", ["123456789012345678901234567890", "{a: 18446744073709551616}", "1e400", "[-1e400]"]
)
async def test_json_number_out_of_range_is_a_mistake_of_the_caller_or_compared(client: Client, literal: str):
    """Integers beyond 64 bits and numbers beyond a double, as a literal in the document."""
    response = await client.post(f"{{ vehicles(filter: {{extendedAttributesContain: {literal}}}) {{ totalCount }} }}")
    assert response.status_code in {200, 400}
    assert "INTERNAL_ERROR" not in response.text
    if "errors" not in response.json():
        assert response.json()["data"]["vehicles"]["totalCount"] == 0


async def test_variable_inside_a_json_literal_is_read(client: Client):
    """``{make: $make}`` means the variable's value."""
    response = await client.post(
        "query ($a: String) { vehicles(filter: {extendedAttributesContain: {nothing: $a}}) { totalCount } }",
        variables={"a": "b"},
    )
    assert response.json() == {"data": {"vehicles": {"totalCount": 0}}}


async def test_error_of_one_argument_leaves_the_transaction_whole(client: Client):
    """A wrong value in one field never takes other fields with it."""
    response = await client.post(
        'query ($value: JSON) { wrong: vehicle(id: "abc") { id } '
        "vehicles(filter: {extendedAttributesContain: $value}) { totalCount } viewer { memberships { role } } }",
        variables={"value": {"a": 1}},
    )
    assert codes(response) == ["INVALID_ID"]
    assert response.json()["data"]["viewer"]["memberships"] == [{"role": "OWNER"}]


async def test_unknown_variables_are_ignored(client: Client):
    """Clients send one set of variables for many operations."""
    response = await client.post("{ viewer { email } }", variables={"unknown": nested(200)})
    assert response.json() == {"data": {"viewer": {"email": "owner@enterprise.example"}}}


async def test_request_errors_have_no_data(client: Client):
    """A value that a scalar refuses, given by a variable."""
    response = await client.post(
        "query ($from: DateTime) { events(filter: {occurredFrom: $from}) { totalCount } }",
        variables={"from": "yesterday"},
    )
    assert refusal(response, 400) == "BAD_USER_INPUT"
