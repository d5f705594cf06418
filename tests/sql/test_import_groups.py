"""Fleet groups from files: what comes in, what is refused and in which words, and the same file twice."""

from __future__ import annotations

import json
from collections import Counter

import psycopg
import pytest

from sql.errors import DatabaseUnavailableError, ImportFileError
from sql.imports import import_groups
from sql.imports.reading import LARGEST_FILE
from sql.imports.tenant import owner_email

pytestmark = pytest.mark.database

EVERYTHING = (
    "select (select count(*) from tenants), (select count(*) from users), (select count(*) from fleet_groups),"
    " (select count(*) from audit_trail), (select count(*) from event_stream)"
)
TREE = (
    "select g.metadata ->> 'code', g.name, g.group_type, p.metadata ->> 'code'"
    " from fleet_groups g left join fleet_groups p on p.tenant_id = g.tenant_id and p.id = g.parent_group_id"
    " order by g.metadata ->> 'code' collate \"C\""
)


def silent(step, done, total):
    """Reports to nobody."""


def rows(database, query, *parameters):
    """The rows of a query as the database's owner."""
    with psycopg.connect(database.owner) as connection:
        return connection.execute(query, parameters or None).fetchall()


def execute(database, statement):
    """Runs a statement as the database's owner."""
    with psycopg.connect(database.owner) as connection:
        connection.execute(statement)


@pytest.fixture
def load(fresh_database, tmp_path):
    """Imports a text, bytes or JSON value as a file."""

    def load(content, *, name="groups.csv", tenant="Acme"):
        path = tmp_path / name
        if isinstance(content, list | dict):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_groups(fresh_database.owner, path, tenant=tenant, progress=silent)

    return load


@pytest.fixture
def problems(load, fresh_database):
    """The problems that a content is refused with; nothing of it may be in the database then."""

    def problems(content, **how):
        with pytest.raises(ImportFileError) as refused:
            load(content, **how)
        assert rows(fresh_database, EVERYTHING) == [(0, 0, 0, 0, 0)]
        return refused.value.problems

    return problems


