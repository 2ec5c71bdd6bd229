"""Who may call the routes of administration, and how they name an account."""

import uuid

import httpx
import pytest

from tests.contracts.answers import code, refusal
from tests.factories import People, Person

ADMIN = "/api/auth/admin"
FOR_ADMINS = (
    ("GET", "/users"),
    ("POST", "/users"),
    ("GET", "/stats"),
    ("POST", "/reset-user-password"),
    ("PUT", "/users/{id}"),
    ("POST", "/users/{id}/promote"),
    ("POST", "/users/{id}/demote"),
    ("DELETE", "/users/{id}"),
)
FOR_DECIDERS = (("GET", "/pending-approvals"), ("POST", "/users/{id}/approve"))
ABOUT_SOMEBODY = tuple(route for route in (*FOR_ADMINS, *FOR_DECIDERS) if "{id}" in route[1])
BODY = {"approved": True}
NO_IDS = ["x", "0", "urn:uuid:{}", "{{{}}}", "{}0", "..{}", "{}%20", "%20"]


async def _all(person: Person, routes: tuple[tuple[str, str], ...], who: str) -> list[httpx.Response]:
    return [
        await person.client.request(method, ADMIN + path.format(id=who), headers=person.bearer, json=BODY)
        for method, path in routes
    ]


async def test_a_user_may_not_administer(people: People) -> None:
    person, target = await people.active(), await people.pending()
    answers = await _all(person, (*FOR_ADMINS, *FOR_DECIDERS), str(target.id))
    assert {code(answer) for answer in answers} == {(403, "ADMIN_REQUIRED")}
    assert all("Admin access required" in refusal(answer)[2] for answer in answers)


async def test_an_approver_may_decide_and_nothing_else(people: People) -> None:
    target, approver = await people.pending(), await people.approver()
    assert {code(answer) for answer in await _all(approver, FOR_ADMINS, str(target.id))} == {(403, "ADMIN_REQUIRED")}
    assert [answer.status_code for answer in await _all(approver, FOR_DECIDERS, str(target.id))] == [200, 200]
    assert (await approver.get("/api/auth/whoami")).json()["is_superuser"] is False


async def test_a_stranger_is_asked_to_sign_in(client: httpx.AsyncClient, people: People) -> None:
    target = await people.pending()
    paths = [(method, ADMIN + path.format(id=target.id)) for method, path in (*FOR_ADMINS, *FOR_DECIDERS)]
    answers = [await client.request(method, path, json=BODY) for method, path in paths]
    assert {code(answer) for answer in answers} == {(401, "NOT_AUTHENTICATED")}


async def test_an_id_is_checked_after_the_role(people: People) -> None:
    person = await people.active()
    assert {code(answer) for answer in await _all(person, ABOUT_SOMEBODY, "x")} == {(403, "ADMIN_REQUIRED")}


async def test_what_is_no_id_is_refused(people: People) -> None:
    admin = await people.admin()
    ids = [pattern.format(admin.id) for pattern in NO_IDS]
    answers = [answer for id_ in ids for answer in await _all(admin, ABOUT_SOMEBODY, id_)]
    assert {code(answer) for answer in answers} == {(400, "INVALID_ID")}
    assert all(refusal(answer)[2].startswith("Invalid user ID format") for answer in answers)


async def test_an_id_may_have_32_hex_digits(people: People) -> None:
    admin, person = await people.admin(), await people.active()
    for spelling in (person.id.hex, person.id.hex.upper(), str(person.id).upper()):
        answer = await admin.put(f"{ADMIN}/users/{spelling}", {})
        assert (answer.status_code, answer.json()["user"]["id"]) == (200, str(person.id))


@pytest.mark.parametrize("who", ["nobody", "deleted"])
async def test_an_id_nobody_has_is_not_found(people: People, who: str) -> None:
    admin = await people.admin()
    id_ = (await people.deleted()).id if who == "deleted" else uuid.uuid4()
    answers = await _all(admin, ABOUT_SOMEBODY, str(id_))
    answers.append(await admin.post(f"{ADMIN}/reset-user-password", {"user_id": str(id_)}))
    assert {refusal(answer) for answer in answers} == {(404, "USER_NOT_FOUND", "User not found")}


async def test_there_is_no_public_list_of_users(client: httpx.AsyncClient, people: People) -> None:
    admin = await people.admin()
    for path in ("/debug/list_users", "/api/auth/debug/list_users", "/api/debug/list_users"):
        assert (await client.get(path)).status_code == 404
        assert (await admin.get(path)).status_code == 404
