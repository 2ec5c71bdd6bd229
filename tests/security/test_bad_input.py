"""Bodies, headers, ids and cursors that no client of ours would send: 4xx, in one shape, telling no secret."""

import base64
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from backend.identifiers import email_key, username_key
from tests.application import Application
from tests.factories import People
from tests.security.routes import Operation, at, operations, routes
from tests.work import calls

SHAPE: Final = {"detail", "error_code", "timestamp", "path", "request_id", "success", "error"}
NOBODY: Final = "01900000-0000-7000-8000-000000000000"
SECRET: Final = "Tr0ub4dor-never-echo-me"
HARSH: Final[dict[str, Any]] = {
    "nul": f"{SECRET}\0",
    "surrogate": f"{SECRET}\ud800",
    "long": SECRET + "x" * 5000,
    "number": 7,
    "float": float("nan"),
    "huge": 10**400,
    "list": [SECRET],
    "object": {"$ne": SECRET},
    "true": True,
    "null": None,
    "escape": f"{SECRET}\x1b[31m\r\nSet-Cookie: a=b",
}
MAY_BE_NULL = {"reason", "approval_note", "institution", "full_name", "bootstrap_token", "scope", "client_id"}
MAY_BE_NULL |= {"appid", "confirm_password", "current_password", "session_id"}
ALIKE: Final = ("/forgot-password", "/reset-password/request")
"""Who asks for a mail is told the same whatever they send."""
IDS: Final = [
    *("0", "me"),
    *("urn:uuid:01900000-0000-7000-8000-000000000000", "{01900000-0000-7000-8000-000000000000}"),
    *("01900000-0000-7000-8000-00000000000g", "'%20OR%201=1", "%00", "%ed%a0%80", "x" * 3000, "%2e%2e%2f%2e%2e"),
]
CURSORS: Final = [
    *("garbage", "=", "%00", "A" * 5000, "é", base64.urlsafe_b64encode(b"2026-01-01 x").decode()),
    *(
        base64.urlsafe_b64encode(f"{at} 01900000-0000-7000-8000-000000000000".encode()).decode()
        for at in ("2026-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "10000-01-01T00:00:00+00:00")
    ),
]

pytestmark = pytest.mark.settings(rate_limits=False)


def _complaint(answer: httpx.Response) -> str | None:
    """What is wrong with the answer to a request that should not be taken, if anything is."""
    if not 400 <= answer.status_code < 500:
        return f"{answer.status_code}"
    try:
        body = answer.json()
    except ValueError:
        return "not JSON"
    if not body.keys() >= SHAPE or body["success"] is not False or body["error"]["code"] != body["error_code"]:
        return f"another shape: {body}"
    return "the secret is repeated" if SECRET in answer.text else None


async def _sent(client: httpx.AsyncClient, one: Operation, body: dict[str, Any], **headers: str) -> httpx.Response:
    path = at(one.path, NOBODY)
    if one.json:
        given: dict[str, Any] = {
            "content": json.dumps(body),
            "headers": {"Content-Type": "application/json", **headers},
        }
    else:
        texts = {name: str(value).encode("utf-8", "surrogatepass") for name, value in body.items()}
        given = {"data": texts, "headers": headers}
    return await client.request(one.method, path, **given)


def _harsh(one: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    for field in one.texts():
        for name, value in HARSH.items():
            harmless = name == "null" and (field in MAY_BE_NULL or one.method == "PUT")
            harmless |= name == "escape" and field.endswith("password")  # any character may be part of one
            if not harmless and (one.json or name in {"nul", "surrogate", "long", "escape"}):
                yield f"{one.method} {one.path} {field}: {name}", {**one.sound(), field: value}


async def test_no_field_of_no_route_takes_what_is_no_text(running: Application, people: People) -> None:
    admin, complaints = await people.admin(), []
    for one in operations(running.app):
        for name, body in _harsh(one):
            answer = await _sent(running.client, one, body, **admin.bearer)
            told_alike = one.path.endswith(ALIKE) and answer.status_code in {200, 202}
            if not told_alike and (complaint := _complaint(answer)):
                complaints.append(f"{name}: {complaint}")

    assert complaints == []


async def test_bodies_that_are_no_json_of_ours_are_refused_everywhere(running: Application, people: People) -> None:
    admin, complaints = await people.admin(), []
    for one in operations(running.app):
        sound = json.dumps(one.sound())
        as_json = {"Content-Type": "application/json"} if one.json else {}
        attempts: dict[str, tuple[str | bytes, dict[str, str]]] = {
            "text": (sound, {"Content-Type": "text/plain"}),
            "xml": ("<a/>", {"Content-Type": "application/xml"}),
            "no type": (sound.encode(), {}),
            "form": ("a=b", {"Content-Type": "application/x-www-form-urlencoded"}) if one.json else (sound, {}),
            "half": (sound[:-2], as_json),
            "deep": ("[" * 100_000, as_json),
            "array": (f"[{sound}]", as_json),
            "utf-16": (sound.encode("utf-16"), as_json),
            "big": (" " * 1_048_576 + sound, as_json),
            "big and silent": (" " * 262_145 + sound, as_json),
            "broken multipart": ("--x", {"Content-Type": "multipart/form-data"}),
        }
        for name, (content, headers) in attempts.items():
            path = at(one.path, NOBODY)
            answer = await running.client.request(
                one.method, path, content=content, headers={**admin.bearer, **headers}
            )
            long = name == "big and silent" and one.path.endswith("/bulk")  # ten thousand ids
            if not long and (complaint := _complaint(answer)):
                complaints.append(f"{one.method} {one.path} {name}: {complaint}")

    assert complaints == []


async def test_ids_that_are_none_are_refused_by_every_route_that_takes_one(
    running: Application, people: People
) -> None:
    admin, user, wrong = await people.admin(), await people.active(), []
    for method, path in sorted(routes(running.app)):
        places = [place for place in ("{id}", "{id:account_id}") if place in path]
        if not places or not path.startswith("/api/"):
            continue
        for id_ in IDS[2:] if "account_id" in path else IDS:  # the first two may be names
            body = {"approved": True} if path.endswith("approve") else {}
            person_or_session = path.startswith(("/api/auth/", "/api/v1/auth/", "/api/v1/users/", "/api/v1/messages/"))
            refused = {400, 404} if person_or_session else {404, 422}
            for person, expected in ((admin, refused), (user, {403, *refused})):
                place = path.replace(places[0], id_)
                answer = await person.client.request(method, place, json=body, headers=person.bearer)
                complaint = _complaint(answer)
                if complaint or answer.status_code not in expected:
                    wrong.append(f"{method} {place[:80]}: {answer.status_code} {complaint}")

    assert wrong == []


async def test_a_cursor_that_is_none_is_refused(people: People) -> None:
    admin, told = await people.admin(), {}
    for cursor in CURSORS:
        for path in ("/api/auth/admin/users", "/api/auth/admin/pending-approvals"):
            answer = await admin.get(f"{path}?cursor={cursor}")
            told[path, cursor] = (answer.status_code, answer.json()["error_code"])

    assert {where: found for where, found in told.items() if found != (400, "INVALID_CURSOR")} == {}


async def test_a_credential_that_is_none_is_a_401(client: httpx.AsyncClient) -> None:
    headers = ["garbage", "Bearer", "Bearer ", "bearer x", "Bearer a b", "Bearer é", "Bearer \x01", "Basic x"]
    for header in (*headers, "Bearer " + "x" * 8000):
        answer = await client.get("/api/auth/whoami", headers={b"Authorization": header.encode()})
        assert answer.status_code == 401, header
        assert answer.headers["www-authenticate"].startswith("Bearer"), header


async def test_a_cookie_that_is_none_is_a_401_and_a_page_sends_to_the_desk(
    running: Application, people: People
) -> None:
    await people.admin()
    cookies = ["session_id=x", "session_id=é", "=;;=", "session_id", 'session_id="a', "a=b; session_id=\x01"]
    for cookie in (*cookies, "session_id=" + "x" * 8192):
        headers = {b"Cookie": cookie.encode()}
        answer = await running.client.get("/api/auth/whoami", headers=headers)
        desk = await running.client.get("/account", headers=headers)
        public = await running.client.get("/login", headers={b"Cookie": f"notice={cookie}; applicant=x".encode()})
        assert (answer.status_code, desk.status_code, public.status_code) == (401, 303, 200), cookie


async def test_a_path_that_is_none_is_a_404(client: httpx.AsyncClient) -> None:
    for path in ("/%00", "/static/%00", "/static/..%2f..%2fapp.py", "/static/" + "x" * 5000, "/%ff"):
        assert (await client.get(path)).status_code == 404, path


async def test_the_host_header_decides_nothing(client: httpx.AsyncClient) -> None:
    for host in ("a/?x=", "evil.example", "", "a b", "[::1", "evil.example/api/auth/"):
        answer = await client.get("/api/auth/whoami", headers={"Host": host})
        assert (answer.status_code, answer.json()["path"]) == (401, "/api/auth/whoami"), host
        assert not host or host not in answer.text.replace("/api/auth/whoami", ""), host


async def test_a_repeated_field_is_refused_or_read_as_one(client: httpx.AsyncClient, people: People) -> None:
    person = await people.active()
    form = f"username=nobody&username={person.username}&password={person.password}&password=x"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answers = {(await client.post("/api/auth/jwt/login", content=form, headers=headers)).status_code for _ in range(3)}

    assert answers <= {400, 422}


async def test_one_huge_name_does_not_hold_everybody_up(running: Application) -> None:
    name = "ﷺ" * 28_000 + "@example.org"  # in normal form, eighteen times as long
    tracemalloc.start()
    many = calls(lambda: (email_key(name), username_key(name)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    answer = await running.client.post("/api/auth/jwt/login", data={"username": name, "password": "x"})

    assert many < 50
    assert peak < 10 * len(name)
    assert answer.status_code == 400
