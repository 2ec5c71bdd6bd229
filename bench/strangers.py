"""What strangers ask to learn who has an account, in pairs: about somebody, and about nobody.

The numbers of the rows are those of the attack cases: E1, E2, E5, E6 and E7.
"""

import json
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlencode
from uuid import UUID, uuid5

from bench.acquaintances import PASSWORD, address, name
from bench.pairs import Row

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_NOBODY: Final = "nobody"
_FORGOT: Final = "/api/auth/forgot-password"
_AT_OUR_OTHER_DOORS: Final = (
    ("B1", "/api/v1/users/reset-password/request", _JSON, 200),
    ("page", "/forgot-password", _FORM, 200),
)
_WRONG: Final = "not the password"
_SOME_SPACE: Final = UUID("01900000-0000-7000-8000-000000000000")


def request(method: str, path: str, body: bytes = b"", *, media: str = _JSON, token: str = "") -> bytes:
    """Return the bytes of a request."""
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{bearer}Content-Type: {media}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def mails() -> list[Row]:
    """Rows of those who ask for a mail to somebody (E1, E7)."""
    doors = (("A", _FORGOT, _JSON, 202), *_AT_OUR_OTHER_DOORS)
    return [
        *(
            _about(f"E1 forgotten password, {door}: active", "active", path, status, media)
            for door, path, media, status in doors
        ),
        _about("E1 forgotten password, A: pending", "pending", _FORGOT, 202),
        _about("E7 proof of address, A: unproven", "active", "/api/auth/request-verify-token", 202),
        _about("E7 proof of address, A: proven", "proven", "/api/auth/request-verify-token", 202),
        _about("E7 proof of address, page: unproven", "pending", "/verify/again", 200, _FORM),
    ]


def sign_ins() -> list[Row]:
    """Rows of those who try a password where its check takes as long as nobody's (E5)."""
    words = {kind: kind for kind in ("active", "pending", "rejected", "deleted")} | {"unusable": "unusable hash"}
    return [_sign_in(kind, said) for kind, said in words.items()]


def dear_sign_ins() -> list[Row]:
    """The row of those whose hash has argon2 parameters of before, which cost several times ours."""
    return [_sign_in("dearer", "argon2 of 64 MiB")]


def slow_sign_ins() -> list[Row]:
    """The row of those whose hash bcrypt has made, whose check takes nearly all the time there is."""
    return [_sign_in("bcrypt", "bcrypt(12)")]


def sign_ups() -> list[Row]:
    """Rows of those who sign up where registration is private (E2): each time somebody else."""
    return [
        Row(
            "E2 private registration, A: email taken",
            lambda number: _sign_up(name("visitor", number), address("proven", number)),
            lambda number: _sign_up(name("guest", number), address("guest", number)),
            202,
        ),
        Row(
            "E2 private registration, A: username taken",
            lambda number: _sign_up(name("active", number), address("caller", number)),
            lambda number: _sign_up(name("friend", number), address("friend", number)),
            202,
        ),
    ]


def forbidden(token: str, ids: Sequence[UUID]) -> list[Row]:
    """Rows of an ordinary user who asks what only administrators may (E6): about real ids and about random ones."""

    def row(method: str, path: str, body: bytes = b"") -> Row:
        def asking(whom: Callable[[int], UUID]) -> Callable[[int], bytes]:
            return lambda number: request(method, path.format(id=whom(number)), body, token=token)

        title = f"E6 {method} {path}: a real id"
        return Row(title, asking(lambda n: ids[n]), asking(lambda n: uuid5(_SOME_SPACE, str(n))), 403)

    return [
        row("DELETE", "/api/auth/admin/users/{id}"),
        row("POST", "/api/auth/admin/users/{id}/approve", b'{"approved": true}'),
        row("PATCH", "/api/v1/users/{id}", b'{"full_name": "Somebody"}'),
    ]


def _about(title: str, kind: str, path: str, status: int, media: str = _JSON) -> Row:
    def asking(whom: str) -> Callable[[int], bytes]:
        return lambda number: request("POST", path, _body({"email": address(whom, number)}, media), media=media)

    return Row(title, asking(kind), asking(_NOBODY), status)


def _sign_in(kind: str, words: str) -> Row:
    def asking(whom: str) -> bytes:
        return request("POST", "/api/auth/login", _body({"username_or_email": whom, "password": _WRONG}))

    known = asking(name(kind))
    return Row(f"E5 wrong password, A: {words}", lambda _: known, lambda number: asking(name(_NOBODY, number)), 401)


def _sign_up(username: str, email: str) -> bytes:
    return request("POST", "/api/auth/register", _body({"username": username, "email": email, "password": PASSWORD}))


def _body(values: dict[str, str], media: str = _JSON) -> bytes:
    return (json.dumps(values) if media == _JSON else urlencode(values)).encode()
