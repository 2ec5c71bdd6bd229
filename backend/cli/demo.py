"""`demo`: two accounts to try things out."""

from collections.abc import Sequence

import typer

from backend.cli.accounts import described
from backend.cli.options import JsonOption
from backend.cli.printing import print_json
from backend.cli.running import ORIGIN, run
from backend.context import Context
from backend.services import demo as service
from backend.services.demo import Made


def demo(as_json: JsonOption = False) -> None:
    """Make two accounts with known passwords: admin / admin123 and user / user123. Production refuses them.

    Example: python -m backend demo
    """

    async def work(context: Context) -> Sequence[Made]:
        return await service.make(context, ORIGIN)

    made = run(work, as_json=as_json)
    if as_json:
        print_json(
            {
                "accounts": [
                    {
                        "created": one.new,
                        "password": one.account.password if one.new else None,
                        "user": described(one.user),
                    }
                    for one in made
                ]
            }
        )
        return
    for one in made:
        who = f"{one.user.full_name or one.user.username} ({one.user.role}), {one.user.username}, {one.user.email}"
        what = f"password {one.account.password}" if one.new else f"was there before ({one.user.status}), left as it is"
        typer.echo(f"{who}: {what}")
