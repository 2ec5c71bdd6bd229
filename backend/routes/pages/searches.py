"""What a list is asked for: a form, which is the address of the list as well; and where in the list a page is."""

from collections.abc import Mapping, Sized
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, StringConstraints, ValidationError, model_validator

from backend.schemas.types import PageNumber, Text
from backend.stores.listings import Total

NO_CHOICE: Final = "Choose one of the options."
NO_NAME: Final = "This is too long or contains invalid characters."
"""What is said beside a field that makes no sense."""


class ListSearch(BaseModel):
    """Which people a list at `path` shows; an empty field asks for nothing.

    `page` counts from 1. Where there is a cursor, the rows are those behind it, and `page` is what people read.
    """

    path: ClassVar[str]
    query: Annotated[Text, StringConstraints(max_length=200, strip_whitespace=True)] = ""
    cursor: str | None = None
    page: PageNumber = 1

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
        return self._at(self.page, self.cursor)

    @property
    def before(self) -> str | None:
        """The page before this one; cursors lead forward only, so it is found by its number."""
        return self._at(self.page - 1) if self.page > 1 else None

    def after(self, next_cursor: str) -> str:
        """Return the page after this one."""
        return self._at(self.page + 1, next_cursor)

    def _at(self, page: int = 1, cursor: str | None = None) -> str:
        asked = self.model_dump(exclude={"cursor", "page"}, exclude_defaults=True, mode="json")
        asked |= {"cursor": cursor} if cursor else {}
        asked |= {"page": page} if page > 1 else {}
        return self.path + ("?" + urlencode(asked, quote_via=quote) if asked else "")


@dataclass(frozen=True)
class Place:
    """Which rows of a list a page shows, counted from 1."""

    first: int
    last: int

    @classmethod
    def of(cls, search: ListSearch, rows: Sized, size: int, total: Total, *, more: bool) -> "Place | None":
        """Tell where a page is; None if it is the whole list, or empty.

        What came or went before a cursor is not known: the last page ends with the list, and none ends behind it.
        """
        last = (search.page - 1) * size + len(rows)
        if total.exact:
            last = min(last, total.count) if more else total.count
        place = cls(max(1, last - len(rows) + 1), last)
        return place if rows and (more or place.first > 1) else None


Asked = TypeVar("Asked", bound=ListSearch)


def read(model: type[Asked], values: Mapping[str, str]) -> tuple[Asked, set[str]]:
    """Read the address of a list; a field that makes no sense is left out, and named. A page is no field."""
    try:
        return model.model_validate(values), set()
    except ValidationError as error:
        wrong = {str(item["loc"][0]) for item in error.errors()}
        found = model.model_validate({name: value for name, value in values.items() if name not in wrong})
        return found, wrong - {"page"}
