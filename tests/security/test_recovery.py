"""Recovery under attack: forgotten passwords, proofs of address, new addresses; named by the rows of the cases."""

import asyncio
from typing import Any, Final

import httpx
import pytest
from sqlmodel import select

from backend.models import MailPurpose, MailState, OneTimeToken, Status
from backend.notifiers import Message
from backend.services.audit import Action
from tests.application import Application
from tests.contracts.answers import applicant, code, credentials, token_in
from tests.factories import PASSWORD, People, Person

FORGOT, RESET = "/api/auth/forgot-password", "/api/auth/reset-password"
REQUEST, VERIFY = "/api/auth/request-verify-token", "/api/auth/verify"
ME, LOGIN = "/api/v1/users/me", "/api/auth/login"
NEW: Final = "a new one, long enough"
BAD: Final = (400, "RESET_PASSWORD_BAD_TOKEN")


@pytest.fixture
async def person(people: People) -> Person:
    return await people.active()


async def reset_mail(running: Application, person: Person) -> Message:
    assert (await running.client.post(FORGOT, json={"email": person.email})).status_code == 202
    return (await running.mails(MailPurpose.RESET_PASSWORD))[-1]


async def reset(client: httpx.AsyncClient, token: object, password: str = NEW) -> httpx.Response:
    return await client.post(RESET, json={"token": token, "password": password})


async def signs_in(client: httpx.AsyncClient, name: str, password: str) -> int:
    return (await client.post(LOGIN, json=credentials(name, password))).status_code


async def test_r1_eight_uses_of_one_token_at_once_set_one_password(running: Application, person: Person) -> None:
    token = token_in(await reset_mail(running, person))
    passwords = [f"{NEW} {number}" for number in range(8)]
    answers = await asyncio.gather(*(reset(running.client, token, password) for password in passwords))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    won = passwords[[answer.status_code for answer in answers].index(200)]
    assert await signs_in(running.client, person.username, won) == 200


async def test_r2_a_token_dies_with_its_use_and_with_any_new_password(running: Application, person: Person) -> None:
    used = token_in(await reset_mail(running, person))
    assert (await reset(running.client, used)).status_code == 200
    assert code(await reset(running.client, used, "yet another one")) == BAD
    unused = token_in(await reset_mail(running, person))
    token = (await running.client.post(LOGIN, json=credentials(person.username, NEW))).json()["access_token"]
    changed = await running.client.post(
        "/api/auth/change-password",
        json={"current_password": NEW, "new_password": PASSWORD},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert changed.status_code == 200
    assert code(await reset(running.client, unused)) == BAD


async def test_r3_of_three_tokens_the_newest_alone_is_good(running: Application, person: Person) -> None:
    tokens = [token_in(await reset_mail(running, person)) for _ in range(3)]
    assert [code(await reset(running.client, token)) for token in tokens[:2]] == [BAD] * 2
    assert (await reset(running.client, tokens[2])).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
        {"Forwarded": "host=evil.example;proto=https"},
        {"Host": "a/?x=", "X-Original-URL": "https://evil.example/"},
    ],
)
async def test_r4_links_lead_to_the_configured_address_whatever_a_request_says(
    running: Application, person: Person, headers: dict[str, str]
) -> None:
    await running.client.post(FORGOT, json={"email": person.email}, headers=headers)
    (mail,) = await running.mails(MailPurpose.RESET_PASSWORD)
    for part in (mail.body, mail.html or ""):
        assert "evil" not in part
        assert "http://127.0.0.1:8000/reset-password#token=" in part


async def test_r5_a_reset_ends_every_session_of_every_kind(running: Application, people: People) -> None:
    person = await people.active()
    grant = await people.at_a_page(person)
    tokens = (await running.client.post(LOGIN, json=credentials(person.username))).json()
    opaque = (
        await running.client.post("/api/v1/users/signin", json={"login": person.email, "password": PASSWORD})
    ).json()["session"]
    await reset(running.client, token_in(await reset_mail(running, person)))
    answers = [
        await person.get("/api/auth/whoami"),
        await running.client.get("/api/auth/whoami", headers={"Authorization": f"Bearer {tokens['access_token']}"}),
        await running.browser(Cookie=f"session_id={grant.cookie}").get("/api/auth/whoami"),
        await running.client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]}),
        await running.client.post("/api/v1/users/info", json={"session": opaque}),
    ]
    assert [answer.status_code for answer in answers] == [401] * 5


