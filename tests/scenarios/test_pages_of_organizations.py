"""Organizations looked after by pages, in a browser without script: by owners, by members, and by who helps them."""

import base64
import json
import re
from uuid import UUID

import pytest
from pydantic import SecretStr

from backend.models import MailPurpose
from tests.application import Application
from tests.contracts.in_organizations import brought_in, founded, held, invited, members, standing
from tests.factories import PASSWORD, People, Person
from tests.scenarios.desk import Desk, at_the_desk, said, text_of

pytestmark = pytest.mark.settings(rate_limits=False)

MAIL = pytest.mark.settings(smtp_url=SecretStr("smtp://mail.example.org"), mail_from="hall@example.org")
NOT_YOURS = "Your role in this organization does not allow this."
OVER = "This invitation is not valid: it was used or revoked, it has expired"


async def test_an_organization_is_made_renamed_and_listed(running: Application, people: People) -> None:
    desk = await at_the_desk(running, await people.active())
    empty = await desk.read("/organizations")
    refused = await desk.send("/organizations", name="A\ttab")
    there, sentence = await desk.press("/organizations", name=" Harbour Observatory ")
    wrong = await desk.send(f"{there}/rename", name=" ")
    again, renamed = await desk.press(f"{there}/rename", name="<b>Tide</b> Tables")
    listed, account = await desk.get("/organizations"), await desk.read("/account")

    assert "You do not belong to an organization yet An organization is a group of people." in empty
    assert (refused.status_code, "A\ttab" in refused.text, 'id="problems"' in refused.text) == (422, True, True)
    assert sentence == "Harbour Observatory was created, and you are its owner. You can now invite others."
    assert (wrong.status_code, "Rename organization" in text_of(wrong)) == (422, True)
    assert (again, renamed) == (there, "The organization was renamed to <b>Tide</b> Tables.")
    assert f'href="{there}"><bdi>&lt;b&gt;Tide&lt;/b&gt; Tables' in listed.text
    assert "<b>Tide</b> Tables Owner 1 person" in text_of(listed)
    assert "Your organizations All your organizations <b>Tide</b> Tables Owner" in account
    assert "1 member. You are an owner." in await desk.read(there)


async def test_everybody_is_offered_what_they_may_do_and_nothing_else(running: Application, people: People) -> None:
    owner, admin, member, other, helper = [
        await people.active(),
        *[await people.active() for _ in range(3)],
        await people.admin(),
    ]
    one = await founded(owner)
    for person, role in ((admin, "admin"), (member, "member"), (other, "member")):
        await brought_in(owner, one, person, role)
    await invited(owner, one, role="admin")
    await invited(owner, one, role="member")
    here = f"/organizations/{one}"
    acts = ["make-owner", "make-admin", "make-member", "hand-over", "remove"]

    async def offered(person: Person) -> tuple[set[str], dict[str, list[str]]]:
        desk = await at_the_desk(running, person)
        page = (await desk.get(here)).text
        words = ("rename", "leave", "delete", "revoke", "again", "link", f"{here}/invitations")
        found = {word.rpartition("/")[2] for word in words if f'/{word.lstrip("/")}"' in page}
        about = {}
        for whom in (owner, admin, other):
            shown = (await desk.get(f"{here}/members/{whom.id}")).text
            about[whom.username] = [act for act in acts if f'/{act}"' in shown]
        return found, about

    whole = {"rename", "leave", "delete", "revoke", "link", "invitations"}
    assert await offered(owner) == (
        whole,
        {
            owner.username: ["make-admin", "make-member"],
            admin.username: ["make-owner", "make-member", "hand-over", "remove"],
            other.username: ["make-owner", "make-admin", "hand-over", "remove"],
        },
    )
    assert await offered(admin) == (
        whole - {"delete"},
        {owner.username: [], admin.username: [], other.username: ["remove"]},
    )
    assert await offered(member) == ({"leave"}, {owner.username: [], admin.username: [], other.username: []})
    assert await offered(helper) == (
        {"rename", "delete", "revoke"},
        {
            owner.username: ["make-admin", "make-member", "remove"],
            admin.username: ["make-owner", "make-member", "hand-over", "remove"],
            other.username: ["make-owner", "make-admin", "hand-over", "remove"],
        },
    )
    as_admin = (await (await at_the_desk(running, admin)).get(here)).text
    assert (as_admin.count("/revoke"), as_admin.count("/link")) == (1, 1)  # of the place of a plain member only
    assert '<option value="admin"' not in as_admin


