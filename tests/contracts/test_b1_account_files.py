"""Accounts in and out of files by API: `/api/v1/users/export` and `/api/v1/users/import`."""

import base64
import csv
import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import argon2
import bcrypt
import httpx
import pytest

from backend.context import Context
from backend.errors import DatabaseUnavailable
from backend.models import Role
from backend.routes.shell import BODIES_BY_PATH
from backend.services import Origin, exporting, importing
from backend.services.account_files import AccountFile
from backend.services.records import Format
from tests.application import Application
from tests.contracts.answers import code, credentials, refusal
from tests.factories import PASSWORD, People, Person

IMPORT: Final = "/api/v1/users/import"
EXPORT: Final = "/api/v1/users/export"
CSV: Final = {"Content-Type": "text/csv"}
LINES: Final = {"Content-Type": "application/x-ndjson"}
HEAD: Final = "username,email,full_name,password\n"
SALT: Final = b"salt and pepper!"

pytestmark = pytest.mark.settings(rate_limits=False)


async def _sent(
    person: Person, content: str | bytes, headers: Mapping[str, str] = CSV, *, dry_run: bool = False
) -> httpx.Response:
    place = f"{IMPORT}?dry_run={'true' if dry_run else 'false'}"
    return await person.client.post(place, content=content, headers={**person.bearer, **headers})


async def _taken(person: Person, content: str | bytes, *, dry_run: bool = False) -> list[tuple[int, Any, str, Any]]:
    answer = await _sent(person, content, dry_run=dry_run)
    assert answer.status_code == 200, answer.text
    return [(row["line"], row["username"], row["outcome"], row["error_code"]) for row in answer.json()["rows"]]


async def _exported(person: Person, **wanted: str) -> list[dict[str, str]]:
    answer = await person.get(EXPORT, params=wanted)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def test_a_dry_run_tells_what_would_happen_and_changes_nothing(people: People) -> None:
    admin, ana = await people.admin(), await people.active()
    content = (
        f"{HEAD}new,new@example.org,New,{PASSWORD}\n{ana.username.upper()},x@example.org,,\nweak,w@example.org,,x\n"
    )
    before = await people.statuses()
    told = await _taken(admin, content, dry_run=True)
    audit = await people.audit("admin_user_creation")

    assert told == [
        (2, "new", "would_create", None),
        (3, ana.username.upper(), "refused", "AUTH_USERNAME_EXISTS"),
        (4, "weak", "refused", "INVALID_PASSWORD"),
    ]
    assert await people.statuses() == before
    assert await people.audit("admin_user_creation") == audit
    assert [(line, name, error) for line, name, _, error in await _taken(admin, content)] == [
        (line, name, error) for line, name, _, error in told
    ]


async def test_each_row_becomes_an_account_of_its_own_or_tells_why_not(people: People) -> None:
    admin = await people.admin()
    content = (
        "username,email,full_name,institution,approval_note,role,status,is_verified,password\n"
        f'ana,ana@example.org,Ana,Tides,"two\nlines",approver,active,true,{PASSWORD}\n'
        "ben,nonsense,,,,,,,\n"
        f"cleo,cleo@example.org,,,,user,pending,,{PASSWORD}\n"
        f"dora,dora@example.org,,,,,suspended,,{PASSWORD}\n"
    )
    answer = (await _sent(admin, content)).json()
    rows = answer["rows"]
    ana = (await admin.get(EXPORT, params={"query": "ana@example.org", "format": "jsonl"})).json()
    events = [event for event in await people.audit("admin_user_creation") if event.actor_id == admin.id]

    assert {name: answer[name] for name in ("dry_run", "requested", "succeeded", "failed")} == {
        "dry_run": False,
        "requested": 4,
        "succeeded": 3,
        "failed": 1,
    }
    assert (rows[1]["line"], rows[1]["error_code"], rows[1]["field"], rows[1]["id"]) == (
        4,
        "INVALID_EMAIL",
        "email",
        None,
    )
    assert (ana["id"], ana["approval_note"], ana["is_verified"]) == (rows[0]["id"], "two\nlines", True)
    assert (await people.statuses()).items() >= {("ana", "active"), ("cleo", "pending"), ("dora", "suspended")}
    assert (str(events[0].target_id), events[0].details["role"]) == (rows[0]["id"], Role.APPROVER)
    assert len(events) == 3


