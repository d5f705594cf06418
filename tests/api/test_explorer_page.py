"""The explorer in headless Chromium, on a gateway that listens, with the network cut to the gateway itself.

Skipped where the explorer is not built, or Chromium or playwright is not here; 'make test-explorer' brings all but
Chromium, which is Debian's package chromium. What the database answers is tested elsewhere, on every version of it.
"""

from __future__ import annotations

import asyncio
import csv
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn

from api import app, explorer
from api.settings import Settings
from sql.demo import people
from tests.api.conftest import Token, unused_port
from tests.conftest import DEMO_UNTIL
from tests.waiting import until

playwright_api = pytest.importorskip("playwright.async_api", reason="playwright is not here; run: make test-explorer")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not here: apt-get install chromium"),
    pytest.mark.skipif(not explorer.is_built(), reason="the explorer is not built; run: make explorer"),
]

OWNER, VIEWER = "owner@enterprise.example", "viewer@enterprise.example"
PATIENCE = 60_000  # milliseconds that a page may take for anything
playwright_api.expect.set_options(timeout=PATIENCE)
# The day after the demo's last. Playwright's own clock has no result for performance.measure(), which Monaco reads.
TODAY = f"""
    const late = Date.now() - Date.parse("{DEMO_UNTIL}T12:00:00Z");
    Date = class extends Date {{
        constructor(...given) {{ given.length ? super(...given) : super(Date.now()); }}
        static now() {{ return super.now() - late; }}
    }};
"""


@dataclass
class Page:
    """A page of the explorer, what it asked for and what it complained about."""

    page: Any
    origin: str
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    async def open(self) -> None:
        """Opens the graph's address as a browser does."""
        await self.page.goto(f"{self.origin}/graphql")

    async def begin(self) -> None:
        """Opens it, and waits until the first demo person is signed in and the schema is there."""
        async with self.schema():
            await self.open()

    def schema(self) -> Any:
        """Waits for the schema, which comes whenever somebody signs in."""
        return self.page.expect_response(lambda response: "IntrospectionQuery" in (response.request.post_data or ""))

    async def choose(self, person: str) -> None:
        """Goes on as another person of the demo."""
        async with self.schema():
            await self.page.get_by_label("Demo person").select_option(f"{person} Enterprise")

    async def use_token(self, token: str) -> None:
        """Pastes a token."""
        await self.page.get_by_label("Token").fill(token)
        await self.page.get_by_role("button", name="Use").click()

    async def expect_status(self, text: str) -> None:
        """Waits until the bar says something."""
        await playwright_api.expect(self.page.get_by_role("status")).to_contain_text(text)

    async def example(self, title: str) -> None:
        """Opens one of the saved queries."""
        await self.page.get_by_role("button", name=title, exact=True).click()

    async def write(self, query: str) -> None:
        """Replaces what is in the query editor."""
        await self.page.locator(".graphiql-query-editor .view-lines").first.click()
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.insert_text(query)

    async def run(self) -> Any:
        """Runs what the editor holds; the answer's data, once a person sees it too."""
        await playwright_api.expect(self.page.locator(".graphiql-query-editor .view-lines")).to_contain_text("{")
        async with self.page.expect_response(lambda response: response.url.endswith("/graphql")) as responded:
            await self.page.get_by_role("button", name=re.compile("^Execute query")).click()
        answer = await (await responded.value).json()
        await playwright_api.expect(self.page.locator(".result-window")).to_contain_text("data")
        return answer["data"]

    async def download(self) -> tuple[str, list[dict[str, str]]]:
        """The CSV's name, and its rows."""
        async with self.page.expect_download() as began:
            await self.page.get_by_role("button", name=re.compile("^Download [0-9]+ rows as CSV")).click()
        saved = await began.value
        with open(await saved.path(), encoding="utf-8-sig", newline="") as file:  # noqa: ASYNC230, PTH123 - small
            return saved.suggested_filename, list(csv.DictReader(file, strict=True))


Open = Callable[..., Any]


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    """Debian's Chromium, which reaches 127.0.0.1 and nothing else."""
    async with playwright_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        )
        yield browser
        await browser.close()