def test_a_csv_becomes_a_tree_in_a_new_tenant(load, fresh_database):
    """Children may come before their parents, and the tenant gets an owner, whose email is reported."""
    report = load("code,name,type,parent\nb,Bodies,department,a\na,All,,\nc,Cars,Pool,b\n", tenant="Acme & Söhne 2-Go")
    assert (report.read, report.added) == (3, {"fleet groups": 3})
    assert (email := report.owner_email)
    assert rows(fresh_database, TREE) == [
        ("a", "All", "custom", None),
        ("b", "Bodies", "department", "a"),
        ("c", "Cars", "custom", "b"),
    ]
    assert rows(
        fresh_database,
        "select t.id, t.name, t.kind, u.email, m.role"
        " from tenants t join memberships m on m.tenant_id = t.id join users u on u.id = m.user_id",
    ) == [(report.tenant_id, "Acme & Söhne 2-Go", "org", email, "owner")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_delimiter_byte_order_mark_and_line_ends_do_not_matter(load, fresh_database, delimiter, mark, line_end):
    """Nor do the order of the columns, their case, columns nobody asked for, and blank rows."""
    table = [["Name", "colour", "CODE"], ["Été, two; three", "red", " a "], ["", "", ""], ['Say "hi"', "", "b"]]
    lines = [delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table]
    assert load(mark + line_end.join([*lines, "", ""])).added == {"fleet groups": 2}
    assert rows(fresh_database, TREE) == [
        ("a", "Été, two; three", "custom", None),
        ("b", 'Say "hi"', "custom", None),
    ]


@pytest.mark.parametrize("wrap", [lambda entries: entries, lambda entries: {"source": "x", "3166-2": entries}])
def test_json_comes_as_a_list_or_as_the_one_list_of_an_object(load, fresh_database, wrap):
    """Null and empty texts are the same as nothing."""
    entries = [{"code": "a", "name": "All", "type": None, "parent": ""}, {"code": "b", "name": "Bo", "parent": "a"}]
    assert load(wrap(entries), name="groups.json").read == 2
    assert rows(fresh_database, TREE) == [("a", "All", "custom", None), ("b", "Bo", "custom", "a")]
    assert rows(fresh_database, "select metadata from fleet_groups where name = 'All'") == [({"code": "a"},)]


def test_json_is_recognised_whatever_the_file_is_called(load):
    """Its first character says what it is."""
    assert load([{"code": "a", "name": "All"}], name="groups.txt").added == {"fleet groups": 1}


def test_iso_codes_hang_below_their_country(load, fresh_database):
    """A country is made where the file has none; parents are found with and without the country before them."""
    load(
        "code,name,type,parent\nAD-02,Canillo,Parish,\nAD-03,Encamp,department,\nFR-01,Ain,,ARA\nFR-ARA,Alpes,,FR\n"
        "FR,France,State,\nGB-LND,London,,GB-ENG\nGB-ENG,England,,\n"
    )
    assert rows(fresh_database, TREE) == [
        ("AD", "AD", "location", None),
        ("AD-02", "Canillo", "location", "AD"),
        ("AD-03", "Encamp", "department", "AD"),
        ("FR", "France", "location", None),
        ("FR-01", "Ain", "location", "FR-ARA"),
        ("FR-ARA", "Alpes", "location", "FR"),
        ("GB", "GB", "location", None),
        ("GB-ENG", "England", "location", "GB"),
        ("GB-LND", "London", "location", "GB-ENG"),
    ]
    assert rows(fresh_database, "select metadata from fleet_groups where name in ('AD', 'France') order by name") == [
        ({"code": "AD", "type": "Country"},),
        ({"code": "FR", "type": "State"},),
    ]


def test_a_region_named_like_its_country_is_not_its_own_parent(load, fresh_database):
    """LU-LU has no parent in the file: that is the country LU, not LU-LU."""
    load("code,name,parent\nLU-LU,Luxembourg,\nMC-MC,Monaco,MC\n")
    assert rows(fresh_database, TREE) == [
        ("LU", "LU", "location", None),
        ("LU-LU", "Luxembourg", "location", "LU"),
        ("MC", "MC", "location", None),
        ("MC-MC", "Monaco", "location", "MC"),
    ]


def test_the_same_file_again_adds_nothing(load, fresh_database):
    """Whatever the case of the tenant's name; and a grown file adds what is new."""
    first = load("code,name,parent\na,All,\nb,Bo,a\n")
    before = rows(fresh_database, EVERYTHING)
    again = load("code,name,parent\na,All,\nb,Bo,a\n", tenant=" aCME ")
    assert (again.tenant_id, again.owner_email, again.added) == (first.tenant_id, None, {"fleet groups": 0})
    assert rows(fresh_database, EVERYTHING) == before
    assert load("code,name,parent\na,All,\nb,Bo,a\nc,Co,b\n").added == {"fleet groups": 1}


def test_the_same_file_in_two_tenants_makes_two_trees(load, fresh_database):
    """Ids depend on the tenant."""
    load("code,name\na,All\n")
    assert load("code,name\na,All\n", tenant="Other").added == {"fleet groups": 1}
    assert rows(fresh_database, "select count(distinct id) from fleet_groups") == [(2,)]


def test_a_deleted_group_comes_back_and_its_stream_goes_on(load, fresh_database):
    """Version 3 after created (1) and deleted (2)."""
    load("code,name\na,All\n")
    execute(fresh_database, "delete from fleet_groups")
    assert load("code,name\na,All\n").added == {"fleet groups": 1}
    assert rows(
        fresh_database,
        "select event_type, version from event_stream where aggregate_type = 'fleet_group' order by version",
    ) == [("fleet_group.created", 1), ("fleet_group.deleted", 2), ("fleet_group.created", 3)]
    assert rows(fresh_database, "select version from fleet_groups") == [(3,)]


def test_the_trail_says_who_and_with_what(load, fresh_database):
    """Every row from the tenant itself on was made by its owner, with the import."""
    load("code,name\na,All\n")
    assert rows(
        fresh_database,
        "select a.table_name, a.operation, u.email, a.user_agent from audit_trail a"
        " join users u on u.id = a.changed_by order by 1",
    ) == [
        (table, "insert", "owner@acme.example", "motomind import")
        for table in ("fleet_groups", "memberships", "tenants")
    ]


def test_nobody_becomes_the_owner_of_a_tenant_by_its_name(load, fresh_database):
    """A person with the email that its owner would get, whatever its case: refused, and no tenant is made."""
    execute(fresh_database, "insert into users (email, name) values ('Owner@ACME.example', 'Ada')")
    with pytest.raises(ImportFileError, match=r"owner@acme\.example, who is somebody already"):
        load("code,name\na,All\n")
    assert rows(fresh_database, EVERYTHING) == [(0, 1, 0, 0, 0)]


def test_names_that_differ_have_owners_that_differ(load, fresh_database):
    """Accents, signs, cuts and hyphens count; case does not, and a plain name is in the email as it is."""
    names = ["n", "Ünï", "Ünï!", "n.", "n-", "-n", "n n", "n--n", "東京", "京東", "- -", "x" * 63, "x" * 64, "x" * 65]
    emails = {load("code,name\na,All\n", tenant=name).owner_email for name in names}
    assert len(emails) == len(names)
    assert {"owner@n.example", "owner@n--n.example"} <= emails
    assert None not in emails
    assert rows(fresh_database, "select count(distinct user_id) from memberships") == [(len(names),)]
    assert load("code,name\na,All\n", tenant="SOLO-2").owner_email == "owner@solo-2.example"
    assert owner_email("Ünï") == owner_email("ÜNÏ") == "owner@n.e975a52994d8.example"


def test_a_tenant_that_is_there_keeps_its_owner(load, fresh_database):
    """Its owner is said to have done it, and nobody joins."""
    execute(
        fresh_database,
        "with t as (insert into tenants (name, kind) values ('Acme', 'solo') returning id),"
        " u as (insert into users (email, name) values ('ada@else.example', 'Ada') returning id)"
        " insert into memberships (tenant_id, user_id, role) select t.id, u.id, 'owner' from t, u",
    )
    assert load("code,name\na,All\n").owner_email is None
    assert rows(
        fresh_database,
        "select u.email from audit_trail a join users u on u.id = a.changed_by where a.table_name = 'fleet_groups'",
    ) == [("ada@else.example",)]
    assert rows(fresh_database, "select count(*) from memberships") == [(1,)]


def test_a_tenant_without_an_owner_is_refused(load, fresh_database):
    """Nobody could be named as the importer."""
    execute(fresh_database, "insert into tenants (name, kind) values ('Acme', 'org')")
    with pytest.raises(ImportFileError, match=r'^tenant "Acme": it has no owner'):
        load("code,name\na,All\n")


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\0b"])
def test_a_name_that_no_tenant_can_have_is_refused(problems, name):
    """Too short, too long, or not storable."""
    (problem,) = problems("code,name\na,All\n", tenant=name)
    assert problem.startswith("tenant ")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("code,name\na,All\na,Again\n", 'row 3, column code: "a" is already the code of row 2'),
        ("code,name,parent\na,All,XX-9\n", 'row 2, column parent: no group has the code "XX-9"'),
        ("code,name,parent\n\na,All,\nAD-02,Can,AD-9\n", 'row 4, column parent: no group has the code "AD-9"'),
        ("code,name,parent\nNone-x,Nobody,\na,A,x\n", 'row 3, column parent: no group has the code "x"'),
        ("code,name,parent\na,A,a\n", "row 2, column parent: a cycle, a -> a"),
        ("code,name,parent\nx,X,a\na,A,b\nb,B,c\nc,C,a\n", "row 3, column parent: a cycle, a -> b -> c -> a"),
        ("code,name\na,\n", "row 2, column name: is missing"),
        ("code,name\n ,All\n", "row 2, column code: is missing"),
        (f"code,name\na,{'x' * 201}\n", "row 2, column name: 201 characters, at most 200 are possible"),
        ("code,name\na,A\0l\n", 'row 2, column name: "A\\x00l" has a character that cannot be stored'),
        ("code,name\na,All,more\n", "row 2: 3 fields where the header has 2"),
        ("name,type\nAll,x\n", "row 1: no column code"),
        ("code,name,Code\na,All,b\n", "row 1: column code is there twice"),
        ('code,name\na,All\n"b,Bo\nc,Co\n', "row 3: not CSV: unexpected end of data"),
        ("code,name\n", "the file is empty: nothing is in it to import"),
        (" \n", "groups.csv: the file is empty"),
        ("", "groups.csv: the file is empty"),
        (b"code,name\na,All\nb,Caf\xe9\n", "line 3, byte 6: 0xE9 is not UTF-8; save the file as UTF-8"),
        (b"\xef\xbb\xbfcode,name\na,\xff\n", "line 2, byte 3: 0xFF is not UTF-8; save the file as UTF-8"),
        (b"code,n\xe4me\n", "line 1, byte 7: 0xE4 is not UTF-8; save the file as UTF-8"),
        ("code,name".encode("utf-16"), "line 1, byte 1: 0xFF is not UTF-8; save the file as UTF-8"),
    ],
)
def test_what_is_wrong_in_a_csv_is_said_with_its_place(problems, content, expected):
    """One problem, in these words, and nothing is written."""
    assert problems(content) == [expected]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("code,name\na,All\n", "line 1, column 1: not JSON: Expecting value"),
        ('[{"code": "a",\n "name"}]', "line 2, column 8: not JSON: Expecting ':' delimiter"),
        ("3", "the file must be a list of objects, or an object with one list under any key; it is a number"),
        ({"a": [], "b": []},
         "the file must be a list of objects, or an object with one list under any key; its object has 2 lists"),
        ([], "the file is empty: nothing is in it to import"),
        ([{"code": "a", "name": "All"}, "b"], "entry 2: must be an object, not text"),
        ([{"code": 5, "name": "All"}], "entry 1, key code: must be text, not a number"),
        ([{"code": "a", "name": ["All"]}], "entry 1, key name: must be text, not a list"),
        ([{"code": "a", "name": "All", "type": {}}], "entry 1, key type: must be text, not an object"),
        ([{"code": "a", "name": "All", "parent": False}], "entry 1, key parent: must be text, not true or false"),
        ([{"code": "a", "name": "\ud800"}], 'entry 1, key name: "\\ud800" has a character that cannot be stored'),
        ([{"code": "a", "name": None}], "entry 1, key name: is missing"),
        ([{"code": "a", "name": "A"}, {"code": "a", "name": "B"}],
         'entry 2, key code: "a" is already the code of entry 1'),
        ([{"code": "a", "name": "A", "parent": "b"}], 'entry 1, key parent: no group has the code "b"'),
    ],
)  # fmt: skip
def test_what_is_wrong_in_json_is_said_with_its_place(problems, content, expected):
    """One problem, in these words, and nothing is written."""
    assert problems(content, name="groups.json") == [expected]


