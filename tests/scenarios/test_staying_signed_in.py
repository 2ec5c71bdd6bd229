"""How long a session lives, by a clock that is moved."""

import httpx
import pytest

from backend.models import MailPurpose
from tests.application import Application
from tests.factories import PASSWORD, People, Person

WHO = "/api/auth/whoami"


async def _verdict(person: Person, **headers: str) -> str:
    answer = await person.client.get(WHO, headers={**person.bearer, **headers})
    return "alive" if answer.status_code == 200 else str(answer.json()["error_code"])


@pytest.mark.settings(max_token_lifetime_hours=2)
async def test_every_request_keeps_a_session_awake_until_nobody_comes(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(minutes=19, seconds=59)
    awake = await _verdict(person)
    running.clock.move(minutes=19, seconds=50)
    still_awake = await _verdict(person)
    running.clock.move(minutes=20, seconds=1)
    idle = await person.get(WHO)

    assert (awake, still_awake) == ("alive", "alive")
    assert (idle.status_code, idle.json()["error_code"]) == (401, "SESSION_INACTIVE")
    assert "inactivity" in idle.json()["detail"]
    assert len(await people.audit("token_inactivity_expiry", about=person)) == 1


async def test_a_session_that_idled_out_stays_dead_when_the_clock_goes_back(
    running: Application, people: People
) -> None:
    person = await people.active()
    running.clock.move(minutes=21)
    dead = await _verdict(person)
    running.clock.move(minutes=-20)

    assert (dead, await _verdict(person)) == ("SESSION_INACTIVE", "SESSION_INACTIVE")


async def test_background_requests_do_not_keep_a_session_awake(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(minutes=15)
    looked = await _verdict(person, **{"X-Background": "1"})
    running.clock.move(minutes=6)

    assert (looked, await _verdict(person)) == ("alive", "SESSION_INACTIVE")


async def test_an_access_token_lives_an_hour_however_busy_its_owner_is(running: Application, people: People) -> None:
    person = await people.active()
    for _ in range(3):
        running.clock.move(minutes=19)
        assert await _verdict(person) == "alive"
    running.clock.move(minutes=2, seconds=59)
    almost = await _verdict(person)
    running.clock.move(seconds=2)

    assert (almost, await _verdict(person)) == ("alive", "TOKEN_EXPIRED")


@pytest.mark.settings(max_token_lifetime_hours=48, inactivity_minutes=60 * 13)
async def test_a_session_ends_after_a_day_however_busy_its_owner_is(running: Application, people: People) -> None:
    person = await people.active()
    running.clock.move(hours=12)
    halfway = await _verdict(person)
    running.clock.move(hours=11, minutes=59, seconds=58)
    almost = await _verdict(person)
    running.clock.move(seconds=3)

    assert (halfway, almost, await _verdict(person)) == ("alive", "alive", "TOKEN_EXPIRED")


async def test_a_browser_idles_out_as_a_program_does(running: Application, people: People) -> None:
    person, browser = await people.active(), running.browser()
    await browser.post("/login", data={"username_or_email": person.username, "password": PASSWORD})
    running.clock.move(minutes=19)
    awake = await browser.get("/account")
    running.clock.move(minutes=21)
    idle = await browser.get("/account")

    assert awake.status_code == 200
    assert idle.headers["location"].startswith("/login?why=inactivity&next=")


async def test_signing_out_ends_this_session_and_no_other(running: Application, people: People) -> None:
    here = await people.active()
    token = here.token
    there = await people.signed_in(here)
    out = await running.client.post("/api/auth/jwt/logout", headers={"Authorization": f"Bearer {token}"})
    gone = await running.client.get(WHO, headers={"Authorization": f"Bearer {token}"})

    assert (out.status_code, gone.json()["error_code"]) == (204, "SESSION_REVOKED")
    assert await _verdict(there) == "alive"


async def test_rights_that_were_taken_are_gone_with_the_next_request(people: People) -> None:
    admin, other = await people.admin(), await people.admin()
    await admin.post(f"/api/auth/admin/users/{other.id}/demote")
    demoted = await other.get("/api/auth/admin/stats")
    await admin.put(f"/api/auth/admin/users/{other.id}", {"is_active": False})

    assert (demoted.status_code, demoted.json()["error_code"]) == (403, "ADMIN_REQUIRED")
    assert await _verdict(other) == "SESSION_REVOKED"


async def test_a_new_password_ends_the_other_sessions_and_not_this_one(people: People) -> None:
    here = await people.active()
    there = Person(here.id, here.username, here.email, here.password, here.client, here.token)
    here = await people.signed_in(here)
    body = {"current_password": PASSWORD, "new_password": "another horse entirely"}
    wrong = await here.post("/api/auth/change-password", {**body, "current_password": "a guess of mine"})
    changed = await here.post("/api/auth/change-password", body)

    assert (wrong.status_code, wrong.json()["detail"]) == (400, "Current password is incorrect")
    assert changed.status_code == 200
    assert (await _verdict(here), await _verdict(there)) == ("alive", "SESSION_REVOKED")


async def test_a_forgotten_password_is_replaced_by_mail_once(running: Application, people: People) -> None:
    person = await people.active()
    asked = await running.client.post("/api/auth/forgot-password", json={"email": person.email.upper()})
    mail = (await running.mails(MailPurpose.RESET_PASSWORD))[-1]
    token = mail.body.partition("#token=")[2].split()[0]
    body = {"token": token, "password": "another horse entirely"}
    weak = await running.client.post("/api/auth/reset-password", json={**body, "password": "12345678"})
    reset = await running.client.post("/api/auth/reset-password", json=body)
    again = await running.client.post("/api/auth/reset-password", json={**body, "password": "a third horse"})

    assert (asked.status_code, mail.to) == (202, person.email)
    assert [weak.status_code, reset.status_code, again.status_code] == [400, 200, 400]
    assert weak.json()["error_code"] == "RESET_PASSWORD_INVALID_PASSWORD"
    assert again.json()["error_code"] == "RESET_PASSWORD_BAD_TOKEN"
    assert await _verdict(person) == "SESSION_REVOKED"
    person.password = body["password"]
    assert await _verdict(await people.signed_in(person)) == "alive"


async def test_reset_links_die_of_age_of_a_newer_one_and_of_a_changed_password(
    running: Application, people: People
) -> None:
    async def link(person: Person) -> str:
        await running.client.post("/api/auth/forgot-password", json={"email": person.email})
        return (await running.mails(MailPurpose.RESET_PASSWORD))[-1].body.partition("#token=")[2].split()[0]

    async def outcome(token: str) -> int:
        body = {"token": token, "password": "yet another horse"}
        return (await running.client.post("/api/auth/reset-password", json=body)).status_code

    person = await people.active()
    first, second = await link(person), await link(person)
    superseded = await outcome(first)
    body = {"current_password": PASSWORD, "new_password": "another horse entirely"}
    await person.post("/api/auth/change-password", body)
    after_a_change = await outcome(second)
    third = await link(person)
    running.clock.move(minutes=61)

    assert [superseded, after_a_change, await outcome(third)] == [400, 400, 400]


@pytest.mark.settings(send_verification_emails=True, require_verified_email=True, registration="open")
async def test_an_address_is_proven_before_the_door_opens(running: Application, people: People) -> None:
    person = await people.pending()
    body = {"username_or_email": person.email, "password": person.password}
    unproven = await running.client.post("/api/auth/login", json=body)
    token = (await running.mails(MailPurpose.VERIFY_EMAIL))[-1].body.partition("#token=")[2].split()[0]
    looked = await running.client.get("/verify")
    proven = await running.client.post("/api/auth/verify", json={"token": token})
    again = await running.client.post("/api/auth/verify", json={"token": token})

    assert (unproven.status_code, unproven.json()["error_code"]) == (403, "EMAIL_NOT_VERIFIED")
    assert (looked.status_code, proven.status_code, proven.json()["is_verified"]) == (200, 200, True)
    assert (again.status_code, again.json()["error_code"]) == (400, "VERIFY_USER_BAD_TOKEN")
    assert (await running.client.post("/api/auth/login", json=body)).status_code == 200


@pytest.mark.settings(send_verification_emails=True)
async def test_a_proof_is_for_the_address_it_was_sent_to(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.pending()
    token = (await running.mails(MailPurpose.VERIFY_EMAIL))[-1].body.partition("#token=")[2].split()[0]
    path = f"/api/auth/admin/users/{person.id}"
    for address in ("other@example.org", person.email):
        assert (await admin.put(path, {"email": address})).status_code == 200
    late = await running.client.post("/api/auth/verify", json={"token": token})

    assert (late.status_code, (await people.row(person)).is_verified) == (400, False)


async def test_a_temporary_password_is_shown_once_and_ends_the_sessions(
    client: httpx.AsyncClient, people: People
) -> None:
    admin, person = await people.admin(), await people.active()
    reset = (await admin.post("/api/auth/admin/reset-user-password", {"user_id": str(person.id)})).json()
    before = await _verdict(person)
    person.password = reset["temp_password"]
    await people.signed_in(person)

    assert (before, reset["email_sent"]) == ("SESSION_REVOKED", False)
    assert (await people.row(person)).must_change_password is True
