"""Taken names: the one place where two people cannot both win."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.errors import AlreadyTaken, EmailTaken, UsernameTaken
from backend.identifiers import email_key, username_key
from backend.models import Identifier, IdentifierKind

_TAKEN: Final[dict[IdentifierKind, type[AlreadyTaken]]] = {
    IdentifierKind.EMAIL: EmailTaken,
    IdentifierKind.USERNAME: UsernameTaken,
}


class IdentifierStore:
    """The `identifiers` table within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        """Work within this session's transaction."""
        self._session = session

    async def claim_email(self, email: str, user_id: UUID) -> None:
        """Take an address for an account.

        Raises:
            EmailTaken: another account holds it; the transaction can only be rolled back.
        """
        await self._claim(IdentifierKind.EMAIL, email_key(email), user_id)

    async def claim_username(self, username: str, user_id: UUID) -> None:
        """Take a username for an account.

        Raises:
            UsernameTaken: another account holds it; the transaction can only be rolled back.
        """
        await self._claim(IdentifierKind.USERNAME, username_key(username), user_id)

    async def release(self, user_id: UUID, kind: IdentifierKind) -> None:
        """Free the name of one kind of an account."""
        await self._session.exec(
            delete(Identifier).where(col(Identifier.user_id) == user_id, col(Identifier.kind) == kind)
        )

    async def release_all(self, user_ids: Collection[UUID]) -> None:
        """Free the names of accounts."""
        await self._session.exec(delete(Identifier).where(col(Identifier.user_id).in_(user_ids)))

    async def kinds_of(self, user_id: UUID) -> Sequence[IdentifierKind]:
        """Tell which kinds of names an account holds."""
        kinds = (await self._session.exec(select(Identifier.kind).where(Identifier.user_id == user_id))).all()
        return [IdentifierKind(kind) for kind in kinds]

    async def is_taken(self, username: str) -> bool:
        """Tell whether an account holds a username."""
        return bool(await self.taken(IdentifierKind.USERNAME, [username_key(username)]))

    async def check_free(self, email: str, username: str | None) -> None:
        """Look before the costly part of a registration; only `claim_…` decides.

        Raises:
            EmailTaken, UsernameTaken: an account holds it.
        """
        for refusal in await self.conflicts(email, username):
            raise refusal

    async def conflicts(self, email: str | None, username: str | None) -> Sequence[AlreadyTaken]:
        """Tell which of two names belong to somebody, as the errors that say so; None asks about none."""
        wanted = {
            **({IdentifierKind.EMAIL: email_key(email)} if email is not None else {}),
            **({IdentifierKind.USERNAME: username_key(username)} if username is not None else {}),
        }
        return [_TAKEN[kind]() for kind, key in wanted.items() if await self.taken(kind, [key])]

    async def taken(self, kind: IdentifierKind, keys: Collection[str]) -> frozenset[str]:
        """Tell which of some normal forms belong to somebody."""
        query = select(Identifier.key).where(Identifier.kind == kind, col(Identifier.key).in_(keys))
        return frozenset((await self._session.exec(query)).all())

    async def _claim(self, kind: IdentifierKind, key: str, user_id: UUID) -> None:
        self._session.add(Identifier(kind=kind, key=key, user_id=user_id))
        try:
            await self._session.flush()
        except IntegrityError:
            raise _TAKEN[kind] from None
