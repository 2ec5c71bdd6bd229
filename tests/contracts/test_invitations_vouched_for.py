"""An invitation is the word of whoever made it: it opens nothing once they could not give it any more."""

import pytest
from pydantic import SecretStr

from backend.models import MailPurpose
from tests.application import Application
from tests.contracts.answers import code
from tests.contracts.in_organizations import ACCEPT, DECLINE, LOOK, at, brought_in, founded, held, invited, standing
from tests.factories import PASSWORD, People

SENDING = pytest.mark.settings(smtp_url=SecretStr("smtp://127.0.0.1:9"), mail_from="hall@example.org")
PRIVATE = pytest.mark.settings(private_registration=True, smtp_url=SecretStr("smtp://127.0.0.1:9"), mail_from="h@x.org")


async def test_links_of_people_who_are_out_or_closed_open_nothing(running: Application, people: People) -> None:
    owner, second, admin, stranger = [await people.active() for _ in range(4)]
    hall = await founded(owner)
    await brought_in(owner, hall, admin, "admin")
    await brought_in(owner, hall, second, "owner")
    for_members, _ = await invited(owner, hall)
    for_admins, its_own = await invited(owner, hall, role="admin")
    links = {}
    for person, invitation in ((admin, for_members), (second, for_admins)):
        made = held(await person.post(at(hall, "invitations", invitation, "link")), 201)
        links[person.username] = made["link"].partition("=")[2]
    before = [(await stranger.post(LOOK, {"token": token})).status_code for token in links.values()]
    held(await owner.delete(at(hall, "members", admin.id)))
    async with people.work() as work:
        await work.closing.suspend(None, second.id)
    after = [await stranger.post(way, {"token": token}) for token in links.values() for way in (LOOK, ACCEPT)]

    assert before == [200, 200]
    assert {code(answer) for answer in after} == {(400, "INVITATION_INVALID")}
    assert held(await stranger.post(ACCEPT, {"token": its_own}))["role"] == "admin"


@SENDING
async def test_who_is_removed_does_not_come_back_by_an_older_mail(running: Application, people: People) -> None:
    owner, person = await people.active(), await people.active()
    hall = await founded(owner)
    held(await owner.post(at(hall, "invitations"), {"email": person.email, "role": "admin"}), 201)
    (mail,) = await running.mails(MailPurpose.ORGANIZATION_INVITATION)
    mailed = mail.body.partition("#token=")[2].split()[0]
    await brought_in(owner, hall, person)
    held(await owner.delete(at(hall, "members", person.id)))

    assert code(await person.post(ACCEPT, {"token": mailed})) == (400, "INVITATION_INVALID")
    assert await standing(person) == {}


@SENDING
async def test_a_mailbox_gets_a_few_a_day_and_a_no_is_remembered(running: Application, people: People) -> None:
    owner, other = await people.active(), await people.active()
    hall, attic = await founded(owner), await founded(other, "Attic")
    asked = {"email": "Victim@example.org"}
    invitation = held(await owner.post(at(hall, "invitations"), asked), 201)["id"]
    again = at(hall, "invitations", invitation, "again")
    within_an_hour = [(await owner.post(again)).status_code for _ in range(3)]
    newcomer = {"username": "victim", "email": "victim@example.org", "password": PASSWORD}
    await running.client.post("/api/auth/register", json=newcomer)
    mails = await running.mails(MailPurpose.ORGANIZATION_INVITATION)
    token = mails[0].body.partition("#token=")[2].split()[0]
    declined = await running.client.post(DECLINE, json={"token": token})
    once_more = await owner.post(at(hall, "invitations"), asked)
    elsewhere = await other.post(at(attic, "invitations"), asked)

    assert within_an_hour == [200, 200, 429]
    assert (len(mails), declined.status_code) == (3, 200)
    assert code(once_more) == (409, "INVITATION_DECLINED")
    assert code(elsewhere) == (429, "RATE_LIMITED")


@PRIVATE
async def test_private_registration_is_not_told_by_invitations_nor_by_names(
    running: Application, people: People
) -> None:
    taken, host = await people.active(), await people.active()
    hall, answers = await founded(host), {}
    for email in (taken.email, "fresh@example.org"):
        body = {"email": email, "password": PASSWORD, "full_name": "\U0001d160" * 70}
        answers[email] = [(await running.client.post("/api/v1/auth/register", json=body)).status_code]
        invitation = held(await host.post(at(hall, "invitations"), {"email": email}), 201)["id"]
        again = at(hall, "invitations", invitation, "again")
        answers[email] += [(await host.post(again)).status_code for _ in range(3)]

    assert list(answers.values()) == [[202, 200, 200, 429]] * 2
