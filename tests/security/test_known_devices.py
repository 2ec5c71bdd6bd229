"""Known devices: strangers who guess, or who want to lock somebody out, do not keep the owner from signing in."""

import pytest

from backend import tokens
from backend.services.known_devices import device_of, renewed
from tests.application import Application
from tests.contracts.answers import code, token_in
from tests.factories import PASSWORD, People, Person
from tests.security.doors import DOORS, SIGN_INS, WRONG, at, fail, home, sign_in

COOKIE = "known_device"
LIMITED = (429, "RATE_LIMITED")


async def _shut_out(running: Application, person: Person) -> None:
    """Strangers guess until the account is closed for them."""
    async with at(running, "203.0.113.66") as guesser:
        assert await fail(guesser, person, 6) == [401] * 5 + [429]


async def test_l6_who_is_locked_out_by_others_gets_in_from_a_known_device(running: Application, people: People) -> None:
    person = await people.active()
    known = await home(running, person)
    await _shut_out(running, person)
    answers = {name: (await door(known, person, PASSWORD)).status_code for name, door in SIGN_INS.items()}
    assert answers == dict.fromkeys(SIGN_INS, 200) | {"page": 303}
    assert (await DOORS["A, new password"](known, person, PASSWORD)).status_code == 200
    assert code(await sign_in(running.client, person)) == LIMITED


async def test_l6_for_as_long_as_somebody_guesses(running: Application, people: People) -> None:
    person = await people.active()
    known = await home(running, person)
    for minutes in (15, 30, 60, 120):
        await _shut_out(running, person)
        assert (await sign_in(known, person)).status_code == 200
        running.clock.move(minutes=minutes)


async def test_l6_a_reset_by_mail_opens_the_account_for_its_owner(running: Application, people: People) -> None:
    person, new = await people.active(), "seven slow green trains"
    known = await home(running, person)
    await _shut_out(running, person)
    running.clock.move(minutes=15)
    await _shut_out(running, person)
    assert await fail(known, person, 6) == [401] * 5 + [429]
    await running.client.post("/api/auth/forgot-password", json={"email": person.email})
    mail = next(mail for mail in await running.mails() if "/reset-password#" in mail.body)
    body = {"token": token_in(mail), "password": new}
    assert (await running.client.post("/api/auth/reset-password", json=body)).status_code == 200
    assert [(await sign_in(client, person, new)).status_code for client in (running.client, known)] == [200, 200]
    async with at(running, "203.0.113.67") as guesser:
        await fail(guesser, person, 5)
        assert (await sign_in(guesser, person)).json()["retry_after"] == 15 * 60  # the first closing again


