"""Accounts in and out of files: which ones are asked for, and what became of the rows of a file."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, model_validator

from backend.schemas.answers import FromDomain
from backend.schemas.users import Filters


class ExportQuery(Filters):
    """Which accounts, written how."""

    format: Literal["csv", "jsonl"] = "csv"
    bom: bool = False
    """Whether a CSV begins with the mark by which spreadsheets know UTF-8."""

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, values: Any) -> Any:  # noqa: ANN401  # anything may be sent
        return {name: value for name, value in values.items() if value != ""} if isinstance(values, dict) else values


class ImportedRow(FromDomain):
    """What became of one row, or would; `line` is where the row begins in the file."""

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

    rows: list[ImportedRow]
