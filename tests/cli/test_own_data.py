"""`users data`: all that is kept about somebody, for who has to answer their request for it."""

import json
import stat
import zipfile
from uuid import UUID

from backend.services import unit_of_work
from tests.cli.terminal import Terminal


async def test_somebodys_data_are_written_once_for_its_owner_alone(terminal: Terminal) -> None:
    await terminal.sign_up("boss", "ana")
    written = terminal.run("users", "data", "ana", "--output", "ana.zip")
    again = terminal.run("users", "data", "ana", "--output", "ana.zip", "--json")
    output = terminal.place / "ana.zip"

    assert (written.code, written.out) == (0, f"ana.zip: {output.stat().st_size} bytes\n")
    assert (again.code, again.out) == (2, "")
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    with zipfile.ZipFile(output) as found:
        assert found.testzip() is None
        assert json.loads(found.read("account.json"))["username"] == "ana"
        assert "files/node_registry.json" in found.namelist()
        last = json.loads(found.read("history.json"))[-1]
    assert (last["action"], last["actor_id"], last["user_agent"]) == ("own_data_exported", None, "command line")


async def test_a_deleted_account_is_found_by_its_id_with_its_files(terminal: Terminal) -> None:
    await terminal.sign_up("boss", "ana")
    id_ = terminal.run("users", "show", "ana", "--json").json["id"]
    (terminal.data_dir / "users" / id_ / "graphs" / "waves.json").write_text("work")
    async with terminal.context() as context, unit_of_work(context) as services:
        await services.deletion.delete(None, UUID(id_))
    by_name = terminal.run("users", "data", "ana", "--output", "ana.zip")
    written = terminal.run("users", "data", id_, "--output", "ana.zip", "--json")

    assert (by_name.code, by_name.err) == (1, "User not found\n")
    assert written.json == {"output": "ana.zip", "bytes": (terminal.place / "ana.zip").stat().st_size}
    with zipfile.ZipFile(terminal.place / "ana.zip") as found:
        assert found.read("files/graphs/waves.json") == b"work"


def test_nobodys_data_leave_no_file(terminal: Terminal) -> None:
    refused = terminal.run("users", "data", "nobody", "--output", "nobody.zip")
    nowhere = terminal.run("users", "data", "nobody", "--output", "nowhere/nobody.zip")

    assert (refused.code, refused.err) == (1, "User not found\n")
    assert not (terminal.place / "nobody.zip").exists()
    assert (nowhere.code, nowhere.out, "No such file or directory" in nowhere.err) == (2, "", True)
