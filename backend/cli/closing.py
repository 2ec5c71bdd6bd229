"""`users`: what closes accounts for a while or for good, opens them again, and gives and takes rights."""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from backend.cli.accounts import Done, for_each
from backend.cli.options import JsonOption, NamesArgument, ReasonOption, YesOption, confirm
from backend.cli.printing import shown
from backend.cli.running import loaded
from backend.models import Role, User
from backend.services import Services

_DATES: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_MOMENT: Final = "as 2027-01-31 or 2027-01-31T18:00, in UTC"


def suspend(
    names: NamesArgument,
    reason: ReasonOption = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=_DATES, metavar="MOMENT", help=f"Open them again by itself at this moment, {_MOMENT}."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Shut accounts until they are activated again; their sessions end at once.

    Of accounts that are suspended already, the end and the reason are replaced.

    Example: python -m backend users suspend ben --reason "laptop was stolen" --until 2027-01-31
    """

    async def act(services: Services, user: User) -> Done:
        end = until.replace(tzinfo=UTC) if until else None
        suspended = await services.closing.suspend(None, user.id, reason, until=end)
        return Done(suspended, f"suspended until {shown(end)}" if end else "suspended")

    for_each(names, "suspend", act, as_json=as_json)


def activate(names: NamesArgument, reason: ReasonOption = None, as_json: JsonOption = False) -> None:
    """Open suspended, expired or deactivated accounts again.

    Example: python -m backend users activate ben
    """

    async def act(services: Services, user: User) -> Done:
        return Done(await services.closing.activate(None, user.id, reason), "active again")

    for_each(names, "activate", act, as_json=as_json)


def expire(
    names: NamesArgument,
    at: Annotated[
        datetime | None, typer.Option(formats=_DATES, metavar="MOMENT", help=f"When, {_MOMENT}; without it, now.")
    ] = None,
    never: Annotated[bool, typer.Option("--never", help="Take the end away again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Let the access of accounts run out, now or at a moment to come.

    Example: python -m backend users expire ben --at 2027-01-31
    """
    if at and never:
        raise typer.BadParameter("give one of --at and --never")

    async def act(services: Services, user: User) -> Done:
        if at is None and not never:
            return Done(await services.closing.expire(None, user.id), "expired")
        end = at.replace(tzinfo=UTC) if at else None
        changed = await services.closing.set_end(None, user.id, end)
        return Done(changed, f"access ends {shown(end)}" if end else "access has no end")

    for_each(names, "expire", act, as_json=as_json)


def role(
    role: Annotated[Role, typer.Argument(help="The role to give.")],
    names: NamesArgument,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give people a role: user, approver or admin.

    Example: python -m backend users role approver ana ben
    """

    async def act(services: Services, user: User) -> Done:
        return Done(await services.administration.set_role(None, user.id, role, reason), f"role {role}")

    for_each(names, "role", act, as_json=as_json)


def delete(
    names: NamesArgument,
    reason: ReasonOption = None,
    free_names: Annotated[bool, typer.Option("--free-names", help="Let others take their names at once.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete accounts; `users restore` brings them back for a while.

    Example: python -m backend users delete ben
    """

    async def act(services: Services, user: User) -> Done:
        return Done(await services.closing.delete(None, user.id, reason, free_names=free_names), "deleted")

    for_each(names, "delete", act, as_json=as_json)


def restore(names: NamesArgument, reason: ReasonOption = None, as_json: JsonOption = False) -> None:
    """Make deleted accounts what they were, with their names and directories. Freed names need the id.

    Example: python -m backend users restore ben
    """

    async def act(services: Services, user: User) -> Done:
        restored = await services.closing.restore(None, user.id, reason)
        return Done(restored, f"restored, {restored.status} again")

    for_each(names, "restore", act, as_json=as_json, gone=True)


def anonymize(names: NamesArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Erase people for good: names, notes, reasons, picture, devices and directory. There is no way back.

    The email address stays on record, unless VESTIBULE_ANONYMIZE_KEEPS_EMAIL is false.

    Example: python -m backend users anonymize ben
    """
    keeps = loaded(as_json=as_json).anonymize_keeps_email
    address = "The email address stays on record." if keeps else "The email address is erased, too."
    confirm(
        f"This erases {len(set(names))} of your people for good, and their directories. {address}", "Erase?", yes=yes
    )

    async def act(services: Services, user: User) -> Done:
        return Done(await services.erasure.anonymize(None, user.id), "erased")

    for_each(names, "anonymize", act, as_json=as_json, gone=True)
