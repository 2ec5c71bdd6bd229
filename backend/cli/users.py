"""`users`: who is there, who may come in, and who may not any more."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from backend.cli.accounts import Done, described, for_each
from backend.cli.history import changed
from backend.cli.options import JsonOption, NamesArgument, ReasonOption
from backend.cli.printing import print_json, print_table, shown
from backend.cli.running import run
from backend.context import Context
from backend.errors import AlreadyDecided
from backend.models import GONE, Role, Status, User
from backend.services import Services, reading
from backend.services.people import Record
from backend.stores.listings import Order, Wanted
from backend.stores.pages import Page

app = typer.Typer(help="List, approve, change and delete accounts.", no_args_is_help=True)

_HEADINGS: Final = ("Username", "Email", "Status", "Role", "Institution", "Created")


@app.command("list")
def list_(
    status: Annotated[
        Status | None, typer.Option(help="Only accounts with this status; by default all but deleted ones.")
    ] = None,
    query: Annotated[str | None, typer.Option(help="Part of a name, username, email address or institution.")] = None,
    role: Annotated[Role | None, typer.Option(help="Only accounts with this role.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The maximum number of accounts.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List accounts, newest first; pending ones, oldest first.

    Example: python -m backend users list --status pending
    """

    async def work(context: Context) -> Page[User]:
        async with reading(context) as services:
            if status is Status.PENDING and not (query or role):
                return await services.people.waiting(None, limit)
            page, _ = await services.people.page(Wanted(query, role, status), Order(), size=limit)
            return page

    page = run(work, as_json=as_json)
    if as_json:
        print_json({"users": [described(user) for user in page.rows], "has_more": page.next_cursor is not None})
        return
    if not page.rows:
        typer.echo(_nobody(status, searched=bool(query or role)), err=True)
        return
    if status in GONE:  # most have given up their names, so that only their ids tell who is meant
        print_table((*_HEADINGS, "Id"), [(*_row(user), user.id) for user in page.rows])
    else:
        print_table(_HEADINGS, [_row(user) for user in page.rows])
    if page.next_cursor:
        typer.echo(f"Only the first {limit} are shown. Use --limit to show more.", err=True)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Username, email address or id; also of a deleted account.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Show one account and its recent history.

    Example: python -m backend users show ana
    """

    async def work(context: Context) -> tuple[User, Sequence[Record]]:
        async with reading(context) as services:
            user = await services.people.called(name, gone=True)
            return user, await services.people.history(user.id)

    user, history = run(work, as_json=as_json)
    if as_json:
        print_json({**described(user), "history": [_event(record) for record in history]})
        return
    print_table(("Field", "Value"), list(described(user).items()))
    typer.echo()
    print_table(
        ("When", "Action", "By", "Reason", "Changes"),
        [
            (record.event.at, record.event.action, record.actor, record.event.reason, changed(record.event.details))
            for record in history
        ],
    )


@app.command()
def approve(
    names: NamesArgument,
    reason: ReasonOption = None,
    reconsider: Annotated[bool, typer.Option("--reconsider", help="Also approve rejected requests.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Approve pending requests.

    Example: python -m backend users approve ana ben --reason "known from the lab"
    """

    async def act(services: Services, user: User) -> Done:
        try:
            approved = await services.decisions.approve(user.id, by=None, reason=reason, reconsider=reconsider)
        except AlreadyDecided as error:
            raise AlreadyDecided(f"{error.detail} (--reconsider approves them anyway)") from None
        return Done(approved, "approved")

    for_each(names, "approve", act, as_json=as_json)


@app.command()
def reject(names: NamesArgument, reason: ReasonOption = None, as_json: JsonOption = False) -> None:
    """Reject pending requests; the applicants read the reason.

    Example: python -m backend users reject ben --reason "please use your institution's address"
    """

    async def act(services: Services, user: User) -> Done:
        return Done(await services.decisions.reject(user.id, by=None, reason=reason), "rejected")

    for_each(names, "reject", act, as_json=as_json)


@app.command("reset-password")
def reset_password(names: NamesArgument, reason: ReasonOption = None, as_json: JsonOption = False) -> None:
    """Set a temporary password and print it once. The person has to change it after signing in; all sessions end.

    Example: python -m backend users reset-password ana
    """

    async def act(services: Services, user: User) -> Done:
        user, password = await services.administration.reset_password(None, user.id, reason)
        sentence = f"temporary password {password} until {shown(user.password_expires_at)}"
        return Done(user, sentence, {"temp_password": password})

    for_each(names, "reset-password", act, as_json=as_json)


def _nobody(status: Status | None, *, searched: bool) -> str:
    if searched:
        return "No accounts found."
    return f"There are no {status} accounts." if status else "There are no accounts."


def _row(user: User) -> Sequence[object]:
    return user.username, user.email, user.status, user.role, user.institution, user.created_at


def _event(record: Record) -> dict[str, Any]:
    event = record.event
    return {
        "at": event.at,
        "action": event.action,
        "actor_id": event.actor_id,
        "actor": record.actor,
        "reason": event.reason,
        "details": event.details,
        "user_agent": event.user_agent,
        "ip_address": event.ip_address,
    }
