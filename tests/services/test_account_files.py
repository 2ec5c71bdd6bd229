"""Files of accounts: what is read from them, what is refused, and what a spreadsheet finds in those that go out."""

import csv
import io
import json
import tracemalloc
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from backend.errors import InvalidFile, InvalidHash, TooManyRows
from backend.hashing import check_foreign
from backend.models import Role, Status
from backend.services.account_files import AccountFile, defused, restored, rows, survey
from backend.services.account_rows import AccountRow, RefusedRow
from backend.services.records import Format
from tests.work import calls

HEAD = "username,email,full_name\n"


def _file(content: str | bytes, format_: Format = Format.CSV) -> AccountFile:
    return AccountFile(io.BytesIO(content.encode() if isinstance(content, str) else content), format_)


def _rows(content: str | bytes, format_: Format = Format.CSV) -> list[AccountRow | RefusedRow]:
    return list(rows(_file(content, format_)))


def _accounts(content: str | bytes, format_: Format = Format.CSV) -> list[AccountRow]:
    found = _rows(content, format_)
    assert all(isinstance(row, AccountRow) for row in found), found
    return [row for row in found if isinstance(row, AccountRow)]


def _reasons(content: str | bytes, format_: Format = Format.CSV) -> list[tuple[int, str, str | None]]:
    found = _rows(content, format_)
    return [(row.line, row.reason.code, row.reason.field) for row in found if isinstance(row, RefusedRow)]


def _line(**values: Any) -> str:
    return json.dumps({"username": "ana", "email": "ana@example.org", **values}) + "\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "marked"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_a_spreadsheet_may_write_csv_its_own_way(delimiter: str, mark: bytes, end: str) -> None:
    lines = ["Username;EMAIL; Name ;is_verified", '"ana";ana@example.org;"Ana, ""the"" Wave";TRUE', ""]
    content = end.join(lines).replace(";", delimiter).encode()
    row = _accounts(mark + content)[0]

    assert (row.username, row.email, row.full_name) == ("ana", "ana@example.org", 'Ana, "the" Wave')
    assert (row.role, row.status, row.is_verified, row.line) == (Role.USER, Status.ACTIVE, True, 2)


def test_a_line_break_between_quotation_marks_is_part_of_a_note() -> None:
    content = 'username,email,approval_note\nana,a@example.org,"one\r\ntwo\n\nfour"\n\n,,\nben,b@example.org,\n'
    ana, ben = _accounts(content)

    assert (ana.approval_note, ana.line) == ("one\r\ntwo\n\nfour", 2)
    assert (ben.approval_note, ben.line) == (None, 8)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ((HEAD + "ana,a@example.org,Ana\n").encode("utf-16"), "UTF-16"),
        ((HEAD + "ana,a@example.org,Ana\n").encode("utf-16-le"), "line 1, byte 2"),
        ((HEAD + "ana,a@example.org,Ana\nben,b@example.org,Børge\n").encode("latin-1"), "line 3, byte 67"),
        (HEAD + 'ana,a@example.org,"An\na\0"\n', "line 3, byte 49"),
        (HEAD.encode() + b"ana,a@example.org,\xc3", "line 2, byte 44"),
        (b"PK\x03\x04\xff\xff", "line 1, byte 5"),
        ("", "empty"),
        ("\n \n", "empty"),
        ("username,full_name\nana,Ana\n", "does not name the column email"),
        ("email\na@example.org\n", "does not name the column username"),
        ("username,email,shoe size\n", "“shoe size”"),
        ("username,email,is_superuser\n", "“is_superuser”"),
        ("username,email,\n", "not known: “”"),
        ("username,email,EMAIL \n", "the column email twice"),
        ("username,email,name,full_name\n", "the column full_name twice"),
        ('username,email,"na\nme"\n', "not known"),
        ('username,email,"full_name\nana,a@example.org,Ana\n', "quotation marks"),
        ("username,email," + "x" * 200_000 + "\n", "more than"),
        ("username,email\x1b[31m,\u202e\n", "\N{REPLACEMENT CHARACTER}"),
    ],
    ids=range(19),
)
def test_a_file_that_cannot_be_read_is_refused_whole_and_told_where(content: str | bytes, told: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        survey(_file(content))

    assert told in refused.value.detail
    assert len(refused.value.detail) < 200
    assert "\x1b" not in refused.value.detail


def test_a_cell_of_ten_megabytes_costs_its_row_alone_and_little_memory() -> None:
    content = HEAD + "ana,a@example.org,Ana\nben,b@example.org,"
    huge = [
        (content + "x" * 10_000_000 + "\ncleo,c@example.org,Cleo\n").encode(),
        (content + '"' + "mallory,m@example.org,M\n" * 420_000 + '"\ncleo,c@example.org,Cleo\n').encode(),
    ]
    for raw in huge:
        tracemalloc.start()
        found = _rows(raw)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert [row.username for row in found if isinstance(row, AccountRow)] == ["ana", "cleo"]
        assert [row.reason.code for row in found if isinstance(row, RefusedRow)] == ["INVALID_ROW"]
        assert peak - len(raw) < 2_000_000
        assert calls(partial(_rows, raw)) < 5_000 + 5 * raw.count(b"\n")


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        ("ana,a@example.org", "INVALID_ROW", None),
        ("ana,a@example.org,Ana,more", "INVALID_ROW", None),
        (f"ana,a@example.org,{'x' * 10_001}", "INVALID_ROW", None),
        (f"ana,a@example.org,{'x' * 101}", "INVALID_ROW", "full_name"),
        ('ana,a@example.org,"An"a', "INVALID_ROW", None),
        ('ana,a@example.org,An"a', "INVALID_ROW", None),
        ('ana,a@example.org,"Ana', "INVALID_ROW", None),
        ("ana,a@example.org,A\x07na", "INVALID_ROW", "full_name"),
        ("ana,a@example.org,A\u202ena", "INVALID_ROW", "full_name"),
        (",a@example.org,Ana", "INVALID_USERNAME", "username"),
        ("me,a@example.org,Ana", "INVALID_USERNAME", "username"),
        ("ana,,Ana", "INVALID_EMAIL", "email"),
        ("ana,ana,Ana", "INVALID_EMAIL", "email"),
    ],
    ids=range(13),
)
def test_a_row_that_cannot_become_an_account_is_refused_alone(row: str, code: str, field: str | None) -> None:
    found = _rows(HEAD + "ben,b@example.org,Ben\n" + row)

    assert isinstance(found[0], AccountRow)
    assert _reasons(HEAD + "ben,b@example.org,Ben\n" + row) == [(3, code, field)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("role", "root"), ("role", "user,admin"), ("status", "deleted"), ("status", "rejected")),
        *(("is_verified", "yes"), ("is_verified", "1"), ("hashed_password", "plain")),
    ],
)
def test_words_of_ours_are_taken_or_refused_never_guessed(column: str, value: str) -> None:
    reasons = _reasons(f'username,email,{column}\nana,a@example.org,"{value}"\n')

    assert reasons[0][2] == column