async def test_who_was_taken_over_can_sign_in_and_who_waits_waits_for_a_decision(
    client: httpx.AsyncClient, people: People
) -> None:
    admin = await people.admin()
    content = f"username,email,status,password\nana,a@example.org,,{PASSWORD}\ncleo,c@example.org,pending,{PASSWORD}\n"
    await _sent(admin, content)
    waiting = (await admin.get("/api/auth/admin/pending-approvals")).json()["pending_users"]
    cleo = next(user for user in waiting if user["username"] == "cleo")
    answers = [await client.post("/api/auth/login", json=credentials(name)) for name in ("ana", "cleo")]
    approved = await admin.post(f"/api/auth/admin/users/{cleo['id']}/approve", {"approved": True})

    assert [answer.status_code for answer in answers] == [200, 403]
    assert approved.json()["user"]["approved_by"] == str(admin.id)


async def test_an_account_without_a_password_says_so_and_opens_by_a_reset_alone(
    client: httpx.AsyncClient, people: People
) -> None:
    admin = await people.admin()
    row = (await _sent(admin, "username,email\nana,ana@example.org\n")).json()["rows"][0]
    tried = await client.post("/api/auth/login", json=credentials("ana", ""))
    reset = await admin.post("/api/auth/admin/reset-user-password", {"user_id": row["id"]})
    answer = await client.post("/api/auth/login", json=credentials("ana", reset.json()["temp_password"]))

    assert row["outcome"] == "created"
    assert "password is reset" in row["detail"]
    assert (tried.status_code, answer.status_code) == (401, 200)


def _hashes() -> dict[str, str]:
    password = PASSWORD.encode()
    derived = {name: hashlib.pbkdf2_hmac(name, password, SALT, 1000) for name in ("sha256", "sha512")}
    passlibs = {name: base64.b64encode(key, b"./").decode().rstrip("=") for name, key in derived.items()}
    salt = base64.b64encode(SALT, b"./").decode().rstrip("=")
    django = base64.b64encode(hashlib.pbkdf2_hmac("sha256", password, b"grainOfSalt0", 1000)).decode()
    made = bcrypt.hashpw(password, bcrypt.gensalt(4)).decode()
    return {
        **{
            f"argon2{kind.name.lower()}": argon2.low_level.hash_secret(password, SALT, 3, 64, 2, 32, kind).decode()
            for kind in argon2.Type
        },
        **{f"bcrypt{letter}": made.replace("$2b$", f"$2{letter}$") for letter in "aby"},
        **{f"pbkdf2-{name}": f"$pbkdf2-{name}$1000${salt}${key}" for name, key in passlibs.items()},
        "django": f"pbkdf2_sha256$1000$grainOfSalt0${django}",
    }


async def test_hashes_of_other_systems_open_and_become_ours_at_the_next_sign_in(
    running: Application, people: People
) -> None:
    admin, hashes = await people.admin(), _hashes()
    lines = [
        json.dumps({"username": name, "email": f"{name}@example.org", "hashed_password": hashed})
        for name, hashed in hashes.items()
    ]
    answer = await _sent(admin, "\n".join(lines), LINES)
    kept: dict[str, str] = {}
    for row in answer.json()["rows"]:
        wrong = await running.client.post("/api/auth/login", json=credentials(row["username"], "not the password"))
        right = await running.client.post("/api/auth/login", json=credentials(row["username"]))
        person = Person(UUID(row["id"]), row["username"], "", PASSWORD, running.client)
        kept[row["username"]] = (await people.row(person)).hashed_password
        assert (wrong.status_code, right.status_code) == (401, 200), row["username"]

    assert kept.keys() == hashes.keys()
    assert all(hashed.startswith("$argon2id$v=19$m=8,t=1,p=1$") for hashed in kept.values())
    assert not any(hashed in answer.text for hashed in hashes.values())


