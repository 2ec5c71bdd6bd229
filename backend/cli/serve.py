"""`serve`: checks that everything is in place, then starts the service."""

import errno
import socket
from typing import Annotated, Final

import typer
import uvicorn

from backend import __version__
from backend.cli.running import run
from backend.context import Context
from backend.environment import follow_port
from backend.errors import StartError
from backend.services import startup

_LAST_PORT: Final = 65535
_GRACE_SECONDS: Final = 30
"""How long requests under way may take to finish when the service is stopped."""


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all addresses.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=_LAST_PORT, help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="The number of worker processes.")] = 1,
) -> None:
    """Start the service. The embedded database is created and migrated automatically.

    Example: python -m backend serve --port 9000
    """
    follow_port(port)

    async def work(context: Context) -> tuple[str | None, str]:
        return await _prepare(context, host, port), context.settings.public_url

    token, public_url = run(work, prepare_database=False)
    if token:
        _print_token(token, public_url)
    typer.echo(f"Vestibule {__version__} is running at {public_url} (press Ctrl-C to stop)")
    uvicorn.run(
        "backend.main:app",
        host=host,
        port=port,
        workers=workers,
        lifespan="on",
        ws="none",
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


async def _prepare(context: Context, host: str, port: int) -> str | None:
    """Check that the port is free, before anything is changed; prepare the rest; return the bootstrap token to show."""
    _check_free(host, port)
    await startup.prepare_database(context)
    await startup.refuse_demo_accounts(context)
    return await startup.bootstrap_token(context)


def _check_free(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        raise StartError(_why_not(error, host, port)) from None


def _why_not(error: OSError, host: str, port: int) -> str:
    if isinstance(error, socket.gaierror):
        return f"{host} is not an address of this machine; choose another one with --host."
    if error.errno == errno.EADDRINUSE:
        free = port + 1 if port < _LAST_PORT else port - 1
        return f"Port {port} on {host} is in use; choose another one, for example with --port {free}."
    return f"Port {port} on {host} cannot be opened ({error.strerror}); choose others with --host and --port."


def _print_token(token: str, public_url: str) -> None:
    line = "-" * 78
    typer.echo(
        f"{line}\n"
        "The first account becomes the administrator. To create it, you need this setup code\n"
        "(bootstrap token). It is shown only now and works once, until the next restart:\n\n"
        f"    {token}\n\n"
        f"Create the account at {public_url}/register\n"
        f"{line}"
    )
