"""Accounts in and out of files: a file checked or taken in, with what became of each row, and files to take away."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from backend.routes.account_files import get_file
from backend.routes.deps import CurrentAdmin, FromOrigin, InContext, Look
from backend.routes.pages.failures import in_words
from backend.routes.pages.forms import Again
from backend.routes.pages.rendering import at_the_desk, page
from backend.services import Services, importing, reading
from backend.services.account_files import AccountFile
from backend.services.importing import Import, Outcome, Result

router = APIRouter(include_in_schema=False)

_SHOWN: Final = 500
"""A page shows so many of the refused rows, and so many of the others."""
_IMPORT: Final = "import"
_WORDS: Final = {
    "UNSUPPORTED_MEDIA_TYPE": "Choose a .csv or .jsonl file; in a spreadsheet, save as CSV (UTF-8).",
    "AUTH_EMAIL_EXISTS": "An account with this email address already exists.",
    "AUTH_USERNAME_EXISTS": "An account with this username already exists.",
}


@dataclass(frozen=True)
class Asked:
    """A file, and whether to take it in or only to say what would happen."""

    file: AccountFile
    dry_run: bool


@dataclass(frozen=True)
class Summary:
    """What became of a file, or would: how many rows, and those that a page shows, in the order of the file."""

    dry_run: bool
    requested: int
    failed: int
    rows: list[Outcome]


async def read_file(request: Request, caller: CurrentAdmin, context: InContext) -> Asked:
    """Read the form with the file; a refused one says why on its page.

    Raises:
        UnsupportedMediaType, InvalidFile: there is no file, or of no kind that can be read.
    """
    async with reading(context) as look:
        request.state.again = Again("import.html", {}, await _about(look), _WORDS)
    act = (await request.form()).get("act")
    return Asked(await get_file(request, caller), dry_run=act != _IMPORT)


@router.get("/users/import")
async def show_import(request: Request, caller: CurrentAdmin, look: Look) -> Response:
    """Show the form for a file, and the files to take away."""
    return page(request, "import.html", **await _about(look))


@router.post("/users/import")
async def import_(
    request: Request,
    caller: CurrentAdmin,
    asked: Annotated[Asked, Depends(read_file)],
    context: InContext,
    origin: FromOrigin,
    look: Look,
) -> Response:
    """Make the accounts of a file, or only say what would become of each row."""
    most = importing.MOST_ROWS
    if asked.dry_run:
        run = await importing.forecast(context, asked.file, most=most)
    else:
        run = await importing.begin(context, origin, asked.file, admin=caller.id, most=most)
    summary = await _summed(run, dry_run=asked.dry_run)
    return page(request, "import.html", **{**await _about(look), "summary": summary})


async def _summed(run: Import, *, dry_run: bool) -> Summary:
    counts, rows = {True: 0, False: 0}, []
    async for outcome in run.outcomes:
        refused = outcome.outcome is Result.REFUSED
        counts[refused] += 1
        if counts[refused] <= _SHOWN:
            rows.append(outcome)
    return Summary(dry_run, run.requested, counts[True], rows)


async def _about(look: Services) -> dict[str, Any]:
    return {
        "summary": None,
        "most": importing.MOST_ROWS,
        "shown": _SHOWN,
        "words": _WORDS,
        "in_words": in_words,
        **await at_the_desk(look, "users"),
    }
