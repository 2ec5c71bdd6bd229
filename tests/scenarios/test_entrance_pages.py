"""The pages by which strangers come in, without script: all errors at once, names of every script, a name."""

import re
from typing import Final

import httpx
import pytest
from pydantic import SecretStr

from backend.models import MailPurpose
from backend.services import unit_of_work
from tests.application import Application
from tests.factories import PASSWORD, People
from tests.scenarios.desk import text_of

ASKED: Final = pytest.mark.settings(require_approval_note=True)
TAKEN: Final = ("This username is already taken", "An account with this email address already exists")
_PROBLEM: Final = re.compile(r'<li><a href="#f-(\w+)">')


def _problems(answer: httpx.Response) -> list[str]:
    """The fields that the summary of a form leads to, in its order; each also says beside the field what is wrong."""
    fields = _PROBLEM.findall(answer.text)
    assert all(f'id="f-{name}-error"' in answer.text for name in fields)
    assert 'id="problems"' in answer.text
    return fields


@ASKED
async def test_a_form_hears_of_all_its_errors_at_once(running: Application, people: People) -> None:
    holder = await people.active()
    form = {
        "username": holder.username,
        "email": holder.email,
        "full_name": "Ada",
        "institution": "",
        "approval_note": "",
    }
    all_known = await running.client.post("/register", data={**form, "password": "password"})
    some_malformed = await running.client.post(
        "/register", data={**form, "email": "ada@", "full_name": "x" * 101, "approval_note": "y" * 2001, "password": ""}
    )
    by_call = await running.client.post("/api/v1/users", json={**form, "name": "Ada", "password": "password"})
    malformed = await running.client.post(
        "/api/v1/users/register", json={"email": "ada@example.org", "password": "password"}
    )

    fields = ["username", "email", "institution", "approval_note", "password"]
    assert (all_known.status_code, _problems(all_known)) == (422, fields)
    assert all(sentence in text_of(all_known) for sentence in TAKEN)
    assert ('value="Ada"' in all_known.text, f'value="{holder.email}"' in all_known.text) == (True, True)
    assert 'value="password"' not in all_known.text
    fields = ["username", "email", "full_name", "institution", "approval_note", "password"]
    assert (some_malformed.status_code, _problems(some_malformed)) == (422, fields)
    assert by_call.status_code == 422
    assert [item["loc"][-1] for item in malformed.json()["detail"]] == ["approval_note", "institution", "password"]


@pytest.mark.settings(private_registration=True)
async def test_where_registration_is_private_no_error_tells_whose_name_is_taken(
    running: Application, people: People
) -> None:
    holder = await people.active()
    form = {"username": holder.username, "email": holder.email, "full_name": "x" * 101, "password": "short"}
    malformed = await running.client.post("/register", data=form)
    weak = await running.client.post("/register", data={**form, "full_name": ""})

    assert [_problems(answer) for answer in (malformed, weak)] == [["full_name", "password"], ["password"]]


@pytest.mark.settings(registrations_per_hour=2)
async def test_malformed_forms_count_as_sign_ups(running: Application, people: People) -> None:
    holder = await people.active()
    form = {"username": holder.username, "email": "ada@", "password": "short"}
    answers = [await running.client.post("/register", data=form) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert TAKEN[0] not in text_of(answers[2])


@pytest.mark.settings(bootstrap="token")
async def test_the_first_person_is_led_to_the_form_that_makes_an_administrator(running: Application) -> None:
    client = running.client
    led = [(await client.get(path)).headers["location"] for path in ("/", "/login")]
    welcome = text_of(await client.get("/register"))
    form = {"username": "ada", "email": "ada@example.org", "password": "short", "bootstrap_token": "a guess"}
    wrong = await client.post("/register", data=form)
    async with unit_of_work(running.context) as services:
        token = await services.bootstrap.new_token(renew=True)
    right = await client.post("/register", data={**form, "password": PASSWORD, "bootstrap_token": token})
    later = [(await client.get(path)).status_code for path in ("/login", "/register")]

    assert led == ["/register", "/register"]
    assert "The first account becomes its administrator" in welcome
    assert "Setup code It was printed in the terminal" in welcome
    assert (wrong.status_code, set(_problems(wrong))) == (403, {"bootstrap_token", "password"})
    assert (right.headers["location"], later) == ("/login?why=let_in", [200, 200])
    assert "administrator" not in text_of(await client.get("/register"))


async def test_names_of_every_script_come_in_and_are_found_again(running: Application, people: People) -> None:
    await people.admin()
    for n, name in enumerate(("सुनीता", "ณัฐวุฒิ")):
        form = {"username": name, "email": f"person{n}@example.org", "password": PASSWORD}
        came = await running.browser().post("/register", data=form)
        again = await running.browser().post("/login", data={"username_or_email": name, "password": PASSWORD})
        assert (came.headers["location"], again.headers["location"]) == ("/waiting", "/waiting")
    # an address of the same script gives a username too, and marks without a letter are dropped
    made = [
        (await running.client.post("/api/v1/users/register", json={"email": email, "password": PASSWORD})).json()
        for email in ("तारा@example.org", "1\u0301\u0316b.k@example.org")
    ]
    assert [one["username"] for one in made] == ["तारा", "1b.k"]


@pytest.mark.settings(
    site_name="Reef & Survey",
    contact="https://example.org/help?a=1&b=%22%3E",
    smtp_url=SecretStr("smtp://mail.example.org"),
    mail_from="hall@example.org",
)
async def test_an_installation_has_a_name_and_somebody_to_ask(running: Application, people: People) -> None:
    person = await people.rejected("No")
    browser = running.browser()
    await browser.post("/login", data={"username_or_email": person.username, "password": PASSWORD})
    pages = [await browser.get(path) for path in ("/login", "/register", "/forgot-password", "/waiting", "/nowhere")]
    running.clock.move(minutes=2)
    [mail] = await running.mails(MailPurpose.ACCOUNT_REJECTED)
    config = (await browser.get("/api/auth/config")).json()

    link = 'href="https://example.org/help?a=1&amp;b=%22%3E"'
    for page in pages:
        assert ("· Reef &amp; Survey</title>" in page.text, "Reef & Survey" in text_of(page)) == (True, True)
        assert (link in page.text, "Questions? Contact" in text_of(page)) == (True, True)
    assert mail.subject == "Your request at Reef & Survey was not approved"
    assert mail.body.endswith(
        "--\nReef & Survey (127.0.0.1:8000)\nQuestions? Contact https://example.org/help?a=1&b=%22%3E"
    )
    assert mail.html is not None
    assert link in mail.html
    assert "site_name" not in config
