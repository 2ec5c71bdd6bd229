"""The one shape of every error answer."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel


class ErrorSummary(BaseModel):
    """Code and sentence once more, for clients that read an envelope."""

    code: str
    message: str


class ErrorAnswer(BaseModel):
    """An error. `detail` is a sentence; only a 422 has a list of `{loc, msg, type}` there."""

    detail: str | list[dict[str, Any]]
    error_code: str
    timestamp: datetime
    path: str
    request_id: str
    success: bool = False
    error: ErrorSummary
