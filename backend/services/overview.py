"""The installation at a glance: who waits and for how long, what failed and what is unusual lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Final

from backend.context import Context
from backend.errors import ProvisioningFailed
from backend.models import User
from backend.services.audit import Action
from backend.services.people import Counts, People
from backend.services.statistics import Statistics, Unusual
from backend.stores.mails import MailStore

LATELY: Final = timedelta(days=7)
"""How far back failures are looked for."""
_LONGEST_WAITING: Final = 3


class TroubleKind(Enum):
    """What can be wrong."""

    MAIL_NOWHERE = auto()
    """There is no mail server, so that no mail leaves."""
    MAIL_HELD_UP = auto()
    """Mails that failed and are tried again."""
    MAIL_FAILED = auto()
    """Mails that were given up lately."""
    NO_DIRECTORY = auto()
    """Sign-ups and decisions refused lately, because a directory could not be made."""
    DIRECTORIES_DIFFER = auto()
    """Directories that did not agree with the accounts when they were last compared; they were repaired."""
    DIRECTORIES_UNKNOWN = auto()
    """They could not be compared, or not be repaired."""
    ONE_ADMIN = auto()
    """Only one account can administer."""


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong, and how many times."""

    kind: TroubleKind
    count: int = 1


@dataclass(frozen=True)
class Glance:
    """One look. `longest` are those who have waited longest."""

    counts: Counts
    longest: Sequence[User]
    troubles: Sequence[Trouble]
    unusual: Sequence[Unusual]
    today: int
    """How many people have used their account today."""


@dataclass(frozen=True)
class Overview:
    """Reads the overview: as many queries at a million accounts as at ten."""

    context: Context
    people: People
    mails: MailStore
    statistics: Statistics

    async def glance(self) -> Glance:
        """Take one look."""
        counts = await self.people.counts()
        longest = (await self.people.waiting(None, _LONGEST_WAITING)).rows
        troubles = [*await self._mail(), *await self._directories(), *await self._admins()]
        now = self.context.clock.now()
        unusual, today = await self.statistics.unusual(now), await self.statistics.active_today(now)
        return Glance(counts, longest, troubles, unusual, today)

    async def _mail(self) -> list[Trouble]:
        if self.context.settings.mail_goes_nowhere:
            return [Trouble(TroubleKind.MAIL_NOWHERE)]
        held_up, failed = await self.mails.held_up(), await self._lately(Action.MAIL_GIVEN_UP)
        return _those((TroubleKind.MAIL_HELD_UP, held_up), (TroubleKind.MAIL_FAILED, failed))

    async def _directories(self) -> list[Trouble]:
        found = _those((TroubleKind.NO_DIRECTORY, await self._lately(Action.REFUSED, ProvisioningFailed.code)))
        compared = self.context.compared
        if compared is None:
            return found
        kind = TroubleKind.DIRECTORIES_UNKNOWN if compared.failed else TroubleKind.DIRECTORIES_DIFFER
        return [*found, *_those((kind, int(compared.failed) or compared.differences))]

    async def _admins(self) -> list[Trouble]:
        return [Trouble(TroubleKind.ONE_ADMIN)] if await self.people.users.active_admins() == 1 else []

    async def _lately(self, action: Action, why: str | None = None) -> int:
        now = self.context.clock.now()
        days = await self.people.users.tallies.happened(now - LATELY, action, why)
        return sum(days.values())


def _those(*found: tuple[TroubleKind, int]) -> list[Trouble]:
    return [Trouble(kind, count) for kind, count in found if count]
