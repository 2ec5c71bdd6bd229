"""/api/v1/messages: the ledger of mail, sending again, and links to hand over where no mail leaves."""

from typing import Any, Final
from uuid import uuid4

import pytest
from pydantic import SecretStr

from backend.models import MailPurpose, Status
from backend.notifiers import Undeliverable
from backend.services import courier
from backend.services.audit import Action
from backend.services.courier import LEASE
from tests.application import Application
from tests.contracts.answers import TIME, code, credentials, token_in
from tests.factories import PASSWORD, People, Person
from tests.services.test_courier import Unsteady

MESSAGES: Final = "/api/v1/messages"
NEW: Final = "a new one, long enough"
SMTP: Final = {"smtp_url": SecretStr("smtp://127.0.0.1:2525"), "mail_from": "hall@example.org"}


@pytest.fixture
async def admin(people: People) -> Person:
    return await people.admin()


async def _send(admin: Person, person: Person, purpose: str = "reset_password") -> Any:
    answer = await admin.post(MESSAGES, {"user_id": str(person.id), "purpose": purpose})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_the_ledger_tells_what_became_of_each_mail(running: Application, admin: Person, people: People) -> None:
    person = await people.active()
    await running.client.post("/api/auth/forgot-password", json={"email": person.email})
    waiting = (await admin.get(MESSAGES)).json()
    assert (waiting["data"][0]["state"], waiting["states"]["due"], waiting["total_count"]) == ("due", 1, 1)
    await running.mails()
    found = (await admin.get(MESSAGES)).json()
    (message,) = found["data"]
    assert TIME.fullmatch(message.pop("sent_at"))
    assert TIME.fullmatch(message.pop("created_at"))
    assert message == {
        "id": message["id"],
        "purpose": "reset_password",
        "state": "accepted",
        "user_id": str(person.id),
        "username": person.username,
        "email": person.email,
        "attempts": 1,
        "about": None,
        "why": None,
        "due_at": None,
    }
    assert found["states"] == {"due": 0, "sent": 0, "accepted": 1, "failed": 0, "suppressed": 0}


async def test_the_ledger_is_read_a_page_at_a_time_and_filtered(
    running: Application, admin: Person, people: People
) -> None:
    persons = [await people.active() for _ in range(3)]
    for person in persons:
        await _send(admin, person)
    one = (await admin.get(MESSAGES, params={"items_per_page": 2})).json()
    rest = (await admin.get(MESSAGES, params={"items_per_page": 2, "cursor": one["next_cursor"]})).json()
    assert [len(one["data"]), len(rest["data"]), rest["has_more"]] == [2, 1, False]
    names = [message["username"] for message in one["data"] + rest["data"]]
    assert names == [person.username for person in reversed(persons)]
    only = (await admin.get(MESSAGES, params={"user_id": str(persons[1].id), "state": "due"})).json()
    assert [message["username"] for message in only["data"]] == [persons[1].username]
    assert (await admin.get(MESSAGES, params={"purpose": "new_device"})).json()["data"] == []


async def test_a_filter_that_is_none_is_refused(admin: Person) -> None:
    for query in ("state=lost", "purpose=x", "user_id=1", "items_per_page=0", "size=x", "a=1"):
        assert code(await admin.get(f"{MESSAGES}?{query}")) == (422, "VALIDATION_ERROR"), query


async def test_a_cursor_that_is_none_is_refused(admin: Person) -> None:
    assert code(await admin.get(MESSAGES, params={"cursor": "x"})) == (400, "INVALID_CURSOR")


async def test_what_a_mail_said_is_kept_nowhere(running: Application, admin: Person, people: People) -> None:
    person = await people.active()
    await _send(admin, person)
    token = token_in((await running.mails(MailPurpose.RESET_PASSWORD))[-1])
    assert token not in (await admin.get(MESSAGES)).text


@pytest.mark.settings(**SMTP)
async def test_an_administrator_sends_a_reset_link_to_its_person_alone(
    running: Application, admin: Person, people: People
) -> None:
    """ASVS 6.4.6: they may begin a reset, and learn nothing by which to end it."""
    person = await people.active()
    message = await _send(admin, person)
    assert (message["state"], message["purpose"]) == ("due", "reset_password")
    (mail,) = await running.mails(MailPurpose.RESET_PASSWORD)
    assert mail.to == person.email
    assert code(await admin.post(f"{MESSAGES}/{message['id']}/link")) == (400, "EMAIL_FEATURES_ENABLED")
    assert [event.actor_id for event in await people.audit(Action.MAIL_SENT_BY_ADMIN)] == [admin.id]


async def test_without_a_mail_server_an_administrator_hands_the_link_over(
    running: Application, admin: Person, people: People
) -> None:
    person = await people.active()
    message = await _send(admin, person)
    link = (await admin.post(f"{MESSAGES}/{message['id']}/link")).json()
    address, _, token = link["link"].partition("#token=")
    assert address == "http://127.0.0.1:8000/reset-password"
    assert TIME.fullmatch(link["expires_at"])
    answer = await running.client.post("/api/auth/reset-password", json={"token": token, "password": NEW})
    assert answer.status_code == 200
    signed_in = await running.client.post("/api/auth/login", json=credentials(person.username, NEW))
    assert signed_in.status_code == 200
    (record,) = await people.audit(Action.LINK_MADE)
    assert (record.actor_id, record.target_id, token in str(record.details)) == (admin.id, person.id, False)


