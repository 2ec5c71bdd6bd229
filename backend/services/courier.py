"""The courier: takes mail out of the outbox after the commit and hands it over, again and again until that succeeds.

No transaction is open while a mail server is asked. A mail is claimed in one transaction, which also mints its token,
and concluded in another. A sender that dies in between is given up after a while, and the mail is sent again, with the
same Message-ID and a second token as good as the first: at least once, and never a dead link.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

import structlog

from backend.context import Context
from backend.models import Mail, MailPurpose, MailState
from backend.notifiers import Message, Notifier, Undeliverable
from backend.services.audit import Action
from backend.services.correspondence import message_of
from backend.services.work import Services, unit_of_work
from backend.stores.news import pause

LEASE: Final = timedelta(seconds=120)
"""How long a sender has a mail to itself; longer than any attempt may take."""
_PATIENCE_SECONDS: Final = 90.0
_LOOK_AGAIN_SECONDS: Final = 15.0
_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_JITTER: Final = 0.2
_GIVEN_UP_AFTER: Final = timedelta(hours=48)
_RESET_GIVEN_UP_AFTER: Final = timedelta(hours=6)
"""Who asked for a new password this morning is frightened by its mail in the evening."""
_LONGEST_BREATH_SECONDS: Final = 60.0
_HOUR: Final = timedelta(hours=1)
_PRIORITIES: Final = (0, 1)
NOT_TRUE: Final = "It was not true any more when it was due."
TOO_LATE: Final = "It would have come too late."
UNWRITTEN: Final = "It could not be written; the log says why."
_log = structlog.get_logger("vestibule.courier")


class Outcome(Enum):
    """What became of a mail that was due."""

    DONE = "done"
    PUT_OFF = "put off"


@dataclass(frozen=True)
class Attempt:
    """One try at one mail."""

    id: UUID
    purpose: MailPurpose
    user_id: UUID
    number: int
    created_at: datetime
    message: Message | None
    """None: it turned out that nothing is to be sent."""


async def carry(context: Context, notifier: Notifier) -> None:
    """Send mail as it becomes due, until the process stops."""
    while not context.stopping.is_set():
        context.mail_due.clear()
        failures = 0
        try:
            while not context.stopping.is_set() and (outcome := await deliver(context, notifier)):
                failures = failures + 1 if outcome is Outcome.PUT_OFF else 0
                if failures:  # most often it is the mail server that is away, and not this one mail that is wrong
                    await pause(context.stopping, min(_LONGEST_BREATH_SECONDS, 2.0 ** (failures - 1)))
            await notifier.rest()
        except Exception:  # noqa: BLE001  # the database may be away; the mail stays due and is tried again
            _log.exception("courier_failed")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_AGAIN_SECONDS):
                await context.mail_due.wait()


async def deliver(context: Context, notifier: Notifier) -> Outcome | None:
    """Send the mail that has been due longest, those first that somebody waits for; None if none is due.

    Each of the two kinds has `MAILS_PER_HOUR` of its own; what is beyond waits.
    """
    async with unit_of_work(context) as services:
        attempt = await _claim(services)
    if attempt is None:
        return None
    if attempt.message is None:
        return Outcome.DONE
    why, final = None, False
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await notifier.send(attempt.message)
    except Undeliverable as refused:
        why, final = _line(refused), True
    except Exception as error:  # noqa: BLE001  # a notifier may fail in any way; the mail is tried again
        why = _line(error)
    async with unit_of_work(context) as services:
        await _conclude(services, attempt, why, final=final)
    return Outcome.PUT_OFF if why and not final else Outcome.DONE


async def _claim(services: Services) -> Attempt | None:
    context, store = services.context, services.mails
    now, most = context.clock.now(), context.settings.mails_per_hour
    for priority in _PRIORITIES:
        if await store.accepted(priority, now - _HOUR, most) >= most:
            continue
        mail = await store.claim(priority, now, now + LEASE)
        if mail:
            message, why = await _written(services, mail, now)
            if message is None:
                state = MailState.FAILED if why == UNWRITTEN else MailState.SUPPRESSED
                await store.conclude(mail.id, mail.attempts, state, why, due_at=now, sent_at=None)
            return Attempt(mail.id, mail.purpose, mail.user_id, mail.attempts, mail.created_at, message)
    return None


async def _written(services: Services, mail: Mail, now: datetime) -> tuple[Message | None, str | None]:
    if mail.purpose is MailPurpose.RESET_PASSWORD and now - mail.created_at > _RESET_GIVEN_UP_AFTER:
        return None, TOO_LATE
    try:
        message = await message_of(services, mail)
    except Exception:  # noqa: BLE001  # one mail that cannot be written must not stop all that stand behind it
        _log.exception("mail_not_written", mail_id=str(mail.id), purpose=mail.purpose)
        return None, UNWRITTEN
    return message, None if message else NOT_TRUE


async def _conclude(services: Services, attempt: Attempt, why: str | None, *, final: bool) -> None:
    now = services.context.clock.now()
    if why is None:
        await services.mails.conclude(attempt.id, attempt.number, MailState.ACCEPTED, None, due_at=now, sent_at=now)
        return
    patience = _RESET_GIVEN_UP_AFTER if attempt.purpose is MailPurpose.RESET_PASSWORD else _GIVEN_UP_AFTER
    again = now + _pause_after(attempt.number)
    given_up = final or again - attempt.created_at > patience
    state = MailState.FAILED if given_up else MailState.DUE
    ours = await services.mails.conclude(attempt.id, attempt.number, state, why, due_at=again, sent_at=None)
    _log.warning("mail_not_sent", mail_id=str(attempt.id), attempt=attempt.number, given_up=given_up, why=why)
    if ours and given_up:
        await services.audit.record(
            Action.MAIL_GIVEN_UP,
            target=attempt.user_id,
            mail_id=str(attempt.id),
            purpose=attempt.purpose,
            attempts=attempt.number,
        )


def _pause_after(attempts: int) -> timedelta:
    """Tell how long to wait after a failure: twice as long each time, and not all mails for equally long."""
    doubled = min(_FIRST_PAUSE * float(1 << min(attempts - 1, 10)), _LONGEST_PAUSE)
    return doubled * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # nobody gains by guessing it


def _line(error: Exception) -> str:
    """Say in one line what went wrong."""
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(one for one in text if one.isprintable())[:200]
