"""`tiers`: groups of accounts with the same limits, the limits, and who is given which."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from backend.cli.accounts import Done, for_each
from backend.cli.options import JsonOption, NamesArgument, ReasonOption
from backend.cli.printing import print_json, print_table, shown
from backend.cli.running import run
from backend.context import Context
from backend.models import Tier, TierLimit, User
from backend.services import COMMAND_LINE, Services, reading, unit_of_work
from backend.services.tier_holders import id_of

app = typer.Typer(help="List, create and delete tiers and their limits.", no_args_is_help=True)
limit = typer.Typer(help="Add and remove the limits of a tier.", no_args_is_help=True)
app.add_typer(limit, name="limit")

_NONE: Final = "none"
_SHOWN: Final = ("name", "is_default", "accounts")
TierArgument = Annotated[str, typer.Argument(metavar="TIER", help="The name of a tier.", show_default=False)]


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List tiers with their limits and number of accounts.

    Example: python -m backend tiers list
    """

    async def work(context: Context) -> list[dict[str, Any]]:
        async with reading(context) as look:
            tiers = await look.tiers.every()
            sizes = await look.tier_holders.sizes(tiers)
            limits = await look.tier_limits.by_tier()
            return [{**_described(tier, limits[id_of(tier)]), "accounts": sizes[id_of(tier)].count} for tier in tiers]

    rows = run(work, as_json=as_json)
    if as_json:
        print_json({"tiers": rows})
    elif rows:
        headings = ("Name", "Default", "Accounts", "Limits")
        print_table(headings, [(*(row[key] for key in _SHOWN), _told(row["limits"])) for row in rows])
    else:
        typer.echo("There are no tiers, so API use is not limited. Create one with `tiers create`.", err=True)


@app.command()
def create(
    name: TierArgument,
    default: Annotated[
        bool, typer.Option("--default", help="Make it the default tier, for all accounts without a tier.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create a tier without limits.

    Example: python -m backend tiers create gold
    """

    async def work(context: Context) -> dict[str, Any]:
        async with unit_of_work(context, COMMAND_LINE) as services:
            return _described(await services.tiers.create(None, name, is_default=default), [])

    _say(run(work, as_json=as_json), "created", as_json=as_json)


@app.command()
def delete(name: TierArgument, as_json: JsonOption = False) -> None:
    """Delete a tier with its limits. No account may have it, including deleted ones.

    Example: python -m backend tiers delete gold
    """

    async def work(context: Context) -> dict[str, Any]:
        async with unit_of_work(context, COMMAND_LINE) as services:
            return _described(await services.tiers.delete(None, name), [])

    _say(run(work, as_json=as_json), "deleted", as_json=as_json)


@app.command()
def default(
    name: TierArgument,
    no_more: Annotated[bool, typer.Option("--no-more", help="Remove it as default tier.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a tier the default tier, for all accounts without a tier.

    Example: python -m backend tiers default free
    """

    async def work(context: Context) -> dict[str, Any]:
        async with unit_of_work(context, COMMAND_LINE) as services:
            tier = await services.tiers.update(None, name, is_default=not no_more)
            return _described(tier, await services.tier_limits.of(tier.name))

    _say(
        run(work, as_json=as_json), "no longer the default tier" if no_more else "now the default tier", as_json=as_json
    )


@limit.command()
def add(
    tier: TierArgument,
    path: Annotated[
        str, typer.Argument(help="The path it applies to, including everything below: /api, /api/v1/users/{user}.")
    ],
    amount: Annotated[int, typer.Argument(help="The number of requests an account can make.")],
    period: Annotated[int, typer.Argument(help="The time in seconds.")],
    as_json: JsonOption = False,
) -> None:
    """Limit the requests to a path for each account with a tier.

    Example: python -m backend tiers limit add gold /api/v1/users 100 60
    """

    async def work(context: Context) -> dict[str, Any]:
        async with unit_of_work(context, COMMAND_LINE) as services:
            return _limit(await services.tier_limits.add(None, tier, path=path, amount=amount, period=period))

    row = run(work, as_json=as_json)
    if as_json:
        print_json({"limit": row})
    else:
        typer.echo(f"Limit {row['id']} was added: {_told([row])}.")


@limit.command()
def remove(
    tier: TierArgument,
    id_: Annotated[int, typer.Argument(metavar="ID", help="The id of the limit; see `tiers list`.")],
    as_json: JsonOption = False,
) -> None:
    """Remove a limit from a tier.

    Example: python -m backend tiers limit remove gold 3
    """

    async def work(context: Context) -> dict[str, Any]:
        async with unit_of_work(context, COMMAND_LINE) as services:
            return _limit(await services.tier_limits.remove(None, tier, id_))

    row = run(work, as_json=as_json)
    if as_json:
        print_json({"limit": row})
    else:
        typer.echo(f"Limit {row['id']} was removed: {_told([row])}.")


def give(
    tier: Annotated[str, typer.Argument(metavar="TIER", help="The tier to assign, or none to remove it.")],
    names: NamesArgument,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Assign a tier to accounts, also deleted ones, or remove it with none.

    Example: python -m backend users tier gold ana ben
    """

    async def act(services: Services, user: User) -> Done:
        found = None if tier == _NONE else await services.tiers.one(tier)
        given = await services.tier_holders.assign(None, user.id, id_of(found) if found else None, reason)
        return Done(given, f"tier {found.name}" if found else "no tier")

    for_each(names, "tier", act, as_json=as_json, gone=True)


def _say(row: dict[str, Any], what: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"tier": row})
    else:
        typer.echo(f"{shown(row['name'])}: {what}")


def _described(tier: Tier, limits: Sequence[TierLimit]) -> dict[str, Any]:
    some = [_limit(one) for one in limits]
    return {"id": tier.id, "name": tier.name, "is_default": tier.is_default, "limits": some}


def _limit(one: TierLimit) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "path": one.path, "limit": one.amount, "period": one.period}


def _told(limits: Sequence[dict[str, Any]]) -> str:
    return "; ".join(f"{one['id']}: {one['path']} {one['limit']:,} in {one['period']:,} s" for one in limits) or "none"