async def test_what_one_may_not_do_is_refused_in_words(running: Application, people: People) -> None:
    owner, member, stranger = await people.active(), await people.active(), await people.active()
    one = await founded(owner)
    await brought_in(owner, one, member)
    invitation, _ = await invited(owner, one)
    here = f"/organizations/{one}"
    desk, outside = await at_the_desk(running, member), await at_the_desk(running, stranger)
    forms = [
        *(f"{here}/members/{owner.id}/{act}" for act in ("make-member", "remove", "hand-over")),
        *(f"{here}/members/{member.id}/make-owner", f"{here}/rename", f"{here}/delete", f"{here}/invitations"),
        *(f"{here}/invitations/{invitation}/{word}" for word in ("revoke", "again", "link")),
    ]
    fields = {"name": "Mine", "typed_name": "Hall", "role": "member"}
    for path in forms:
        answer = await desk.send(path, **fields)
        assert NOT_YOURS in (said(answer) if answer.status_code == 303 else text_of(answer)), path
        answer = await outside.send(path, **fields)
        there = answer if answer.status_code != 303 else await outside.get(answer.headers["location"])
        assert (there.status_code, "you are not a member" in text_of(there)) == (404, True), path
        answer = await desk.browser.post(path, data=fields)  # without the proof that our page sent it
        assert "reload" in (said(answer) if answer.status_code == 303 else text_of(answer)).lower(), path
    for path in (here, f"/organizations/{owner.id}", "/organizations/none", f"{here}/leave", f"{here}/rename"):
        assert (await outside.get(path)).status_code == 404
    for word in ("rename", "delete", f"members/{owner.id}/make-admin", f"invitations/{invitation}/revoke"):
        answer = await desk.get(f"{here}/{word}")
        assert answer.status_code == 403 or NOT_YOURS in said(answer), word

    assert await members(owner, one) == {owner.username: "owner", member.username: "member"}
    assert await standing(owner) == {"Hall": "owner"}


async def test_a_role_is_given_with_a_way_back(running: Application, people: People) -> None:
    owner, member = await people.active(), await people.active()
    one = await founded(owner)
    await brought_in(owner, one, member)
    desk, here = await at_the_desk(running, owner), f"/organizations/{one}"
    question = await desk.read(f"{here}/members/{member.id}/make-owner")
    undone = await desk.undo(f"{here}/members/{member.id}/make-owner")
    there, sentence = await desk.press(f"{here}/members/{member.id}/make-admin")
    as_admin = await members(owner, one)
    last = await desk.press(f"{here}/members/{owner.id}/make-member")
    async with people.work() as services:
        await services.closing.suspend(None, member.id)
    closed = (await desk.get(f"{here}/members/{member.id}")).text

    assert f"Make {member.username} an owner of Hall?" in question
    assert "They can do everything" in question
    assert undone == (here, f"{member.username} is now a member of Hall.")
    assert (there, sentence) == (here, f"{member.username} is now an admin of Hall.")
    assert as_admin == {owner.username: "owner", member.username: "admin"}
    assert last[0] == f"{here}/members/{owner.id}"
    assert "There is no other owner with an active account." in last[1]
    assert [act for act in ("make-owner", "make-member", "hand-over", "remove") if f'/{act}"' in closed] == [
        "make-member",
        "remove",
    ]


async def test_a_way_back_is_good_in_its_own_organization_only(running: Application, people: People) -> None:
    owner, member = await people.active(), await people.active()
    one, two = await founded(owner), await founded(owner, "Other")
    for id_ in (one, two):
        await brought_in(owner, id_, member)
    desk = await at_the_desk(running, owner)
    answer = await desk.send(f"/organizations/{one}/members/{member.id}/make-admin")
    told = json.loads(base64.urlsafe_b64decode(answer.cookies["notice"]))
    shown = await desk.get(f"/organizations/{two}")
    told["undo"][2] = UUID(two).hex
    desk.browser.cookies.set("notice", base64.urlsafe_b64encode(json.dumps(told).encode()).decode())
    changed = await desk.get(f"/organizations/{two}")

    assert f'action="/organizations/{one}/members/{member.id}/make-member"' in shown.text
    assert told["text"] in text_of(changed)
    assert ">Undo<" not in changed.text