@pytest.mark.parametrize("content", ["[" * 100_000, f'[{{"code": {"9" * 5_000}}}]'], ids=["deep", "long number"])
def test_json_that_is_made_to_break_readers_is_refused(problems, content):
    """Nested too deeply, or with a number of thousands of digits."""
    (problem,) = problems(content, name="groups.json")
    assert problem.startswith("not JSON that can be read: ")


def test_all_problems_are_told_at_once(problems):
    """In one error, and without problems that only follow from others."""
    assert problems("code,name,parent\na,,\nb,Bo,a\nb,Bo,a\nc,Co,zz\n") == [
        "row 2, column name: is missing",
        'row 4, column code: "b" is already the code of row 3',
        'row 5, column parent: no group has the code "zz"',
    ]


def test_of_many_problems_the_first_fifty_are_told(problems):
    """The others are counted."""
    told = problems("code,name\n" + "a,\n" * 60)
    assert len(told) == 51
    assert told[-1] == "... and 69 more"


def test_a_chain_is_refused_from_the_hundred_and_first_level_on(load, problems):
    """A hundred levels come in; the row that is too deep is named."""
    chain = "".join(f"{level},Level,{level - 1 or ''}\n" for level in range(1, 102))
    assert problems(f"code,name,parent\n{chain}") == ["row 102, column parent: more than 100 levels deep"]
    assert load(f"code,name,parent\n{chain[: chain.index('101,')]}").added == {"fleet groups": 100}


