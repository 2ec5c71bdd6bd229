"""Figures about the service for those who watch it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from backend.clock import Clock
from backend.models import MailState, Status
from backend.services.audit import Action
from backend.services.session_rules import Rules
from backend.stores.mails import MailStore, WantedMails
from backend.stores.sessions import SessionStore
from backend.stores.users import UserStore


@dataclass(frozen=True)
class Measures:
    """One reading. It comes from the database, so that every process of an installation tells the same."""

    signins: Mapping[str, int]
    live_sessions: int
    accounts: Mapping[Status, int]
    mails: Mapping[MailState, int]


@dataclass(frozen=True)
class Measuring:
    """Takes readings."""

    users: UserStore
    sessions: SessionStore
    mails: MailStore
    rules: Rules
    clock: Clock

    async def now(self) -> Measures:
        """Take one."""
        signins: Counter[str] = Counter({"success": 0})
        for what, count in (await self.users.tallies.totals()).items():
            action, _, why = what.partition("/")
            if action in {Action.SIGNIN_SUCCEEDED, Action.SIGNIN_FAILED}:
                signins["success" if action == Action.SIGNIN_SUCCEEDED else why or "other"] += count
        accounts = Counter(dict.fromkeys(Status, 0))
        for (_, status), count in (await self.users.tallies.people()).items():
            accounts[status] += count
        now = self.clock.now()
        live = await self.sessions.live(now, now - self.rules.idle, now - self.rules.remembered_idle)
        return Measures(signins, live, accounts, await self.mails.states(WantedMails()))
