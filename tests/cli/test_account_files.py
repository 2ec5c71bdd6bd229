"""Accounts in and out of files by command."""

import csv
import io
import json
import stat

from backend.services import unit_of_work
from tests.cli.terminal import PASSWORD, Terminal

ROWS = f"username,email,password\nana,ana@example.org,{PASSWORD}\nben,nonsense,\ncleo,cleo@example.org,\n"


async def _known(terminal: Terminal, name: str, password: str) -> bool:
    async with terminal.context() as context, unit_of_work(context) as services:
        return (await services.authentication.check_password(name, password)).username == name


async def test_a_file_is_foretold_and_then_imported_row_by_row(terminal: Terminal) -> None:
    file = terminal.place / "people.csv"
    file.write_text(ROWS)
    told = terminal.run("users", "import", str(file), "--dry-run")
    made = terminal.run("users", "import", str(file))
    again = terminal.run("users", "import", str(file), "--json")

    assert (told.code, made.code, again.code) == (1, 1, 1)
    assert told.out.splitlines()[0] == "line 2, ana: would create"
    assert made.out.splitlines()[0] == "line 2, ana: created"
    assert "line 4, cleo: created: This person cannot sign in" in made.out
    assert made.err.splitlines()[0].startswith("line 3, ben: ")
    assert made.err.splitlines()[-1] == "2 created, 1 refused, of 3 rows"
    codes = [row["error_code"] for row in again.json["rows"]]
    assert codes == ["AUTH_EMAIL_EXISTS", "INVALID_EMAIL", "AUTH_EMAIL_EXISTS"]
    assert (again.json["requested"], again.json["failed"]) == (3, 3)
    assert await _known(terminal, "ana", PASSWORD)


def test_standard_input_is_read_and_success_is_all_rows_or_none(terminal: Terminal) -> None:
    line = json.dumps({"username": "ana", "email": "ana@example.org"})
    unnamed = terminal.run("users", "import", "-", stdin=line)
    made = terminal.run("users", "import", "-", "--format", "jsonl", "--json", stdin=line)

    assert unnamed.code == 2
    assert "--format" in unnamed.err
    assert (made.code, made.json["succeeded"], made.json["rows"][0]["username"]) == (0, 1, "ana")


def test_a_file_that_cannot_be_read_is_one_sentence(terminal: Terminal) -> None:
    file = terminal.place / "people.csv"
    file.write_bytes("username,email\nbørge,b@example.org\n".encode("latin-1"))
    refused = terminal.run("users", "import", str(file))
    as_json = terminal.run("users", "import", str(file), "--json")
    missing = terminal.run("users", "import", "nobody.csv")

    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "The file is not UTF-8 text: see line 2, byte 17. Save it as UTF-8.\n"
    assert json.loads(as_json.err)["error_code"] == "INVALID_FILE"
    assert missing.code == 2
    assert "No such file" in missing.err


def test_more_rows_than_a_request_may_bring_are_foretold(terminal: Terminal) -> None:
    file = terminal.place / "people.csv"
    file.write_text("username,email\n" + "".join(f"u{n},u{n}@example.org\n" for n in range(10_001)))
    told = terminal.run("users", "import", str(file), "--dry-run")

    assert told.code == 0
    assert told.err == "10001 would be created, 0 would be refused, of 10001 rows\n"


async def test_accounts_are_exported_to_a_file_nobody_else_may_read_or_to_a_pipe(terminal: Terminal) -> None:
    await terminal.sign_up("boss", "ana")
    file = terminal.place / "people.jsonl"
    piped = terminal.run("users", "export")
    waiting = terminal.run("users", "export", "--format", "jsonl", "--status", "pending")
    written = terminal.run("users", "export", "--output", str(file))
    nowhere = terminal.run("users", "export", "--output", str(terminal.place / "no" / "x.csv"))
    again = terminal.run("users", "export", "--output", str(file), "--status", "pending")

    assert [row["username"] for row in csv.DictReader(io.StringIO(piped.out))] == ["ana", "boss"]
    assert (piped.code, piped.err) == (0, "2 accounts exported\n")
    assert [json.loads(line)["username"] for line in waiting.out.splitlines()] == ["ana"]
    assert (written.code, len(file.read_text().splitlines())) == (0, 2)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert nowhere.code == 2
    assert (again.code, "File exists (--force overwrites it)" in again.err) == (2, True)
    assert len(file.read_text().splitlines()) == 2
    assert terminal.run("users", "export", "--output", str(file), "--status", "pending", "--force").code == 0
    assert [json.loads(line)["username"] for line in file.read_text().splitlines()] == ["ana"]
