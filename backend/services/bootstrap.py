"""The first superuser: whoever registers first, exactly once, however many try at the same moment."""

from dataclasses import dataclass
from uuid import UUID

from backend import tokens
from backend.clock import Clock
from backend.errors import BootstrapTokenRequired
from backend.models import Installation
from backend.services.audit import Action, Audit
from backend.stores.installation import InstallationStore


@dataclass(frozen=True)
class Bootstrap:
    """Claims the first superuser within one transaction."""

    installation: InstallationStore
    audit: Audit
    clock: Clock
    by_token: bool

    def check_token(self, installation: Installation, given: str | None) -> None:
        """Check the token of the first registration, where the settings want one.

        Raises:
            BootstrapTokenRequired: it is missing or wrong.
        """
        expected = installation.bootstrap_digest or ""
        if self.by_token and not (given and tokens.same(tokens.digest(given), expected)):
            raise BootstrapTokenRequired

    async def claim(self, user_id: UUID) -> None:
        """Make this account the first superuser; call it with the installation locked and unclaimed."""
        await self.installation.claim(user_id, self.clock.now())
        await self.audit.record(Action.FIRST_SUPERUSER, target=user_id, actor=user_id)

    async def new_token(self, *, renew: bool) -> str | None:
        """Make the token that the first registration needs; None where it needs none, or has one and not `renew`."""
        installation = await self.installation.lock()
        if not self.by_token or installation.claimed_at or (installation.bootstrap_digest and not renew):
            return None
        token = tokens.opaque()
        await self.installation.expect_token(tokens.digest(token))
        return token
