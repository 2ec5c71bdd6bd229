"""Letters with example values: to look at a template before anybody gets it, and to try it with what may be missing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from backend.models import Carrier, MailPurpose, UserSession
from backend.services.correspondence import HOURS, NAMING
from backend.services.letters import Letter
from backend.services.messages import link_to

_TO_UNPROVEN: Final = {MailPurpose.VERIFY_EMAIL, MailPurpose.REGISTRATION_RECEIVED, MailPurpose.EMAIL_CHANGED}
"""Mails that hardly ever go to a proven address."""
_OF_APPLICANTS: Final = {MailPurpose.VERIFY_EMAIL, MailPurpose.REGISTRATION_RECEIVED}
_TOKEN: Final = "only-an-example-of-a-code-that-opens-nothing"  # noqa: S105
_MOMENT: Final = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
_SIGN_IN: Final = UserSession(
    user_id=UUID(int=0),
    carrier=Carrier.COOKIE,
    created_at=_MOMENT,
    last_activity=_MOMENT,
    expires_at=_MOMENT,
    ip_address="192.0.2.7",
    agent="Firefox on Linux",
    device_name="Reading room",
)


def example(purpose: MailPurpose, public_url: str, *, unproven: bool = False) -> Letter:
    """Return a letter as most people get it, or, with `unproven`, as an address gets it that nobody has proven."""
    token = _TOKEN if purpose in HOURS else None
    proven = not unproven and purpose not in _TO_UNPROVEN
    return Letter(
        host=urlsplit(public_url).netloc,
        public_url=public_url,
        name="Ana" if proven else None,
        username="ana" if proven else None,
        link=link_to(purpose, public_url, token),
        token=token,
        hours=HOURS.get(purpose),
        reason="This is the approver's message.\nIt can have several lines.",
        pending=purpose in _OF_APPLICANTS,
        waiting=3 if purpose is MailPurpose.APPLICANTS_WAITING else 0,
        session=_SIGN_IN if purpose is MailPurpose.NEW_DEVICE else None,
        organization="Reef Survey" if proven and purpose in NAMING else None,
    )


def examples(purpose: MailPurpose, public_url: str) -> Iterator[Letter]:
    """Return letters in which, one after the other, everything is missing that may be."""
    to_somebody = replace(example(purpose, public_url), name="Ana", username="ana")
    to_anybody = replace(to_somebody, name=None, username=None)
    for letter, pending, bare in product((to_somebody, to_anybody), (False, True), (False, True)):
        yield replace(
            letter,
            pending=pending,
            waiting=min(letter.waiting, 1) if bare else letter.waiting,
            reason=None if bare else letter.reason,
            session=None if bare else letter.session,
            organization=letter.organization if letter.username and not bare else None,
        )
