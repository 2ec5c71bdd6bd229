"""`users data`: a copy of all that is kept about somebody, to answer their request for it."""

from pathlib import Path
from typing import Annotated

import typer

from backend.cli.files import written
from backend.cli.options import JsonOption
from backend.cli.printing import print_json
from backend.cli.running import run
from backend.context import Context
from backend.identifiers import as_id
from backend.services import COMMAND_LINE, own_data, reading


def data(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Username, email address or id; for deleted accounts only the id.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="The zip file to write; it must not exist yet."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Write all data stored about a person to a zip file, the same that they can download themselves.

    Example: python -m backend users data ana --output ana.zip
    """

    async def work(context: Context) -> None:
        async with reading(context) as services:
            id_ = as_id(name)
            user = await (services.people.one(id_, gone=True) if id_ else services.people.by_name(name))
        own = await own_data.begin(context, user.id, COMMAND_LINE, by=None)
        try:
            async for piece in own.pieces():
                file.write(piece)
        finally:
            own.close()

    with written(output) as file:
        run(work, as_json=as_json)
    size = output.stat().st_size
    if as_json:
        print_json({"output": str(output), "bytes": size})
    else:
        typer.echo(f"{output}: {size} bytes")
