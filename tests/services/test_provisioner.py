"""A person's directory: whole or not at all, never overwritten, never outside its place."""

import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from backend.errors import ProvisioningFailed
from backend.provisioners import directories
from backend.provisioners.directories import DirectoryProvisioner
from backend.provisioners.skeleton import FILES, FOLDERS

ROOT = Path(__file__).parents[2]
WHO = UUID("0190a0b0-c0d0-7000-8000-000000000001")
MANY = """
import sys
from pathlib import Path
from uuid import uuid4
from backend.provisioners.directories import DirectoryProvisioner
provisioner = DirectoryProvisioner(Path(sys.argv[1]))
while True:
    provisioner.provision(uuid4())
    provisioner.provision_all([uuid4() for _ in range(20)])
"""


@pytest.fixture
def place(tmp_path: Path) -> DirectoryProvisioner:
    """A provisioner with an empty data directory."""
    return DirectoryProvisioner(tmp_path)


def _modes(top: Path) -> set[tuple[bool, int]]:
    return {(path.is_dir(), stat.S_IMODE(path.lstat().st_mode)) for path in (top, *top.rglob("*"))}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_directory_has_its_parts_and_is_nobody_elses(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        DirectoryProvisioner(tmp_path).provision(WHO)
    finally:
        os.umask(before)
    home = tmp_path / "users" / str(WHO)

    assert {path.name for path in home.iterdir()} == {*FOLDERS, *FILES}
    assert {(home / name).read_text() for name in FILES} == {"{}"}
    assert _modes(tmp_path / "users") == {(True, 0o700), (False, 0o600)}


def test_what_is_there_is_completed_and_never_overwritten(tmp_path: Path, place: DirectoryProvisioner) -> None:
    place.provision(WHO)
    home = tmp_path / "users" / str(WHO)
    (home / "node_registry.json").write_text('{"a": 1}')
    (home / "function_registry.json").unlink()
    (home / "graphs").rmdir()
    (home / "nodes" / "mine").write_text("work")
    incomplete = place.complete(WHO)
    place.provision(WHO)

    assert (incomplete, place.complete(WHO)) == (False, True)
    assert (home / "node_registry.json").read_text() == '{"a": 1}'
    assert (home / "nodes" / "mine").read_text() == "work"


def test_a_link_planted_in_its_place_is_refused(tmp_path: Path, place: DirectoryProvisioner) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / str(WHO)).symlink_to(elsewhere)

    with pytest.raises(ProvisioningFailed):
        place.provision(WHO)
    assert place.complete(WHO) is False
    assert list(elsewhere.iterdir()) == []


def test_a_link_planted_within_is_not_followed(tmp_path: Path, place: DirectoryProvisioner) -> None:
    victim, home = tmp_path / "victim", tmp_path / "users" / str(WHO)
    home.mkdir(parents=True)
    for name in FILES:
        (home / name).symlink_to(victim)
    place.provision(WHO)

    assert not victim.exists()


def test_a_file_in_its_place_is_an_error_that_leaves_it_alone(tmp_path: Path, place: DirectoryProvisioner) -> None:
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / str(WHO)).write_text("what?")

    with pytest.raises(ProvisioningFailed):
        place.provision(WHO)
    assert [path.name for path in (tmp_path / "users").iterdir()] == [str(WHO)]
    assert (tmp_path / "users" / str(WHO)).read_text() == "what?"


def test_many_at_once_make_one_directory(tmp_path: Path, place: DirectoryProvisioner) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(place.provision, [WHO] * 32))

    assert [path.name for path in (tmp_path / "users").iterdir()] == [str(WHO)]
    assert place.complete(WHO)