def test_a_file_over_a_hundred_megabytes_is_refused(fresh_database, tmp_path):
    """Before anything is made of it."""
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(ImportFileError, match=r"^huge\.csv: larger than 100 MB$"):
        import_groups(fresh_database.owner, path, tenant="Acme", progress=silent)


def test_a_file_that_cannot_be_read_is_refused(fresh_database, tmp_path):
    """Absent, or a directory."""
    with pytest.raises(ImportFileError, match="cannot be read: No such file"):
        import_groups(fresh_database.owner, tmp_path / "absent.csv", tenant="Acme", progress=silent)
    with pytest.raises(ImportFileError, match="cannot be read: Is a directory"):
        import_groups(fresh_database.owner, tmp_path, tenant="Acme", progress=silent)


def test_a_failure_at_the_database_leaves_nothing(load, fresh_database):
    """The tenant and its owner, made in the same transaction, are gone as well."""
    execute(fresh_database, "alter table fleet_groups add constraint no_b check (name <> 'Bo')")
    with pytest.raises(psycopg.errors.CheckViolation):
        load("code,name\na,All\nb,Bo\n")
    assert rows(fresh_database, EVERYTHING) == [(0, 0, 0, 0, 0)]


def test_a_database_that_does_not_answer_is_told_as_such(tmp_path):
    """The file was fine."""
    path = tmp_path / "groups.csv"
    path.write_text("code,name\na,All\n", encoding="utf-8")
    with pytest.raises(DatabaseUnavailableError):
        import_groups(f"postgresql://x@/x?host={tmp_path}", path, tenant="Acme", progress=silent)


