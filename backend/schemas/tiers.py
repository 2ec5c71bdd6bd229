"""Tiers, their limits, and what an account has of them."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from backend.schemas.accounts import Account
from backend.schemas.answers import FromDomain
from backend.schemas.types import PageNumber, PageSize, Strict, Text, TierId, one_name_each

_COLUMNS: Final = {"limit": "amount", "name": "label"}


class TierBody(Strict):
    """A new tier. The default one is that of all accounts that have none of their own."""

    name: Text
    is_default: StrictBool = False


class TierChanges(Strict):
    """What changes of a tier; what is absent stays."""

    name: Text = ""
    is_default: StrictBool = False


class LimitBody(Strict):
    """At most `limit` requests of one account within `period` seconds to a path and all below it."""

    path: Text
    limit: StrictInt
    period: StrictInt
    name: Text | None = None


class LimitChanges(Strict):
    """What changes of a limit; what is absent stays."""

    path: Text = ""
    limit: StrictInt = 1
    period: StrictInt = 1
    name: Text | None = None

    def changes(self) -> dict[str, Any]:
        """Return what was sent, as the service calls it."""
        return {_COLUMNS.get(key, key): value for key, value in self.model_dump(exclude_unset=True).items()}


class TierOfUserBody(Strict):
    """Which tier an account gets; null takes it away."""

    tier_id: TierId | None


class PageQuery(Strict):
    """Which page of a list; `size` is another name of `items_per_page`."""

    page: PageNumber = 1
    items_per_page: PageSize = 10

    @model_validator(mode="before")
    @classmethod
    def _one_name_each(cls, values: Any) -> Any:  # noqa: ANN401  # anything may be sent
        return one_name_each(values)

    def of(self, total: int) -> dict[str, Any]:
        """Return what the answer says about a list of so many rows."""
        more = self.page * self.items_per_page < total
        return {"total_count": total, "has_more": more, "page": self.page, "items_per_page": self.items_per_page}


class TierAnswer(FromDomain):
    """A tier."""

    id: int
    name: str
    is_default: bool
    created_at: datetime
    updated_at: datetime


class ChangedTier(TierAnswer):
    """A tier after a change, and what happened."""

    message: str = "Tier updated successfully"


class LimitOfTier(FromDomain):
    """A limit, as the accounts that it applies to see it."""

    model_config = ConfigDict(populate_by_name=True)

    id: int
    tier_id: int
    name: str
    path: str
    limit: int = Field(validation_alias="amount")
    period: int


class LimitAnswer(LimitOfTier):
    """A limit of a tier."""

    created_at: datetime
    updated_at: datetime


class ChangedLimit(LimitAnswer):
    """A limit after a change, and what happened."""

    message: str = "Rate limit updated successfully"


class _Numbered(BaseModel):
    total_count: int
    has_more: bool
    page: int
    items_per_page: int


class TiersPage(_Numbered):
    """A page of the tiers, by name."""

    data: list[TierAnswer]


class LimitsPage(_Numbered):
    """A page of the limits of a tier, by path."""

    data: list[LimitAnswer]


class TierOfUser(Account):
    """An account with the tier that it was given; null where it has none of its own."""

    tier_name: str | None
    tier_created_at: datetime | None


class LimitsOfUser(Account):
    """An account with the limits in force: those of its tier or, where it has none of its own, of the default one."""

    tier_rate_limits: list[LimitOfTier]
