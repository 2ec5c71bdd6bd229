"""Sessions as fastapi-users' routers see them: a strategy that reads, writes and destroys access tokens."""

from dataclasses import dataclass

from backend.models import SessionEnd, User
from backend.services.identity import Kind, identify
from backend.services.wiring import Services


@dataclass(frozen=True)
class SessionStrategy:
    """fastapi-users' `Strategy` over Vestibule's sessions, within one transaction."""

    services: Services

    async def read_token(self, token: str | None, user_manager: object) -> User | None:  # noqa: ARG002
        """Return whose token this is; None if there is none.

        Raises:
            InvalidToken, TokenExpired, SessionInactive, SessionRevoked: it is no good.
        """
        if token is None:
            return None
        context, origin = self.services.context, self.services.audit.origin
        identity = await identify(context, Kind.ACCESS_TOKEN, token, origin)
        return await self.services.users.get(identity.id)

    async def write_token(self, user: User) -> str:
        """Open a session and return its access token."""
        return await self.services.sessions.open_access(user)

    async def destroy_token(self, token: str, user: User) -> None:
        """End the session of a token."""
        claims = self.services.context.signer.read(token, self.services.context.clock.now())
        await self.services.sessions.end(claims.session_id, user.id, SessionEnd.USER_LOGOUT, actor=user.id)