async def test_an_organization_changes_hands_and_is_left(running: Application, people: People) -> None:
    owner, heir, third = await people.active(), await people.active(), await people.active()
    one = await founded(owner)
    for person in (heir, third):
        await brought_in(owner, one, person)
    desk, here = await at_the_desk(running, owner), f"/organizations/{one}"
    cannot = await desk.get(f"{here}/leave")
    refused = await desk.press(f"{here}/leave")
    question = await desk.read(f"{here}/members/{heir.id}/hand-over")
    handed = await desk.press(f"{here}/members/{heir.id}/hand-over")
    after = await members(heir, one)
    removed = await (await at_the_desk(running, heir)).press(f"{here}/members/{third.id}/remove")
    leaving = await desk.read(f"{here}/leave")
    left = await desk.press(f"{here}/leave")

    assert "You are its only owner with an active account" in text_of(cannot)
    assert f'action="{here}/leave"' not in cannot.text
    assert "There is no other owner" in refused[1]
    assert "You become an admin" in question
    assert handed == (here, f"Hall was transferred to {heir.username}.")
    assert after == {owner.username: "admin", heir.username: "owner", third.username: "member"}
    assert removed[1] == f"{third.username} was removed from Hall. To add them again, invite them."
    assert "To come back, you have to be invited again." in leaving
    assert left == ("/organizations", "You have left Hall.")
    assert await members(heir, one) == {heir.username: "owner"}


async def test_an_organization_is_deleted_when_its_name_was_typed(running: Application, people: People) -> None:
    owner, member = await people.active(), await people.active()
    one = await founded(owner)
    await brought_in(owner, one, member)
    await invited(owner, one)
    desk, here = await at_the_desk(running, owner), f"/organizations/{one}"
    question = await desk.read(f"{here}/delete")
    refused = await desk.send(f"{here}/delete", typed_name="House")
    gone = await desk.press(f"{here}/delete", typed_name="hall")

    assert "One other member loses access. They are notified by mail, if this server sends mail." in question
    assert "Its open invitations (1) stop working." in question
    assert (refused.status_code, "House" in refused.text) == (422, True)
    assert "Type the name Hall to confirm." in text_of(refused)
    assert gone == ("/organizations", "Hall was deleted.")
    assert await standing(member) == {}


@MAIL
async def test_people_are_invited_by_mail_once_more_and_not_after_all(running: Application, people: People) -> None:
    owner = await people.active()
    one = await founded(owner)
    desk, here = await at_the_desk(running, owner), f"/organizations/{one}"
    sent = await desk.press(f"{here}/invitations", email="ana@example.org", role="admin")
    twice = await desk.send(f"{here}/invitations", email="ANA@example.org", role="admin")
    wrong = await desk.send(f"{here}/invitations", email="ana", role="admin")
    strange = await desk.send(f"{here}/invitations", email="", role="owner")
    page = await desk.get(here)
    (path,) = set(re.findall(rf"{here}/invitations/[0-9a-f-]+", page.text))
    again = await desk.press(f"{path}/again")
    no_link = await desk.press(f"{path}/link")
    question = await desk.read(f"{path}/revoke")
    revoked = await desk.press(f"{path}/revoke")
    over = [await desk.press(f"{path}/{word}") for word in ("again", "revoke")]

    assert sent == (here, "An invitation is on its way to ana@example.org.")
    assert (twice.status_code, wrong.status_code, strange.status_code) == (409, 422, 422)
    assert 'value="ANA@example.org"' in twice.text
    assert "This address already has an open invitation. Send it again, or revoke it first." in text_of(twice)
    assert re.search(r"ana@example.org Admin Valid until .* UTC \. Created just now by ", text_of(page))
    assert again == (here, "The invitation was sent again to ana@example.org.")
    assert "Send it again instead." in no_link[1]
    assert "Revoke the invitation for ana@example.org?" in question
    assert revoked == (here, "The invitation was revoked.")
    assert {sentence for _, sentence in over} == {
        "This invitation is no longer open. Send a new one if it is still needed."
    }
    assert len(await running.mails(MailPurpose.ORGANIZATION_INVITATION)) <= 1  # those taken back are not sent
    assert "No open invitations. People you invite appear here" in await desk.read(here)
    assert (await desk.get(f"{path}/revoke")).status_code == 404
    assert (await desk.get(f"{path}/again")).headers["location"] == here


async def test_a_link_is_shown_once_and_another_one_made(running: Application, people: People) -> None:
    owner, guest = await people.active(), await people.active()
    one = await founded(owner)
    desk, here = await at_the_desk(running, owner), f"/organizations/{one}"
    shown = await desk.send(f"{here}/invitations", email="", role="member")
    page = await desk.get(here)
    (path,) = set(re.findall(rf"{here}/invitations/[0-9a-f-]+", page.text))
    another = await desk.send(f"{path}/link")
    sent = await desk.press(f"{path}/again")
    guests = await at_the_desk(running, guest)
    first, second = _token(shown.text), _token(another.text)
    await guests.press("/invitation/accept", token=second)

    assert "It works once, until" in text_of(shown)
    assert "The first person who opens it and signs in can join." in text_of(shown)
    assert first not in page.text
    assert first != second
    assert "has no email address" in sent[1]
    assert OVER in text_of(await guests.send("/invitation", token=first))
    assert (await desk.get(f"{here}/invitations")).headers["location"] == here


