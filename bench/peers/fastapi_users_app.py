"""fastapi-users as its documentation's full example for SQLAlchemy shows it.

PEER_DATABASE_URL names its database, PEER_STRATEGY is `jwt` or `database`. PEER_ARGON2 (`memory,passes,lanes`) gives
argon2 other parameters than the library's own, in the way the page about password hashes shows; without it they stay.
"""

import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Final, TypeAlias

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy, Strategy
from fastapi_users.authentication.strategy.db import AccessTokenDatabase, DatabaseStrategy
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase, SQLAlchemyBaseAccessTokenTableUUID
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

_SECRET: Final = "a secret of the benchmark, long enough for HS256"  # noqa: S105  # it protects nothing
_LIFETIME_SECONDS: Final = 3600


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class UserRead(schemas.BaseUser[uuid.UUID]):
    pass


class UserCreate(schemas.BaseUserCreate):
    pass


class UserUpdate(schemas.BaseUserUpdate):
    pass


engine = create_async_engine(os.environ["PEER_DATABASE_URL"])
async_session_maker = async_sessionmaker(engine, expire_on_commit=False)


async def get_async_session() -> AsyncIterator[AsyncSession]:
    async with async_session_maker() as session:
        yield session


InSession = Annotated[AsyncSession, Depends(get_async_session)]
UserDatabase: TypeAlias = SQLAlchemyUserDatabase[User, uuid.UUID]


async def get_user_db(session: InSession) -> AsyncIterator[UserDatabase]:
    yield SQLAlchemyUserDatabase(session, User)


async def get_access_token_db(session: InSession) -> AsyncIterator[AccessTokenDatabase[AccessToken]]:
    yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = _SECRET
    verification_token_secret = _SECRET


def _password_helper() -> PasswordHelper | None:
    given = os.environ.get("PEER_ARGON2")
    if not given:
        return None
    memory, passes, lanes = (int(part) for part in given.split(","))
    return PasswordHelper(PasswordHash((Argon2Hasher(time_cost=passes, memory_cost=memory, parallelism=lanes),)))


password_helper = _password_helper()


async def get_user_manager(user_db: Annotated[UserDatabase, Depends(get_user_db)]) -> AsyncIterator[UserManager]:
    yield UserManager(user_db, password_helper)


def get_jwt_strategy() -> Strategy[User, uuid.UUID]:
    return JWTStrategy(secret=_SECRET, lifetime_seconds=_LIFETIME_SECONDS)


def get_database_strategy(
    access_token_db: Annotated[AccessTokenDatabase[AccessToken], Depends(get_access_token_db)],
) -> Strategy[User, uuid.UUID]:
    return DatabaseStrategy(access_token_db, lifetime_seconds=_LIFETIME_SECONDS)


_strategies: dict[str, Callable[..., Strategy[User, uuid.UUID]]] = {
    "jwt": get_jwt_strategy,
    "database": get_database_strategy,
}
auth_backend = AuthenticationBackend[User, uuid.UUID](
    name="bearer",
    transport=BearerTransport(tokenUrl="auth/jwt/login"),
    get_strategy=_strategies[os.environ["PEER_STRATEGY"]],
)
fastapi_users = FastAPIUsers[User, uuid.UUID](get_user_manager, [auth_backend])


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield


app = FastAPI(lifespan=lifespan)
app.include_router(fastapi_users.get_auth_router(auth_backend), prefix="/auth/jwt")
app.include_router(fastapi_users.get_register_router(UserRead, UserCreate), prefix="/auth")
app.include_router(fastapi_users.get_users_router(UserRead, UserUpdate), prefix="/users")
