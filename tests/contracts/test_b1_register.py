"""`POST /api/v1/users/register` and `POST /api/v1/users`: signing up with an address, and with a name of one's own."""

import asyncio
import json
import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from backend.identifiers import RESERVED
from backend.models import Role, Status
from backend.services import startup
from tests.application import Application
from tests.contracts.answers import TIME, code, refusal
from tests.contracts.dialect_b import REGISTER, RIGHTS, USER, USERS, body_of, newcomer, rows
from tests.factories import PASSWORD, People

B1_TAKEN = [(400, "AUTH_EMAIL_EXISTS"), (400, "AUTH_USERNAME_EXISTS")]
B3_TAKEN = [(409, "AUTH_EMAIL_EXISTS"), (409, "AUTH_USERNAME_EXISTS")]
DOORS = [pytest.param(REGISTER, id="b1"), pytest.param(USERS, id="b3")]
MANY = pytest.mark.settings(rate_limits=False)
MADE = {
    "hannah.arendt@example.org": "hannah.arendt",
    "Jürgen@example.org": "Jürgen",
    "o'neil+list@example.org": "oneillist",
    "ﬁnn@example.org": "finn",
    "x@example.org": "user",
    "admin@example.org": "admin",
    "_.a.b._@example.org": "a.b",
    f"{'n' * 40}@example.org": "n" * 28,
    "me@example.org": r"me\d+",
    "bulk@example.org": r"bulk\d+",
    "del_1@example.org": r"user\d+",
    "hannah.arendt@example.com": r"hannah.arendt\d+",
    "HANNAH.ARENDT@example.net": r"HANNAH.ARENDT\d+",
    f"{'n' * 41}@example.org": r"n{28}\d+",
}
"""Addresses and the usernames made from them, one after the other; with a number where a name is taken or kept back."""
TWINS = [
    ({"email": "Hannah@Example.org"}, {"email": "hANNAH@eXAMPLE.ORG"}),
    ({"email": "Ärger@example.org"}, {"email": "äRGER@example.org"}),
    ({"email": "a@bücher.example.org"}, {"email": "A@xn--bcher-kva.EXAMPLE.org"}),
    ({"username": "Jürgen"}, {"username": "JU\u0308RGEN"}),
    ({"username": "Straße"}, {"username": "STRASSE"}),
    ({"username": "ﬁnn"}, {"username": "FINN"}),
    ({"username": "Ωmega"}, {"username": "ωMEGA"}),
    ({"username": "\uff41\uff4e\uff4e\uff41"}, {"username": "Anna"}),
]
DISGUISED: list[dict[str, Any]] = [
    *({spelling: True} for spelling in ("isSuperuser", "is_superuser[]", "IS_SUPERUSER", "is_superuser ", "isAdmin")),
    *({"user": {"is_superuser": True, "role": "admin"}}, {"data": {"status": "active"}}, {"$set": {"role": "admin"}}),
    *({"roles": ["admin"]}, {"Role": "admin"}, {"role[]": "admin"}, {"hashedPassword": "x"}, {"__class__": "Admin"}),
    *({"approved_by": "01900000-0000-7000-8000-000000000000"}, {"approved_at": "2026-01-01T00:00:00Z"}),
    *({"token_epoch": 7}, {"created_at": "2001-01-01T00:00:00Z"}, {"must_change_password": True}),
    *({"deleted_at": "2001-01-01T00:00:00Z"}, {"last_login": "2001-01-01T00:00:00Z"}, {"login_count": 9}),
]


