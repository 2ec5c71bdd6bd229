"""What lives as long as the process: settings, database, clock, keys, hash threads and the chosen plug-ins."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from backend.clock import Clock, SystemClock
from backend.errors import StartError
from backend.hashing import PasswordHasher
from backend.key_directory import KeyDirectory
from backend.keys import FixedKeys, Keys, shared_secret
from backend.notifiers import NOTIFIERS, Notifier
from backend.policies import POLICIES, RegistrationPolicy
from backend.provisioners import PROVISIONERS, Provisioner
from backend.provisioners.usage import UsageMeter
from backend.settings import Settings
from backend.stores.counters import Counters
from backend.stores.database import Database
from backend.stores.identities import IdentityCache
from backend.stores.lines import Lines
from backend.stores.news import Channel, News
from backend.stores.postgres_channel import PostgresChannel
from backend.stores.redis_channel import RedisChannel
from backend.stores.revision_channel import RevisionChannel
from backend.stores.tier_book import TierBook
from backend.stores.touches import Touches
from backend.tokens import TokenSigner

_DIRECTORY_MODE: Final = 0o700
_OTHERS: Final = 0o077


@dataclass(frozen=True)
class Compared:
    """The result of comparing directories with accounts: how many differed, or that comparing or repairing failed."""

    differences: int = 0
    failed: bool = False


@dataclass
class Context:
    """The long-lived parts, built once by `build` and handed down."""

    settings: Settings
    clock: Clock
    database: Database
    keys: Keys
    signer: TokenSigner
    hasher: PasswordHasher
    counters: Counters
    policy: RegistrationPolicy
    provisioner: Provisioner
    usage: UsageMeter
    cache: IdentityCache
    touches: Touches
    news: News
    tier_book: TierBook
    notifier: Notifier | None
    """How mail leaves; None in production without a mail server, where it stays in the outbox."""
    downloads: set[UUID] = field(default_factory=set)
    """The accounts to which their own data is being sent at this moment."""
    routes: Mapping[str, bool] = field(default_factory=dict)
    """The API paths that this process serves, in their normal form, and whether requests to each are counted against
    tiers; empty on the command line."""
    lines: Lines = field(default_factory=Lines)
    """The queues of sign-ins that wait for a password check."""
    compared: Compared | None = None
    """The result of the comparison at the start; None: not done yet."""
    mail_due: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process ends: background tasks then finish their current step and stop."""

    @classmethod
    def build(
        cls,
        settings: Settings,
        *,
        clock: Clock | None = None,
        notifier: Notifier | None = None,
        provisioner: Provisioner | None = None,
        database: Database | None = None,
    ) -> Self:
        """Put the parts together; the keyword arguments replace what the settings would choose.

        Raises:
            StartError: the data directory or the keys cannot be used.
        """
        _prepare(settings.data_dir)
        clock = clock or SystemClock()
        provisioner = provisioner or PROVISIONERS["directories"](settings.data_dir)
        cache, database = IdentityCache(settings.session_cache), database or Database(settings.database)
        keys = _keys(settings)
        return cls(
            settings=settings,
            clock=clock,
            database=database,
            keys=keys,
            signer=TokenSigner(keys.ring, settings.public_url),
            hasher=PasswordHasher(settings.argon2, queue=settings.hash_queue, patience=settings.hash_queue_seconds),
            counters=Counters(settings.redis_url.get_secret_value() if settings.redis_url else None),
            policy=POLICIES[settings.registration](),
            provisioner=provisioner,
            usage=UsageMeter(provisioner),
            cache=cache,
            touches=Touches(),
            news=News(_channel(settings, database), cache),
            tier_book=TierBook(enabled=settings.rate_limits),
            notifier=notifier or _notifier(settings, clock),
        )

    def stop(self) -> None:
        """Ask the background tasks to stop."""
        self.stopping.set()
        self.mail_due.set()

    async def close(self) -> None:
        """End the hash threads and close all connections."""
        self.hasher.close()
        await self.counters.close()
        await self.news.close()
        await self.database.close()


def _notifier(settings: Settings, clock: Clock) -> Notifier | None:
    if settings.mail_enabled:
        return NOTIFIERS["smtp"](settings, clock)
    return None if settings.production else NOTIFIERS["console"](settings, clock)


def _channel(settings: Settings, database: Database) -> Channel:
    if settings.redis_url:
        return RedisChannel(settings.redis_url.get_secret_value())
    if settings.embedded_database:
        return RevisionChannel(database.path)
    return PostgresChannel(database.asyncpg_arguments())


def _prepare(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        if data_dir.stat().st_mode & _OTHERS:
            data_dir.chmod(_DIRECTORY_MODE)  # a checkout creates it readable by everybody
        probe = data_dir / f".writable-{os.getpid()}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        raise StartError(
            f"The data directory {data_dir} cannot be written to ({error.strerror}). "
            "Give this user the right to, or set VESTIBULE_DATA_DIR to another directory."
        ) from None


def _keys(settings: Settings) -> Keys:
    if settings.jwt_algorithm == "HS256" and settings.secret_key:
        return FixedKeys(shared_secret(settings.secret_key.get_secret_value()))
    return KeyDirectory(settings.data_dir / "keys", refuse_readable=settings.production)
