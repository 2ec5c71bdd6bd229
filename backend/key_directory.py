"""Signing keys as files: shared by processes, rotated and retired while they run."""

import fcntl
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from backend.errors import KeyInUse, KeyNotFound, StartError
from backend.keys import PUBLISHED_BEFORE_SIGNING, KeyRing, SigningKey, generate, parse

_DIRECTORY_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_OTHERS: Final = 0o077
_log = structlog.get_logger("vestibule.keys")


class _File(NamedTuple):
    """A key, and the modification time of its file when it was read."""

    changed: int
    key: SigningKey


class KeyDirectory:
    """ES256 keys in a directory that many processes share, a file each: `<when it begins to sign>-<random>.pem`.

    The file name holds the whole state of a key. A rotation adds one file that names a moment
    `PUBLISHED_BEFORE_SIGNING` ahead: a process that reads it publishes and accepts the key from then on, and every
    process begins to sign with it at that moment, without further coordination. The first key signs at once.

    Raises:
        StartError: the directory cannot be used, a file is no key, or others may read one and `refuse_readable`.
    """

    def __init__(self, directory: Path, *, refuse_readable: bool) -> None:
        """Read the keys; make the first one if there is none. Safe for many processes at once."""
        self._directory = directory
        self._refuse_readable = refuse_readable
        self._troubles: Collection[str] = frozenset()
        try:
            directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
            with self._alone():
                if not self._listing():
                    self._make(datetime.now(UTC))
                self._files = {name: self._read(name, changed) for name, changed in self._listing().items()}
        except OSError as error:
            raise StartError(f"The signing keys in {directory} cannot be used: {error.strerror}.") from None
        self._ring = _ring_of(self._files)

    def ring(self) -> KeyRing:
        """Return the keys as of the last `look`."""
        return self._ring

    def look(self) -> bool:
        """Read the files that changed; tell whether the key ring changed.

        Never raises. A file that cannot be read changes nothing: a key that was known stays, a new one is not taken.
        All other files count, so that a retired key is gone whatever lies beside it. An empty or unreadable directory
        leaves the ring as it is. Each trouble is logged once, and tried again with every look.
        """
        try:
            listing = self._listing()
        except OSError as error:
            self._report({f"The signing keys in {self._directory} cannot be listed: {error.strerror}."})
            return False
        files: dict[str, _File] = {}
        troubles = set()
        for name, changed in listing.items():
            former = self._files.get(name)
            try:
                files[name] = former if former and former.changed == changed else self._read(name, changed)
            except StartError as error:
                troubles.add(error.detail)
                if former:
                    files[name] = former
        if not files:
            troubles.add(f"There is no signing key left in {self._directory}; the former ones stay in use.")
        self._report(troubles)
        self._files = files or self._files
        former_ring, self._ring = self._ring, _ring_of(self._files)
        return self._ring != former_ring

    def rotate(self, now: datetime, *, at_once: bool = False) -> SigningKey:
        """Make a key that is published now and signs after `PUBLISHED_BEFORE_SIGNING`.

        `at_once` lets it sign now, because the present key has leaked: apps that cache the key set refuse the new
        tokens until they fetch it again.

        Raises:
            StartError: the directory cannot be written to.
        """
        try:
            with self._alone():
                key = self._make(now if at_once else now + PUBLISHED_BEFORE_SIGNING)
        except OSError as error:
            raise StartError(f"No key can be made in {self._directory}: {error.strerror}.") from None
        self.look()
        return key

    def retire(self, kid: str, now: datetime) -> None:
        """Stop accepting a key: delete its file.

        No copy is kept: the private key would serve only forgers, and the `kid` of a token tells which key signed it.

        Raises:
            KeyNotFound: no key has this name.
            KeyInUse: it is the one that signs.
            StartError: the file cannot be deleted.
        """
        try:
            with self._alone():
                self.look()
                key = self._ring.find(kid)
                if key is None:
                    raise KeyNotFound
                if key.kid == self._ring.active(now).kid:
                    raise KeyInUse
                for name, file in self._files.items():
                    if file.key.kid == kid:
                        (self._directory / name).unlink(missing_ok=True)
                self._sync()
        except OSError as error:
            raise StartError(f"The key {kid} cannot be deleted: {error.strerror}.") from None
        self.look()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _listing(self) -> dict[str, int]:
        return {path.name: _changed(path) for path in self._directory.iterdir() if path.suffix == ".pem"}

    def _make(self, begin: datetime) -> SigningKey:
        """Write a new key; its file is there whole or not at all."""
        pem = generate()
        while (key := parse(pem, begin)).kid.startswith("-"):  # a command line would take it for an option
            pem = generate()
        path = self._directory / f"{begin.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{os.urandom(4).hex()}.pem"
        unfinished = path.with_suffix(".unfinished")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        self._sync()
        return key

    def _sync(self) -> None:
        """Flush the directory to disk: a power cut must not bring a retired key back."""
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _read(self, name: str, changed: int) -> _File:
        path = self._directory / name
        try:
            if self._refuse_readable and path.stat().st_mode & _OTHERS:
                raise StartError(f"The signing key {path} can be read by others; run: chmod 600 {path}")
            pem = path.read_bytes()
        except OSError as error:
            raise StartError(f"The signing key {path} cannot be read: {error.strerror}.") from None
        try:
            begin = datetime.fromisoformat(name.partition("-")[0])
            return _File(changed, parse(pem, begin.astimezone(UTC) if begin.tzinfo else begin.replace(tzinfo=UTC)))
        except Exception as error:
            raise StartError(f"{path} is not an ES256 signing key named <time>-<name>.pem.") from error

    def _report(self, troubles: Collection[str]) -> None:
        for trouble in troubles:
            if trouble not in self._troubles:
                _log.error("signing_keys_troubled", reason=trouble)
        self._troubles = troubles


def _ring_of(files: Mapping[str, _File]) -> KeyRing:
    found = sorted(files.items(), key=lambda item: (item[1].key.signs_from, item[0]))
    return KeyRing(tuple(file.key for _, file in found))


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # just deleted, or a broken link: reading it will raise
        return 0
