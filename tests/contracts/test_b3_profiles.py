"""`GET /api/v1/users/{username}` and `/active-and-inactive/{username}`: what everybody sees, what administrators."""

import httpx
import pytest

from backend.models import Status
from tests.application import Application
from tests.contracts.answers import code, refusal
from tests.contracts.dialect_b import ME, NO_IDS, USER, body_of, named, of
from tests.factories import People

PUBLIC = {"id", "username", "name", "profile_image_url", "created_at"}
NOBODY = (404, "USER_NOT_FOUND", "User not found")
ALL = "/api/v1/users/active-and-inactive"
PRIVATE = pytest.mark.settings(public_profiles=False)


async def test_everybody_sees_a_name_and_a_picture_and_nothing_more(client: httpx.AsyncClient, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    picture = "https://example.org/h.png"
    await person.patch(ME, {"full_name": "Hannah Arendt", "institution": "New School", "profile_image_url": picture})
    for answer in (await client.get(named(person)), await person.get(named(person)), await admin.get(named(person))):
        profile = body_of(answer)
        assert profile.keys() == PUBLIC
        assert (profile["id"], profile["username"]) == (str(person.id), person.username)
        assert (profile["name"], profile["profile_image_url"]) == ("Hannah Arendt", picture)


async def test_a_name_is_known_in_every_spelling(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    await person.patch(ME, {"username": "Jürgen"})
    for spelling in ("Jürgen", "jürgen", "JÜRGEN", "JU\u0308RGEN", "\uff4a\u00fcrgen", "j%C3%BCrgen"):
        assert body_of(await client.get(of(spelling)))["username"] == "Jürgen"
    for other in ("jurgen", "jürgen ", person.username, person.email):
        assert code(await client.get(of(other))) == (404, "USER_NOT_FOUND")


async def test_who_is_not_active_has_no_profile(client: httpx.AsyncClient, people: People) -> None:
    admin = await people.admin()
    assert refusal(await client.get(of("nobody"))) == NOBODY
    for status in set(Status) - {Status.ACTIVE}:
        person = await people.in_status(status)
        answers = [await client.get(named(person)), await admin.get(named(person))]
        assert [refusal(answer) for answer in answers] == [NOBODY] * 2, status


async def test_what_is_nobodys_name_is_nobody(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    emails = [person.email, "%", "_", "*", "'", '"', "a b", "x" * 3000, "ﷺ" * 300, "%ff", "%ed%a0%80"]
    for name in (*NO_IDS, *emails):
        answer = await client.get(of(name))
        assert (answer.status_code, answer.json()["error_code"]) == (404, "USER_NOT_FOUND"), name


async def test_a_bad_credential_is_refused_and_not_taken_for_none(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    ended = other.bearer
    await other.post("/api/auth/jwt/logout")
    bad: list[tuple[dict[str, str], str]] = [
        ({"Authorization": "Bearer garbage"}, "INVALID_TOKEN"),
        ({"Authorization": "Bearer vst_key"}, "INVALID_TOKEN"),
        ({"Authorization": "Bearer "}, "INVALID_TOKEN"),
        (ended, "SESSION_REVOKED"),
        ({"Cookie": "session_id=garbage"}, "INVALID_TOKEN"),
    ]
    for headers, word in bad:
        for name in (person.username, "nobody"):
            answer = await running.browser(**headers).get(of(name))
            assert code(answer) == (401, word), headers
    assert (await running.browser(Cookie="session_id=garbage").get("/login")).status_code == 200  # a page greets all
    for headers in ({}, {"Authorization": "Basic garbage"}):
        assert body_of(await running.browser(**headers).get(named(person))).keys() == PUBLIC


async def test_an_id_at_the_same_place_is_for_administrators(client: httpx.AsyncClient, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    for id_ in (person.id, person.id.hex):
        assert code(await client.get(of(str(id_)))) == (401, "NOT_AUTHENTICATED")
        assert code(await person.get(of(str(id_)))) == (403, "ADMIN_REQUIRED")
        assert body_of(await admin.get(of(str(id_))))["email"] == person.email


@PRIVATE
async def test_profiles_may_be_for_oneself_and_administrators(client: httpx.AsyncClient, people: People) -> None:
    admin, person, other = await people.admin(), await people.active(), await people.active()
    approver = await people.approver()
    for name in (person.username, "nobody"):
        assert code(await client.get(of(name))) == (401, "NOT_AUTHENTICATED")
        assert [code(await who.get(of(name))) for who in (other, approver)] == [(403, "NOT_YOURS")] * 2
    assert body_of(await person.get(of(person.username.upper()))).keys() == PUBLIC
    assert body_of(await admin.get(named(person)))["id"] == str(person.id)
    assert refusal(await admin.get(of("nobody"))) == NOBODY


async def test_administrators_see_everybody_in_every_state(running: Application, people: People) -> None:
    admin = await people.admin()
    for status in set(Status) - {Status.DELETED, Status.ANONYMIZED}:
        person = await people.in_status(status)
        user = body_of(await admin.get(f"{ALL}/{person.username.upper()}"))
        assert user.keys() >= USER
        assert (user["id"], user["status"], user["email"]) == (str(person.id), status, person.email)
    person = await people.active()
    await admin.delete(named(person))
    user = body_of(await admin.get(f"{ALL}/{person.username}"))
    assert (user["id"], user["is_deleted"], user["status"]) == (str(person.id), True, "deleted")
    assert body_of(await admin.get(f"{ALL}/{person.id}")) == user
    assert refusal(await admin.get(f"{ALL}/nobody")) == NOBODY


async def test_nobody_else_sees_them(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    for name in (person.username, "nobody"):
        assert code(await client.get(f"{ALL}/{name}")) == (401, "NOT_AUTHENTICATED")
        for who in (person, await people.approver()):
            assert code(await who.get(f"{ALL}/{name}")) == (403, "ADMIN_REQUIRED")
