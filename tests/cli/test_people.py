"""People by command: what is shown of them, how they are found, and what is refused with a way out."""

from datetime import UTC, datetime
from uuid import UUID

from backend.services import unit_of_work
from tests.cli.terminal import Terminal

_END = datetime(2099, 1, 31, 18, tzinfo=UTC)


async def _id(terminal: Terminal, name: str) -> UUID:
    async with terminal.context() as context, unit_of_work(context) as services:
        return (await services.people.by_name(name)).id


async def test_an_account_is_shown_with_its_ends_and_with_what_changed(terminal: Terminal) -> None:
    await terminal.sign_up("boss", "ana")
    id_ = await _id(terminal, "ana")
    async with terminal.context() as context, unit_of_work(context) as services:
        await services.decisions.approve(id_, by=None, reason=None)
        changes = {"full_name": "Ana\tLopez", "is_verified": True, "access_expires_at": _END}
        await services.editing.update(None, id_, changes)
        await services.closing.suspend(None, id_, "laptop was stolen", until=_END)

    shown = terminal.run("users", "show", "ana")
    told = terminal.run("users", "show", "ana", "--json").json

    lines = [line.split("\t") for line in shown.out.splitlines()]
    for name in ("suspended_until", "access_expires_at"):
        assert [name, "2099-01-31 18:00 UTC"] in lines
        assert told[name] == "2099-01-31T18:00:00Z"
    assert (told["deleted_at"], told["login_count"], told["profile_image_url"]) == (None, 0, None)
    assert [line[1::3] for line in lines[-6:]] == [
        ["action", "changes"],
        ["admin_user_suspended", "active -> suspended; until 2099-01-31 18:00 UTC"],
        ["admin_user_update", "access_expires_at: - -> 2099-01-31 18:00 UTC"],
        ["admin_user_update", "full_name: - -> Ana Lopez; is_verified: no -> yes"],
        ["admin_user_approved", "pending -> active"],
        ["registered", "-"],
    ]


async def test_deleted_accounts_are_listed_with_the_id_by_which_they_are_found(terminal: Terminal) -> None:
    await terminal.sign_up("boss", "ana")
    id_ = await _id(terminal, "ana")
    async with terminal.context() as context, unit_of_work(context) as services:
        await services.deletion.delete(None, id_)

    listed = [line.split("\t") for line in terminal.run("users", "list", "--status", "deleted").out.splitlines()]
    shown = terminal.run("users", "show", listed[1][-1], "--json")

    assert [(line[0], line[-1]) for line in listed] == [("username", "id"), ("ana", str(id_))]
    assert (shown.json["username"], shown.json["status"]) == ("ana", "deleted")
    assert shown.json["deleted_at"].endswith("Z")


def test_two_ends_at_once_are_a_wrong_argument(terminal: Terminal) -> None:
    refused = terminal.run("users", "expire", "ana", "--at", "2099-01-31", "--never")

    assert (refused.code, refused.out) == (2, "")
    assert "use either --at or --never" in refused.err
    assert not terminal.data_dir.exists()


def test_a_wrong_value_is_told_in_our_words_alone(terminal: Terminal) -> None:
    refused = terminal.run("users", "expire", "ana", "--at", "tomorrow")

    assert (refused.code, refused.out) == (2, "")
    assert "Invalid value for '--at': 'tomorrow' does not match" in refused.err


async def test_searching_in_vain_and_a_decision_of_before_are_told_with_a_way_out(terminal: Terminal) -> None:
    await terminal.sign_up("boss", "ana")
    id_ = await _id(terminal, "ana")
    async with terminal.context() as context, unit_of_work(context) as services:
        await services.decisions.reject(id_, by=None, reason=None)

    found = terminal.run("users", "list", "--query", "lopez")
    approved = terminal.run("users", "approve", "ana")

    assert (found.code, found.out, found.err) == (0, "", "No accounts found.\n")
    sentence = "ana: User is already rejected (--reconsider approves them anyway)\n"
    assert (approved.code, approved.out, approved.err) == (1, "", sentence)


async def test_who_erases_somebody_is_told_what_becomes_of_the_address(terminal: Terminal) -> None:
    await terminal.sign_up("boss", "gwen")

    left = terminal.ask("users", "anonymize", "gwen", answer="n", ANONYMIZE_KEEPS_EMAIL="false")
    erased = terminal.ask("users", "anonymize", "gwen", answer="y")

    warning = "This erases 1 account and its directory for good. Email addresses "
    assert left.code == 1
    assert left.err.startswith(f"{warning}are erased, too.\n")
    assert (erased.code, erased.out.strip()) == (0, "gwen: erased")
    assert erased.err.startswith(f"{warning}are kept.\n")


async def test_a_suspension_is_replaced_by_another(terminal: Terminal) -> None:
    await terminal.sign_up("boss", "ana")
    id_ = await _id(terminal, "ana")
    async with terminal.context() as context, unit_of_work(context) as services:
        await services.decisions.approve(id_, by=None, reason=None)
        await services.closing.suspend(None, id_, "laptop was stolen")

    first = terminal.run("users", "suspend", "ana", "--until", "2099-01-31T18:00", "--reason", "on leave")
    second = terminal.run("users", "suspend", "ana", "--json")

    assert (first.code, first.out) == (0, "ana: suspended until 2099-01-31 18:00 UTC\n")
    user = second.json["results"][0]["user"]
    assert (user["status"], user["suspended_until"], user["decision_reason"]) == ("suspended", None, None)
