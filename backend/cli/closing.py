"""`users`: suspends, activates, expires, deletes, restores and anonymizes accounts, and changes roles."""

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
        typer.Option(formats=_DATES, metavar="MOMENT", help=f"Reactivate automatically at this time, {_MOMENT}."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Suspend accounts until they are reactivated. Their sessions end immediately.

    If an account is already suspended, the end and the reason are replaced.

    Example: python -m backend users suspend ben --reason "laptop was stolen" --until 2027-01-31
    """

    async def act(services: Services, user: User) -> Done:
        end = until.replace(tzinfo=UTC) if until else None
        suspended = await services.closing.suspend(None, user.id, reason, until=end)
        return Done(suspended, f"suspended until {shown(end)}" if end else "suspended")

    for_each(names, "suspend", act, as_json=as_json)


def activate(names: NamesArgument, reason: ReasonOption = None, as_json: JsonOption = False) -> None:
    """Reactivate suspended, expired or deactivated accounts.

    Example: python -m backend users activate ben
    """

    async def act(services: Services, user: User) -> Done:
        return Done(await services.closing.activate(None, user.id, reason), "reactivated")

    for_each(names, "activate", act, as_json=as_json)


def expire(
    names: NamesArgument,
    at: Annotated[
        datetime | None, typer.Option(formats=_DATES, metavar="MOMENT", help=f"The time, {_MOMENT}; by default now.")
    ] = None,
    never: Annotated[bool, typer.Option("--never", help="Remove the end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Expire the access of accounts, now or at a later time.

    Example: python -m backend users expire ben --at 2027-01-31
    """
    if at and never:
        raise typer.BadParameter("use either --at or --never")

    async def act(services: Services, user: User) -> Done:
        if at is None and not never:
            return Done(await services.closing.expire(None, user.id), "expired")
        end = at.replace(tzinfo=UTC) if at else None
        changed = await services.closing.set_end(None, user.id, end)
        return Done(changed, f"access expires {shown(end)}" if end else "access never expires")

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
        return Done(await services.roles.give(None, user.id, role, reason), f"role {role}")

    for_each(names, "role", act, as_json=as_json)


def delete(
    names: NamesArgument,
    reason: ReasonOption = None,
    free_names: Annotated[bool, typer.Option("--free-names", help="Let others use their names immediately.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete accounts; `users restore` can restore them for a limited time.

    Example: python -m backend users delete ben
    """

    async def act(services: Services, user: User) -> Done:
        return Done(await services.deletion.delete(None, user.id, reason, free_names=free_names), "deleted")

    for_each(names, "delete", act, as_json=as_json)


def restore(names: NamesArgument, reason: ReasonOption = None, as_json: JsonOption = False) -> None:
    """Restore deleted accounts with their names and directories. Use the id if the names were freed.

    Example: python -m backend users restore ben
    """

    async def act(services: Services, user: User) -> Done:
        restored = await services.deletion.restore(None, user.id, reason)
        return Done(restored, f"restored, now {restored.status}")

    for_each(names, "restore", act, as_json=as_json, gone=True)


def anonymize(names: NamesArgument, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Erase people for good: names, notes, reasons, picture, devices and directory. This cannot be undone.

    The email address is kept, unless VESTIBULE_ANONYMIZE_KEEPS_EMAIL is false.

    Example: python -m backend users anonymize ben
    """
    keeps = loaded(as_json=as_json).anonymize_keeps_email
    address = "Email addresses are kept." if keeps else "Email addresses are erased, too."
    count = len(set(names))
    what = "1 account and its directory" if count == 1 else f"{count:,} accounts and their directories"
    confirm(f"This erases {what} for good. {address}", "Erase?", yes=yes)

    async def act(services: Services, user: User) -> Done:
        return Done(await services.erasure.anonymize(None, user.id), "erased")

    for_each(names, "anonymize", act, as_json=as_json, gone=True)