async def test_a_hash_of_our_own_present_cost_is_kept_as_it_is(running: Application, people: People) -> None:
    admin, ours = await people.admin(), running.context.hasher.hash(PASSWORD)
    line = json.dumps({"username": "ana", "email": "a@example.org", "hashed_password": ours})
    row = (await _sent(admin, line, LINES)).json()["rows"][0]
    answer = await running.client.post("/api/auth/login", json=credentials("ana"))

    assert answer.status_code == 200
    assert (await people.row(Person(UUID(row["id"]), "ana", "", PASSWORD, running.client))).hashed_password == ours


async def test_a_hash_that_is_refused_is_repeated_nowhere(people: People, capfd: pytest.CaptureFixture[str]) -> None:
    admin, bomb = await people.admin(), "$2b$31$" + "a" * 53
    answer = await _sent(admin, f"username,email,hashed_password\nana,a@example.org,{bomb}\n")
    row = answer.json()["rows"][0]

    assert (row["error_code"], row["field"]) == ("INVALID_HASH", "hashed_password")
    assert bomb not in answer.text + "".join(capfd.readouterr())
    assert not any(bomb in str(event) for event in await people.audit())


async def test_twins_within_a_file_are_one_account(people: People) -> None:
    admin = await people.admin()
    names = ["Straße", "STRASSE", "ａna", "ANA", "zoë", "zoe\u0308"]  # noqa: RUF001  # width is what it is about
    content = "username,email\n" + "".join(f"{name},mail{number}@example.org\n" for number, name in enumerate(names))
    content += "mail,MAIL0@EXAMPLE.ORG\n"
    told, made = await _taken(admin, content, dry_run=True), await _taken(admin, content)
    expected = [None, "AUTH_USERNAME_EXISTS"] * 3 + ["AUTH_EMAIL_EXISTS"]

    assert [error for *_, error in told] == expected
    assert [error for *_, error in made] == expected
    again = await _sent(admin, "username,email\nq1,q@example.org\nq2,Q@EXAMPLE.org\n", dry_run=True)
    assert again.json()["rows"][1]["detail"] == "Email already registered by line 2 of this file"


async def test_formulas_are_defused_on_the_way_out_and_come_back_as_they_were(people: People) -> None:
    admin = await people.admin()
    line = {
        "username": "eve",
        "email": "=cmd@example.org",
        "full_name": '=HYPERLINK("http://evil.example","x")',
        "institution": "'@SUM(A1)",
        "approval_note": "a;=1+1\n-2+3",
    }
    await _sent(admin, json.dumps(line), LINES)
    cells = next(row for row in await _exported(admin) if row["username"] == "eve")
    await admin.delete(f"/api/auth/admin/users/{cells['id']}")
    whole = (await admin.get(EXPORT)).text
    back = io.StringIO()
    writer = csv.DictWriter(back, cells.keys())
    writer.writeheader()
    writer.writerow(cells)
    taken = await _taken(admin, back.getvalue())
    again = json.loads((await admin.get(EXPORT, params={"format": "jsonl", "query": "eve"})).text)

    assert (cells["email"], cells["full_name"][:2], cells["institution"]) == ("'=cmd@example.org", "'=", "''@SUM(A1)")
    assert cells["approval_note"] == "a;'=1+1\n'-2+3"
    assert "eve" not in whole
    assert taken == [(2, "eve", "created", None)]
    assert {name: again[name] for name in line} == line