def test_who_waits_has_no_rights_yet_for_a_mere_approver_could_give_them() -> None:
    content = "username,email,status,role\nana,a@example.org,pending,admin\nben,b@example.org,suspended,admin\n"

    assert _reasons(content) == [(2, "INVALID_ROW", "role")]


def test_columns_that_only_tell_are_passed_over() -> None:
    row = _accounts("id,username,email,created_at,is_approved\nx,ana,a@example.org,yesterday,false\n")[0]

    assert (row.username, row.status) == ("ana", Status.ACTIVE)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("{", None),
        ("[]", None),
        ('"ana"', None),
        ("[" * 50_000, None),
        ('{"username": "ana", "username": "ben", "email": "a@example.org"}', None),
        (_line(shoe_size=7), None),
        (_line(name="Ana", full_name="Ana"), "full_name"),
        (_line(username=7), "username"),
        (_line(email=["a@example.org"]), "email"),
        (_line(full_name={"$ne": ""}), "full_name"),
        (_line(is_verified=1), "is_verified"),
        (_line(role=None, status=True), "status"),
        (_line(full_name="\ud800"), "full_name"),
        (_line(approval_note="a\0b"), "approval_note"),
        (_line(approval_note="x" * 100_001), None),
        ('{"username": 1' + "0" * 5000 + "}", None),
    ],
    ids=range(16),
)
def test_a_line_of_json_that_cannot_become_an_account_is_refused_alone(line: str, field: str | None) -> None:
    reasons = _reasons(line.rstrip("\n") + "\n\n" + _line(), Format.JSONL)

    assert reasons == [(1, "INVALID_ROW", field)]


def test_json_lines_say_what_they_mean() -> None:
    content = _line(is_verified=True, role="approver", password="'=a secret ", institution=None, name="'=Ana")
    row = _accounts(b"\xef\xbb\xbf" + content.encode(), Format.JSONL)[0]

    assert (row.is_verified, row.role, row.password, row.institution) == (True, Role.APPROVER, "'=a secret ", None)
    assert row.full_name == "'=Ana"


def test_a_password_in_a_cell_is_taken_as_it_stands() -> None:
    row = _accounts("username,email,password\nana,a@example.org,'=a secret \n")[0]

    assert row.password == "'=a secret "
    assert "secret" not in repr(row)