@pytest.fixture
def open_page(settings: Settings, browser: Any) -> Open:
    """Opens pages of gateways with settings of a test's own, each as a context that checks the page at its end."""

    @asynccontextmanager
    async def open_page(**changed: Any) -> AsyncIterator[Page]:
        port = unused_port()
        mine = {"port": port, "explorer_people": people(), **changed}
        application = app.create(Settings(**{**settings.model_dump(), **mine}))
        # log_config=None leaves uvicorn's loggers as they are, so that the test reads them.
        running = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_config=None))
        task = asyncio.create_task(running._serve())  # noqa: SLF001 - serve() would take the test run's signals

        async def started() -> bool:
            return running.started

        await until(started)
        context = await browser.new_context(viewport={"width": 1500, "height": 950}, accept_downloads=True)
        context.set_default_timeout(PATIENCE)
        await context.add_init_script(TODAY)
        page = Page(await context.new_page(), f"http://127.0.0.1:{port}")
        context.on("request", lambda request: page.requested.append(request.url))
        context.on("weberror", lambda error: page.complaints.append(str(error.error)))
        context.on(
            "console",
            lambda said: page.complaints.append(said.text) if said.type in {"error", "warning"} else None,
        )
        try:
            yield page
            assert page.complaints == []
            assert [url for url in page.requested if not url.startswith((page.origin, "data:", "blob:"))] == []
        finally:
            await context.close()
            running.should_exit = True
            await task

    return open_page


async def test_page_loads_and_answers_from_its_own_origin_alone(open_page: Open):
    """A demo person is signed in and the first example runs; nothing foreign is asked for, no policy is broken."""
    async with open_page() as page:
        await page.begin()
        await page.expect_status("owner of Enterprise")
        data = await page.run()
        assert data["fleetTree"][0]["group"]["rollup"]["vehicleCount"] > 0
        assert {url.removeprefix(page.origin) for url in page.requested} >= {"/graphql", "/explorer/people"}

        async def workers() -> bool:
            names = {url.rpartition("/")[2].partition("-")[0] for url in page.requested}
            return names >= {"editor.worker", "graphql.worker", "json.worker"}

        await until(workers)


async def test_documentation_comes_from_the_schema(open_page: Open):
    """From the root type to a type's description and its fields'."""
    async with open_page() as page:
        await page.begin()
        await page.page.get_by_role("button", name="Show Documentation Explorer").click()
        docs = page.page.locator(".graphiql-doc-explorer")
        await docs.get_by_role("link", name="Query", exact=True).click()
        await docs.get_by_role("link", name="FleetTreeNode", exact=True).first.click()
        await playwright_api.expect(docs).to_contain_text("A group and its place in a tree.")
        await playwright_api.expect(docs).to_contain_text("Levels below the root of this tree, which has 0.")


async def test_example_opens_in_a_tab_runs_and_is_downloaded(open_page: Open):
    """Its variables are the last months; the CSV has a row for each group and month, with what the answer has."""
    async with open_page() as page:
        await page.begin()
        await page.example("Costs by group and month")
        await playwright_api.expect(page.page.get_by_role("tab")).to_have_count(2)
        data = await page.run()
        name, rows = await page.download()
        assert name == f"CostsByGroupAndMonth-{DEMO_UNTIL}.csv"
        expected = [
            ((row["fleetGroup"] or {"name": ""})["name"], row["month"], row["fuelCost"] or "")
            for row in data["costBreakdown"]
        ]
        assert len(expected) > 5 * 6
        assert [(row["fleetGroup.name"], row["month"], row["fuelCost"]) for row in rows] == expected
        assert any(float(row["fuelCost"] or 0) for row in rows), "the last full months have costs"
        await page.example("Costs by group and month")
        await playwright_api.expect(page.page.get_by_role("tab")).to_have_count(2)


async def test_nested_lists_are_downloaded_with_a_row_for_each_inner_object(open_page: Open):
    """A vehicle's label stands in each of its months."""
    async with open_page() as page:
        await page.begin()
        await page.example("Declining fuel economy")
        data = await page.run()
        _, rows = await page.download()
        expected = [
            (node["label"], metrics["metricDate"], metrics["fuelEfficiencyMpg"] or "")
            for node in data["vehicles"]["nodes"]
            for metrics in node["metrics"]
        ]
        assert len(expected) == 50 * 6
        found = [(row["label"], row["metrics.metricDate"], row["metrics.fuelEfficiencyMpg"]) for row in rows]
        assert found == expected


