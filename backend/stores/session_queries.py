"""What requests and sign-ins ask about sessions: made once, for to make a statement takes longer than to ask it."""

from typing import Any, Final

from sqlalchemy import Select, bindparam, select
from sqlmodel import col

from backend.models import User, UserSession

IDENTITY: Final = (
    User.id,
    User.username,
    User.email,
    User.full_name,
    User.role,
    User.is_verified,
    User.must_change_password,
    User.tier_id,
    UserSession.id,
    UserSession.carrier,
    UserSession.remembered,
)
_FOUND: Final = (
    UserSession.last_activity,
    UserSession.expires_at,
    UserSession.ended_because,
    UserSession.user_agent,
    UserSession.epoch,
    User.token_epoch,
    User.status,
)
_OPEN: Final = (
    UserSession.id,
    UserSession.carrier,
    UserSession.remembered,
    UserSession.last_activity,
    UserSession.expires_at,
)

_FIND: Final[Select[Any]] = select(*IDENTITY, *_FOUND).join(User, col(User.id) == col(UserSession.user_id))  # type: ignore[call-overload]  # SQLModel's columns are typed as what they hold
BY_ID: Final = _FIND.where(col(UserSession.id) == bindparam("id"))
BY_CREDENTIAL: Final = _FIND.where(col(UserSession.credential_digest) == bindparam("digest"))
"""A session as `Found`: the columns of its person's identity, then its own."""

OPEN: Final[Select[Any]] = (
    select(*_OPEN)  # type: ignore[call-overload]  # as above
    .where(col(UserSession.user_id) == bindparam("user_id"), col(UserSession.ended_at).is_(None))
    .order_by(col(UserSession.created_at), col(UserSession.id))
)
"""Somebody's sessions as `Open`, oldest first."""

_OF_PERSON: Final = select(col(UserSession.id)).where(col(UserSession.user_id) == bindparam("user_id"))
_OF_DEVICE: Final = _OF_PERSON.where(col(UserSession.device_id) == bindparam("sign"))
_OF_AGENT: Final = _OF_PERSON.where(col(UserSession.agent).is_not_distinct_from(bindparam("sign")))
KNOWS_DEVICE: Final = select(_OF_DEVICE.exists(), _OF_PERSON.exists())
KNOWS_AGENT: Final = select(_OF_AGENT.exists(), _OF_PERSON.exists())
"""Whether a person has ever signed in by what bears this sign, and whether by anything."""
