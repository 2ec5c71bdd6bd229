"""The courier: takes mail out of the outbox after the commit and sends it, with retries.

No transaction is open while a mail server is asked. A mail is claimed in one transaction, written in a second, which
also makes its token, and concluded in a third. If its sender dies in between, the mail is sent again when the lease is
over, with the same Message-ID and a second token as good as the first: at least once, and never with a dead link.
"""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

import structlog

from backend.clock import pause
from backend.context import Context
from backend.errors import DatabaseUnavailable
from backend.models import MailPurpose, MailState
from backend.notifiers import Message, Notifier, ServerAway, TryLater, Undeliverable
from backend.services.audit import Action
from backend.services.correspondence import message_of
from backend.services.outbox import Priority
from backend.services.wiring import Services
from backend.services.work import unit_of_work

LEASE: Final = timedelta(seconds=120)
"""How long a sender holds a mail; longer than any attempt may take."""
_PATIENCE_SECONDS: Final = 90.0
_LOOK_AGAIN_SECONDS: Final = 15.0
_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_JITTER: Final = 0.2
_GIVEN_UP_AFTER: Final = timedelta(hours=48)
_RESET_GIVEN_UP_AFTER: Final = timedelta(hours=6)
"""A reset mail that comes hours after the request would only frighten its reader."""
_LONGEST_BREATH_SECONDS: Final = 60.0
_HOUR: Final = timedelta(hours=1)
NOT_TRUE: Final = "It was out of date before it could be sent."
TOO_LATE: Final = "It was too late to send it."
_UNWRITTEN: Final = "Its text could not be created. See the log for the reason."
_log = structlog.get_logger("vestibule.courier")


class Outcome(Enum):
    """What became of a mail that was due."""

    DONE = "done"
    PUT_OFF = "put off"
    SERVER_AWAY = "the mail server is away"


@dataclass(frozen=True)
class Attempt:
    """One try at one mail."""

    id: UUID
    purpose: MailPurpose
    user_id: UUID
    number: int
    created_at: datetime

    @property
    def patience(self) -> timedelta:
        """How long after it was queued it may still be sent."""
        return _RESET_GIVEN_UP_AFTER if self.purpose is MailPurpose.RESET_PASSWORD else _GIVEN_UP_AFTER


async def carry(context: Context, notifier: Notifier) -> None:
    """Send mail as it becomes due, until the process stops."""
    while not context.stopping.is_set():
        context.mail_due.clear()
        failures = 0
        try:
            while not context.stopping.is_set() and (outcome := await deliver(context, notifier)):
                failures = failures + 1 if outcome is Outcome.SERVER_AWAY else 0
                if failures:
                    await pause(context.stopping, min(_LONGEST_BREATH_SECONDS, 2.0 ** (failures - 1)))
            await notifier.rest()
        except Exception:  # noqa: BLE001  # the database may be away; the mail stays due and is tried again
            _log.exception("courier_failed")
        await pause(context.mail_due, _LOOK_AGAIN_SECONDS)


async def deliver(context: Context, notifier: Notifier) -> Outcome | None:
    """Send the mail that has been due longest, those first that somebody waits for; None if none is due.

    Each priority has `MAILS_PER_HOUR` of its own, so that none can use up another's; what is beyond waits.
    """
    async with unit_of_work(context) as services:
        attempt = await _claim(services)
    if attempt is None:
        return None
    message = None
    try:
        async with unit_of_work(context) as services:
            message = await _written(services, attempt)
        if message is None:
            return Outcome.DONE
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await notifier.send(message)
    except DatabaseUnavailable:
        raise
    except Exception as error:  # noqa: BLE001  # writing and sending may fail in any way; the mail is tried again
        return await _failed(context, attempt, error, written=message is not None)
    async with unit_of_work(context) as services:
        now = services.context.clock.now()
        await services.mails.conclude(attempt.id, attempt.number, MailState.ACCEPTED, None, due_at=now, sent_at=now)
    return Outcome.DONE


async def _claim(services: Services) -> Attempt | None:
    context, store = services.context, services.mails
    now, most = context.clock.now(), context.settings.mails_per_hour
    for priority in Priority:
        if await store.accepted(priority, now - _HOUR, now, most) >= most:
            continue
        # New mails go before those that failed: many that fail again and again hold up nobody.
        mail = await store.claim(priority, now, now + LEASE, tried=False) or await store.claim(
            priority, now, now + LEASE, tried=True
        )
        if mail:
            return Attempt(mail.id, mail.purpose, mail.user_id, mail.attempts, mail.created_at)
    return None


async def _written(services: Services, attempt: Attempt) -> Message | None:
    """Write a mail that we hold; None, with the reason noted, if it is not to be sent any more."""
    await services.users.lock(attempt.user_id)  # before its mails and tokens, as everybody does
    now, mail = services.context.clock.now(), await services.mails.get(attempt.id)
    if mail is None:
        return None
    late = now - attempt.created_at > attempt.patience
    message = None if late else await message_of(services, mail)
    if message is None:
        why = TOO_LATE if late else NOT_TRUE
        await services.mails.conclude(mail.id, attempt.number, MailState.SUPPRESSED, why, due_at=now, sent_at=None)
    return message


async def _failed(context: Context, attempt: Attempt, error: Exception, *, written: bool) -> Outcome:
    """Note a failure: for good, or until the next attempt."""
    why = (str(error) or type(error).__name__) if written else _UNWRITTEN
    if not isinstance(error, TryLater | Undeliverable):
        _log.error("mail_failed", mail_id=str(attempt.id), purpose=attempt.purpose, exc_info=error)
    async with unit_of_work(context) as services:
        await _conclude(services, attempt, _line(why), final=isinstance(error, Undeliverable))
    if isinstance(error, Undeliverable):
        return Outcome.DONE
    ours = isinstance(error, TryLater) and not isinstance(error, ServerAway)
    return Outcome.PUT_OFF if ours else Outcome.SERVER_AWAY


async def _conclude(services: Services, attempt: Attempt, why: str, *, final: bool) -> None:
    now = services.context.clock.now()
    again = now + _pause_after(attempt.number)
    given_up = final or again - attempt.created_at > attempt.patience
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
    """Return the pause after a failure: doubled each time, with jitter."""
    doubled = min(_FIRST_PAUSE * float(1 << min(attempts - 1, 10)), _LONGEST_PAUSE)
    return doubled * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # nobody gains by guessing it


def _line(text: str) -> str:
    """Return a message as one printable line."""
    return "".join(one for one in " ".join(text.split()) if one.isprintable())[:200]
