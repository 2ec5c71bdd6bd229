"""Scenes of lives: signing up, being decided about, and what else happens to people, by the services that do it."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from backend.errors import AlreadyTaken, UserNotCreated
from backend.models import MailPurpose, Role
from backend.services.audit import Action, Origin
from backend.services.demo.days import Days
from backend.services.demo.lives import Fate, Life
from backend.services.demo.people import words
from backend.services.demo.staff import ADMIN, APPROVERS, PASSWORD
from backend.services.demo.stage import Scene, Stage
from backend.services.registration import Registration

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_SILENT: Final = 0.55
"""How many are let in without a word."""
_FORGETFUL: Final = 0.04


class SceneWriter:
    """Writes the scenes of lives; what people say in them is drawn from `words.toml`."""

    def __init__(self, chance: random.Random, days: Days, origins: Mapping[str, Origin]) -> None:
        """Write for these days; `origins` tells from where those act who decide."""
        self._chance, self._days, self._origins, self._words = chance, days, origins, words()

    def scenes(self, life: Life) -> Iterator[Scene]:
        """Write down one life."""
        theirs = life.devices[0].origin
        if life.fate is Fate.MADE:
            yield Scene(life.came, partial(_make, life), origin=self._origins[ADMIN])
            return
        yield Scene(life.came, partial(_sign_up, life), origin=theirs)
        if life.decided is None:
            return
        if life.fate is Fate.REJECTED:
            yield self._by(life.by, life.decided, partial(_reject, life, self._say("rejected")), life)
            return
        if life.fate is Fate.RECONSIDERED:
            yield self._by(life.by, life.decided, partial(_reject, life, self._say("rejected")), life)
            yield self._by(
                life.by, life.turned or life.decided, partial(_approve, life, self._say("reconsidered")), life
            )
            return
        reason = None if self._chance.random() < _SILENT else self._say("approved")
        yield self._by(life.by, life.decided, partial(_approve, life, reason), life)
        if life.person in APPROVERS:
            promoted = life.decided + 20 * _MINUTE
            yield self._by(ADMIN, promoted, partial(_appoint, life, self._say("promoted")), life)
        if life.turned:
            yield from self._turn(life, life.turned)
        elif life.eagerness and self._chance.random() < _FORGETFUL:
            at = life.decided + (self._days.now - life.decided) * self._chance.uniform(0.2, 0.9)
            yield Scene(at, partial(_forget_password, life), (life.who,), theirs)

    def _turn(self, life: Life, at: datetime) -> Iterator[Scene]:
        theirs, now = life.devices[0].origin, self._days.now
        match life.fate:
            case Fate.SUSPENDED:
                until = now + self._chance.uniform(2, 9) * _DAY if self._chance.random() < 1 / 2 else None
                yield self._by(ADMIN, at, partial(_suspend, life, self._say("suspended"), until), life)
            case Fate.OPENED_AGAIN:
                yield self._by(ADMIN, at, partial(_suspend, life, self._say("suspended"), None), life)
                back = at + min(now - at, 3 * _DAY) * self._chance.uniform(0.2, 0.8)
                yield self._by(ADMIN, back, partial(_activate, life, self._say("reopened")), life)
            case Fate.EXPIRED:
                said = (life.decided or at) + (at - (life.decided or at)) / 5
                yield self._by(ADMIN, said, partial(_set_end, life, at, self._say("expired")), life)
                yield Scene(at, partial(_run_out, life), (life.who,))
            case Fate.ENDING:
                end = now + self._chance.uniform(0.4, 13) * _DAY
                yield self._by(ADMIN, at, partial(_set_end, life, end, None), life)
            case Fate.DEACTIVATED:
                yield Scene(at, partial(_deactivate, life), (life.who,), theirs)
            case Fate.DELETED | Fate.ERASED:
                yield self._by(ADMIN, at, partial(_delete, life, self._say("deleted")), life)
                if life.fate is Fate.ERASED:
                    gone = at + min(now - at, 4 * _DAY) * self._chance.uniform(0.2, 0.8)
                    yield self._by(ADMIN, gone, partial(_erase, life), life)

    def _by(self, who: str | None, at: datetime, play: Any, life: Life) -> Scene:  # noqa: ANN401  # a partial
        return Scene(at, play, (life.who,), self._origins[who or ADMIN])

    def _say(self, about: str) -> str:
        said: Sequence[str] | str = self._words[about]
        return said if isinstance(said, str) else self._chance.choice(said)


async def _sign_up(life: Life, stage: Stage) -> None:
    try:
        user = await stage.services.sign_up.register(_registration(life, note=life.person.note))
    except AlreadyTaken:
        stage.cast.left_out += 1
        return
    stage.cast.ids[life.who] = user.id
    if not life.reachable:
        stage.cast.unreachable.add(user.id)
    await _tell_deciders(stage)
    if life.verified and stage.services.context.settings.send_verification_emails:
        stage.clock.pass_(4 * _MINUTE)
        await stage.services.users.update(user, {"is_verified": True, "updated_at": stage.clock.now()})
        await stage.services.audit.record(Action.EMAIL_VERIFIED, target=user.id, actor=user.id)


async def _make(life: Life, stage: Stage) -> None:
    try:
        user = await stage.services.administration.create(
            stage.cast.by(ADMIN), _registration(life), is_superuser=False, is_active=True
        )
    except UserNotCreated:
        stage.cast.left_out += 1
        return
    stage.cast.ids[life.who] = user.id


def _registration(life: Life, note: str | None = None) -> Registration:
    person = life.person
    return Registration(
        person.username,
        person.email,
        PASSWORD,
        full_name=person.full_name,
        institution=person.institution,
        approval_note=note,
    )


async def _tell_deciders(stage: Stage) -> None:
    """Tell those of the past who decide, once a day, that somebody waits; nobody else is written to."""
    today, ours = stage.clock.now().date(), set(stage.cast.ids.values())
    if stage.cast.told_on != today:
        stage.cast.told_on = today
        deciders = [user for user in await stage.services.users.deciders() if user.id in ours]
        await stage.services.outbox.tell_later(MailPurpose.APPLICANTS_WAITING, deciders)


async def _approve(life: Life, reason: str | None, stage: Stage) -> None:
    by = stage.cast.by(life.by)
    await stage.services.decisions.approve(stage.id(life.who), by=by, reason=reason, reconsider=True)


async def _reject(life: Life, reason: str | None, stage: Stage) -> None:
    await stage.services.decisions.reject(stage.id(life.who), by=stage.cast.by(life.by), reason=reason)


async def _appoint(life: Life, reason: str, stage: Stage) -> None:
    admin = stage.cast.by(ADMIN)
    await stage.services.roles.give(admin, stage.id(life.who), Role.APPROVER, reason)


async def _suspend(life: Life, reason: str, until: datetime | None, stage: Stage) -> None:
    await stage.services.closing.suspend(stage.cast.by(ADMIN), stage.id(life.who), reason, until=until)


async def _activate(life: Life, reason: str, stage: Stage) -> None:
    await stage.services.closing.activate(stage.cast.by(ADMIN), stage.id(life.who), reason)


async def _set_end(life: Life, end: datetime, reason: str | None, stage: Stage) -> None:
    await stage.services.closing.set_end(stage.cast.by(ADMIN), stage.id(life.who), end, reason)


async def _run_out(life: Life, stage: Stage) -> None:
    await stage.services.closing.catch_up([stage.id(life.who)])


async def _deactivate(life: Life, stage: Stage) -> None:
    await stage.services.closing.deactivate(stage.id(life.who), confirmed=True)


async def _delete(life: Life, reason: str, stage: Stage) -> None:
    await stage.services.deletion.delete(stage.cast.by(ADMIN), stage.id(life.who), reason)


async def _erase(life: Life, stage: Stage) -> None:
    await stage.services.erasure.anonymize(stage.cast.by(ADMIN), stage.id(life.who))


async def _forget_password(life: Life, stage: Stage) -> None:
    """Let somebody ask for a new password, and then remember the old one."""
    user = await stage.user(life.who)
    await stage.services.outbox.queue(MailPurpose.RESET_PASSWORD, user)
    await stage.services.audit.record(Action.PASSWORD_RESET_REQUESTED, target=user.id)
