"""The names people sign in with, each belonging to one account."""

from enum import StrEnum
from uuid import UUID

from sqlmodel import Field, SQLModel

from backend.models.types import words


class IdentifierKind(StrEnum):
    """What kind of name it is."""

    EMAIL = "email"
    USERNAME = "username"


class Identifier(SQLModel, table=True):
    """A taken name in its normal form. The primary key is the promise that no two accounts share one."""

    __tablename__ = "identifiers"

    kind: IdentifierKind = Field(primary_key=True, sa_type=words(IdentifierKind))
    key: str = Field(primary_key=True, max_length=1024)
    user_id: UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
