"""What an attacker makes of a token of ours opens no door, the quick ones included, and starts no conversation."""

import select
import socket
from typing import Final

import httpx
import pytest

from tests.application import Application
from tests.factories import People, Person
from tests.services.forgeries import FAR, MUTATIONS, Forge, signed, with_header, with_payload

WHO, VERIFY, CHECK = "/api/auth/whoami", "/api/v1/auth/verify", "/api/v1/auth/check-auth"
NOT_SENT: Final = frozenset({"blank-after", "newline-after"})
"""A header's value cannot begin or end with these."""
FORGERIES: Final[dict[str, Forge]] = {
    **{name: forge for name, forge in MUTATIONS.items() if name not in NOT_SENT},
    "alg-list": with_header(alg=["ES256"]),
    "alg-hs256-own-signature": with_header(alg="HS256"),
    "alg-lower": with_header(alg="es256"),
    "blank-in-front": lambda _, t: f"\xa0{t}",
    "hard-blank-after": lambda _, t: f"{t}\xa0",
    "separator-after": lambda _, t: f"{t}\x1f",
    "next-line-after": lambda _, t: f"{t}\x85",
    "comma": lambda _, t: f"{t}, {t}",
    "twice": lambda _, t: f"{t} {t}",
    "bearer-again": lambda _, t: f"Bearer {t}",
    "upper": lambda _, t: t.upper(),
    "header-twice": lambda s, _: signed(s, b'{"alg":"ES256","alg":"none","kid":"x","typ":"JWT"}', b"{}"),
    "header-list": lambda s, _: signed(s, b"[]", b"{}"),
    "payload-empty": lambda s, _: signed(s, b"{}", b"{}"),
    "sub-braces": with_payload(sub="{1f0e2d3c-4b5a-4978-8695-a4b3c2d1e0f9}"),
    "sub-list": with_payload(sub=["1f0e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"]),
    "sub-null-character": with_payload(sub="1f0e2d3c-4b5a-4978-8695-a4b3c2d1e0f9\x00"),
    "sub-of-somebody-else": with_payload(sub="1f0e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"),
    "sid-of-nobody": with_payload(sid="1f0e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"),
    "sid-list": with_payload(sid=[]),
    "exp-negative-zero": with_payload(exp=-0.0),
    "exp-list": with_payload(exp=[FAR]),
    "iat-negative-huge": with_payload(iat=-(10**300)),
}


def _bearer(token: str) -> dict[bytes, bytes]:
    return {b"Authorization": b"Bearer " + token.encode("latin-1")}


async def _told(client: httpx.AsyncClient, headers: dict[bytes, bytes]) -> set[tuple[int, str, str]]:
    """What the doors that refuse say: status, code, and the beginning of the challenge."""
    found = set()
    for path in (WHO, VERIFY):
        answer = await client.get(path, headers=headers)
        code = answer.json()["error_code"] if answer.status_code != 200 else "let in"
        found.add((answer.status_code, code, answer.headers.get("www-authenticate", "").partition(",")[0]))
    checked = await client.get(CHECK, headers=headers)
    if (checked.status_code, checked.json()["authenticated"], checked.json()["user"]) != (200, False, None):
        found.add((checked.status_code, "let in", ""))
    return found


async def _warm(person: Person) -> None:
    for path in (WHO, VERIFY, CHECK):
        assert (await person.get(path)).status_code == 200


@pytest.mark.parametrize("warm", [True, False], ids=["warm", "cold"])
async def test_every_forgery_is_the_same_refusal_at_every_door(
    running: Application, people: People, *, warm: bool
) -> None:
    person = await people.active()
    if warm:
        await _warm(person)
    told = {}
    for name, forge in FORGERIES.items():
        forged = forge(running.context.signer, str(person.token))
        told[name] = await _told(running.client, _bearer(forged))
    refusal = {(401, "INVALID_TOKEN", 'Bearer error="invalid_token"')}

    assert {name: found for name, found in told.items() if found != refusal} == {}
    assert (await person.get(WHO)).status_code == 200