async def test_result_without_a_list_cannot_be_downloaded(open_page: Open):
    """The button says why."""
    async with open_page() as page:
        await page.begin()
        await page.write("query Mine { viewer { email } }")
        assert await page.run() == {"viewer": {"email": OWNER}}
        button = page.page.get_by_role("button", name="No CSV: the result holds no list")
        await playwright_api.expect(button).to_be_disabled()


async def test_viewer_sees_less_and_nothing_of_what_the_owner_saw(open_page: Open):
    """Choosing another person clears the answer; the same query then counts only what is granted."""
    async with open_page() as page:
        await page.begin()
        all_of_it = await page.run()
        await page.choose(VIEWER)
        await page.expect_status("viewer of Enterprise")
        await playwright_api.expect(page.page.locator(".result-window")).not_to_contain_text("vehicleCount")
        granted = await page.run()
        names = [{node["group"]["name"] for node in data["fleetTree"]} for data in (all_of_it, granted)]
        assert names[1]
        assert names[1] < names[0]
        async with page.schema():
            await page.page.reload()
        await page.expect_status("viewer of Enterprise")


async def test_builder_and_history_are_there(open_page: Open):
    """A click in the builder adds a field to the query; what ran is in the history."""
    async with open_page() as page:
        await page.begin()
        await page.write("query Mine { viewer { email } }")
        await page.page.get_by_role("button", name="Show GraphiQL Explorer").click()
        await page.page.locator(".graphiql-explorer-root").get_by_text("name", exact=True).first.click()
        data = await page.run()
        assert set(data["viewer"]) == {"email", "name"}
        await page.page.get_by_role("button", name="Show History").click()
        await playwright_api.expect(page.page.locator(".graphiql-history")).to_contain_text("Mine")


async def test_token_is_used_and_never_stored(open_page: Open, token: Token):
    """A pasted token signs in; a person of several tenants chooses one; neither leaves a trace in the browser."""
    async with open_page(explorer_people=()) as page:
        await page.open()
        assert await page.page.get_by_label("Demo person").count() == 0
        await page.expect_status("Paste a token to begin")
        await page.use_token(await token("consultant@example.com"))
        await page.expect_status("belongs to several tenants")
        async with page.schema():
            await page.page.get_by_label("Tenant").select_option("Medium")
        await page.expect_status("of Medium")
        await page.write("query Mine { tenant { name } }")
        assert await page.run() == {"tenant": {"name": "Medium"}}
        everything = "JSON.stringify([localStorage, sessionStorage, document.cookie])"
        await page.page.wait_for_function(f"{everything}.includes('tenant {{ name }}')")
        stored = await page.page.evaluate(everything)
        assert "eyJ" not in stored, "a token is in the browser's storage"
        # The browser tells of the answer that asks for a tenant.
        assert all("400" in said for said in page.complaints)
        page.complaints.clear()


async def test_wrong_token_is_told(open_page: Open):
    """In the bar, in the gateway's words."""
    async with open_page(explorer_people=()) as page:
        await page.open()
        await page.use_token("nonsense")
        await page.expect_status("The token is not one that this gateway trusts.")
        assert all("401" in said for said in page.complaints)
        page.complaints.clear()


async def test_for_owners_only_others_are_told_so(open_page: Open):
    """The editor is there for an owner, and not for a viewer."""
    async with open_page(explorer="owners") as page:
        await page.begin()
        assert await page.run()
        await page.page.get_by_label("Demo person").select_option(f"{VIEWER} Enterprise")
        refused = page.page.get_by_role("main").filter(has_text="The explorer is for owners here.")
        await playwright_api.expect(refused).to_be_visible()
        assert await page.page.locator(".graphiql-container").count() == 0


async def test_formula_of_a_name_is_no_formula_in_the_csv(open_page: Open):
    """A text that begins like one has an apostrophe before it."""
    async with open_page() as page:
        await page.begin()
        answer = {"data": {"vehicles": {"nodes": [{"label": '=HYPERLINK("x"),"y'}, {"label": "-12.50"}]}}}
        await page.page.route("**/graphql", lambda route: route.fulfill(json=answer))
        await page.run()
        _, rows = await page.download()
        assert [row["label"] for row in rows] == ['\'=HYPERLINK("x"),"y', "-12.50"]
