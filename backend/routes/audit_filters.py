"""What the audit can be filtered by, as an address says it: the API's and the page's."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, StringConstraints, model_validator

from backend.errors import UserNotFound
from backend.schemas.types import Text
from backend.services.audit import Action
from backend.services.audit_trail import AuditTrail, Group, Search
from backend.services.networks import as_address

Who = Annotated[Text, StringConstraints(max_length=320, strip_whitespace=True)]
"""A username, an email address or an id."""


class Filters(BaseModel):
    """Which records; what is empty asks for nothing. Days are those of UTC, and both are included."""

    model_config = ConfigDict(extra="forbid")

    action: Action | Group | None = None
    actor: Who | None = None
    target: Who | None = None
    ip_address: IPvAnyAddress | Literal["unknown"] | None = None
    since: date | None = Field(default=None, alias="from")
    until: date | None = None

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, values: Any) -> Any:  # noqa: ANN401  # anything may be sent
        return {name: value for name, value in values.items() if value != ""} if isinstance(values, dict) else values

    async def search(self, trail: AuditTrail) -> Search:
        """Return what is looked for.

        Raises:
            UserNotFound: nobody has the username or the address.
        """
        address = str(self.ip_address) if self.ip_address else None
        return Search(
            self.action,
            actor=await _called(self.actor, trail),
            target=await _called(self.target, trail),
            ip_address=str(as_address(address) or address) if address else None,
            since=self.since,
            until=self.until,
        )


async def _called(who: str | None, trail: AuditTrail) -> UUID | None:
    found = await trail.somebody(who) if who else None
    if who and found is None:
        raise UserNotFound
    return found
