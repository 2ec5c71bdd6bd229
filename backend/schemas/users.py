"""Dialects B1 and B3, `/api/v1/users/*`: the people."""

from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AliasChoices, BaseModel, Field, StrictBool, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from backend.models import Role, Status
from backend.schemas.accounts import Account
from backend.schemas.profile import WithoutRights
from backend.schemas.types import (
    Email,
    FullName,
    ImageUrl,
    Institution,
    Moment,
    Name,
    Note,
    PageNumber,
    PageSize,
    Reason,
    Strict,
    Text,
    TierId,
    Username,
    WantedTier,
    one_name_each,
)
from backend.stores.listings import Wanted

_MOST: Final = 10_000
"""Accounts in one call."""


class SignUpByEmail(WithoutRights):
    """Who signs up (B1); without a username, one is made from the address. The only role to ask for is the default."""

    email: Email
    password: Text
    full_name: FullName = Field(default=None, validation_alias=AliasChoices("full_name", "name"))
    username: Username | None = None
    role: Literal["user"] = "user"
    approval_note: Note = None
    institution: Institution = None
    bootstrap_token: Text | None = None


class SignUpByName(Strict):
    """Who signs up (B3). Links to other accounts come from their providers, never from a body."""

    name: Name
    username: Username
    email: Email
    password: Text
    role: Literal["user"] = "user"
    approval_note: Note = None
    institution: Institution = None
    google_id: None = None
    github_id: None = None
    oauth_provider: None = None
    bootstrap_token: Text | None = None


class ProfileChanges(Strict):
    """What people change about themselves by their username, or administrators about others (B3).

    The default role may be named, and says nothing.
    """

    name: FullName = None
    username: Username = ""
    email: Email = ""
    profile_image_url: ImageUrl = None
    role: Literal["user"] = "user"
    current_password: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_name(cls, values: Any) -> Any:  # noqa: ANN401  # anything may be sent
        """Take `full_name` for `name`, once."""
        if not isinstance(values, dict) or "full_name" not in values:
            return values
        if values.get("name", values["full_name"]) != values["full_name"]:
            raise PydanticCustomError("names_differ", "Give one of name and full_name.")
        return {key: value for key, value in values.items() if key != "full_name"} | {"name": values["full_name"]}

    def changes(self) -> dict[str, Any]:
        """Return what was sent, but for the role and the password, by the names of columns."""
        sent = self.model_dump(exclude_unset=True, exclude={"role", "current_password"})
        return {"full_name" if key == "name" else key: value for key, value in sent.items()}


class AdminChanges(WithoutRights):
    """What administrators change by id (B1); what is absent stays. Their own address needs their password."""

    refused: ClassVar[tuple[str, ...]] = ("hashed_password", "id", "is_approved")

    full_name: FullName = Field(default=None, validation_alias=AliasChoices("full_name", "name"))
    username: Username = ""
    email: Email = ""
    institution: Institution = None
    profile_image_url: ImageUrl = None
    approval_note: Note = None
    role: Role = Role.USER
    status: Status = Status.ACTIVE
    is_active: StrictBool = True
    is_superuser: StrictBool = False
    is_verified: StrictBool = False
    tier_id: TierId | None = None
    access_expires_at: Moment | None = None
    suspended_until: Moment | None = None
    reason: Reason = None
    current_password: Text | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        for one, other in (("status", "is_active"), ("role", "is_superuser")):
            if {one, other} <= self.model_fields_set:
                raise PydanticCustomError("twice", "Give one of {one} and {other}.", {"one": one, "other": other})
        return self

    def changes(self) -> dict[str, Any]:
        """Return what was sent, but for the reason and the password."""
        return self.model_dump(exclude_unset=True, exclude={"reason", "current_password"})


class ResetConfirmation(BaseModel):
    """A reset token and the password to set."""

    token: Text
    new_password: Text = Field(validation_alias=AliasChoices("new_password", "password"))


class ConfirmBody(BaseModel):
    """Whether somebody means it: only `true` does."""

    confirm: Any = False


class Filters(Strict):
    """Which accounts; a misspelt filter is refused, for it would let everybody through."""

    query: Annotated[Text, StringConstraints(max_length=200)] | None = None
    role: Role | None = None
    is_active: bool | None = None
    status: Status | None = None
    tier_id: WantedTier | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None

    def wanted(self) -> Wanted:
        """Return them as lists know them."""
        return Wanted(**self.model_dump(include=set(Filters.model_fields)))


class ListQuery(Filters):
    """Which accounts, in which order, which page. `size`, `q`, `sort` and `order` are other names of four of these."""

    sort_by: Literal["created_at", "username", "email", "full_name", "name", "last_login"] = "created_at"
    sort_order: Literal["asc", "desc"] = "desc"
    page: PageNumber = 1
    items_per_page: PageSize = 10
    cursor: Annotated[str, StringConstraints(max_length=2000)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_name_each(cls, values: Any) -> Any:  # noqa: ANN401  # anything may be sent
        return one_name_each(values)


class AccountsPage(BaseModel):
    """A page of accounts. `next_cursor` fetches the next one at the same cost however deep one reads."""

    data: list[Account]
    total_count: int
    total_is_exact: bool
    has_more: bool
    page: int
    items_per_page: int
    next_cursor: str | None


class RegistrationsOfADay(BaseModel):
    """How many accounts were made on a day (UTC)."""

    date: str
    count: int


class PeopleStats(BaseModel):
    """The installation in numbers; deleted accounts stand in `by_status` only, `active_…` were seen in that time."""

    total_users: int
    active_users: int
    inactive_users: int
    by_role: dict[Role, int]
    by_status: dict[Status, int]
    by_tier: dict[str, int]
    active_1d: int
    active_7d: int
    active_30d: int
    registrations: list[RegistrationsOfADay]


class BulkData(Strict):
    """What belongs to an operation."""

    role: Role | None = None
    tier_id: TierId | None = None
    reason: Reason = None


class BulkBody(Strict):
    """One thing to do to many accounts."""

    user_ids: Annotated[list[Annotated[Text, StringConstraints(max_length=200)]], Field(min_length=1, max_length=_MOST)]
    operation: Text
    data: BulkData | None = None

    @model_validator(mode="after")
    def _what_is_needed(self) -> Self:
        data = self.given
        if self.operation == "update_role" and data.role is None:
            raise PydanticCustomError("role", "update_role needs data.role: user, approver or admin.")
        if self.operation == "update_tier" and "tier_id" not in data.model_fields_set:
            raise PydanticCustomError("tier", "update_tier needs data.tier_id: the id of a tier, or null for none.")
        return self

    @property
    def given(self) -> BulkData:
        """What belongs to it; null and absent are nothing."""
        return self.data or BulkData()


class BulkError(BaseModel):
    """An account that was left alone, and why."""

    user_id: str
    error_code: str
    detail: str


class BulkAnswer(BaseModel):
    """What became of the accounts; ids that were given twice count once."""

    operation: str
    requested: int
    succeeded: int
    failed: int
    errors: list[BulkError]
