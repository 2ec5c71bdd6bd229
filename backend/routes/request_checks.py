"""What every request is asked before a route sees it: from which site it comes, and of what type its body is."""

from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.params import Form
from starlette.datastructures import FormData

from backend.errors import CsrfFailed, UnsupportedMediaType
from backend.routes.deps import FORM_TYPES, SAFE, bearer_of, get_context

_JSON: Final = "application/json"


async def check_request(request: Request) -> None:
    """Refuse what no route should see: another site's doing, and bodies of another media type than the route reads.

    Raises:
        CsrfFailed: the request changes something, comes from another site, and carries no Bearer token (ASVS 3.5.1).
        UnsupportedMediaType: it names the one that would have been read (ASVS 3.5.2).
    """
    if request.method not in SAFE:
        _check_site(request)
    route: Any = request.scope.get("route")
    if getattr(route, "body_field", None) is not None and _has_body(request):
        expected = FORM_TYPES if isinstance(route.body_field.field_info, Form) else (_JSON,)
        await check_media_type(request, *expected)


async def closing_form(request: Request) -> AsyncIterator[None]:
    """Let go of the files of a form that the check of its CSRF token has read, whatever becomes of the request."""
    try:
        yield
    finally:
        form: FormData | None = getattr(request.state, "form", None)
        if form is not None:
            await form.close()


async def check_media_type(request: Request, *expected: str) -> str:
    """Return the media type of a body, if it is one of those a route reads, in UTF-8 (RFC 8259 §8.1).

    Raises:
        UnsupportedMediaType: it names the first of those that would have been read.
    """
    header = request.headers.get("content-type", "").lower()
    given = header.partition(";")[0].strip()
    charset = header.partition("charset=")[2].partition(";")[0].strip(' "')
    if given not in expected or charset not in {"", "utf-8"}:
        raise UnsupportedMediaType(" or ".join(expected) if _JSON in expected else expected[0])
    if given == _JSON and b"\0" in await request.body():
        raise UnsupportedMediaType(f"{_JSON} in UTF-8")
    return given


def _check_site(request: Request) -> None:
    headers = request.headers
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if (origin is None and site is None) or bearer_of(request) is not None:
        return
    if origin in get_context(request).settings.cors_origins:
        return
    foreign = site not in {"same-origin", "none"} if site else origin is not None and not _own(request, origin)
    if foreign:
        raise CsrfFailed


def _own(request: Request, origin: str) -> bool:
    own = urlsplit(get_context(request).settings.public_url)
    return origin in {f"{own.scheme}://{own.netloc}", f"{own.scheme}://{request.headers.get('host', '')}"}


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
