"""A refusal: what an answer says about an error, to programs and on pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """What an answer says about an error, in the dialect of the path it was asked on."""

    status: int
    code: str
    detail: str
    items: tuple[dict[str, Any], ...] = ()
    headers: Mapping[str, str] | None = None
    extra: Mapping[str, Any] | None = None