@pytest.mark.parametrize("exp", [-1, 0, 1])
async def test_a_token_that_is_over_is_told_so(running: Application, people: People, exp: int) -> None:
    person = await people.active()
    await _warm(person)
    over = with_payload(exp=exp)(running.context.signer, str(person.token))

    assert {found[:2] for found in await _told(running.client, _bearer(over))} == {(401, "TOKEN_EXPIRED")}


async def test_a_token_with_a_later_end_ends_with_its_session(running: Application, people: People) -> None:
    person = await people.active()
    longer = _bearer(with_payload(exp=FAR)(running.context.signer, str(person.token)))
    first = (await running.client.get(WHO, headers=longer)).status_code
    await person.post("/api/auth/jwt/logout")

    assert first == 200  # signed with the real key: only who has that could make it
    assert {found[:2] for found in await _told(running.client, longer)} == {(401, "SESSION_REVOKED")}


async def test_nobody_is_asked_for_a_key(running: Application, people: People) -> None:
    person = await people.active()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"http://127.0.0.1:{listener.getsockname()[1]}/keys.json"
        for name in ("jku", "x5u", "iss", "kid"):
            forge = with_payload(iss=place) if name == "iss" else with_header(**{name: place})
            await _told(running.client, _bearer(forge(running.context.signer, str(person.token))))
        asked, _, _ = select.select([listener], [], [], 0.05)

    assert asked == []


async def test_the_token_of_somebody_deleted_is_refused(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await _warm(person)
    deleted = await admin.delete(f"/api/auth/admin/users/{person.id}")

    assert deleted.status_code == 200
    assert {found[:2] for found in await _told(running.client, _bearer(str(person.token)))} == {
        (401, "SESSION_REVOKED")
    }


async def test_two_tokens_are_none(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    for one in (person, other):
        await _warm(one)
    own, others = (("Authorization", f"Bearer {one.token}") for one in (person, other))
    for headers in (
        [own, own],
        [own, others],
        [own, ("Authorization", "Bearer x")],
        [("Authorization", "Bearer"), own],
    ):
        for path in (WHO, VERIFY):
            answer = await running.client.get(path, headers=headers)
            assert (answer.status_code, answer.json()["error_code"]) == (401, "INVALID_TOKEN"), headers


async def test_a_token_stands_in_the_header_and_nowhere_else(running: Application, people: People) -> None:
    person, client = await people.active(), running.client
    await _warm(person)
    form = {"content-type": "application/x-www-form-urlencoded"}
    answers = []
    for path in (WHO, VERIFY):
        answers += [
            await client.get(path, params={"access_token": person.token}),
            await client.request("GET", path, json={"access_token": person.token}),
            await client.request("GET", path, content=f"access_token={person.token}", headers=form),
            await client.get(path, headers={"X-Access-Token": str(person.token)}),
        ]
    posted = await client.post("/api/auth/jwt/logout", data={"access_token": person.token})

    assert {(one.status_code, one.json()["error_code"]) for one in (*answers, posted)} == {(401, "NOT_AUTHENTICATED")}
    assert (await person.get(WHO)).status_code == 200


async def test_other_tokens_of_ours_are_no_access_tokens(running: Application, people: People) -> None:
    person, applicant = await people.active(), running.browser()
    signed_in = await running.client.post(
        "/api/v1/auth/login", json={"username": person.username, "password": person.password}
    )
    page = await people.at_a_page(person)
    opaque = await running.client.post(
        "/api/v1/users/signin", json={"login": person.username, "password": person.password}
    )
    body = {"username": "hannah", "email": "hannah@example.org", "password": person.password}
    await applicant.post("/register", data=body)
    (waiting,) = (value for name, value in applicant.cookies.items() if value.count(".") == 2)
    for token in (
        signed_in.json()["data"]["token"]["refresh_token"],
        page.cookie,
        page.csrf_token,
        opaque.json()["session"],
        waiting,
    ):
        assert {found[:2] for found in await _told(running.client, _bearer(token))} == {(401, "INVALID_TOKEN")}