@pytest.mark.settings(rate_limits=False)
async def test_r9_one_request_is_about_one_address(running: Application, person: Person) -> None:
    victim, attacker = person.email, "attacker@example.org"
    several: list[Any] = [
        [victim, attacker],
        {victim: attacker},
        f"{victim},{attacker}",
        f"{victim};{attacker}",
        f"{victim}\r\nBcc: {attacker}",
        f"{victim}\n{attacker}",
        f'{victim}"@example.org, {attacker}',
    ]
    for email in several:
        for door in (FORGOT, "/api/v1/users/reset-password/request", REQUEST):
            answer = await running.client.post(door, json={"email": email})
            assert answer.status_code in {200, 202, 422}, (door, email)
        assert await running.mails() == [], email


async def test_r9_of_two_equal_keys_the_last_counts_and_gets_one_mail(running: Application, person: Person) -> None:
    body = f'{{"email": "{person.email}", "email": "attacker@example.org"}}'
    answer = await running.client.post(FORGOT, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 202
    assert await running.mails() == []


async def test_r10_a_reset_cannot_do_without_its_token(running: Application, person: Person) -> None:
    await reset_mail(running, person)
    tokens: list[Any] = ["", None, 0, [], {}, "null", "undefined", " ", "\x00", "a" * 100_000]
    for door, name in ((RESET, "password"), ("/api/v1/users/reset-password/confirm", "new_password")):
        for body in ({}, {"id": str(person.id)}, *({"token": token} for token in tokens)):
            answer = await running.client.post(door, json={**body, name: NEW})
            assert answer.status_code in {400, 413, 422}, (door, str(body)[:100])
    assert await signs_in(running.client, person.username, PASSWORD) == 200


async def test_r10_a_token_opens_its_own_account_whoever_is_named_besides(running: Application, people: People) -> None:
    victim, thief = await people.active(), await people.active()
    token = token_in(await reset_mail(running, thief))
    body = {"token": token, "password": NEW, "id": str(victim.id), "user_id": str(victim.id), "email": victim.email}
    assert (await running.client.post(RESET, json=body)).status_code == 200
    assert await signs_in(running.client, victim.username, PASSWORD) == 200
    assert await signs_in(running.client, thief.username, NEW) == 200


@pytest.mark.parametrize("page", ["/reset-password", "/verify", "/forgot-password"])
async def test_r11_the_pages_of_links_leak_nothing(client: httpx.AsyncClient, people: People, page: str) -> None:
    await people.admin()
    answer = await client.get(page)
    assert answer.headers["referrer-policy"] == "same-origin"  # nothing reaches another site
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "://" not in answer.text.replace("http://127.0.0.1:8000", "").replace("http://www.w3.org/2000/svg", "")


async def test_r12_a_hundred_requests_are_three_mails_and_the_newest_link_is_good(
    running: Application, person: Person
) -> None:
    statuses = []
    for number in range(100):
        transport = httpx.ASGITransport(running.app, client=(f"203.0.113.{number}", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as stranger:
            statuses.append((await stranger.post(FORGOT, json={"email": person.email})).status_code)
        if number % 10 == 0:
            await running.mails()
    assert set(statuses) == {202, 429}
    mails = await running.mails()
    assert 1 <= len(mails) <= 3
    assert await signs_in(running.client, person.username, PASSWORD) == 200
    assert (await reset(running.client, token_in(mails[-1]))).status_code == 200


async def test_r12_an_address_nobody_has_is_limited_alike(running: Application, people: People) -> None:
    person = await people.active()
    statuses: dict[str, list[int]] = {}
    for email in (person.email, "nobody@example.org"):
        transport = httpx.ASGITransport(running.app, client=(f"203.0.113.{len(statuses)}", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as stranger:
            statuses[email] = [(await stranger.post(FORGOT, json={"email": email})).status_code for _ in range(5)]
    assert statuses[person.email] == statuses["nobody@example.org"] == [202] * 3 + [429] * 2


@pytest.mark.settings(send_verification_emails=True)
async def test_v1_looking_at_a_link_proves_nothing(running: Application, people: People) -> None:
    person = await people.pending()
    token = token_in((await running.mails(MailPurpose.VERIFY_EMAIL))[-1])
    scanner = running.browser()
    answers = [
        await scanner.head(f"/verify?token={token}"),
        await scanner.get(f"/verify?token={token}"),
        await scanner.get("/verify"),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert token not in answers[1].text
    assert not (await people.row(person)).is_verified
    assert (await scanner.post("/verify", data={"token": token})).status_code == 200
    assert (await people.row(person)).is_verified


@pytest.mark.settings(send_verification_emails=True)
async def test_v2_a_proof_dies_when_the_address_changes_even_if_it_comes_back(
    running: Application, people: People
) -> None:
    person = await people.active()
    await running.client.post(REQUEST, json={"email": person.email})
    token = token_in((await running.mails(MailPurpose.VERIFY_EMAIL))[-1])
    for email in ("elsewhere@example.org", person.email):
        changed = await person.patch(ME, {"email": email, "current_password": PASSWORD})
        assert changed.status_code == 200
    assert code(await running.client.post(VERIFY, json={"token": token})) == (400, "VERIFY_USER_BAD_TOKEN")


async def test_v2_a_reset_link_dies_when_the_address_changes(running: Application, person: Person) -> None:
    token = token_in(await reset_mail(running, person))
    await person.patch(ME, {"email": "elsewhere@example.org", "current_password": PASSWORD})
    assert code(await reset(running.client, token)) == BAD


async def test_v3_one_address_is_one_person_s_however_many_want_it_at_once(people: People) -> None:
    pending, one, other = await people.pending(), await people.active(), await people.active()
    taken = await one.patch(ME, {"email": pending.email.upper(), "current_password": PASSWORD})
    assert code(taken) == (400, "AUTH_EMAIL_EXISTS")
    new = {"email": "wanted@example.org", "current_password": PASSWORD}
    answers = await asyncio.gather(*(person.patch(ME, new) for person in (one, other)))
    assert sorted(answer.status_code for answer in answers) == [200, 400]


@pytest.mark.parametrize("given", [{}, {"current_password": ""}, {"current_password": "wrong"}])
async def test_v4_a_new_address_needs_the_password_at_every_door(people: People, given: dict[str, str]) -> None:
    person = await people.active()
    body = {"email": "elsewhere@example.org", **given}
    answers = [
        await person.patch(ME, body),
        await person.put("/api/v1/auth/users/me", body),
        await person.patch(f"/api/v1/users/{person.username}", body),
    ]
    assert [answer.status_code for answer in answers] == [403] * 3
    assert (await people.row(person)).email == person.email


async def test_v5_a_one_time_token_is_good_for_its_own_purpose_alone(running: Application, people: People) -> None:
    person = await people.active()
    session = (await running.client.post(LOGIN, json=credentials(person.username))).json()
    await running.client.post(REQUEST, json={"email": person.email})
    proof = token_in((await running.mails(MailPurpose.VERIFY_EMAIL))[-1])
    key = token_in(await reset_mail(running, person))
    for wrong in (proof, session["access_token"], session["refresh_token"]):
        assert code(await reset(running.client, wrong)) == BAD
    for wrong in (key, session["access_token"], session["refresh_token"]):
        assert code(await running.client.post(VERIFY, json={"token": wrong})) == (400, "VERIFY_USER_BAD_TOKEN")
    for wrong in (key, proof):
        bearer = {"Authorization": f"Bearer {wrong}"}
        answers = [
            await running.client.get("/api/auth/whoami", headers=bearer),
            await running.browser(Cookie=f"session_id={wrong}").get("/api/auth/whoami"),
            await running.client.post("/api/v1/auth/refresh", json={"refresh_token": wrong}),
            await running.client.post("/api/v1/users/info", json={"session": wrong}),
        ]
        assert [answer.status_code for answer in answers] == [401] * 4
    assert (await running.client.post(VERIFY, json={"token": proof})).status_code == 200
    assert (await reset(running.client, key)).status_code == 200


async def test_a_reset_asked_for_in_good_times_opens_nothing_afterwards(running: Application, people: People) -> None:
    for status in set(Status) - {Status.ACTIVE}:
        person = await people.in_status(status, signed_in=False)
        async with people.work() as services:
            user = await services.users.get(person.id)
            assert user
            await services.outbox.queue(MailPurpose.RESET_PASSWORD, user)
        await running.mails()
        assert [mail.to for mail in await running.mails(MailPurpose.RESET_PASSWORD)] == [], status
        assert (await people.row(person)).status is status


async def test_tokens_are_kept_as_digests(running: Application, person: Person) -> None:
    token = token_in(await reset_mail(running, person))
    async with running.context.database.reading() as session:
        rows = (await session.exec(select(OneTimeToken))).all()
    assert [token in str(row.model_dump()) for row in rows] == [False]


async def test_look_alike_addresses_are_other_addresses(running: Application, people: People) -> None:
    """A dotless i or a full-width letter in an address must not bring somebody else's link (django CVE-2019-19844)."""
    await people.admin()
    await running.client.post("/api/auth/register", json=applicant(email="mike@example.org"))
    admin = await people.admin()
    (waiting,) = (await admin.get("/api/auth/admin/pending-approvals")).json()["pending_users"]
    await admin.post(f"/api/auth/admin/users/{waiting['id']}/approve", {"approved": True})
    before = len(await running.mails())
    alike = ("m\u0131ke@example.org", "mike@exampIe.org", "mi\u043a\u0435@example.org", "mike@example.org.evil.example")
    for email in alike:
        await running.client.post(FORGOT, json={"email": email})
    assert all(mail.to == "mike@example.org" for mail in (await running.mails())[before:])


async def test_the_old_address_hears_of_the_new_one_and_is_then_forgotten(running: Application, people: People) -> None:
    person = await people.active()
    await person.patch(ME, {"email": "elsewhere@example.org", "current_password": PASSWORD})
    (notice,) = await running.mails(MailPurpose.EMAIL_CHANGED)
    assert notice.to == person.email
    assert "elsewhere" not in notice.body + (notice.html or "")
    async with people.work() as services:
        (row,) = await services.mails.all_of(person.id, None, 10)
    assert (row.state, row.address) == (MailState.ACCEPTED, None)


async def test_an_administrator_s_change_of_address_is_told_to_the_old_one_too(
    running: Application, people: People
) -> None:
    admin, person = await people.admin(), await people.active()
    await admin.patch(f"/api/v1/users/{person.id}", {"email": "elsewhere@example.org"})
    assert [mail.to for mail in await running.mails(MailPurpose.EMAIL_CHANGED)] == [person.email]


@pytest.mark.parametrize("door", ["/api/auth/change-password", "/api/v1/users/me/change-password"])
async def test_a_changed_password_is_told(running: Application, person: Person, door: str) -> None:
    await person.post(door, {"current_password": PASSWORD, "new_password": NEW})
    assert [mail.to for mail in await running.mails(MailPurpose.PASSWORD_CHANGED)] == [person.email]


async def test_a_reset_is_told_and_on_record(running: Application, people: People) -> None:
    person = await people.active()
    await reset(running.client, token_in(await reset_mail(running, person)))
    assert len(await running.mails(MailPurpose.PASSWORD_CHANGED)) == 1
    assert [event.target_id for event in await people.audit(Action.PASSWORD_RESET_COMPLETED)] == [person.id]


async def test_nobody_can_use_up_another_s_resets_by_asking_for_something_else(
    running: Application, people: People
) -> None:
    victim, thief = await people.active(), await people.active()
    transport = httpx.ASGITransport(running.app, client=("203.0.113.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as stranger:
        for _ in range(3):
            await stranger.post(REQUEST, json={"email": victim.email})
    for _ in range(3):
        await thief.patch(ME, {"email": victim.email, "current_password": PASSWORD})
    assert (await running.client.post(FORGOT, json={"email": victim.email})).status_code == 202
    assert len(await running.mails(MailPurpose.RESET_PASSWORD)) == 1


async def test_a_reset_that_was_asked_for_before_the_new_password_is_not_sent_after_it(
    running: Application, person: Person
) -> None:
    first = token_in(await reset_mail(running, person))
    await running.client.post(FORGOT, json={"email": person.email})
    assert (await reset(running.client, first)).status_code == 200
    assert len(await running.mails(MailPurpose.RESET_PASSWORD)) == 1


async def test_a_reset_makes_its_browser_known_so_that_guesses_go_on_in_vain(
    running: Application, person: Person
) -> None:
    token = token_in(await reset_mail(running, person))
    browser = running.browser()
    await browser.post("/reset-password", data={"token": token, "password": NEW})
    for _ in range(6):
        await running.client.post(LOGIN, json=credentials(person.username, "a guess"))
    assert await signs_in(running.client, person.username, NEW) == 429
    answer = await browser.post("/login", data={"username_or_email": person.username, "password": NEW})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_an_address_that_grows_beyond_every_column_is_none(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answer = await client.post("/api/auth/register", json=applicant(email=f"{chr(0xFDFA) * 64}@example.org"))
    assert answer.status_code == 422
