"""How often somebody may try: each fixed limit allows what the settings page says, and not once more."""

from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from backend.errors import TooManyRequests
from backend.services.throttle import Throttle
from tests.application import Application

WHO: Final = UUID(int=7)
HERE: Final = "203.0.113.7"
BOX: Final = "ada@example.org"
NUMBERS: Final = count()

Ask = Callable[[Throttle], Awaitable[object]]
ASKS: Final[Mapping[str, tuple[int, Ask]]] = {
    "Changes of password": (3, lambda throttle: throttle.password_change(WHO)),
    "New email addresses, taken ones included": (3, lambda throttle: throttle.new_address(WHO)),
    "New usernames, taken ones included": (20, lambda throttle: throttle.renaming(WHO)),
    "Changes of a request that waits": (10, lambda throttle: throttle.amendment(WHO)),
    "Requests for a reset mail": (3, lambda throttle: throttle.reset(BOX, None)),
    "Requests for a proof of address": (3, lambda throttle: throttle.proof(BOX, None)),
    "Requests for either of these mails": (3, lambda throttle: throttle.proof(f"{next(NUMBERS)}@example.org", HERE)),
    "Sign-ups by `/api/v1/users/register`": (5, lambda throttle: throttle.registration_by_email(HERE)),
    "Copies of [one's own data](api.md#ones-own-data)": (5, lambda throttle: throttle.own_data(WHO)),
    "[Organizations](api.md#organizations) made or renamed": (30, lambda throttle: throttle.organization(WHO)),
    "Invitations, with their mails and links": (50, lambda throttle: throttle.invitation(WHO)),
    "Invitations by mail": (3, lambda throttle: throttle.invited_mailbox(f"ada+{next(NUMBERS)}@example.org")),
}
"""What the page calls them, how often an hour, and what counts one."""


async def test_each_limit_allows_what_the_settings_page_says_and_not_once_more(running: Application) -> None:
    page = (Path(__file__).parents[2] / "docs/settings.md").read_text()
    throttle = Throttle.of(running.context)

    for what, (often, ask) in ASKS.items():
        assert f"| {what} | {often} an hour" in page
        for _ in range(often):
            await ask(throttle)
        with pytest.raises(TooManyRequests) as refused:
            await ask(throttle)
        assert (refused.value.limit, refused.value.window) == (often, 3600)

    room = [await throttle.mailbox_has_room(BOX) for _ in range(4)]
    due = [await throttle.record_is_due(WHO, None) for _ in range(101)]
    assert (room.count(True), due.count(True)) == (3, 100)