async def test_an_invitation_is_read_and_accepted(running: Application, people: People) -> None:
    owner, guest = await people.active(), await people.active()
    one = await founded(owner, "Harbour Observatory")
    _, token = await invited(owner, one, role="admin")
    stranger, desk = Desk(running.browser()), await at_the_desk(running, guest)
    unknown = await stranger.browser.post("/invitation", data={"token": "nothing"})
    empty = await stranger.browser.post("/invitation", data={})
    outside = text_of(await stranger.browser.post("/invitation", data={"token": f" {token} "}))
    to_login = await stranger.browser.post("/invitation/accept", data={"token": token}, headers=_from("/invitation"))
    inside = await desk.send("/invitation", token=token)
    forged = [await desk.browser.post(f"/invitation/{word}", data={"token": token}) for word in ("accept", "decline")]
    there, sentence = await desk.press("/invitation/accept", token=token)
    late = await desk.send("/invitation", token=token)

    assert (unknown.status_code, OVER in text_of(unknown), "nothing" in unknown.text) == (400, True, False)
    assert (empty.status_code, "Invitation code" in text_of(unknown)) == (422, True)
    assert f"Join Harbour Observatory ? {owner.username} invites you to join as an admin." in outside
    assert "Sign in to accept" in outside
    assert "Request access" in outside
    assert to_login.headers["location"] == "/login?next=%2Finvitation"
    assert f"You are signed in as {guest.username} ." in text_of(inside)
    assert {answer.status_code for answer in forged} == {403}
    assert (there, sentence) == (f"/organizations/{one}", "Welcome. You are now a member of Harbour Observatory.")
    assert await members(owner, one) == {owner.username: "owner", guest.username: "admin"}
    assert OVER in text_of(late)


async def test_an_invitation_says_why_it_cannot_be_accepted(running: Application, people: People) -> None:
    owner, guest, other = await people.active(), await people.active(), await people.active()
    one = await founded(owner)
    _, meant = await invited(owner, one, email=guest.email)
    _, open_ = await invited(owner, one)
    wrong, host = await at_the_desk(running, other), await at_the_desk(running, owner)
    shown, refused = await wrong.send("/invitation", token=meant), await wrong.send("/invitation/accept", token=meant)
    already = await host.send("/invitation/accept", token=open_)
    temporary = await _with_a_temporary_password(running, people, other)
    first = await temporary.send("/invitation", token=open_)
    declined = await running.browser().post("/invitation/decline", data={"token": open_})
    again = await running.browser().post("/invitation/decline", data={"token": open_})

    assert "This invitation is for another account" in text_of(shown)
    assert "/invitation/accept" not in shown.text
    assert (refused.status_code, guest.email in text_of(refused)) == (403, True)
    assert "Sign in with the account that has it." in text_of(refused)
    assert (already.status_code, "You are already a member of this organization." in text_of(already)) == (409, True)
    assert "Choose your own password first" in text_of(first)
    assert (await temporary.get("/invitation")).status_code == 200
    assert "You declined the invitation to Hall ." in text_of(declined)
    assert (again.status_code, OVER in text_of(again)) == (400, True)
    assert await members(owner, one) == {owner.username: "owner"}


async def test_an_inert_organization_says_what_it_waits_for_and_can_be_helped(
    running: Application, people: People
) -> None:
    owner, member, helper = await people.active(), await people.active(), await people.admin()
    one = await founded(owner)
    await brought_in(owner, one, member, "admin")
    desk, help_, here = await at_the_desk(running, member), await at_the_desk(running, helper), f"/organizations/{one}"
    async with people.work() as services:
        await services.closing.suspend(None, owner.id)
    listed, shown = await desk.read("/organizations"), await desk.get(here)
    refused = await desk.send(f"{here}/invitations", email="")
    everybody, person = await help_.read("/organizations/all"), await help_.read(f"/users/{member.id}")
    there, _ = await help_.press(f"{here}/members/{member.id}/hand-over")

    assert "Hall Inactive Admin" in listed
    assert "An inactive organization has no owner with an active account." in listed
    assert "none of its owners has an active account" in text_of(shown)
    assert f'action="{here}/invitations"' not in shown.text
    assert "Nobody can join this organization" in text_of(refused)
    assert f"Hall Inactive {owner.username} 2 people" in everybody
    assert "Inactive: none of its owners has an active account." in person
    assert "Invite someone" in await desk.read(there)
    assert (await desk.get("/organizations/all")).status_code == 403


