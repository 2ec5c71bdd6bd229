"""Operating by command: starting, refusing to start in a sentence, migrating, repairing."""

import shutil
import signal
import socket
import subprocess
import time
from typing import Final
from urllib.request import urlopen

import pytest
import typer

from backend.cli import app
from tests.cli.terminal import Terminal

_NOBODY_LISTENS: Final = "postgresql+asyncpg://ana:secret@127.0.0.1:1/vestibule"


@pytest.mark.parametrize(
    ("command", "settings", "sentence"),
    [
        pytest.param("serve", {"COLOUR": "red"}, "VESTIBULE_COLOUR is not a setting", id="unknown-setting"),
        pytest.param("serve", {"SMTP_URL": "smtp://mail"}, "VESTIBULE_SMTP_URL needs VESTIBULE_MAIL_FROM", id="mail"),
        pytest.param("serve", {"MAIL_FROM": "secret"}, "VESTIBULE_MAIL_FROM: must be an address", id="sender"),
        pytest.param("migrate", {"DATABASE_URL": _NOBODY_LISTENS}, "The database cannot be reached", id="unreachable"),
        pytest.param("demo", {"ENV": "production"}, "The passwords of the demo accounts are public", id="demo"),
    ],
)
def test_a_start_that_cannot_be_is_refused_in_one_sentence(
    terminal: Terminal, command: str, settings: dict[str, str], sentence: str
) -> None:
    refused = terminal.run(command, **settings)

    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith(sentence)
    assert refused.err.count("\n") == 1
    assert "secret" not in refused.err


def test_an_unusable_data_directory_is_named(terminal: Terminal) -> None:
    terminal.data_dir.write_text("a file where a directory should be")

    refused = terminal.run("users", "list", "--json")

    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith('{"error_code": "START", "detail": "The data directory ')


def test_a_port_in_use_is_named_with_a_way_out(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = terminal.run("serve", "--port", str(port))

    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith(f"Port {port} on 127.0.0.1 is in use; choose another one, for example with --port ")
    assert refused.err.count("\n") == 1


def test_serving_says_where_and_ends_quietly(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(  # noqa: S603  # our own program
        terminal.command("serve", "--port", str(port)),
        cwd=terminal.place,
        env=terminal.environment(BOOTSTRAP="token"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as service:
        try:
            _wait_until_it_answers(service, port)
        finally:
            service.send_signal(signal.SIGINT)
        out, err = service.communicate(timeout=120)

    assert f"http://127.0.0.1:{port} " in out
    assert "bootstrap token" in out
    assert "Traceback" not in err
    assert service.returncode == 0


def test_migrating_tells_from_where_to_where(terminal: Terminal) -> None:
    migrated = terminal.run("migrate", "--json")

    assert migrated.json["from"] is None
    assert migrated.json["changed"] is True


def test_a_clean_up_tells_in_words_what_it_removed(terminal: Terminal) -> None:
    done = terminal.run("cleanup")

    assert done.code == 0
    assert "Removed one-time tokens: 0" in done.out.splitlines()


async def test_a_lost_directory_is_found_and_made_again(terminal: Terminal) -> None:
    await terminal.sign_up("ana")
    lost = next((terminal.data_dir / "users").iterdir())
    shutil.rmtree(lost)

    found = terminal.run("provision", "check", "--json")
    repaired = terminal.run("provision", "repair")

    assert (found.code, found.json["agree"], found.json["missing"]) == (1, False, [lost.name])
    assert repaired.code == 0
    assert (lost / "node_registry.json").is_file()


def test_every_command_explains_itself_with_an_example() -> None:
    def commands(group: object, path: str) -> list[tuple[str, str]]:
        inner = getattr(group, "commands", None)
        if inner is None:
            return [(path, getattr(group, "help", None) or "")]
        return [found for name, one in inner.items() for found in commands(one, f"{path} {name}")]

    missing = [
        path
        for path, text in commands(typer.main.get_command(app), "python -m backend")
        if f"Example: {path}" not in text
    ]

    assert not missing


def _wait_until_it_answers(service: "subprocess.Popen[str]", port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and service.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health/live", timeout=10):
                return
        except OSError:  # refused, or too busy to answer yet
            time.sleep(0.05)
    pytest.fail("the service did not open its door")
