"""Limits over HTTP: hostile documents are refused before a session begins, and the schema is told to whom it may be."""

from __future__ import annotations

import psycopg
import pytest

from sql.embedded import Addresses
from tests.api.conftest import GRAPHQL_JSON, Client, Partner, codes, refusal
from tests.resolvers.test_limits import HOSTILE

pytestmark = pytest.mark.database


@pytest.mark.parametrize("name", [name for name, (text, _) in HOSTILE.items() if len(text) < 1_000_000])
async def test_hostile_document_is_a_request_error(name: str, client: Client):
    """400 with the same code; under application/json 200, like whatever else GraphQL refuses."""
    text, code = HOSTILE[name]
    response = await client.post(text)
    assert response.status_code == 400
    assert set(codes(response)) == {code}
    assert "data" not in response.json()
    token = await client.token("owner@enterprise.example")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    response = await client.http.post("/graphql", json={"query": text}, headers=headers)
    assert response.status_code == 200
    assert set(codes(response)) == {code}


async def test_string_of_20_megabytes_is_not_even_read(client: Client):
    """It is larger than a body may be."""
    text, _ = HOSTILE["a string of 20 MB"]
    assert refusal(await client.post(text), 413) == "BODY_TOO_LARGE"


async def test_operation_beyond_the_cost_limit_is_a_request_error(serve):
    """Before it asks for a connection."""
    async with serve(max_cost=10) as client:
        response = await client.post("query ($n: Int) { vehicles(first: $n) { nodes { id } } }", variables={"n": 10})
        assert refusal(response, 400) == "QUERY_TOO_EXPENSIVE"
        assert response.json()["errors"][0]["extensions"] == {"code": "QUERY_TOO_EXPENSIVE", "limit": 10, "count": 11}


async def test_settings_are_the_limits(serve):
    """Each by its name."""
    two = "{ tenant { id name } }"
    for setting, most, text, code in (
        ("max_document_length", 21, two, "DOCUMENT_TOO_LONG"),
        ("max_tokens", 6, two, "TOO_MANY_TOKENS"),
        ("max_depth", 1, two, "QUERY_TOO_DEEP"),
        ("max_root_fields", 1, "{ tenant { id } viewer { id } }", "TOO_MANY_ROOT_FIELDS"),
        ("max_object_fields", 1, two, "TOO_MANY_FIELDS"),
        ("max_fields", 2, two, "TOO_MANY_FIELDS"),
        ("max_aliases", 0, "{ tenant { a: id } }", "TOO_MANY_ALIASES"),
        ("max_directives", 0, "{ tenant { id @skip(if: false) } }", "TOO_MANY_DIRECTIVES"),
        (
            "max_introspection_depth",
            1,
            "{ __schema { types { fields { type { fields { name } } } } } }",
            "INTROSPECTION_TOO_DEEP",
        ),
    ):
        async with serve(**{setting: most}) as client:
            assert refusal(await client.post(text), 400) == code, setting
            assert (await client.post("{tenant{id}}")).status_code == (400 if setting == "max_depth" else 200)


def describe_client_that_may_not_read_the_schema():
    """What its credential says, whatever it sends."""

    @pytest.fixture
    def blind(partner: Partner, demo: Addresses) -> Partner:
        """The partner without introspection."""
        with psycopg.connect(demo.owner) as connection:
            connection.execute("update clients set introspection = false where id = %s", [partner.id])
        return partner

    async def is_refused_introspection(client: Client, blind: Partner):
        """Also of a document that somebody else may send, and has sent."""
        text = "{ __schema { queryType { name } } }"
        assert (await client.post(text)).status_code == 200
        for _ in range(2):
            assert refusal(await blind.ask(client.http, text), 400) == "INTROSPECTION_DISABLED"
        assert (await client.post(text)).status_code == 200

    async def is_suggested_nothing(client: Client, blind: Partner):
        """Neither by validation nor where variables are coerced; who may read the schema is."""
        for text, variables in (
            ("{ vehicle { labell } }", {}),
            ("{ tenant { nam } }", {}),
            (
                "query ($o: [VehicleOrder!]) { vehicles(orderBy: $o) { totalCount } }",
                {"o": [{"field": "LABLE", "direction": "ASC"}]},
            ),
            ("query ($f: VehicleFilter) { vehicles(filter: $f) { totalCount } }", {"f": {"labell": {}}}),
        ):
            told = await client.post(text, variables=variables)
            hidden = await blind.ask(client.http, text, **variables)
            assert told.status_code == hidden.status_code == 400
            assert "Did you mean" not in hidden.text
            assert "Did you mean" in told.text or "vehicle {" in text

    async def may_ask_for_type_names(client: Client, blind: Partner):
        """They tell nothing new."""
        headers = {"Authorization": f"Bearer {blind.key}", "Accept": GRAPHQL_JSON}
        response = await client.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
        assert response.json()["data"] == {"__typename": "Query"}
