"""`keys`: lists, rotates and retires the keys that sign tokens."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import typer

from backend.cli.options import JsonOption, YesOption, confirm
from backend.cli.printing import print_json, print_table, shown
from backend.cli.running import run
from backend.context import Context
from backend.keys import PUBLISHED_BEFORE_SIGNING, KeyRing, SigningKey

app = typer.Typer(help="List, rotate and retire the keys that sign tokens.", no_args_is_help=True)


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the keys whose tokens are accepted, oldest first. Secrets are not shown.

    One key signs. A key in state "next" is published and starts to sign at the time shown. A key in state "believed"
    has signed before; you can retire it once its last token has expired.

    Example: python -m backend keys list
    """

    async def work(context: Context) -> list[Mapping[str, object]]:
        ring, now = context.keys.ring(), context.clock.now()
        return [_described(key, ring, now) for key in ring.keys]

    keys = run(work, as_json=as_json, prepare_database=False)
    if as_json:
        print_json({"keys": keys})
    else:
        print_table(("Kid", "Algorithm", "State", "Signs from"), [list(key.values()) for key in keys])


@app.command()
def rotate(
    at_once: Annotated[
        bool,
        typer.Option("--at-once", help="Sign with it now, before other apps know it. Use this if a key was leaked."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create a new key. It is published now and signs in a few minutes, when every app that verifies tokens knows it.

    A running service uses it within about a second, without a restart. Tokens of the previous key are accepted until
    you retire that key.

    Example: python -m backend keys rotate
    """

    async def work(context: Context) -> Mapping[str, object]:
        now = context.clock.now()
        key = context.keys.rotate(now, at_once=at_once)
        return _described(key, context.keys.ring(), now)

    key = run(work, as_json=as_json, prepare_database=False)
    if as_json:
        print_json(key)
    elif at_once:
        typer.echo(f"Key {key['kid']} is published and signs now. If the previous key was leaked, retire it.")
    else:
        minutes = int(PUBLISHED_BEFORE_SIGNING.total_seconds() // 60)
        typer.echo(f"Key {key['kid']} is published and signs in {minutes} minutes, from {shown(key['signs_from'])}.")


@app.command()
def retire(
    kid: Annotated[str, typer.Argument(metavar="KID", help="The name of the key; see `keys list`.")],
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Delete a key for good. Every access token it signed is refused immediately; cookie sessions continue.

    The key that signs cannot be retired: rotate first. To avoid interruptions, wait until the next key has signed for
    the lifetime of a token (VESTIBULE_MAX_TOKEN_LIFETIME_HOURS). A running service follows within about a second.

    Example: python -m backend keys retire kP1vYc0xTqW9 --yes
    """
    warning = "Every access token this key signed is refused immediately. This cannot be undone."
    confirm(warning, f"Retire key {shown(kid)}?", yes=yes)

    async def work(context: Context) -> None:
        context.keys.retire(kid, context.clock.now())

    run(work, as_json=as_json, prepare_database=False)
    if as_json:
        print_json({"kid": kid, "retired": True})
    else:
        typer.echo(f"Key {shown(kid)} was retired. Its tokens are refused.")


def _described(key: SigningKey, ring: KeyRing, now: datetime) -> Mapping[str, object]:
    return {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": _state(key, ring, now),
        "signs_from": key.signs_from if key.public_jwk else None,
    }


def _state(key: SigningKey, ring: KeyRing, now: datetime) -> str:
    if key.kid == ring.active(now).kid:
        return "signs"
    return "next" if key.signs_from > now else "believed"