def test_a_process_killed_on_the_way_leaves_no_half_made_home(tmp_path: Path, place: DirectoryProvisioner) -> None:
    for patience in (0.0, 0.002, 0.005, 0.011):
        with subprocess.Popen([sys.executable, "-c", MANY, str(tmp_path)], cwd=ROOT) as process:  # noqa: S603
            deadline = time.monotonic() + 120
            while len(list((tmp_path / "users").glob("*"))) < 5 and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(patience)
            os.kill(process.pid, signal.SIGKILL)
        made = [path for path in (tmp_path / "users").iterdir() if not path.name.startswith(".unfinished-")]
        assert made
        assert all(place.complete(UUID(path.name)) for path in made)
        assert place.leftovers(0) == place.sweep(0)
        assert {path.name for path in (tmp_path / "users").iterdir()} == {path.name for path in made}
        for path in made:
            place.withdraw(UUID(path.name), datetime.now(UTC))


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_many_are_made_in_one_go_as_one_is(tmp_path: Path, place: DirectoryProvisioner, umask: int) -> None:
    ids = [uuid4() for _ in range(20)]
    place.provision(ids[0])
    place.provision(ids[1])
    (tmp_path / "users" / str(ids[1]) / "graphs").rmdir()
    (tmp_path / "users" / str(ids[1]) / "node_registry.json").write_text("work")
    before = os.umask(umask)
    try:
        failed = place.provision_all([*ids, *ids])
    finally:
        os.umask(before)

    assert list(failed) == []
    assert {path.name for path in (tmp_path / "users").iterdir()} == {str(id_) for id_ in ids}
    assert all(place.complete(id_) for id_ in ids)
    assert (tmp_path / "users" / str(ids[1]) / "node_registry.json").read_text() == "work"
    assert _modes(tmp_path / "users") == {(True, 0o700), (False, 0o600)}


def test_of_many_those_that_cannot_be_made_are_named(tmp_path: Path, place: DirectoryProvisioner) -> None:
    file, link, other = [uuid4() for _ in range(3)]
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / str(file)).write_text("what?")
    (tmp_path / "users" / str(link)).symlink_to(tmp_path)

    assert set(place.provision_all([file, other, link])) == {file, link}
    assert place.complete(other)
    assert place.leftovers(-1) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"users"}


def test_a_disk_that_does_not_keep_many_leaves_none(
    tmp_path: Path, place: DirectoryProvisioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(directories, "flush_everything", refuse)
    with pytest.raises(ProvisioningFailed):
        place.provision_all([uuid4() for _ in range(3)])
    assert list((tmp_path / "users").iterdir()) == []


def test_a_complete_directory_is_looked_at_and_not_touched(tmp_path: Path, place: DirectoryProvisioner) -> None:
    place.provision(WHO)
    home = tmp_path / "users" / str(WHO)
    os.utime(home, (0, 0))
    changed = home.stat().st_ctime_ns
    place.provision(WHO)
    place.provision_all([WHO])

    assert home.stat().st_ctime_ns == changed


def test_withdrawing_moves_to_the_days_trash_as_often_as_asked(tmp_path: Path, place: DirectoryProvisioner) -> None:
    day = datetime(2026, 5, 4, tzinfo=UTC)
    for _ in range(2):
        place.provision(WHO)
        place.withdraw(WHO, day)
    place.withdraw(WHO, day)

    assert len(list((tmp_path / "trash" / "2026-05-04").iterdir())) == 2
    assert stat.S_IMODE((tmp_path / "trash").stat().st_mode) == 0o700
    assert list((tmp_path / "users").iterdir()) == []


def test_withdrawing_a_planted_link_moves_the_link_alone(tmp_path: Path, place: DirectoryProvisioner) -> None:
    treasure = tmp_path / "treasure"
    treasure.write_text("gold")
    (tmp_path / "users").mkdir()
    (tmp_path / "users" / str(WHO)).symlink_to(treasure)
    place.withdraw(WHO, datetime.now(UTC))

    assert treasure.read_text() == "gold"
    assert not (tmp_path / "users" / str(WHO)).is_symlink()


def test_nothing_but_ids_is_listed_and_nothing_but_leftovers_is_swept(
    tmp_path: Path, place: DirectoryProvisioner
) -> None:
    users, strays = tmp_path / "users", ["notes.txt", str(WHO).upper(), WHO.hex, f"{{{WHO}}}", "..data", ".unfinish"]
    place.provision(WHO)
    for name in strays:
        (users / name).touch()
    (users / f".unfinished-{uuid4()}-00").mkdir()

    assert [id_ for batch in place.existing(-1) for id_ in batch] == [WHO]
    assert place.sweep(-1) == 1
    assert {path.name for path in users.iterdir()} == {str(WHO), *strays}


def test_a_disk_that_refuses_is_said_so_and_leaves_nothing(tmp_path: Path, place: DirectoryProvisioner) -> None:
    (tmp_path / "users").write_text("a file where a directory should be")

    with pytest.raises(ProvisioningFailed):
        place.provision(WHO)
    assert [path.name for path in tmp_path.iterdir()] == ["users"]
