"""An administrator's home: who waits and how long, what failed, what is unusual today."""

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
        "No mail leaves this installation.",
        "",
        "Set VESTIBULE_SMTP_URL and VESTIBULE_MAIL_FROM, and start the server anew. Until then, hand links over.",
        ("/messages", "What would have been sent"),
    ),
    TroubleKind.MAIL_HELD_UP: Line(
        "One mail failed and will be tried again.",
        "{count} mails failed and will be tried again.",
        "If it lasts, the mail server is away or refuses us: the list says what it answered.",
        ("/messages?state=due", "Mail to be sent"),
    ),
    TroubleKind.MAIL_FAILED: Line(
        "One mail was given up in the last seven days.",
        "{count} mails were given up in the last seven days.",
        "Often the address is wrong: ask the person, correct it, and send again.",
        ("/messages?state=failed", "Mail that failed"),
    ),
    TroubleKind.NO_DIRECTORY: Line(
        "One request was refused in the last seven days, because a directory could not be made.",
        "{count} requests were refused in the last seven days, because a directory could not be made.",
        "Look whether the disk of the data directory is full or read-only.",
    ),
    TroubleKind.DIRECTORIES_DIFFER: Line(
        "One directory did not agree with the accounts when the server started. It was repaired.",
        "{count} directories did not agree with the accounts when the server started. They were repaired.",
        "This follows a crash or a restored backup. Otherwise find out who changes the data directory.",
    ),
    TroubleKind.DIRECTORIES_UNKNOWN: Line(
        "People’s directories could not be checked, or not be repaired, when the server started.",
        "",
        "The log says why. Then run: python -m backend provision repair",
    ),
    TroubleKind.ONE_ADMIN: Line(
        "You are the only administrator.",
        "",
        "If you lose your password, nobody here can help you. Give the role to a second person.",
        ("/users", "People"),
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
