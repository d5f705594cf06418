"""Python with gql: asks for published documents by id. GATEWAY_URL and MOTOMIND_KEY come from the environment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from gql import Client, GraphQLRequest
from gql.transport.httpx import HTTPXTransport

QUERIES = Path(__file__).parent / "queries"


class Published(GraphQLRequest):
    """A document of queries/, sent by the id that it is published under: the name of its file."""

    def __init__(self, name: str, **variables: Any) -> None:
        super().__init__((QUERIES / f"{name}.graphql").read_text(encoding="utf-8"), variable_values=variables)
        self.name = name

    @property
    def payload(self) -> dict[str, Any]:
        """What is sent: the id instead of the text."""
        return {"documentId": self.name, "variables": self.variable_values}


def main() -> None:
    """Prints the fleet that the key may see."""
    transport = HTTPXTransport(
        os.environ.get("GATEWAY_URL", "http://127.0.0.1:8000/graphql"),
        headers={"Authorization": f"Bearer {os.environ['MOTOMIND_KEY']}"},
    )
    with Client(transport=transport) as session:
        tenant = session.execute(Published("fleet"))["tenant"]
        labels, after = [], None
        while True:
            page = session.execute(Published("vehicles", first=100, after=after))["vehicles"]
            labels += [vehicle["label"] for vehicle in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
    print(json.dumps({"tenant": tenant["name"], "groups": len(tenant["rootGroups"]), "vehicles": len(labels)}))


if __name__ == "__main__":
    main()
