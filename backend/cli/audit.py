"""`audit`: who did what to whom, when, from where and why."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import typer

from backend.cli.history import changed
from backend.cli.options import JsonOption
from backend.cli.printing import print_json, print_table
from backend.cli.running import run
from backend.context import Context
from backend.errors import UserNotFound
from backend.services import reading
from backend.services.audit import Action
from backend.services.audit_export import row
from backend.services.audit_trail import AuditTrail, By, Group, Search, TrailRecord
from backend.services.networks import as_address

app = typer.Typer(help="Read the audit.", no_args_is_help=True)

_PAGE: Final = 1000
_DAY: Final = ["%Y-%m-%d"]
_HEADINGS: Final = ("When", "What", "By", "About", "Why", "Changed", "From")


def _known(name: str | None) -> str | None:
    if name and name not in {*Group, *Action}:
        raise typer.BadParameter(f"no action or group of actions is called {name}")
    return name


def _address(text: str | None) -> str | None:
    found = as_address(text) if text else None
    if text and found is None:
        raise typer.BadParameter("enter a network address, for example 203.0.113.7")
    return str(found) if found else None


@app.callback()
def _audit() -> None:
    """Read the audit."""


@app.command("list")
def list_(
    action: Annotated[
        str | None, typer.Option(callback=_known, help=f"Only this action, or one of {', '.join(Group)}.")
    ] = None,
    actor: Annotated[str | None, typer.Option(metavar="NAME", help="Only what this person did.")] = None,
    target: Annotated[str | None, typer.Option(metavar="NAME", help="Only what is about this person.")] = None,
    address: Annotated[
        str | None, typer.Option(callback=_address, metavar="ADDRESS", help="Only from this network address.")
    ] = None,
    since: Annotated[datetime | None, typer.Option("--from", formats=_DAY, help="From this day on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_DAY, help="Up to this day (UTC).")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List audit records, the newest first.

    Example: python -m backend audit list --action refusals --from 2026-11-01
    """

    async def work(context: Context) -> list[TrailRecord]:
        async with reading(context) as look:
            search = Search(
                _named(action),
                actor=await _somebody(look.audit_trail, actor),
                target=await _somebody(look.audit_trail, target),
                ip_address=address,
                since=since.date() if since else None,
                until=until.date() if until else None,
            )
        return await _found(context, search, limit)

    records = run(work, as_json=as_json)
    if as_json:
        print_json({"records": [row(record) for record in records]})
    elif records:
        print_table(_HEADINGS, [_cells(record) for record in records])
    else:
        typer.echo("There are no such records.", err=True)


def _named(action: str | None) -> Action | Group | None:
    if action in set(Group):
        return Group(action)
    return Action(action) if action else None


async def _somebody(trail: AuditTrail, who: str | None) -> UUID | None:
    found = await trail.somebody(who) if who else None
    if who and found is None:
        raise UserNotFound
    return found


async def _found(context: Context, search: Search, limit: int) -> list[TrailRecord]:
    records: list[TrailRecord] = []
    cursor: str | None = None
    while len(records) < limit:
        async with reading(context) as look:
            trail = await look.audit_trail.page(search, cursor, min(limit - len(records), _PAGE))
        records += trail.records
        cursor = trail.next_cursor
        if cursor is None:
            break
    return records


def _cells(record: TrailRecord) -> tuple[object, ...]:
    event = record.event
    by = (record.actor or event.actor_id) if record.by is By.PERSON else record.by.replace("_", " ")
    about = record.target or event.target_id
    return event.at, event.action, by, about, event.reason, changed(event.details), event.ip_address
