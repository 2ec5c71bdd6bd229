"""Invented sign-ins, written many at once: the same rows that real sign-ins would have written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from backend.models import Carrier, MailPurpose, MailState, SessionEnd
from backend.models.types import new_id
from backend.services.agents import family
from backend.services.audit import CODED, COUNTED, Action, Origin
from backend.services.demo.stage import Stage
from backend.services.demo.visits import Visit
from backend.services.outbox import Priority
from backend.services.session_rules import Rules

_TAKES: Final = timedelta(seconds=4)


@dataclass(frozen=True)
class Entry:
    """One moment of a visit: somebody comes, goes, or is refused."""

    at: datetime
    visit: Visit
    session_id: UUID
    going: bool = False


def entries(visits: Iterable[Visit], now: datetime, idle: timedelta) -> Sequence[Entry]:
    """Return the moments of visits in their order; a session without a sign-out ends after `idle`."""
    found = []
    for visit in visits:
        session_id = new_id()
        found.append(Entry(visit.at, visit, session_id))
        end = _end(visit, idle)
        if end and end <= now:
            found.append(Entry(end, visit, session_id, going=True))
    return sorted(found, key=lambda entry: entry.at)


async def write(stage: Stage, moments: Sequence[Entry], now: datetime) -> None:
    """Write down what happened, in its order, within this transaction."""
    book = _Book(stage, now)
    for entry in moments:
        book.note(entry)
    await book.close()


def _end(visit: Visit, idle: timedelta) -> datetime | None:
    if visit.refused or visit.remembered or visit.until is None:
        return None
    return visit.until if visit.signs_out else visit.until + idle


class _Book:
    """Gathers rows, and writes those of a kind in one statement."""

    def __init__(self, stage: Stage, now: datetime) -> None:
        self._stage, self._now = stage, now
        self._rules = Rules.of(stage.services.context.settings)
        self._records: list[dict[str, Any]] = []
        self._sessions: list[dict[str, Any]] = []
        self._mails: list[dict[str, Any]] = []
        self._last: dict[UUID, tuple[datetime, int]] = {}

    def note(self, entry: Entry) -> None:
        """Note one moment; those of people who were not made are left out."""
        visit, cast = entry.visit, self._stage.cast
        if visit.who is not None and visit.who not in cast.ids:
            return
        user_id = cast.ids[visit.who] if visit.who else None
        if visit.refused:
            self._record(Action.SIGNIN_FAILED, entry, user_id, None, visit.refused)
        elif visit.who and user_id and entry.going:
            self._go(entry, user_id)
        elif visit.who and user_id:
            self._come(entry, visit.who, user_id)

    async def close(self) -> None:
        """Write everything down."""
        services = self._stage.services
        await services.audit.store.add_all(self._records)
        for record in self._records:
            if record["action"] in COUNTED:
                why = record["reason"] if record["action"] in CODED else None
                services.audit.store.tallies.recorded(record["at"], record["action"], why)
        await services.past.add_sessions(self._sessions)
        await services.past.note_sign_ins(self._last)
        await services.mails.add_all(self._mails)

    def _come(self, entry: Entry, who: str, user_id: UUID) -> None:
        visit, cast, at = entry.visit, self._stage.cast, entry.at
        tallies = self._stage.services.users.tallies
        tallies.seen(cast.last_login.get(who), at)
        if cast.active_on.get(who) != at.date():
            tallies.active(cast.active_on.get(who), at.date())
        cast.last_login[who], cast.active_on[who] = at, at.date()
        self._last[user_id] = (at, self._last.get(user_id, (at, 0))[1] + 1)
        agent, known = family(visit.origin.user_agent), cast.agents.setdefault(who, set())
        if known and agent not in known:
            self._mails.append(_new_device(user_id, at))
        known.add(agent)
        self._record(Action.SIGNIN_SUCCEEDED, entry, user_id, user_id)
        carrier = visit.device.carrier if visit.device else Carrier.COOKIE
        details = {"session_id": str(entry.session_id), "carrier": carrier}
        self._record(Action.SESSION_OPENED, entry, user_id, user_id, **details)
        self._sessions.append(self._session(entry, user_id, carrier, agent))

    def _go(self, entry: Entry, user_id: UUID) -> None:
        because, ended = _because(entry.visit), str(entry.session_id)
        actor = user_id if because is SessionEnd.USER_LOGOUT else None
        self._record(Action.SESSION_ENDED, entry, user_id, actor, because, session_id=ended)
        if because is SessionEnd.INACTIVITY:
            self._record(Action.TOKEN_INACTIVITY_EXPIRY, entry, user_id, None, session_id=ended)

    def _session(self, entry: Entry, user_id: UUID, carrier: Carrier, agent: str | None) -> dict[str, Any]:
        visit, ends = entry.visit, _end(entry.visit, self._rules.idle)
        over = ends is not None and ends <= self._now
        return {
            "id": entry.session_id,
            "user_id": user_id,
            "carrier": carrier,
            "credential_digest": None,
            "remembered": visit.remembered,
            "epoch": 0,
            "created_at": entry.at,
            "last_activity": visit.until or entry.at,
            "expires_at": entry.at + self._rules.life_of(carrier, remembered=visit.remembered),
            "ended_at": ends if over else None,
            "ended_because": _because(visit) if over else None,
            "ip_address": visit.origin.ip_address,
            "user_agent": visit.origin.user_agent,
            "agent": agent,
            "device_id": None,
            "device_name": visit.device.name if visit.device else None,
            "device_type": None,
        }

    def _record(
        self,
        action: Action,
        entry: Entry,
        target: UUID | None,
        actor: UUID | None,
        reason: str | None = None,
        **details: str,
    ) -> None:
        origin = Origin() if action is Action.TOKEN_INACTIVITY_EXPIRY else entry.visit.origin
        self._records.append(
            {
                "at": entry.at,
                "action": action,
                "actor_id": actor,
                "target_id": target,
                "reason": reason,
                "details": details,
                "ip_address": origin.ip_address,
                "user_agent": origin.user_agent,
                "request_id": None,
            }
        )


def _because(visit: Visit) -> SessionEnd:
    return SessionEnd.USER_LOGOUT if visit.signs_out else SessionEnd.INACTIVITY


def _new_device(user_id: UUID, at: datetime) -> dict[str, Any]:
    return {
        "purpose": MailPurpose.NEW_DEVICE,
        "user_id": user_id,
        "state": MailState.ACCEPTED,
        "priority": Priority.NEWS,
        "due_at": at,
        "created_at": at,
        "attempts": 1,
        "sent_at": at + _TAKES,
    }
