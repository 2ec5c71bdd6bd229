"""What a list is asked for: a form, which is the address of the list as well."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, StringConstraints, ValidationError, model_validator

from backend.schemas.types import Text

NO_CHOICE: Final = "Choose one of the options."
NO_NAME: Final = "This is too long or contains invalid characters."
"""What is said beside a field that makes no sense."""


class ListSearch(BaseModel):
    """Which people a list at `path` shows; an empty field asks for nothing."""

    path: ClassVar[str]
    query: Annotated[Text, StringConstraints(max_length=200, strip_whitespace=True)] = ""
    cursor: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:  # noqa: ANN401  # anything may be sent
        return {name: value for name, value in values.items() if value} if isinstance(values, dict) else values

    @property
    def address(self) -> str:
        """The first page of this list."""
        return self._at()

    @property
    def here(self) -> str:
        """This page of the list."""
        return self._at(**({"cursor": self.cursor} if self.cursor else {}))

    def _at(self, **place: str) -> str:
        asked = self.model_dump(exclude={"cursor"}, exclude_defaults=True, mode="json") | place
        return self.path + ("?" + urlencode(asked, quote_via=quote) if asked else "")


Asked = TypeVar("Asked", bound=ListSearch)


def read(model: type[Asked], values: Mapping[str, str]) -> tuple[Asked, set[str]]:
    """Read the address of a list; a field that makes no sense is left out, and named."""
    try:
        return model.model_validate(values), set()
    except ValidationError as error:
        wrong = {str(item["loc"][0]) for item in error.errors()}
        return model.model_validate({name: value for name, value in values.items() if name not in wrong}), wrong
