"""Checks and preparations before the service accepts requests."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from backend.context import Context
from backend.errors import DatabaseUnavailable, StartError
from backend.migrations import runner
from backend.services import demo
from backend.services.work import reading, unit_of_work

_log = structlog.get_logger("vestibule")


async def prepare_database(context: Context) -> None:
    """Bring the embedded database to this version's schema; insist that a server's database is there.

    Raises:
        StartError: the database cannot be reached, or somebody has to run `migrate` first.
    """
    with _reachable():
        await context.database.ping()
        if context.database.embedded:
            await runner.upgrade(context.database)
        await _insist_on_head(context)
        await _look_for_search_index(context)


async def migrate(context: Context) -> tuple[str | None, str]:
    """Bring any database to this version's schema; tell from which revision (None: it was empty) to which.

    Accounts are counted anew, in case somebody has changed rows by hand.

    Raises:
        StartError: the database cannot be reached, or belongs to a newer version.
    """
    with _reachable():
        await context.database.ping()
        before = await runner.current(context.database)
        await runner.upgrade(context.database)
        async with unit_of_work(context) as services:
            await services.installation.lock()
            await services.users.tallies.recount()
    return before, runner.head()


async def refuse_demo_accounts(context: Context) -> None:
    """Refuse to start in production with accounts whose password is published.

    Raises:
        StartError: one of them is there, or the installation was filled with people who have one.
    """
    if not context.settings.production:
        return
    async with reading(context) as services:
        if (await services.installation.get()).filled_at:
            raise StartError(
                "This installation contains demo accounts with a public password. Start with an empty database "
                "and an empty data directory before setting VESTIBULE_ENV=production."
            )
        for account in demo.ACCOUNTS:
            if await services.users.get_by_email(account.email):
                raise StartError(
                    f"The demo account {account.email} exists, and its password is public. Delete the demo accounts, "
                    "or start with an empty database, before setting VESTIBULE_ENV=production."
                )


async def bootstrap_token(context: Context, *, renew: bool = True) -> str | None:
    """Make the token for the first account, where the settings want one and nobody has claimed it, to be shown once."""
    async with unit_of_work(context) as services:
        return await services.bootstrap.new_token(renew=renew)


async def show_bootstrap_token(context: Context) -> None:
    """Print the first account's token where no `serve` did: once, when the service first starts unclaimed."""
    token = await bootstrap_token(context, renew=False)
    if token:
        sys.stdout.write(f"\nThe first account needs this one-time setup code (bootstrap token): {token}\n\n")
        sys.stdout.flush()


async def _look_for_search_index(context: Context) -> None:
    """Log a warning where the search index is missing or incomplete: search works all the same, more slowly."""
    indexed, every_script = await runner.look_for_index(context.database)
    if not indexed:
        _log.warning(
            "search_without_index",
            reason="this SQLite lacks the FTS5 trigram tokenizer"
            if context.database.embedded
            else "the extension pg_trgm is missing: install PostgreSQL's contrib package and run migrate",
        )
    elif not every_script:
        _log.warning("search_partly_without_index", reason="the database's LC_CTYPE knows only ASCII letters")


async def _insist_on_head(context: Context) -> None:
    current, head = await runner.current(context.database), runner.head()
    if current != head:
        raise StartError(
            f"The database's schema is at {current or 'nothing'}, this version needs {head}. "
            "Run: python -m backend migrate"
        )


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailable as error:
        raise StartError(
            "The database cannot be reached. Check VESTIBULE_DATABASE_URL and that the server is running "
            f"({_cause(error)})."
        ) from None


def _cause(error: DatabaseUnavailable) -> str:
    """Return the words of the driver, which hold no password, or its error's name where it says nothing."""
    cause = error.__cause__
    original = getattr(cause, "orig", None) or cause
    return str(original).strip().partition("\n")[0] or type(original).__name__
