"""All that is kept about a person, handed to them in one zip (GDPR articles 15 and 20)."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Generator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from textwrap import indent
from typing import Any, Final, TypeVar
from uuid import UUID

from backend.clock import rfc3339
from backend.context import Context
from backend.errors import DownloadsBusy, TooManyRequests, UserNotFound
from backend.identifiers import email_key
from backend.models import AuditEvent, Invitation, Mail, User, UserSession
from backend.provisioners import Kept
from backend.services.archive import LARGE, Archive, safe_name
from backend.services.audit import Action, Origin
from backend.services.throttle import Throttle
from backend.services.work import Services, reading, unit_of_work
from backend.stores.organizations import Place

T = TypeVar("T")
Row = TypeVar("Row", AuditEvent, Invitation, Mail, UserSession)

_MINUTE: Final = 60
_MOST_AT_ONCE: Final = 8
_PAGE: Final = 500
_PIECE: Final = 2**18
_PARTS_AT_ONCE: Final = 64
_LONGEST_LIST: Final = 1000
_SECRETS_OF_ACCOUNTS: Final = {"hashed_password"}
_SECRETS_OF_SESSIONS: Final = {"credential_digest", "epoch", "user_id"}
_FROM_WHERE: Final = {"ip_address", "user_agent", "request_id"}
_WHAT: Final = {"reason", "details"}
_README: Final = """\
This is the data that the service stores about you, as of {now:%Y-%m-%d at %H:%M} UTC.

account.json    your account, without the hash of your password
sessions.json   your sessions: device, address and time, for as long as they are stored
history.json    what you did and what happened to your account; other people only by their id
mails.json      the mails that were sent to you, and when
organizations.json  the organizations you belong to, since when, and your role
invitations.json    invitations to organizations: those you sent, those you accepted, and those to your email address
files/          your directory; unsafe file names are changed and end in a mark such as ~1a2b3c4d
left_out.json   only if some files could not be copied: links, pipes, and unreadable files