async def test_an_export_is_a_file_to_save_with_every_column_and_no_hash(running: Application, people: People) -> None:
    admin, _ = await people.admin(), await people.pending(approval_note="Grüße, 水")
    hashed = (await people.row(admin)).hashed_password
    tables, lines = await admin.get(EXPORT), await admin.get(EXPORT, params={"format": "jsonl"})
    event = (await people.audit("admin_users_export"))[0]

    assert tables.headers["content-type"] == "text/csv; charset=utf-8"
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert tables.headers["content-disposition"].startswith('attachment; filename="accounts-')
    assert tables.text.startswith(
        "id,username,email,full_name,institution,approval_note,role,status,is_verified,is_approved,"
        "approved_at,created_at,last_login,deleted_at\r\n"
    )
    assert [json.loads(line)["approval_note"] for line in lines.text.splitlines()] == ["Grüße, 水", None]
    assert hashed not in tables.text + lines.text
    assert "hashed_password" not in tables.text + lines.text
    assert (event.actor_id, event.details["accounts"], event.details["format"]) == (admin.id, 2, "csv")


async def test_an_export_takes_the_filters_of_the_list_and_is_read_in_pages(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await people.admin()
    monkeypatch.setattr(exporting, "_PAGE", 5)
    await people.crowd(21)
    await people.deleted()
    everybody = await _exported(admin)

    assert len({row["id"] for row in everybody}) == len(everybody) == 22
    assert [row["username"] for row in await _exported(admin, role="admin")] == [admin.username]
    assert [row["status"] for row in await _exported(admin, status="deleted")] == ["deleted"]
    assert len(await _exported(admin, query="crowd20")) == 1
    assert code(await admin.get(EXPORT, params={"format": "xlsx"})) == (422, "VALIDATION_ERROR")
    assert code(await admin.get(EXPORT, params={"rolle": "admin"})) == (422, "VALIDATION_ERROR")


async def test_an_export_can_be_imported_elsewhere(people: People) -> None:
    admin, ana = await people.admin(), await people.active()
    whole = (await admin.get(EXPORT)).content
    told = await _taken(admin, whole)

    assert {error for *_, error in told} == {"AUTH_EMAIL_EXISTS"}
    elsewhere = whole.replace(b"@example.org", b"@example.com").replace(ana.username.encode(), b"somebody")
    assert [outcome for _, name, outcome, _ in await _taken(admin, elsewhere) if name == "somebody"] == ["created"]


async def test_a_form_may_carry_the_file(people: People) -> None:
    admin = await people.admin()
    content = b"username,email\nana,a@example.org\n"
    line = b'{"username": "ben", "email": "b@example.org"}'
    sent: list[tuple[str, bytes, str]] = [
        ("people.CSV", content, "application/vnd.ms-excel"),
        ("blob", line, "application/x-ndjson"),
        ("people.xlsx", content, "application/octet-stream"),
    ]
    answers = [
        await admin.client.post(IMPORT, files={"file": file}, data={"more": "x"}, headers=admin.bearer) for file in sent
    ]
    without = await admin.client.post(IMPORT, files={"other": ("x.csv", content)}, headers=admin.bearer)

    assert [answer.status_code for answer in answers] == [200, 200, 415]
    assert [answer.json()["succeeded"] for answer in answers[:2]] == [1, 1]
    assert refusal(without) == (422, "INVALID_FILE", "The form has no file.")


async def test_a_page_sends_its_file_with_the_cookie_and_the_proof_that_it_is_our_page(
    running: Application, people: People
) -> None:
    grant, other = await people.at_a_page(await people.admin()), await people.at_a_page(await people.active())
    browser = running.browser(Cookie=f"session_id={grant.cookie}")
    files = {"file": ("people.csv", b"username,email\nana,a@example.org\n", "text/csv")}
    without = await browser.post(IMPORT, files=files)
    by_field = await browser.post(IMPORT, files=files, data={"csrf_token": grant.csrf_token})
    by_header = await browser.post(f"{IMPORT}?dry_run=true", files=files, headers={"X-CSRF-Token": grant.csrf_token})

    stranger = running.browser(Cookie=f"session_id={other.cookie}")
    from_others = await stranger.post(IMPORT, files=files, data={"csrf_token": other.csrf_token})

    assert (code(without), code(from_others)) == ((403, "CSRF_FAILED"), (403, "ADMIN_REQUIRED"))
    assert [answer.json()["rows"][0]["outcome"] for answer in (by_field, by_header)] == ["created", "refused"]


async def test_outcomes_come_line_by_line_to_who_asks_for_them(people: People) -> None:
    admin = await people.admin()
    by_line = {**CSV, "Accept": "application/x-ndjson"}
    answer = await _sent(admin, "username,email\nana,a@example.org\nana,b@example.org\n", by_line)
    first, second, last = (json.loads(line) for line in answer.text.splitlines())

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["x-total-count"] == "2"
    assert (first["outcome"], second["error_code"]) == ("created", "AUTH_USERNAME_EXISTS")
    assert last == {"dry_run": False, "requested": 2, "succeeded": 1, "failed": 1}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("username,email\nana,a@example.org\n".encode("utf-16"), "UTF-16"),
        ("username,email\nbørge,b@example.org\n".encode("latin-1"), "line 2, byte 17"),
        (b"username,email\nana,a@example.org\0\n", "line 2"),
        (b"username,email,email\n", "twice"),
        (b"username,email,hashed_passwords\n", "hashed_passwords"),
        (b"", "empty"),
    ],
    ids=range(6),
)
async def test_a_file_that_cannot_be_read_makes_no_account(people: People, content: bytes, told: str) -> None:
    admin = await people.admin()
    status, error, sentence = refusal(await _sent(admin, content))

    assert (status, error) == (422, "INVALID_FILE")
    assert told in sentence
    assert len(await people.statuses()) == 1