async def test_l6_so_does_a_temporary_password(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    await _shut_out(running, person)
    given = (await admin.post("/api/auth/admin/reset-user-password", {"user_id": str(person.id)})).json()
    async with at(running, "203.0.113.67") as owner:
        assert (await sign_in(owner, person, given["temp_password"])).status_code == 200


async def test_a_known_device_has_as_many_guesses_and_no_more(running: Application, people: People) -> None:
    person = await people.active()
    known = await home(running, person)
    assert await fail(known, person, 6) == [401] * 5 + [429]
    assert (await sign_in(known, person)).json()["retry_after"] == 15 * 60
    assert (await sign_in(running.client, person)).status_code == 200
    running.clock.move(minutes=15)
    await fail(known, person, 5)
    assert (await sign_in(known, person)).json()["retry_after"] == 30 * 60


async def test_its_mistakes_are_forgiven_once_it_knows_better(running: Application, people: People) -> None:
    person = await people.active()
    known = await home(running, person)
    for _ in range(3):
        assert await fail(known, person, 3) == [401] * 3
        assert (await sign_in(known, person)).status_code == 200


async def test_its_mistakes_keep_nobody_else_out(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    known = await home(running, person)
    await fail(known, person, 5)
    async with at(running, "198.51.100.7") as housemate:
        assert [(await sign_in(housemate, one)).status_code for one in (person, other)] == [200, 200]


async def test_it_is_known_to_one_account_only(running: Application, people: People) -> None:
    person, victim = await people.active(), await people.active()
    known = await home(running, person)
    await _shut_out(running, victim)
    assert code(await sign_in(known, victim)) == LIMITED
    assert await fail(known, "nobody", 6) == [401] * 5 + [429]


@pytest.mark.settings(login_failures_per_minute=5, login_max_attempts_per_address=100)
async def test_it_gets_in_while_the_whole_installation_is_guessed_at(running: Application, people: People) -> None:
    person = await people.active()
    known = await home(running, person)
    assert [*await fail(known, person, 4), *await fail(running.client, "nobody", 5)] == [401] * 9
    assert code(await sign_in(running.client, person)) == LIMITED
    assert (await sign_in(known, person)).status_code == 200


async def test_it_stays_the_same_device_for_half_a_year_after_the_last_sign_in(
    running: Application, people: People
) -> None:
    person = await people.active()
    known = await home(running, person)
    first = known.cookies[COOKIE]
    running.clock.move(days=100)
    second = (await DOORS["C's form"](known, person, PASSWORD)).cookies[COOKIE]
    hashed = (await people.row(person)).hashed_password
    assert device_of(running.context, first, person.id, hashed) == device_of(running.context, second, person.id, hashed)
    running.clock.move(days=100)
    assert device_of(running.context, first, person.id, hashed) is None
    assert device_of(running.context, second, person.id, hashed)


async def test_only_browsers_are_remembered_and_never_by_a_refusal(running: Application, people: People) -> None:
    person = await people.active()
    remembered = {
        name for name, door in SIGN_INS.items() if COOKIE in (await door(running.client, person, PASSWORD)).cookies
    }
    refused = {
        name for name, door in SIGN_INS.items() if COOKIE in (await door(running.browser(), person, WRONG)).cookies
    }
    assert (remembered, refused) == ({"C's form", "page"}, set())


async def test_its_cookie_is_kept_from_scripts_and_opens_nothing(running: Application, people: People) -> None:
    person = await people.active()
    answer = await SIGN_INS["page"](running.browser(), person, PASSWORD)
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith(COOKIE))
    token = answer.cookies[COOKIE]
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Max-Age=15552000"} <= set(cookie.split("; "))
    assert person.username not in str(tokens._split(token)[:2])
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Cookie": f"session_id={token}"},
        {"Cookie": f"applicant={token}"},
    ):
        assert (await running.browser().get("/api/auth/whoami", headers=headers)).status_code == 401
        assert (await running.browser().get("/waiting", headers=headers)).status_code == 303


async def test_what_is_no_such_token_makes_nobody_known(running: Application, people: People) -> None:
    person, other = await people.active(), await people.active()
    known = (await home(running, person)).cookies[COOKIE]
    await _shut_out(running, person)
    forged = [
        f"{known}x",
        known[:-4],
        "",
        "x" * 9000,
        "é",
        person.token,
        renewed(running.context, known, other.id, (await people.row(other)).hashed_password),
    ]
    for token in forged:
        headers = {b"Cookie": f"{COOKIE}={token}".encode()}
        body = {"username_or_email": person.username, "password": PASSWORD}
        answer = await running.browser().post("/api/auth/login", json=body, headers=headers)
        assert code(answer) == LIMITED, token


async def test_a_device_of_an_erased_account_is_a_stranger(running: Application, people: People) -> None:
    admin, person = await people.admin(), await people.active()
    known = await home(running, person)
    async with people.work() as services:
        await services.erasure.anonymize(admin.id, person.id)
    assert await fail(known, person, 6) == [401] * 5 + [429]


async def test_who_knew_the_password_of_before_is_a_stranger_again(running: Application, people: People) -> None:
    person = await people.active()
    thief = await home(running, person)
    hashed = (await people.row(person)).hashed_password
    assert device_of(running.context, thief.cookies[COOKIE], person.id, hashed)
    await person.post(
        "/api/auth/change-password", {"current_password": PASSWORD, "new_password": "another one, not told"}
    )
    hashed = (await people.row(person)).hashed_password
    assert device_of(running.context, thief.cookies[COOKIE], person.id, hashed) is None