async def test_a_link_is_made_for_what_somebody_asked_for_themselves(
    running: Application, admin: Person, people: People
) -> None:
    person = await people.active()
    await running.client.post("/api/auth/request-verify-token", json={"email": person.email})
    (message,) = (await admin.get(MESSAGES)).json()["data"]
    link = (await admin.post(f"{MESSAGES}/{message['id']}/link")).json()["link"]
    answer = await running.client.post("/api/auth/verify", json={"token": link.partition("#token=")[2]})
    assert answer.json()["is_verified"] is True


async def test_each_link_ends_the_one_before(running: Application, admin: Person, people: People) -> None:
    person = await people.active()
    links = []
    for _ in range(2):
        message = await _send(admin, person)
        await running.mails()
        links.append((await admin.post(f"{MESSAGES}/{message['id']}/link")).json()["link"].partition("#token=")[2])
    answers = [
        await running.client.post("/api/auth/reset-password", json={"token": token, "password": NEW}) for token in links
    ]
    assert [answer.status_code for answer in answers] == [400, 200]


async def test_a_mail_that_failed_is_sent_again_as_a_new_one(
    running: Application, admin: Person, people: People
) -> None:
    person = await people.active()
    failed = await _send(admin, person)
    await courier.deliver(running.context, Unsteady([Undeliverable("550 no")]))
    again = (await admin.post(f"{MESSAGES}/{failed['id']}/again")).json()
    assert (again["state"], again["id"] != failed["id"]) == ("due", True)
    assert len(await running.mails()) == 1
    states = [message["state"] for message in (await admin.get(MESSAGES)).json()["data"]]
    assert states == ["accepted", "failed"]


async def test_a_mail_that_waits_for_its_next_attempt_is_tried_at_once(
    running: Application, admin: Person, people: People
) -> None:
    message = await _send(admin, await people.active())
    await courier.deliver(running.context, Unsteady([OSError("away")]))
    assert await running.mails() == []
    again = (await admin.post(f"{MESSAGES}/{message['id']}/again")).json()
    assert (again["id"], again["why"], len(await running.mails())) == (message["id"], "away", 1)


async def test_a_mail_that_is_being_sent_is_left_alone(running: Application, admin: Person, people: People) -> None:
    message, answers = await _send(admin, await people.active()), []

    async def meddle() -> None:
        answers.append(await admin.post(f"{MESSAGES}/{message['id']}/again"))

    await courier.deliver(running.context, Unsteady(meanwhile=meddle))
    assert [code(answer) for answer in answers] == [(409, "MESSAGE_UNDER_WAY")]
    assert LEASE.total_seconds() == 120


@pytest.mark.settings(env="production")
async def test_nothing_is_sent_again_to_nowhere(running: Application, admin: Person, people: People) -> None:
    message = await _send(admin, await people.active())
    assert (message["state"], message["why"]) == ("suppressed", "There is no mail server.")
    assert code(await admin.post(f"{MESSAGES}/{message['id']}/again")) == (400, "NO_MAIL_SERVER")
    assert (await admin.post(f"{MESSAGES}/{message['id']}/link")).status_code == 201


async def test_other_mails_have_no_link(running: Application, admin: Person, people: People) -> None:
    person = await people.active()
    await person.post("/api/auth/change-password", {"current_password": PASSWORD, "new_password": NEW})
    (message,) = (await admin.get(MESSAGES)).json()["data"]
    assert code(await admin.post(f"{MESSAGES}/{message['id']}/link")) == (400, "NO_LINK")


async def test_a_link_opens_no_account_that_is_shut(admin: Person, people: People) -> None:
    for status in (Status.PENDING, Status.SUSPENDED, Status.REJECTED, Status.DEACTIVATED):
        person = await people.in_status(status)
        body = {"user_id": str(person.id), "purpose": "reset_password"}
        assert code(await admin.post(MESSAGES, body)) == (400, "USER_INACTIVE"), status


async def test_there_is_no_link_for_what_is_proven_gone_or_nobody(admin: Person, people: People) -> None:
    proven, gone = await people.active(), await people.deleted()
    await admin.patch(f"/api/v1/users/{proven.id}", {"is_verified": True})
    body = {"purpose": "verify_email"}
    assert code(await admin.post(MESSAGES, {**body, "user_id": str(proven.id)})) == (400, "ALREADY_VERIFIED")
    for id_ in (gone.id, uuid4()):
        assert code(await admin.post(MESSAGES, {**body, "user_id": str(id_)})) == (404, "USER_NOT_FOUND")
    assert code(await admin.post(f"{MESSAGES}/{uuid4()}/again")) == (404, "MESSAGE_NOT_FOUND")
    assert (await admin.post(f"{MESSAGES}/x/again")).status_code == 404


async def test_only_links_are_sent_by_hand(admin: Person) -> None:
    for purpose in ("new_device", "account_approved", "", None):
        body = {"user_id": str(admin.id), "purpose": purpose}
        assert code(await admin.post(MESSAGES, body)) == (422, "VALIDATION_ERROR"), purpose
