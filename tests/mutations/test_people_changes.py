"""Grants and memberships."""

from __future__ import annotations

import asyncio

import pytest

from tests.mutations.documents import mutation

pytestmark = pytest.mark.database

SET = mutation("setMembership", "SetMembershipInput!", "membership { role user { id email name } }")
REMOVE = mutation("removeMembership", "RemoveMembershipInput!", "deletedId")
GRANT = mutation(
    "grantGroupPermission", "GrantGroupPermissionInput!", "permission { id permissionLevel version user { email } }"
)
REVOKE = mutation("revokeGroupPermission", "DeleteInput!", "deletedId")
SEES = "{ fleetGroups { totalCount } }"


async def test_a_member_is_added_granted_something_and_leaves(write, rows):
    """What they see follows at once; what was granted ends with the membership."""
    added = (await write(SET, input={"email": "New@Enterprise.example", "role": "VIEWER"}))["setMembership"]
    assert added["userErrors"] == []
    user = added["membership"]["user"]
    assert (user["name"], added["membership"]["role"]) == ("New", "VIEWER")
    assert (await write(SEES, "new@enterprise.example"))["fleetGroups"]["totalCount"] == 0
    (group,) = rows("select id from fleet_groups where name = 'US West'")
    given = {"userId": user["id"], "fleetGroupId": str(group["id"]), "permissionLevel": "READ"}
    granted = (await write(GRANT, input=given))["grantGroupPermission"]
    assert granted["permission"]["permissionLevel"] == "READ"
    assert (await write(SEES, "new@enterprise.example"))["fleetGroups"]["totalCount"] == 5
    again = (await write(GRANT, input=given | {"permissionLevel": "WRITE"}))["grantGroupPermission"]["permission"]
    assert (again["id"], again["version"]) == (granted["permission"]["id"], 2)
    stale = (await write(REVOKE, input={"id": again["id"], "expectedVersion": 1}))["revokeGroupPermission"]
    assert [error["code"] for error in stale["userErrors"]] == ["VERSION_CONFLICT"]
    left = (await write(REMOVE, input={"userId": user["id"]}))["removeMembership"]
    assert left == {"deletedId": user["id"], "userErrors": []}
    assert rows("select from group_permissions where user_id = %s", user["id"]) == []


async def test_somebody_of_another_tenant_is_added_under_their_own_name(write):
    """The address decides; the name that is given changes nobody."""
    given = {"email": "OWNER@small.example", "name": "Somebody Else", "role": "MANAGER"}
    added = (await write(SET, input=given))["setMembership"]["membership"]
    assert added["user"]["email"] == "owner@small.example"
    assert added["user"]["name"] != "Somebody Else"


async def test_the_last_owner_stays(write):
    """Neither by leaving nor by another role; nor do two owners who leave at the same moment both go."""
    me = (await write("{ viewer { id } }"))["viewer"]["id"]
    refused = (await write(REMOVE, input={"userId": me}))["removeMembership"]
    assert [error["code"] for error in refused["userErrors"]] == ["LAST_OWNER"]
    lesser = (await write(SET, input={"email": "owner@enterprise.example", "role": "VIEWER"}))["setMembership"]
    assert [error["code"] for error in lesser["userErrors"]] == ["LAST_OWNER"]
    second = (await write(SET, input={"email": "manager@enterprise.example", "role": "OWNER"}))["setMembership"]
    other = second["membership"]["user"]["id"]
    both = await asyncio.gather(
        write(REMOVE, "owner@enterprise.example", input={"userId": me}),
        write(REMOVE, "manager@enterprise.example", input={"userId": other}),
    )
    assert sorted(len(answer["removeMembership"]["userErrors"]) for answer in both) == [0, 1]


@pytest.mark.parametrize("person", ["manager@enterprise.example", "dispatcher@enterprise.example"])
async def test_who_holds_no_admin_grants_nothing_and_adds_nobody(write, rows, person):
    """A manager holds WRITE on every group, a dispatcher on some: neither is ADMIN."""
    (group,) = rows("select id from fleet_groups where name = 'California'")
    me = (await write("{ viewer { id } }", person))["viewer"]["id"]
    given = {"userId": me, "fleetGroupId": str(group["id"]), "permissionLevel": "ADMIN"}
    granted = (await write(GRANT, person, input=given))["grantGroupPermission"]
    assert [error["code"] for error in granted["userErrors"]] == ["FORBIDDEN"]
    added = (await write(SET, person, input={"email": "x@enterprise.example", "role": "OWNER"}))["setMembership"]
    assert [error["code"] for error in added["userErrors"]] == ["FORBIDDEN"]
