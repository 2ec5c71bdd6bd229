"""The user manager: the rules of the house as fastapi-users' routers ask for them."""

from uuid import UUID

from fastapi import Request
from fastapi.security import OAuth2PasswordRequestForm
from fastapi_users import BaseUserManager, UUIDIDMixin
from fastapi_users.schemas import BaseUserCreate

from backend.hashing import PasswordHasher
from backend.models import User
from backend.services.authentication import Authentication
from backend.services.recovery import Recovery
from backend.services.registration import Registration
from backend.services.sign_up import SignUp
from backend.stores.users import UserStore


class UserManager(UUIDIDMixin, BaseUserManager[User, UUID]):
    """Registration, sign-in and proofs of address, within one transaction."""

    user_db: UserStore

    def __init__(
        self,
        users: UserStore,
        hasher: PasswordHasher,
        sign_up: SignUp,
        authentication: Authentication,
        recovery: Recovery,
    ) -> None:
        """Take the parts that share the transaction."""
        super().__init__(users, hasher)
        self._sign_up = sign_up
        self._authentication = authentication
        self._recovery = recovery

    async def create(
        self,
        user_create: BaseUserCreate,
        safe: bool = False,  # noqa: ARG002, FBT001, FBT002  # fastapi-users' signature; rights never come from a body
        request: Request | None = None,  # noqa: ARG002
    ) -> User:
        """Register by fastapi-users' own call; fields that `Registration` does not have are ignored."""
        values = user_create.model_dump(include=set(Registration.__dataclass_fields__))
        return await self._sign_up.register(Registration(**values))

    async def authenticate(self, credentials: OAuth2PasswordRequestForm) -> User:
        """Let somebody sign in by fastapi-users' form; see `Authentication.check_password`."""
        return await self._authentication.check_password(credentials.username, credentials.password)

    async def get_by_email(self, user_email: str) -> User:
        """Return whose address this is, for fastapi-users' router that sends the proof of address once more.

        Every question counts, whoever asks about whomever: a count for known addresses alone would tell which are.

        Raises:
            TooManyRequests: too many questions from there, or about this address.
            UserNotExists: it is nobody's.
        """
        await self._recovery.count_proof(user_email)
        return await super().get_by_email(user_email)

    async def request_verify(self, user: User, request: Request | None = None) -> None:  # noqa: ARG002
        """Send the proof of address once more; who asks is not told whether that happened."""
        await self._recovery.request_verification(user)

    async def verify(self, token: str, request: Request | None = None) -> User:  # noqa: ARG002
        """Take an address as proven.

        Raises:
            BadVerifyToken: the token is unknown, used, superseded, too old, or for an address of before.
        """
        return await self._recovery.verify(token)
