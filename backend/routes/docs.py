"""`/docs`: Swagger UI from a package on this machine, under a policy of its own, keeping no token in the browser."""

from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from backend.errors import NotFound
from backend.routes.pages.rendering import static_version

router = APIRouter(include_in_schema=False)

_POLICY: Final = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ASSETS: Final = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · Vestibule</title>
<link rel="icon" href="/static/favicon.svg?v={version}">
<link rel="stylesheet" href="/docs/swagger-ui.css?v={version}">
<script src="/docs/swagger-ui-bundle.js?v={version}" defer></script>
<script src="/static/docs.js?v={version}" defer></script>
</head>
<body><div id="swagger-ui"></div></body>
</html>
"""


@router.get("/docs")
async def show_docs() -> HTMLResponse:
    """Show the API, to be tried out."""
    return HTMLResponse(_PAGE.format(version=static_version()), headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/{asset}")
async def docs_asset(asset: str) -> Response:
    """Serve the two files of Swagger UI.

    Raises:
        NotFound: it is neither.
    """
    if asset not in _ASSETS:
        raise NotFound("There is nothing at this address.")
    content = files("fastapi_swagger.resources").joinpath(asset).read_bytes()
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, media_type=_ASSETS[asset], headers=headers)
