"""What people say about themselves, whichever dialect they speak."""

from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import AliasChoices, BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from backend.models import Role
from backend.schemas.types import Email, FullName, ImageUrl, Institution, Text, Username


class WithoutRights(BaseModel):
    """A body in which nobody can ask for rights; what it does not know besides is ignored."""

    refused: ClassVar[tuple[str, ...]] = (
        "is_superuser",
        "is_active",
        "is_verified",
        "is_approved",
        "status",
        "hashed_password",
        "id",
        "tier_id",
    )

    @model_validator(mode="before")
    @classmethod
    def _no_rights(cls, values: Any) -> Any:  # noqa: ANN401  # anything may be sent
        found = [name for name in cls.refused if isinstance(values, dict) and name in values]
        if found:
            raise PydanticCustomError("rights", "{name} cannot be set here.", {"name": found[0]})
        return values


class ProfileBody(WithoutRights):
    """What people change about themselves; what is absent stays. Rights are refused, one's own role is accepted."""

    full_name: FullName = Field(default=None, validation_alias=AliasChoices("full_name", "name"))
    username: Username = ""
    institution: Institution = None
    profile_image_url: ImageUrl = None
    email: Email = ""
    current_password: Text | None = None
    role: Role = Role.USER

    def changes(self) -> dict[str, Any]:
        """Return what was sent, but for the password."""
        return self.model_dump(exclude_unset=True, exclude={"current_password"})


class PasswordBody(BaseModel):
    """The present password and the one to come, perhaps twice."""

    current_password: Text
    new_password: Text
    confirm_password: Annotated[Text | None, Field(repr=False)] = None

    @model_validator(mode="after")
    def _twice_the_same(self) -> Self:
        if self.confirm_password is not None and self.confirm_password != self.new_password:
            raise PydanticCustomError("passwords_differ", "The two new passwords differ.")
        return self


class EmailBody(BaseModel):
    """Somebody's address; whether it is anybody's is not told."""

    email: Text


RESET_SENT: Final = "If the email exists, a password reset link has been sent"
"""The answer to every request for a reset link, whoever asks."""
