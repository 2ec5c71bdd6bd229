"""All that is kept about a person, handed to them in one zip (GDPR articles 15 and 20)."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import closing
from functools import partial
from textwrap import indent
from typing import Any, Final, TypeVar
from uuid import UUID

from backend.context import Context
from backend.errors import DownloadsBusy, TooManyRequests, UserNotFound
from backend.models import User
from backend.provisioners import Kept
from backend.services.archive import LARGE, Archive, safe_name
from backend.services.audit import Action, Origin
from backend.services.own_records import OwnRecords, Read, written
from backend.services.throttle import Throttle
from backend.services.work import reading, unit_of_work

T = TypeVar("T")

_MINUTE: Final = 60
_MOST_AT_ONCE: Final = 8
_PIECE: Final = 2**18
_PARTS_AT_ONCE: Final = 64
_LONGEST_LIST: Final = 1000
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
        await Throttle.of(context).own_data(by)
    async with unit_of_work(context, origin) as services:
        user = await services.users.get(user_id)
        if user is None:
            raise UserNotFound
        await services.audit.record(Action.OWN_DATA_EXPORTED, target=user_id, actor=by)
    return user


class OwnData:
    """The zip, which is read while it is sent. `close` it, sent or not."""

    def __init__(self, context: Context, user: User) -> None:
        """Prepare it; nothing is read yet."""
        self._context = context
        self._user_id = user.id
        self._records = OwnRecords(user, context.touches)
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
        async for piece in self._listed("sessions.json", self._records.sessions):
            yield piece
        async for piece in self._listed("history.json", self._records.history):
            yield piece
        async for piece in self._listed("mails.json", self._records.mails):
            yield piece
        async with reading(self._context) as look:
            places = await self._records.organizations(look)
        yield await self._apart(partial(self._whole, "organizations.json", f"{written(places)}\n"))
        async for piece in self._listed("invitations.json", self._records.invitations):
            yield piece
        while (more := await self._apart(self._next_piece)) is not None:
            if more:
                yield more

    def close(self) -> None:
        """Release what it holds, once the piece that is being made is finished."""
        self._context.downloads.discard(self._user_id)
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
        account = written(self._records.account())
        return self._whole("README.txt", _README.format(now=self._now)) + self._whole("account.json", f"{account}\n")

    def _whole(self, name: str, text: str) -> bytes:
        return self._archive.whole(name, text.encode(), self._now.timestamp())

    async def _listed(self, name: str, read: Read) -> AsyncIterator[bytes]:
        """Write rows as one JSON list."""
        after: UUID | None = None
        yield await self._apart(partial(self._archive.begin, name, self._now.timestamp()))
        while True:
            async with reading(self._context) as look:
                rows, last = await read(look, after)
            yield await self._apart(partial(self._page, rows, first=after is None))
            if last is None:
                break
            after = last
        yield await self._apart(lambda: self._archive.add(b"\n]\n") + self._archive.finish())

    def _page(self, rows: Sequence[Mapping[str, Any]], *, first: bool) -> bytes:
        text = ",\n".join(indent(written(row), "  ") for row in rows)
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
        with closing(self._context.provisioner.walk(self._user_id)) as everything:
            for kept in everything:
                if not (yield from self._file(kept)):
                    more += 1
                    if more <= _LONGEST_LIST:
                        left_out.append(safe_name(kept.path))
        if left_out:
            yield self._whole("left_out.json", f"{written({'count': more, 'names': left_out})}\n")
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
