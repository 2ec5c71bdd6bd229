"""Whatever happens in whatever order: every credential ever given is good exactly as long as a small model says."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jose import jwt

from backend import tokens
from tests.application import Application
from tests.factories import PASSWORD, Person

WHO, VERIFY, C, B0 = "/api/auth/whoami", "/api/v1/auth/verify", "/api/v1/auth", "/api/v1/users"
IDLE, LONG_IDLE = timedelta(minutes=20), timedelta(days=14)
DAY, MONTH = timedelta(hours=24), timedelta(days=30)
TOKEN, GRACE = timedelta(hours=1), timedelta(seconds=10)
LAG: Final = timedelta(seconds=60)
"""How long after the idle end another process might know better."""
MOST: Final = 4
BACKGROUND: Final = {"X-Background": "1"}

REVOKED, INACTIVE, EXPIRED, INVALID = "SESSION_REVOKED", "SESSION_INACTIVE", "TOKEN_EXPIRED", "INVALID_TOKEN"
FINE: Final = None


class Kind(Enum):
    """What a credential is."""

    ACCESS = "access"
    COOKIE = "cookie"
    OPAQUE = "opaque"


@dataclass
class Session:
    """What the model knows of a session."""

    id: str
    begun: datetime
    last: datetime
    ends: datetime
    idle: timedelta | None
    ended: str | None = None

    def verdict(self, now: datetime) -> str | None:
        """Say why it is over."""
        if self.ended or now >= self.ends:
            return self.ended or EXPIRED
        return INACTIVE if self.idle is not None and now - self.last > self.idle else FINE

    def asked(self, now: datetime) -> str | None:
        """Ask after it by a credential: what is over stays over, for the reason that was seen first."""
        self.ended = self.verdict(now)
        return self.ended

    def settle(self, now: datetime) -> None:
        """End what is over for certain, for its own reason."""
        over = self.verdict(now)
        if over != INACTIVE or (self.idle is not None and now - self.last > self.idle + LAG):
            self.ended = over

    def revoke(self, now: datetime) -> None:
        """End it, unless it is over."""
        self.settle(now)
        self.ended = self.ended or REVOKED


@dataclass
class Credential:
    """One that was given at some time."""

    kind: Kind
    value: str
    session: Session
    ends: datetime

    def verdict(self, now: datetime) -> str | None:
        """Say what somebody hears who shows it."""
        return EXPIRED if self.kind is Kind.ACCESS and now >= self.ends else self.session.asked(now)


@dataclass
class Refresh:
    """A refresh token that was given at some time."""

    value: str
    session: Session
    used: datetime | None = None
    successor: "Refresh | None" = None


@dataclass
class Story:
    """One person's life in one example, lived through the doors and told by the model."""

    running: Application
    admin: Person
    person: Person
    client: httpx.AsyncClient
    password: str = PASSWORD
    active: bool = True
    superuser: bool = False
    sessions: list[Session] = field(default_factory=list)
    given: list[Credential] = field(default_factory=list)
    refreshes: list[Refresh] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.running.clock.now()

    def was_signed_in(self) -> None:
        """Take in what the person has from before."""
        session = Session("", self.now, self.now, self.now + DAY, IDLE)
        self.sessions.append(session)
        self._access(str(self.person.token), session)
        session.id = _id_in(self.given[-1].value)

    # What a person does.

    async def sign_in(self, kind: str, *, remember: bool) -> None:
        """Sign in by some door."""
        self.running.clock.move(seconds=1)  # no two sessions of the same age: the oldest has to go
        name, password = self.person.username, self.password
        body = {"username": name, "password": password}
        if kind == "opaque":
            answer = await self.client.post(f"{B0}/signin", json={"login": name, "password": password})
        elif kind == "page":
            answer = await self.running.browser().post("/login", data={**body, "username_or_email": name})
        elif kind == "form":
            form = {**body, **({"remember_me": "true"} if remember else {})}
            answer = await self.running.browser().post(f"{C}/login", data=form)
        else:
            answer = await self.client.post(f"{C}/login", json={**body, "remember_me": remember})
        if not self.active:
            assert answer.status_code in ({403, 303, 400} if kind == "page" else {403}), answer.text
            assert "session_id" not in answer.cookies
            return
        assert answer.status_code in {200, 303}, answer.text
        await self._opened(kind, answer, remember=remember and kind in {"json", "form"})

    async def touch(self, credential: Credential) -> None:
        """Ask something."""
        before = credential.verdict(self.now)
        assert await self._told(credential, {}) == before
        if before is FINE:
            credential.session.last = self.now

    async def refresh(self, token: Refresh) -> None:
        """Exchange a refresh token, new or old."""
        session, over = token.session, token.session.asked(self.now)
        answer = await self.client.post(f"{C}/refresh", json={"refresh_token": token.value})
        successor = token.successor
        again = token.used is not None and self.now - token.used <= GRACE and successor and not successor.used
        if over or (token.used and not again):
            if not over:
                session.ended = REVOKED
            assert answer.status_code == 401, answer.text
            assert answer.json()["error_code"] == (INACTIVE if over == INACTIVE else INVALID)
            return
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        session.last = self.now
        if successor is None:
            token.used, token.successor = self.now, Refresh(data["refresh_token"], session)
            self.refreshes.append(token.successor)
        else:
            assert data["refresh_token"] == successor.value
        self._access(data["access_token"], session)

    async def revoke(self, by: Credential, session: Session) -> None:
        """End one session, one's own or another."""
        if by.verdict(self.now) is not FINE:
            return
        by.session.last = self.now
        for one in self.sessions:
            one.settle(self.now)
        alive = session.ended is None
        if by.kind is Kind.OPAQUE:
            answer = await self.client.post(f"{B0}/signout-sessions", json={"session": by.value, "ids": session.id})
            assert answer.json()["sessions_invalidated"] == int(alive)
        else:
            answer = await self._ask("DELETE", f"{C}/sessions/{session.id}", by)
            assert answer.status_code == (200 if alive else 404), answer.text
        session.revoke(self.now)

    async def revoke_others(self, by: Credential, _: Session) -> None:
        """End all sessions but one's own."""
        for other in [session for session in self.sessions if session is not by.session]:
            await self.revoke(by, other)

    async def leave(self, by: Credential, _: Session) -> None:
        """Sign out; an expired access token is good for that still."""
        verdict = by.verdict(self.now)
        if by.kind is Kind.OPAQUE:
            answer = await self.client.post(f"{B0}/signout", json={"session": by.value})
        else:
            answer = await self._ask("POST", f"{C}/logout", by)
        leaves = verdict is FINE or (verdict == EXPIRED and by.kind is Kind.ACCESS)
        assert answer.status_code == (200 if leaves else 401), answer.text
        if leaves:
            by.session.ended = by.session.ended or REVOKED

    async def leave_everywhere(self, by: Credential, _: Session) -> None:
        """Sign out of everything."""
        if by.verdict(self.now) is FINE and by.kind is not Kind.OPAQUE:
            answer = await self._ask("POST", f"{C}/logout", by, {"revoke_all_sessions": True})
            assert answer.status_code == 200, answer.text
            for session in self.sessions:
                session.revoke(self.now)

    async def change_password(self, by: Credential, _: Session) -> None:
        """Choose another password: other sessions end."""
        if by.kind is Kind.OPAQUE:
            return
        new = f"{PASSWORD} {len(self.password)}"
        body = {"current_password": self.password, "new_password": new}
        verdict = by.verdict(self.now)
        answer = await self._ask("POST", "/api/auth/change-password", by, body)
        assert answer.status_code == (200 if verdict is FINE else 401), answer.text
        if verdict is FINE:
            self.password, by.session.last = new, self.now
            for session in self.sessions:
                if session is not by.session:
                    session.revoke(self.now)

    # What is done to a person.

    async def set_rights(self, *, superuser: bool) -> None:
        """Promote or demote."""
        if self.active:
            await self._administer({"is_superuser": superuser})
            self.superuser = superuser

    async def set_active(self, *, active: bool) -> None:
        """Suspend or activate."""
        await self._administer({"is_active": active})
        for session in self.sessions if self.active and not active else []:
            session.revoke(self.now)
        self.active = active

    async def wait(self, seconds: int) -> None:
        self.running.clock.move(seconds=seconds)

    # What holds after each.

    async def check(self, *, proxy: bool) -> None:
        """Every credential ever given is answered as the model says, and carries the rights the person has now."""
        while not self.running.context.news.hearing:  # noqa: ASYNC110  # a busy machine may be late with its beat
            await asyncio.sleep(0.01)
        for credential in self.given:
            expected = credential.verdict(self.now)
            told = await self._told(credential, BACKGROUND, proxy=proxy)
            assert told == expected, (credential.kind, credential.session, self.now)
        alive = [session for session in self.sessions if session.verdict(self.now) is FINE]
        assert len(alive) <= MOST

    async def _told(self, credential: Credential, headers: dict[str, str], *, proxy: bool = False) -> str | None:
        if credential.kind is Kind.OPAQUE:
            answer = await self.client.post(f"{B0}/info", json={"session": credential.value}, headers=headers)
        else:
            answer = await self._ask("GET", VERIFY if proxy else WHO, credential, headers=headers)
        if answer.status_code == 200:
            if answer.content and credential.kind is not Kind.OPAQUE:
                assert answer.json()["is_superuser"] is self.superuser
            assert answer.headers.get("x-user-role") in {None, "admin" if self.superuser else "user"}
            return FINE
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"].startswith("Bearer")
        return str(answer.json()["error_code"])

    async def _ask(
        self,
        method: str,
        path: str,
        by: Credential,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        shown = {"Authorization": f"Bearer {by.value}"}
        if by.kind is Kind.COOKIE:
            shown = {"Cookie": f"session_id={by.value}", "X-CSRF-Token": tokens.csrf_token(by.value)}
        return await self.client.request(method, path, json=body, headers={**shown, **(headers or {})})

    async def _administer(self, change: dict[str, object]) -> None:
        path = f"/api/auth/admin/users/{self.person.id}"
        if (await self.admin.get(WHO)).status_code == 401:
            await self.running.people.signed_in(self.admin)
        answer = await self.admin.put(path, change)
        assert answer.status_code == 200, answer.text

    async def _opened(self, kind: str, answer: httpx.Response, *, remember: bool) -> None:
        life, idle = (MONTH, LONG_IDLE) if remember else (DAY, None if kind == "opaque" else IDLE)
        session = Session("", self.now, self.now, self.now + life, idle)
        for one in self.sessions:
            one.settle(self.now)
        alive = [one for one in self.sessions if one.ended is None]
        for one in sorted(alive, key=lambda one: one.begun)[: max(0, len(alive) - MOST + 1)]:
            one.ended = REVOKED
        self.sessions.append(session)
        if kind == "opaque":
            self.given.append(Credential(Kind.OPAQUE, answer.json()["session"], session, session.ends))
        if kind in {"page", "form"}:
            self.given.append(Credential(Kind.COOKIE, answer.cookies["session_id"], session, session.ends))
        if kind in {"json", "form"}:
            token = answer.json()["data"]["token"] if kind == "json" else answer.json()
            self.refreshes.append(Refresh(token["refresh_token"], session))
            self._access(token["access_token"], session)
        session.id = await self._id_of(self.given[-1])

    def _access(self, token: str, session: Session) -> None:
        self.given.append(Credential(Kind.ACCESS, token, session, min(self.now + TOKEN, session.ends)))

    async def _id_of(self, credential: Credential) -> str:
        if credential.kind is Kind.ACCESS:
            return _id_in(credential.value)
        if credential.kind is Kind.OPAQUE:
            answer = await self.client.post(f"{B0}/sessions", json={"session": credential.value})
            listed = answer.json()["sessions"]
        else:
            listed = (await self._ask("GET", f"{C}/sessions", credential, headers=BACKGROUND)).json()["data"]
        return str(next(one["id"] for one in listed if one["is_current"]))


def _id_in(token: str) -> str:
    return str(jwt.get_unverified_claims(token)["sid"])


Step = tuple[Any, ...]
BY_CREDENTIAL: Final = ("revoke", "revoke_others", "leave", "leave_everywhere", "change_password")
WAITS: Final = (1, 5, 10, 11, 240, 1199, 1200, 1201, 3599, 3600, 4 * 3600, 24 * 3600 - 1, 24 * 3600, 13 * 86400)


async def _live(story: Story, step: Step) -> None:
    """Do one step; credentials, sessions and refresh tokens are counted from the newest."""
    match step:
        case "touch", int(which) if story.given:
            await story.touch(story.given[-1 - which % len(story.given)])
        case "refresh", int(which) if story.refreshes:
            await story.refresh(story.refreshes[-1 - which % len(story.refreshes)])
        case str(act), int(which), int(whom):
            by, session = story.given[-1 - which % len(story.given)], story.sessions[-1 - whom % len(story.sessions)]
            await getattr(story, act)(by, session)
        case "sign_in", str(kind), bool(remember):
            await story.sign_in(kind, remember=remember)
        case "superuser", bool(superuser):
            await story.set_rights(superuser=superuser)
        case "active", bool(active):
            await story.set_active(active=active)
        case "wait", int(seconds):
            await story.wait(seconds)


_which: Final = st.one_of(st.integers(0, 2), st.integers(0, 20))
_sign_in: Final = st.tuples(st.just("sign_in"), st.sampled_from(["json", "form", "page", "opaque"]), st.booleans())
STEPS: Final = st.one_of(
    _sign_in,
    st.tuples(st.just("touch"), _which),
    st.tuples(st.just("refresh"), _which),
    st.tuples(st.just("refresh"), _which),
    st.tuples(st.just("wait"), st.sampled_from(WAITS)),
    st.tuples(st.sampled_from(BY_CREDENTIAL), _which, _which),
    st.tuples(st.sampled_from(["superuser", "active"]), st.booleans()),
)


@pytest.mark.settings(rate_limits=False, max_sessions_per_user=MOST)
@settings(
    max_examples=12,
    phases=(Phase.generate,),  # shrinking would take minutes, and a story is short enough to be read
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=6, max_size=16))
async def test_every_credential_is_good_as_long_as_it_should_be(running: Application, steps: list[Step]) -> None:
    admin, person = await running.people.admin(), await running.people.active()
    async with running.browser() as client:
        story = Story(running, admin, person, client)
        story.was_signed_in()
        for number, step in enumerate(steps):
            await _live(story, step)
            await story.check(proxy=number % 2 == 1)
