"""An administrator's home: who waits and how long, what failed, what is unusual."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from backend.routes.deps import CurrentAdmin, InContext, Look
from backend.routes.pages.rendering import page
from backend.services.overview import Trouble, TroubleKind

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Line:
    """What is wrong, in words, what to do about it, and where."""

    one: str
    more: str
    step: str
    way: tuple[str, str] | None = None
    """An address of ours, and the words of the link."""

    def said(self, count: int) -> str:
        """Say what is wrong, so many times."""
        return self.one if count == 1 else self.more.format(count=f"{count:,}")


_LINES: Final[Mapping[TroubleKind, Line]] = {
    TroubleKind.MAIL_NOWHERE: Line(
        "This server does not send mail.",
        "",
        "Set VESTIBULE_SMTP_URL and VESTIBULE_MAIL_FROM, then restart the server. Until then, give people their links "
        "yourself.",
        ("/messages", "View unsent mail"),
    ),
    TroubleKind.MAIL_HELD_UP: Line(
        "One mail failed and will be tried again.",
        "{count} mails failed and will be tried again.",
        "If this continues, the mail server may be down or refuse our mail. The list shows its answers.",
        ("/messages?state=due", "View queued mail"),
    ),
    TroubleKind.MAIL_FAILED: Line(
        "One mail was undeliverable in the last seven days.",
        "{count} mails were undeliverable in the last seven days.",
        "Often the address is wrong. Ask the person, correct the address, and send the mail again.",
        ("/messages?state=failed", "View undeliverable mail"),
    ),
    TroubleKind.NO_DIRECTORY: Line(
        "One request failed in the last seven days because a directory could not be created.",
        "{count} requests failed in the last seven days because a directory could not be created.",
        "Check whether the disk with the data directory is full or read-only.",
    ),
    TroubleKind.DIRECTORIES_DIFFER: Line(
        "One directory did not match the accounts when the server started. It was repaired.",
        "{count} directories did not match the accounts when the server started. They were repaired.",
        "This is normal after a crash or a restored backup. Otherwise, find out who changes the data directory.",
    ),
    TroubleKind.DIRECTORIES_UNKNOWN: Line(
        "People’s directories could not be checked or repaired when the server started.",
        "",
        "See the log for the reason. Then run: python -m backend provision repair",
    ),
    TroubleKind.ONE_ADMIN: Line(
        "You are the only administrator.",
        "",
        "If you lose your password, no one can help you here. Make a second person an administrator.",
        ("/users", "View people"),
    ),
}


@dataclass(frozen=True)
class Told:
    """Something that is wrong, as the page says it."""

    said: str
    step: str
    way: tuple[str, str] | None


@router.get("/overview")
async def show_overview(request: Request, caller: CurrentAdmin, look: Look, context: InContext) -> Response:
    """Show how things stand."""
    glance = await look.overview.glance()
    return page(
        request,
        "overview.html",
        glance=glance,
        troubles=_told(glance.troubles),
        now=context.clock.now(),
        pending_count=glance.counts.pending,
        here="overview",
    )


def _told(troubles: Sequence[Trouble]) -> list[Told]:
    lines = [(_LINES[one.kind], one.count) for one in troubles]
    return [Told(line.said(count), line.step, line.way) for line, count in lines]