async def test_a_file_of_too_many_rows_is_refused_whole(people: People) -> None:
    admin = await people.admin()
    content = "username,email\n" + "".join(f"u{n},u{n}@example.org\n" for n in range(10_001))

    assert code(await _sent(admin, content)) == (422, "TOO_MANY_ROWS")
    assert len(await people.statuses()) == 1


async def test_ten_thousand_rows_are_foretold_at_once(people: People) -> None:
    admin = await people.admin()
    content = "username,email\n" + "".join(f"u{n},u{n}@example.org\n" for n in range(10_000))
    answer = (await _sent(admin, content, dry_run=True)).json()

    assert (answer["requested"], answer["succeeded"], len(answer["rows"])) == (10_000, 10_000, 10_000)


async def test_a_huge_cell_is_its_rows_own_misfortune(people: People) -> None:
    admin = await people.admin()
    content = f"{HEAD}ana,a@example.org,{'x' * 9_000_000},\nben,b@example.org,Ben,\n"
    answer = await _sent(admin, content)

    assert [row["error_code"] for row in answer.json()["rows"]] == ["INVALID_ROW", None]
    assert len(answer.text) < 1000


async def test_only_the_import_takes_large_bodies_and_not_any(client: httpx.AsyncClient, people: People) -> None:
    admin, most = await people.admin(), BODIES_BY_PATH[IMPORT]
    headers = {**admin.bearer, **CSV}
    silent = [b"x" * 1_048_576] * 11

    async def chunks() -> Any:
        for chunk in silent:
            yield chunk

    assert code(await client.post(IMPORT, content=b"x" * (most + 1), headers=headers)) == (413, "REQUEST_TOO_LARGE")
    assert code(await client.post(IMPORT, content=chunks(), headers=headers)) == (413, "REQUEST_TOO_LARGE")
    assert (await client.post(f"{IMPORT}/", content=b"x" * 300_000, headers=headers)).status_code == 422
    elsewhere = await client.post(
        "/api/auth/login", content=b"x" * 300_000, headers={"Content-Type": "application/json"}
    )
    assert code(elsewhere) == (413, "REQUEST_TOO_LARGE")


