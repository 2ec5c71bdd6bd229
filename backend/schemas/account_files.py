"""Accounts in and out of files: which ones are asked for, and what became of the rows of a file."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from backend.models import Role, Status
from backend.schemas.types import Text
from backend.schemas.users import Moment, WantedTier


class ExportQuery(BaseModel):
    """Which accounts, written how; a misspelt filter is refused, for it would let everybody through."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["csv", "jsonl"] = "csv"
    bom: bool = False
    """Whether a CSV begins with the mark by which spreadsheets know UTF-8."""
    query: Annotated[Text, StringConstraints(max_length=200)] | None = None
    role: Role | None = None
    status: Status | None = None
    is_active: bool | None = None
    tier_id: WantedTier | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, values: Any) -> Any:  # noqa: ANN401  # anything may be sent
        return {name: value for name, value in values.items() if value != ""} if isinstance(values, dict) else values


class RowAnswer(BaseModel):
    """What became of one row, or would; `line` is where the row begins in the file."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    username: str | None
    outcome: Literal["created", "would_create", "refused"]
    id: UUID | None
    error_code: str | None
    detail: str | None
    field: str | None


class ImportSummary(BaseModel):
    """How many rows the file has, and what became of them."""

    dry_run: bool
    requested: int
    succeeded: int
    failed: int


class ImportAnswer(ImportSummary):
    """Every row of the file, in its order."""

    rows: list[RowAnswer]