async def test_long_lists_come_in_pages(running: Application, people: People) -> None:
    helper, owner = await people.admin(), await people.active()
    desk = await at_the_desk(running, helper)
    assert "No organizations yet" in await desk.read("/organizations/all")
    for number in range(51):
        person = owner if number < 40 else helper
        await founded(person, f"Group {number:02}")
    first = await desk.get("/organizations/all")
    link = first.text.partition('rel="next"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = await desk.get(link)

    assert (first.text.count('role="rowheader"'), second.text.count('role="rowheader"')) == (50, 1)
    assert "Group 00" in second.text
    full = await (await at_the_desk(running, owner)).send("/organizations", name="One more")
    assert (full.status_code, "Leave one of them first." in text_of(full), "One more" in full.text) == (409, True, True)


def _token(page: str) -> str:
    return page.partition("/invitation#token=")[2].partition("<")[0].strip()


def _from(path: str) -> dict[str, str]:
    return {"Referer": f"http://127.0.0.1:8000{path}"}


async def _with_a_temporary_password(running: Application, people: People, person: Person) -> Desk:
    async with people.work() as services:
        _, password = await services.administration.reset_password(None, person.id, None)
    browser = running.browser()
    await browser.post("/login", data={"username_or_email": person.username, "password": password})
    assert password != PASSWORD
    return Desk(browser)


@MAIL
async def test_who_is_invited_by_address_finds_it_among_their_organizations(
    running: Application, people: People
) -> None:
    owner, guest, other = [await people.active() for _ in range(3)]
    one, two, three = [await founded(owner, name) for name in ("Reef", "Harbour", "Looms")]
    asked = {"email": guest.email.upper(), "role": "member"}
    made = [
        held(await owner.post(f"/api/v1/organizations/{place}/invitations", asked), 201)["id"]
        for place in (one, two, three)
    ]
    desk, stranger = await at_the_desk(running, guest), await at_the_desk(running, other)
    unproven, early = await desk.read("/organizations"), await desk.press(f"/invitations/{made[0]}/accept")
    async with people.work() as work:
        for person in (guest, other):
            await work.users.update(await work.people.one(person.id), {"is_verified": True})
    listed, account = await desk.get("/organizations"), await desk.read("/account")
    ids = dict(
        re.findall(r'<bdi>(\w+)</bdi></strong>.*?action="/invitations/([0-9a-f-]+)/accept"', listed.text, re.DOTALL)
    )
    not_theirs = await stranger.press(f"/invitations/{ids['Reef']}/accept")
    nothing = await desk.press("/invitations/nonsense/accept")
    joined = await desk.press(f"/invitations/{ids['Reef']}/accept")
    declined = await desk.press(f"/invitations/{ids['Harbour']}/decline")
    over = await desk.press(f"/invitations/{ids['Reef']}/accept")
    held(await owner.delete(f"/api/v1/organizations/{three}"))
    vanished = await desk.press(f"/invitations/{ids['Looms']}/accept")
    after = await desk.read("/organizations")

    assert "invites you" not in unproven
    assert set(ids) == {"Reef", "Harbour", "Looms"}
    assert "You have 3 invitations" in text_of(listed)
    assert f"{owner.username} invites you to join as a member" in text_of(listed)
    assert "You have 3 invitations. View them" in account
    assert all(where == "/organizations" and OVER in why for where, why in (early, not_theirs, nothing, over, vanished))
    assert joined == (f"/organizations/{one}", "Welcome. You are now a member of Reef.")
    assert declined == ("/organizations", "You declined the invitation to Harbour.")
    assert await standing(guest) == {"Reef": "member"}
    assert "invites you" not in after
    [event] = await people.audit("invitation_declined")
    assert event.actor_id == guest.id


@MAIL
async def test_an_invitation_that_nobody_vouches_for_is_not_shown(running: Application, people: People) -> None:
    owner, guest = await people.active(), await people.active()
    one = await founded(owner, "Reef")
    helper = await brought_in(owner, one, await people.active(), "admin")
    await helper.post(f"/api/v1/organizations/{one}/invitations", {"email": guest.email, "role": "member"})
    async with people.work() as work:
        await work.users.update(await work.people.one(guest.id), {"is_verified": True})
    desk = await at_the_desk(running, guest)
    shown = await desk.read("/organizations")
    async with people.work() as work:
        await work.closing.suspend(None, helper.id, None)
    hidden = await desk.read("/organizations")

    assert ("invites you to join" in shown, "invites you to join" in hidden) == (True, False)