async def test_only_administrators_bring_people_in_or_take_lists_out(client: httpx.AsyncClient, people: People) -> None:
    content = "username,email,role\nmallory,m@example.org,admin\n"
    for person in (await people.active(), await people.approver()):
        assert code(await _sent(person, content)) == (403, "ADMIN_REQUIRED")
        assert code(await _sent(person, content, dry_run=True)) == (403, "ADMIN_REQUIRED")
        assert code(await person.get(EXPORT)) == (403, "ADMIN_REQUIRED")
    assert code(await client.post(IMPORT, content=content, headers=CSV)) == (401, "NOT_AUTHENTICATED")
    assert "mallory" not in await people.statuses()


async def test_other_bodies_are_refused_before_they_are_read(people: People) -> None:
    admin = await people.admin()
    for media_type in (
        "application/json",
        "text/plain",
        "text/csv; charset=latin-1",
        "application/x-www-form-urlencoded",
    ):
        headers = {**admin.bearer, "Content-Type": media_type}
        assert code(await admin.client.post(IMPORT, content=b"{}", headers=headers)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    headers = {**admin.bearer, "Content-Type": "multipart/form-data"}
    assert (await admin.client.post(IMPORT, content=b"--x", headers=headers)).status_code == 400


async def test_an_admin_who_is_demoted_meanwhile_brings_nobody_else_in(running: Application, people: People) -> None:
    await people.admin()
    admin = await people.admin()
    content = "username,email\n" + "".join(f"new{n},new{n}@example.org\n" for n in range(4))
    file = AccountFile(io.BytesIO(content.encode()), Format.CSV)
    run = await importing.begin(running.context, Origin(), file, admin=admin.id)
    codes = []
    async for outcome in run.outcomes:
        codes.append(outcome.error_code)
        if len(codes) == 2:
            async with people.work() as services:
                await services.roles.demote(None, admin.id)

    assert codes == [None, None, "ADMIN_REQUIRED", "ADMIN_REQUIRED"]
    assert {"new0", "new1"} <= (await people.statuses()).keys()
    assert not {"new2", "new3"} & (await people.statuses()).keys()


async def test_when_the_database_falls_silent_the_rest_of_the_file_is_told_so(
    running: Application, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await people.admin()

    async def silent(context: Context, batch: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(importing, "_taken", silent)
    told = await _taken(admin, "username,email\nana,a@example.org\nben,b@example.org\n")

    assert [(outcome, error) for *_, outcome, error in told] == [("refused", "DATABASE_UNAVAILABLE")] * 2


@pytest.mark.settings(require_approval_note=True)
async def test_who_waits_says_why_where_that_is_asked_for(people: People) -> None:
    admin = await people.admin()
    content = (
        "username,email,status,approval_note,institution\nana,a@example.org,pending,,\n"
        "ben,b@example.org,pending,I measure waves,Tides\ncleo,c@example.org,active,,\n"
    )

    assert [error for *_, error in await _taken(admin, content)] == ["APPROVAL_NOTE_REQUIRED", None, None]


async def test_the_first_account_ever_is_the_superuser_by_this_door_too(running: Application, people: People) -> None:
    content = "username,email,role,status\nana,a@example.org,user,suspended\nben,b@example.org,user,suspended\n"
    file = AccountFile(io.BytesIO(content.encode()), Format.CSV)
    run = await importing.begin(running.context, Origin(), file, admin=None)
    outcomes = [outcome.outcome async for outcome in run.outcomes]

    assert outcomes == ["created", "created"]
    assert await people.statuses() == {"ana": "active", "ben": "suspended"}
    assert len(await people.audit("first_user_superuser_promotion")) == 1


async def test_a_spreadsheet_gets_its_mark_where_it_asks_for_it(people: People) -> None:
    admin = await people.admin()
    plain, marked = [(await admin.get(EXPORT, params={"bom": mark})).content for mark in ("false", "true")]
    assert plain.startswith(b"id,")
    assert marked == b"\xef\xbb\xbf" + plain
