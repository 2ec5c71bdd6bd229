"""The password rule, wherever a password is set; never where one is checked."""

import unicodedata

import httpx
import pytest

from tests.application import Application
from tests.contracts.answers import applicant, code, credentials, refusal, token_in
from tests.factories import PASSWORD, People

REGISTER = "/api/auth/register"
GOOD = [
    "h7!kQz#p",
    "x" * 255 + "y",
    "пароль моей кошки",
    "  spaces stay  ",
    "🦆🦉🦜🐧🐦🐤🐣🐥",
    "correct\thorse\nbattery",
]
BAD = {
    "shorter than 8": "h7!kQz#",
    "longer than 256": "xy" * 128 + "z",
    "7 code points of more bytes": "🦆🦉🦜🐧🐦🐤🐣",
    "common": "password",
    "common in another case": "PassWord1",
    "the username": "hannah.meyer",
    "the username in another case": "HANNAH.Meyer",
    "the email's local part": "h.meyer.private",
    "around the username": "my hannah.meyer!",
}
HANNAH = {"username": "hannah.meyer", "email": "h.meyer.private@example.org"}


async def test_good_passwords_are_taken_as_typed(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    for number, password in enumerate(GOOD):
        body = applicant(username=f"person{number}", email=f"person{number}@example.org", password=password)
        assert (await client.post(REGISTER, json=body)).status_code == 201
        assert code(await client.post("/api/auth/login", json=credentials(f"person{number}", password))) == (
            403,
            "ACCOUNT_PENDING",
        )


async def test_bad_passwords_are_refused_with_the_reason(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answers = {why: await client.post(REGISTER, json=applicant(**HANNAH, password=bad)) for why, bad in BAD.items()}
    assert {code(answer) for answer in answers.values()} == {(400, "REGISTER_INVALID_PASSWORD")}
    assert all(refusal(answer)[2].endswith(".") for answer in answers.values())
    assert "8 characters" in refusal(answers["shorter than 8"])[2]
    assert len(await people.statuses()) == 1


async def test_a_short_username_may_be_part_of_the_password(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answer = await client.post(REGISTER, json=applicant(username="ann", password="planned giraffe"))
    assert answer.status_code == 201


@pytest.mark.settings(password_min_length=12)
async def test_an_installation_may_ask_for_longer_ones(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    answer = await client.post(REGISTER, json=applicant(password="h7!kQz#p99a"))
    assert code(answer) == (400, "REGISTER_INVALID_PASSWORD")
    assert "12 characters" in refusal(answer)[2]


@pytest.mark.settings(registration="open")
async def test_a_password_is_never_cut(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    password = "ä" * 100
    await client.post(REGISTER, json=applicant(password=password))
    assert (await client.post("/api/auth/login", json=credentials("hannah", password))).status_code == 200
    cut = await client.post("/api/auth/login", json=credentials("hannah", password[:-1]))
    assert code(cut) == (401, "AUTH_INVALID_CREDENTIALS")


@pytest.mark.settings(registration="open")
async def test_spaces_at_the_ends_count(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    await client.post(REGISTER, json=applicant(password=f" {PASSWORD} "))
    assert code(await client.post("/api/auth/login", json=credentials("hannah"))) == (401, "AUTH_INVALID_CREDENTIALS")


@pytest.mark.settings(registration="open", rate_limits=False)
async def test_a_password_is_checked_exactly_as_it_was_typed(client: httpx.AsyncClient, people: People) -> None:
    await people.admin()
    password = "Crème Brûlée ﬁne"
    await client.post(REGISTER, json=applicant(password=password))
    forms = {unicodedata.normalize(form, password) for form in ("NFD", "NFKC", "NFKD")}
    for other in {*forms, password.lower(), f"{password} ", f" {password}", password.replace(" ", "\u00a0")}:
        assert code(await client.post("/api/auth/login", json=credentials("hannah", other)))[0] == 401, ascii(other)
    assert (await client.post("/api/auth/login", json=credentials("hannah", password))).status_code == 200


async def test_the_rule_is_not_asked_where_a_password_is_checked(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    for guess in ("a", "password", person.username, "x" * 300):
        answer = await client.post("/api/auth/login", json=credentials(person.username, guess))
        assert refusal(answer) == (401, "AUTH_INVALID_CREDENTIALS", "Invalid credentials")


async def test_an_administrator_keeps_the_rule(people: People) -> None:
    admin = await people.admin()
    answer = await admin.post("/api/auth/admin/users", applicant(password="password"))
    assert answer.status_code == 400
    assert refusal(answer)[2].startswith("Failed to create user: This password")


async def test_a_changed_password_keeps_the_rule(people: People) -> None:
    person = await people.active()
    body = {"current_password": PASSWORD, "new_password": f"my {person.username} here"}
    answer = await person.post("/api/auth/change-password", body)
    assert answer.status_code == 400
    assert "username" in refusal(answer)[2]


async def test_a_reset_password_keeps_the_rule_and_the_token(
    running: Application, client: httpx.AsyncClient, people: People
) -> None:
    person = await people.active()
    await client.post("/api/auth/forgot-password", json={"email": person.email})
    token = token_in((await running.mails())[-1])
    bad = await client.post("/api/auth/reset-password", json={"token": token, "password": "password"})
    good = await client.post("/api/auth/reset-password", json={"token": token, "password": "a better passphrase"})
    assert code(bad) == (400, "RESET_PASSWORD_INVALID_PASSWORD")
    assert good.status_code == 200