All times are UTC. The .json files are plain text.
"""


async def begin(context: Context, user_id: UUID, origin: Origin, *, by: UUID | None) -> "OwnData":
    """Begin to hand out what is kept about somebody, to themselves or (None) by the command line; it is on record then.

    Raises:
        TooManyRequests: the person has asked too often, or is being sent it already.
        DownloadsBusy: as many are being sent as files may be open for.
        UserNotFound: there is no such account.
    """
    if user_id in context.downloads:
        raise TooManyRequests(retry_after=_MINUTE, limit=1, window=_MINUTE)
    if len(context.downloads) >= _MOST_AT_ONCE:
        raise DownloadsBusy
    context.downloads.add(user_id)  # before anything is awaited: others may ask meanwhile
    try:
        user = await _recorded(context, user_id, origin, by=by)
    except BaseException:
        context.downloads.discard(user_id)
        raise
    return OwnData(context, user)


async def _recorded(context: Context, user_id: UUID, origin: Origin, *, by: UUID | None) -> User:
    if by:
        await Throttle.of(context).own_data(str(by))
    async with unit_of_work(context, origin) as services:
        user = await services.users.user_db.get(user_id)
        if user is None:
            raise UserNotFound
        await services.audit.record(Action.OWN_DATA_EXPORTED, target=user_id, actor=by)
    return user


class OwnData:
    """The zip, which is read while it is sent. `close` it, sent or not."""

    def __init__(self, context: Context, user: User) -> None:
        """Prepare it; nothing is read yet."""
        self._context = context
        self._user = user
        self._now = context.clock.now()
        self._archive = Archive()
        self._rest = self._files_and_end()
        self._turn = threading.Lock()

    @property
    def file_name(self) -> str:
        """What to call it: plain ASCII, and nobody's name."""
        return f"own-data-{self._now:%Y-%m-%d}.zip"

    async def pieces(self) -> AsyncIterator[bytes]:
        """Write it, some 256 KiB at a time; however much there is, no more than that is in memory.

        The database is asked a page at a time, and never while somebody waits for the next piece.

        Raises:
            DatabaseUnavailable: it does not answer; what was written is no whole zip.
        """
        yield await self._apart(self._beginning)
        async for piece in self._listed("sessions.json", _sessions, self._session):
            yield piece
        async for piece in self._listed("history.json", _events, self._event):
            yield piece
        async for piece in self._listed("mails.json", _mails, _mail):
            yield piece
        async with reading(self._context) as look:
            places = await look.organizations.mine(self._user.id)
        yield await self._apart(partial(self._organizations, places))
        async for piece in self._listed("invitations.json", self._invitations, self._invitation):
            yield piece
        while (more := await self._apart(self._next_piece)) is not None:
            if more:
                yield more

    def close(self) -> None:
        """Release what it holds, once the piece that is being made is finished."""
        self._context.downloads.discard(self._user.id)
        asyncio.get_running_loop().run_in_executor(None, self._in_turn, self._release)

    async def _apart(self, work: Callable[[], T]) -> T:
        """Run work in a thread, one piece at a time."""
        return await asyncio.to_thread(self._in_turn, work)

    def _in_turn(self, work: Callable[[], T]) -> T:
        with self._turn:  # whoever waited for a piece may be gone before it is finished
            return work()

    def _release(self) -> None:
        self._rest.close()
        self._archive.close()

    def _beginning(self) -> bytes:
        account = _json(_columns(self._user, _SECRETS_OF_ACCOUNTS))
        return self._whole("README.txt", _README.format(now=self._now)) + self._whole("account.json", f"{account}\n")

    def _whole(self, name: str, text: str) -> bytes:
        return self._archive.whole(name, text.encode(), self._now.timestamp())

    def _organizations(self, places: Sequence[Place]) -> bytes:
        shown = [
            {"id": one.organization.id, "name": one.organization.name, "role": one.role, "since": one.since}
            for one in places
        ]
        return self._whole("organizations.json", f"{_json(shown)}\n")

    async def _invitations(self, look: Services, user_id: UUID, after: UUID | None) -> Sequence[Invitation]:
        # What was sent to an address that nobody has proven may be somebody else's.
        key = email_key(self._user.email) if self._user.is_verified else None
        return await look.invitation_store.all_of(user_id, key, after, _PAGE)

    def _invitation(self, invitation: Invitation) -> dict[str, Any]:
        """Show an invitation, without who else took part in it."""
        by_them, used_by_them = (someone == self._user.id for someone in (invitation.invited_by, invitation.used_by))
        theirs = used_by_them or invitation.email_key == email_key(self._user.email)
        shown = _columns(invitation, {"email_key", "invited_by", "used_by"} | (set() if theirs else {"email"}))
        return {**shown, "made_by_you": by_them, "used_by_you": used_by_them}

    async def _listed(
        self,
        name: str,
        read: Callable[[Services, UUID, UUID | None], Awaitable[Sequence[Row]]],
        shown: Callable[[Row], Mapping[str, Any]],
    ) -> AsyncIterator[bytes]:
        """Write rows as one JSON list."""
        after: UUID | None = None
        yield await self._apart(partial(self._archive.begin, name, self._now.timestamp()))
        while True:
            async with reading(self._context) as look:
                rows = await read(look, self._user.id, after)
            yield await self._apart(partial(self._page, [shown(row) for row in rows], first=after is None))
            if len(rows) < _PAGE:
                break
            after = rows[-1].id
        yield await self._apart(lambda: self._archive.add(b"\n]\n") + self._archive.finish())

    def _page(self, rows: Sequence[Mapping[str, Any]], *, first: bool) -> bytes:
        text = ",\n".join(indent(_json(row), "  ") for row in rows)
        before = "[\n" if first else ",\n" if rows else ""
        return self._archive.add(f"{before}{text}".encode())

    def _next_piece(self) -> bytes | None:
        piece = bytearray()
        for number, part in enumerate(self._rest, 1):
            piece += part
            if len(piece) >= _PIECE or number == _PARTS_AT_ONCE:
                return bytes(piece)
        return bytes(piece) or None

    def _files_and_end(self) -> Generator[bytes, None, None]:
        left_out, more = [], 0
        with closing(self._context.provisioner.walk(self._user.id)) as everything:
            for kept in everything:
                if not (yield from self._file(kept)):
                    more += 1
                    if more <= _LONGEST_LIST:
                        left_out.append(safe_name(kept.path))
        if left_out:
            yield self._whole("left_out.json", f"{_json({'count': more, 'names': left_out})}\n")
        yield from self._archive.end()

    def _file(self, kept: Kept) -> Generator[bytes, None, bool]:
        """Write a file; False if it could not be read, or not to its end."""
        if kept.file is None:
            yield b""
            return False
        yield self._archive.begin(f"files/{safe_name(kept.path)}", kept.modified, large=kept.size >= LARGE)
        left, whole = kept.size, True  # what is appended meanwhile may never come to an end
        while left:
            try:
                data = kept.file.read(min(left, _PIECE))
            except OSError:
                data, whole = b"", False
            if not data:
                break
            left -= len(data)
            yield self._archive.add(data)
        yield self._archive.finish()
        return whole

    def _session(self, session: UserSession) -> dict[str, Any]:
        shown = _columns(session, _SECRETS_OF_SESSIONS)
        return {**shown, "last_activity": self._context.touches.newest(session.id, session.last_activity)}

    def _event(self, event: AuditEvent) -> dict[str, Any]:
        """Show a record, without what it tells about somebody else."""
        by_another = event.actor_id not in {None, self._user.id}
        about_another = event.target_id not in {None, self._user.id}
        return _columns(event, (_FROM_WHERE if by_another else set()) | (_WHAT if about_another else set()))


async def _sessions(look: Services, user_id: UUID, after: UUID | None) -> Sequence[UserSession]:
    return await look.session_store.all_of(user_id, after, _PAGE)


async def _events(look: Services, user_id: UUID, after: UUID | None) -> Sequence[AuditEvent]:
    return await look.audit.store.all_of(user_id, after, _PAGE)


async def _mails(look: Services, user_id: UUID, after: UUID | None) -> Sequence[Mail]:
    return await look.mails.all_of(user_id, after, _PAGE)


def _mail(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "purpose": mail.purpose,
        "state": mail.state,
        "about": mail.about,
        "queued_at": mail.created_at,
        "sent_at": mail.sent_at,
    }


def _columns(row: User | UserSession | AuditEvent | Invitation, without: Collection[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).model_fields if name not in without}


def _json(value: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value)