def test_rows_beyond_the_most_are_not_even_counted() -> None:
    content = HEAD + "ana,a@example.org,Ana\n" * 4

    assert survey(_file(content), 4) == 4
    with pytest.raises(TooManyRows):
        survey(_file(content), 3)


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@x", "\tx", "\r=x", "\uff1dx", "a;=1+1", "a\t=x", "list:\n-one", "'=x", "''=x"],
    ids=ascii,
)
def test_no_cell_is_a_formula_in_any_spreadsheet(cell: str) -> None:
    shown = defused(cell)

    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))
    assert ";=" not in shown
    assert "\n-" not in shown
    assert restored(shown) == cell


@pytest.mark.parametrize("cell", ["Ana", "O'Brien", "'quoted'", "a-b", "a; -b", "1=1", "ana@example.org"])
def test_what_is_no_formula_stays_as_it_is(cell: str) -> None:
    assert defused(cell) == restored(cell) == cell


@given(some.text(some.sampled_from("='-+@;\t\r\n a\uff1d,\"")))
def test_whatever_is_defused_comes_back(cell: str) -> None:
    text = io.StringIO()
    csv.writer(text).writerow([defused(cell), "x"])

    assert restored(next(csv.reader(io.StringIO(text.getvalue(), newline="")))[0]) == cell


SALT, LONG_SALT = "c2FsdHNhbHQ", "A" * 87
DIGEST = "1eMp06H1Ft1NL2G6Hg721A"
GOOD_BCRYPT = "$2b$10$" + "a" * 21 + "." + "b" * 30 + "C"


@pytest.mark.parametrize(
    "bomb",
    [
        f"$argon2id$v=19$m=262145,t=1,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=262144,t=5,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=8,t=17,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=4096,t=1,p=17${SALT}${DIGEST}",
        f"$argon2id$v=19$m=8,t=1,p=2${SALT}${DIGEST}",
        f"$argon2id$v=19$m={'9' * 300},t=1,p=1${SALT}${DIGEST}",
        GOOD_BCRYPT.replace("$10$", "$16$"),
        GOOD_BCRYPT.replace("$10$", "$31$"),
        GOOD_BCRYPT.replace("$10$", "$03$"),
        f"$pbkdf2-sha256$2000001${SALT}${'A' * 43}",
        f"$pbkdf2-sha512$99999999${SALT}${'A' * 86}",
        f"pbkdf2_sha256$2000001$salt${'A' * 43}=",
    ],
    ids=range(12),
)
def test_a_hash_that_would_hold_everybody_up_is_refused(bomb: str) -> None:
    with pytest.raises(InvalidHash) as refused:
        check_foreign(bomb)

    assert "cost" in refused.value.detail
    assert bomb not in refused.value.detail


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "plain",
        "!",
        "$1$salt$hash",
        f"$argon2id$v=19$m=8,t=1,p=1${SALT}$",
        f"$argon2id$v=19$m=8,t=1,p=1${SALT}${DIGEST[:-1]}B",
        f"$argon2id$v=19$m=8,t=1,p=1${LONG_SALT}${DIGEST}",
        f"$argon2id$v=19$m=08,t=1,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=\uff18,t=1,p=1${SALT}${DIGEST}",
        f"$argon2x$v=19$m=8,t=1,p=1${SALT}${DIGEST}",
        f"$argon2id$v=19$m=8,t=1,p=1${SALT}${DIGEST}\n",
        GOOD_BCRYPT[:-1],
        GOOD_BCRYPT.replace("$2b$", "$2x$"),
        GOOD_BCRYPT[:-1] + "b",
        f"$pbkdf2-sha256$1000${SALT}${'A' * 42}B",
        f"$pbkdf2-sha256$1000${SALT}${'A' * 42}",
        f"$pbkdf2-sha512$1000${SALT}${'A' * 43}",
        f"$pbkdf2-sha1$1000${SALT}${'A' * 43}",
        f"pbkdf2_sha256$1000$$'{'A' * 43}=",
        f"pbkdf2_sha1$1000$salt${'A' * 43}=",
        "$argon2id$" + "A" * 5000,
    ],
    ids=range(21),
)
def test_a_hash_nobody_could_ever_check_is_refused(damaged: str) -> None:
    with pytest.raises(InvalidHash):
        check_foreign(damaged)


def test_sound_hashes_at_the_bounds_are_taken() -> None:
    check_foreign(f"$argon2id$v=19$m=262144,t=4,p=4${SALT}${DIGEST}")
    check_foreign(GOOD_BCRYPT.replace("$10$", "$15$"))
    check_foreign(f"$pbkdf2-sha512$2000000${SALT}${'A' * 86}")
    check_foreign(f"pbkdf2_sha256$2000000$Salt1${'A' * 43}=")
