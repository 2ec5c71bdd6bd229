"""Reading answers: the one shape of a refusal, the one spelling of a time, the token in a mail."""

import re
from typing import Final

import httpx

from backend.notifiers import Message
from tests.factories import PASSWORD

TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_KEYS: Final = {"detail", "error_code", "timestamp", "path", "request_id", "success", "error"}
_LIMITED: Final = {"retry_after", "limit", "window"}


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """What a refusal says: status, code and sentence, once it has the shape that every refusal has."""
    body = answer.json()
    assert "error_code" in body, (answer.status_code, body)
    code, detail = body["error_code"], body["detail"]
    assert body.keys() == (_KEYS | _LIMITED if answer.status_code == 429 else _KEYS)
    assert body["success"] is False
    assert body["error"]["code"] == code
    assert re.fullmatch(r"[A-Z][A-Z0-9_]+", code)
    assert TIME.fullmatch(body["timestamp"])
    assert body["path"] == answer.request.url.path
    assert body["request_id"] == answer.headers["x-request-id"]
    assert answer.status_code != 401 or answer.headers["www-authenticate"].startswith("Bearer")
    if answer.status_code == 422:
        assert detail
        assert all(item.keys() == {"loc", "msg", "type"} for item in detail)
        return 422, code, "; ".join(item["msg"] for item in detail)
    assert body["error"]["message"] == detail
    return answer.status_code, code, detail


def code(answer: httpx.Response) -> tuple[int, str]:
    """The status and code of a refusal, where the sentence is not promised."""
    return refusal(answer)[:2]


def applicant(**changes: object) -> dict[str, object]:
    """What somebody who signs up writes."""
    return {"username": "hannah", "email": "hannah@example.org", "password": PASSWORD, **changes}


def credentials(login: str, password: str = PASSWORD) -> dict[str, str]:
    """What somebody who signs in writes."""
    return {"username_or_email": login, "password": password}


def token_in(mail: Message) -> str:
    """The one-time token of a mail."""
    found = re.search(r"#token=([\w-]+)", mail.body)
    assert found
    return found[1]