def test_progress_reaches_its_total_in_every_step(fresh_database, tmp_path):
    """Each step ends where it is done."""
    path = tmp_path / "groups.csv"
    path.write_text("code,name\na,All\nb,Bo\n", encoding="utf-8")
    told = {}
    import_groups(fresh_database.owner, path, tenant="Acme", progress=lambda step, *so_far: told.update({step: so_far}))
    assert told == {"Reading": (1, 1), "Copying groups": (2, 2), "Adding fleet groups": (2, 2)}


def test_the_worlds_subdivisions_come_in_at_their_depths(fresh_database, real_data):
    """Every entry and every country once; as deep as the file says, and nothing new the second time."""
    path = real_data / "iso3166-2.json"
    parents = {entry["code"]: entry.get("parent") for entry in json.loads(path.read_text("utf-8"))["3166-2"]}

    def depth(code):
        return 2 if parents[code] is None else depth(parents[code]) + 1

    countries = {code.split("-")[0] for code in parents}
    expected = Counter(map(depth, parents)) + Counter({1: len(countries)})

    report = import_groups(fresh_database.owner, path, tenant="world", progress=silent)
    assert report.read == len(parents)
    assert report.added == {"fleet groups": len(parents) + len(countries)}
    depths = rows(
        fresh_database,
        "with recursive tree as (select id, 1 as depth from fleet_groups where parent_group_id is null"
        " union all select g.id, t.depth + 1 from tree t join fleet_groups g on g.parent_group_id = t.id)"
        " select depth, count(*) from tree group by 1",
    )
    assert dict(depths) == expected
    assert {code: parent for code, _, _, parent in rows(fresh_database, TREE) if parents.get(code)} == {
        code: parent for code, parent in parents.items() if parent
    }
    again = import_groups(fresh_database.owner, path, tenant="world", progress=silent)
    assert again.added == {"fleet groups": 0}
