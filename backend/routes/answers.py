"""JSON that is written often: without a model in between, which would cost more than everything else."""

import json
from typing import Any, Final

from starlette.responses import Response

_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str).encode


def quick(content: dict[str, Any]) -> Response:
    """Answer with JSON; ids become strings."""
    return Response(_encode(content), media_type="application/json")
