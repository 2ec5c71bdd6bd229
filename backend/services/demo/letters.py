"""Invented outcomes of mails, which are never sent: each transaction leaves none that is due."""

from datetime import datetime, timedelta
from typing import Final

from backend.models import MailPurpose, MailState
from backend.services.audit import Action
from backend.services.courier import NOT_TRUE
from backend.services.demo.stage import Stage

_TAKES: Final = timedelta(seconds=4)
_REFUSED: Final = "550 5.1.1 <{address}>: Recipient address rejected: User unknown in virtual mailbox table"
_EVERY: Final = 9
"""One in so many mails about waiting applicants came too late, and was suppressed."""


async def conclude(stage: Stage, since: datetime) -> None:
    """Conclude the mails to invented people queued since a moment: accepted, or why not; call it before the commit.

    So no courier finds one, not even one that is at work beside us.
    """
    ours = set(stage.cast.ids.values())
    mails = [mail for mail in await stage.services.past.due(since, stage.clock.now()) if mail.user_id in ours]
    for mail in mails:
        mail.attempts, written = 1, max(mail.due_at, mail.created_at)
        stage.cast.letters += 1
        if mail.purpose is MailPurpose.APPLICANTS_WAITING and stage.cast.letters % _EVERY == 0:
            mail.state, mail.why = MailState.SUPPRESSED, NOT_TRUE
        elif mail.user_id in stage.cast.unreachable:
            user = await stage.services.users.get(mail.user_id)
            mail.state, mail.why = MailState.FAILED, _REFUSED.format(address=user.email if user else "")[:200]
            await stage.services.audit.record(
                Action.MAIL_GIVEN_UP,
                target=mail.user_id,
                mail_id=str(mail.id),
                purpose=mail.purpose,
                attempts=mail.attempts,
            )
        else:
            mail.state, mail.sent_at = MailState.ACCEPTED, written + _TAKES
        mail.due_at, mail.address = written + _TAKES, None
    await stage.services.past.save(mails)