async def test_somebody_signs_up_with_an_address_and_waits(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    sent = {"full_name": "Hannah Arendt", "approval_note": "Work.\nMuch.", "institution": "New School", "role": "user"}
    body = {"email": "Hannah@example.org", "password": PASSWORD, "username": "Hannah.A", **sent}
    user = body_of(await client.post(REGISTER, json=body), 201)
    assert user.keys() >= USER
    assert {**user, **sent, "name": "Hannah Arendt", "email": "Hannah@example.org", "username": "Hannah.A"} == user
    assert (user["status"], user["is_active"], user["is_approved"], user["is_verified"]) == ("pending", *[False] * 3)
    assert TIME.fullmatch(user["created_at"])
    answer = await client.post("/api/v1/auth/login", json={"email": "hannah@example.org", "password": PASSWORD})
    assert code(answer) == (403, "ACCOUNT_PENDING")


async def test_somebody_signs_up_with_a_name_and_waits(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    links = {"google_id": None, "github_id": None, "oauth_provider": None}
    user = body_of(await client.post(USERS, json=newcomer(**links)), 201)
    assert user.keys() >= USER
    assert (user["name"], user["username"], user["email"]) == ("Hannah Arendt", "hannah", "hannah@example.org")
    assert (user["status"], user["role"], user["deleted_at"]) == ("pending", "user", None)
    assert (user["is_deleted"], user["email_verified"]) == (False, False)


@MANY
async def test_a_username_is_made_from_the_address(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    bodies = [{"email": email, "password": PASSWORD} for email in MADE]
    answers = [body_of(await client.post(REGISTER, json=body), 201) for body in bodies]
    made = {answer["email"]: answer["username"] for answer in answers}
    assert {email: name for email, name in made.items() if not re.fullmatch(MADE[email], name)} == {}
    assert len({name.casefold() for name in made.values()}) == len(MADE)


@MANY
async def test_people_who_come_at_once_get_different_names(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    bodies = [{"email": f"hannah@example{number}.org", "password": PASSWORD} for number in range(6)]
    answers = await asyncio.gather(*(client.post(REGISTER, json=body) for body in bodies))
    names = {body_of(answer, 201)["username"] for answer in answers}
    assert (len(names), "hannah" in names) == (6, True)
    assert all(re.fullmatch(r"hannah\d*", name) for name in names)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(mode, marks=pytest.mark.settings(registration=mode, require_approval_note=True), id=mode)
        for mode in ("approval", "closed")
    ],
)
async def test_the_first_account_ever_administers_by_every_door(
    client: httpx.AsyncClient, people: People, door: str, mode: str
) -> None:
    answers = await asyncio.gather(*(client.post(door, json=newcomer(f"racer{number}")) for number in range(4)))
    made = [answer.json() for answer in answers if answer.status_code == 201 and answer.json()["is_superuser"]]
    (first,) = made
    assert (first["role"], first["status"], first["is_approved"]) == ("admin", "active", True)
    assert len(await people.audit("first_user_superuser_promotion")) == 1
    late = code(await client.post(door, json=newcomer("late")))
    assert late == {"approval": (422, "APPROVAL_NOTE_REQUIRED"), "closed": (403, "REGISTRATION_CLOSED")}[mode]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.settings(bootstrap="token")
async def test_the_first_account_may_need_a_token(running: Application, door: str) -> None:
    client, token = running.client, await startup.bootstrap_token(running.context)
    without = await client.post(door, json=newcomer("first"))
    wrong = await client.post(door, json=newcomer("first", bootstrap_token="guess"))
    by_header = await client.post(door, json=newcomer("first"), headers={"X-Bootstrap-Token": str(token)})
    assert [code(answer) for answer in (without, wrong)] == [(403, "BOOTSTRAP_TOKEN_REQUIRED")] * 2
    assert body_of(by_header, 201)["is_superuser"] is True


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.settings(registration="open")
async def test_the_open_door_lets_in_at_once(client: httpx.AsyncClient, people: People, door: str) -> None:
    await people.admin()
    user = body_of(await client.post(door, json=newcomer("hannah")), 201)
    assert (user["status"], user["is_approved"], user["approved_by"], user["role"]) == ("active", True, None, "user")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.settings(max_pending=1)
async def test_not_everybody_can_wait(client: httpx.AsyncClient, people: People, door: str) -> None:
    await people.pending()
    assert code(await client.post(door, json=newcomer("hannah"))) == (503, "REGISTRATION_FULL")


@MANY
@pytest.mark.parametrize(("door", "taken"), [(REGISTER, B1_TAKEN), (USERS, B3_TAKEN)], ids=["b1", "b3"])
async def test_names_of_others_are_refused(
    client: httpx.AsyncClient, people: People, door: str, taken: list[tuple[int, str]]
) -> None:
    other = await people.active()
    bodies = [newcomer("hannah", email=other.email.upper()), newcomer("hannah", username=other.username.upper())]
    answers = [refusal(await client.post(door, json=body)) for body in bodies]
    assert [answer[:2] for answer in answers] == taken
    sentence = "User with this email already exists" if door == REGISTER else "Email already registered"
    assert [answer[2] for answer in answers] == [sentence, "Username already taken"]


@MANY
@pytest.mark.parametrize("door", DOORS)
async def test_twins_in_another_spelling_are_the_same_on_every_database(
    client: httpx.AsyncClient, people: People, door: str
) -> None:
    await people.admin()
    expected = {"email": "AUTH_EMAIL_EXISTS", "username": "AUTH_USERNAME_EXISTS"}
    for number, (one, other) in enumerate(TWINS):
        first = await client.post(door, json=newcomer(f"one{number}", **one))
        second = await client.post(door, json=newcomer(f"other{number}", **other))
        assert (first.status_code, code(second)[1]) == (201, expected[next(iter(one))]), (one, other)


@pytest.mark.parametrize("door", DOORS)
async def test_people_who_send_the_same_at_once_make_one_account(
    client: httpx.AsyncClient, people: People, door: str
) -> None:
    await people.admin()
    answers = await asyncio.gather(*(client.post(door, json=newcomer("twin")) for _ in range(4)))
    refused = {code(answer)[1] for answer in answers if answer.status_code != 201}
    assert (len(refused), refused <= {"AUTH_EMAIL_EXISTS", "AUTH_USERNAME_EXISTS"}) == (1, True)
    assert [name for name in await people.statuses() if name == "twin"] == ["twin"]


@MANY
@pytest.mark.parametrize("door", DOORS)
async def test_words_that_are_paths_are_nobodys_name(client: httpx.AsyncClient, people: People, door: str) -> None:
    await people.admin()
    names = [*sorted(RESERVED), "ME", "\uff4de", "Bulk", "del_x", "DEL_x", "0" * 32, "A" * 32, "a@b", "a/b", "%", ""]
    answers = {name: code(await client.post(door, json=newcomer("hannah", username=name))) for name in names}
    assert {name: told for name, told in answers.items() if told != (422, "VALIDATION_ERROR")} == {}


@MANY
@pytest.mark.parametrize("door", DOORS)
async def test_nobody_gives_themselves_rights_by_signing_up(
    client: httpx.AsyncClient, people: People, door: str
) -> None:
    await people.admin()
    before = await rows(people)
    named = [*RIGHTS, "status", "hashed_password", "id"]
    bodies: list[dict[str, Any]] = [{name: value} for name in named for value in (True, False, None, "active")]
    bodies += [{"role": role} for role in ("admin", "approver", "ADMIN", None, ["admin"], {"$ne": "user"})]
    answers = {str(body): code(await client.post(door, json=newcomer("hannah", **body))) for body in bodies}
    assert {body: told for body, told in answers.items() if told != (422, "VALIDATION_ERROR")} == {}
    assert await rows(people) == before


@pytest.mark.parametrize("door", DOORS)
async def test_the_role_that_everybody_has_may_be_asked_for(
    client: httpx.AsyncClient, people: People, door: str
) -> None:
    await people.admin()
    assert body_of(await client.post(door, json=newcomer("hannah", role="user")), 201)["role"] == "user"


@MANY
async def test_rights_in_disguise_are_ignored_by_b1_and_refused_by_b3(
    client: httpx.AsyncClient, people: People
) -> None:
    await people.admin()
    plain = await client.post(REGISTER, json=newcomer("plain"))
    expected = (await rows(people))[_id(plain)]
    own = {"id", "username", "email", "hashed_password"}
    for number, body in enumerate(DISGUISED):
        answer = await client.post(REGISTER, json=newcomer(f"hannah{number}", **body))
        row = (await rows(people))[_id(answer)]
        assert {name for name in row if row[name] != expected[name]} == own, body
        assert code(await client.post(USERS, json=newcomer(f"other{number}", **body))) == (422, "VALIDATION_ERROR")


async def test_links_to_other_accounts_come_from_nobodys_body(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    links: list[dict[str, Any]] = [
        {"google_id": "x"},
        {"github_id": 7},
        {"oauth_provider": "google"},
        {"oauth_provider": ""},
    ]
    answers = [await client.post(USERS, json=newcomer(**link)) for link in links]
    assert [code(answer) for answer in answers] == [(422, "VALIDATION_ERROR")] * 4


@MANY
@pytest.mark.parametrize("door", DOORS)
async def test_what_has_to_be_there_is_not_null(client: httpx.AsyncClient, people: People, door: str) -> None:
    await people.admin()
    needed = ["email", "password", *(["name", "username"] if door == USERS else [])]
    for field in needed:
        without = {key: value for key, value in newcomer("hannah").items() if key != field}
        for body in (without, {**without, field: None}, {**without, field: ""}, {**without, field: [1]}):
            assert (await client.post(door, json=body)).status_code == 422, (field, body)


async def test_an_empty_name_was_not_given(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    for number, empty in enumerate(("", "  ")):
        sent = {**newcomer(f"hannah{number}"), "name": empty}
        assert body_of(await client.post(REGISTER, json=sent), 201)["full_name"] is None
        assert code(await client.post(USERS, json=sent)) == (422, "VALIDATION_ERROR")  # where there has to be one


@pytest.mark.settings(require_approval_note=True)
@pytest.mark.parametrize("door", DOORS)
async def test_note_and_institution_are_taken_where_they_are_obligatory(
    client: httpx.AsyncClient, people: People, door: str
) -> None:
    await people.admin()
    both = {"approval_note": "Work.\nMuch.", "institution": "New School"}
    lacking: list[dict[str, Any]] = [{}, {**both, "approval_note": None}, {**both, "institution": " "}]
    answers = [await client.post(door, json=newcomer(**sent)) for sent in lacking]
    assert [code(answer) for answer in answers] == [(422, "APPROVAL_NOTE_REQUIRED")] * 3
    user = body_of(await client.post(door, json=newcomer(**both)), 201)
    assert (user["approval_note"], user["institution"], user["status"]) == (*both.values(), "pending")


@MANY
@pytest.mark.parametrize("door", DOORS)
async def test_texts_have_an_end_and_no_controls(client: httpx.AsyncClient, people: People, door: str) -> None:
    await people.admin()
    most = {"name" if door == USERS else "full_name": 100, "institution": 200, "approval_note": 2000}
    for field, length in most.items():
        told = [await client.post(door, json=newcomer(f"long{field[:4]}", **{field: "ä" * length}))]
        texts = ("ä" * (length + 1), "a\0b", "a\x1bb", "a\ud800b", 5)
        told += [await _sent(client, door, newcomer("hannah", **{field: text})) for text in texts]
        assert [answer.status_code for answer in told] == [201, *[422] * 5], field


@MANY
@pytest.mark.parametrize("door", DOORS)
async def test_a_weak_password_is_refused_with_the_reason(client: httpx.AsyncClient, people: People, door: str) -> None:
    await people.admin()
    for password in ("short", "password123", "it is hannah", "HANNAH", "x" * 257):
        answer = await client.post(door, json=newcomer("hannah", password=password))
        assert code(answer) == (422, "INVALID_PASSWORD"), password
        assert password not in answer.text or password == "short"
        assert refusal(answer)[2]


async def test_the_name_made_from_the_address_is_no_password(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answer = await client.post(REGISTER, json={"email": "hannaharendt@example.org", "password": "hannaharendt"})
    assert code(answer) == (422, "INVALID_PASSWORD")


async def test_five_people_an_hour_come_from_one_address(running: Application, people: People) -> None:
    await people.admin()
    answers = [await running.client.post(REGISTER, json=newcomer(f"hannah{number}")) for number in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    assert refusal(answers[-1])[:2] == (429, "RATE_LIMITED")
    assert (answers[-1].json()["limit"], answers[-1].json()["window"]) == (5, 3600)
    assert int(answers[-1].headers["retry-after"]) <= 3600
    assert body_of(await running.client.post(USERS, json=newcomer()), 201)["username"] == "hannah"


async def test_signing_up_is_on_record_and_prepares_a_directory(running: Application, people: People) -> None:
    await people.admin()
    for door, name in ((REGISTER, "one"), (USERS, "two")):
        user = body_of(await running.client.post(door, json=newcomer(name)), 201)
        (event,) = [one for one in await people.audit("registered") if str(one.target_id) == user["id"]]
        assert (str(event.actor_id), event.details) == (user["id"], {"status": Status.PENDING})
        assert (running.data_dir / "users" / user["id"] / "node_registry.json").read_text() == "{}"


@pytest.mark.parametrize("door", DOORS)
async def test_both_spellings_of_an_address_answer(client: httpx.AsyncClient, people: People, door: str) -> None:
    await people.admin()
    assert body_of(await client.post(f"{door}/", json=newcomer("hannah")), 201)["role"] == Role.USER
    foreign = await client.post(door, json=newcomer("other"), headers={"Origin": "https://evil.example"})
    assert code(foreign) == (403, "CSRF_FAILED")


def _id(answer: httpx.Response) -> UUID:
    return UUID(body_of(answer, 201)["id"])


async def _sent(client: httpx.AsyncClient, door: str, body: dict[str, object]) -> httpx.Response:
    """Send what is no Unicode too."""
    return await client.post(door, content=json.dumps(body), headers={"Content-Type": "application/json"})
