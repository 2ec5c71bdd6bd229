"""What is done with the files a person keeps: counted, read, put back, destroyed; and no link leads anywhere else."""

import os
import shutil
import threading
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from backend.errors import ErasingFailed, ProvisioningFailed
from backend.provisioners import Usage
from backend.provisioners.directories import DirectoryProvisioner
from backend.provisioners.skeleton import FILES
from backend.provisioners.trees import DEEPEST

WHO = UUID("0190a0b0-c0d0-7000-8000-000000000001")
OTHER = UUID("0190a0b0-c0d0-7000-8000-000000000002")
DAY = datetime(2026, 5, 4, 12, tzinfo=UTC)
EMPTY = Usage(5, 10)
"""Five registries of two bytes."""


@pytest.fixture
def place(tmp_path: Path) -> DirectoryProvisioner:
    """A provisioner that has made one directory."""
    (tmp_path / "data").mkdir()
    provisioner = DirectoryProvisioner(tmp_path / "data")
    provisioner.provision(WHO)
    return provisioner


@pytest.fixture
def home(tmp_path: Path, place: DirectoryProvisioner) -> Path:
    """That directory."""
    return tmp_path / "data" / "users" / str(WHO)


@pytest.fixture
def trash(tmp_path: Path) -> Path:
    """Where directories are put aside."""
    return tmp_path / "data" / "trash"


@pytest.fixture
def treasure(tmp_path: Path) -> Path:
    """A directory of somebody else, with something in it."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "gold").write_text("gold" * 1000)
    return elsewhere


def _read(place: DirectoryProvisioner, who: UUID = WHO) -> dict[str, bytes | None]:
    with closing(place.walk(who)) as everything:
        return {kept.path: kept.file.read() if kept.file else None for kept in everything if kept.path not in FILES}


def _deep(top: Path, depth: int) -> None:
    """Make a chain of directories, longer than any path may be, with a file at its end."""
    directory = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 200, dir_fd=directory)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = below
    os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=directory))
    os.close(directory)


def test_what_is_kept_is_counted_and_read(place: DirectoryProvisioner, home: Path) -> None:
    before = place.measure(WHO)
    (home / "graphs" / "waves.json").write_text("[1, 2, 3]")
    (home / "nodes" / "deeper").mkdir()
    (home / "nodes" / "deeper" / "empty").touch()

    assert (before, place.measure(WHO)) == (EMPTY, Usage(7, 19))
    assert _read(place) == {"graphs/waves.json": b"[1, 2, 3]", "nodes/deeper/empty": b""}


def test_nobodys_directory_is_empty(place: DirectoryProvisioner) -> None:
    assert (place.measure(OTHER), _read(place, OTHER)) == (Usage(0, 0), {})


def test_links_are_neither_counted_nor_read(place: DirectoryProvisioner, home: Path, treasure: Path) -> None:
    (home / "file").symlink_to(treasure / "gold")
    (home / "folder").symlink_to(treasure)
    (home / "round").symlink_to(home)

    assert place.measure(WHO) == EMPTY
    assert _read(place) == {"file": None, "folder": None, "round": None}


def test_a_link_in_the_place_of_the_directory_is_not_followed(
    place: DirectoryProvisioner, home: Path, treasure: Path
) -> None:
    shutil.rmtree(home)
    home.symlink_to(treasure)

    assert (place.measure(WHO), _read(place)) == (Usage(0, 0), {})
    with pytest.raises(ProvisioningFailed):
        place.restore(WHO)
    place.erase(WHO)
    assert not home.is_symlink()
    assert (treasure / "gold").exists()


def test_a_pipe_keeps_nobody_waiting(place: DirectoryProvisioner, home: Path) -> None:
    os.mkfifo(home / "pipe")
    worker = threading.Thread(target=lambda: (place.measure(WHO), _read(place), place.complete(WHO)), daemon=True)
    worker.start()
    worker.join(10)

    assert not worker.is_alive()
    assert _read(place) == {"pipe": None}
    assert place.measure(WHO) == EMPTY


@pytest.mark.parametrize("kind", ["folders", "files"])
def test_what_is_swapped_for_a_link_meanwhile_is_not_followed(
    place: DirectoryProvisioner, home: Path, treasure: Path, kind: str
) -> None:
    mine = [home / f"{number}" / "gold" if kind == "folders" else home / f"{number}" for number in range(50)]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    found = []
    with closing(place.walk(WHO)) as everything:
        for kept in everything:
            found.append(kept.file.read() if kept.file else None)
            for number in range(50):
                if kept.path not in FILES and not (home / f"{number}").is_symlink():
                    (home / f"{number}").rename(treasure / f"{number}")
                    (home / f"{number}").symlink_to(treasure if kind == "folders" else treasure / "gold")

    assert set(found) == {b"mine", b"{}", None}


def test_files_that_come_and_go_meanwhile_do_no_harm(place: DirectoryProvisioner, home: Path) -> None:
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            for number in range(20):
                (home / f"{number}").mkdir()
                (home / f"{number}" / "file").write_text("x")
            for number in range(20):
                shutil.rmtree(home / f"{number}")

    worker = threading.Thread(target=churn)
    worker.start()
    try:
        for _ in range(50):
            place.measure(WHO)
            _read(place)
    finally:
        stop.set()
        worker.join()

    assert place.measure(WHO) == EMPTY


def test_any_name_is_walked_past(place: DirectoryProvisioner, home: Path) -> None:
    for name in (b"line\nbreak", b"\xff\xfe", b"-rf", b" ", b"\\", "ünï".encode()):
        with os.fdopen(os.open(os.fsencode(home) + b"/" + name, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(name)

    assert {os.fsencode(path): content for path, content in _read(place).items()} == {
        name: name for name in (b"line\nbreak", b"\xff\xfe", b"-rf", b" ", b"\\", "ünï".encode())
    }


def test_what_lies_too_deep_is_named_and_not_gone_into(place: DirectoryProvisioner, home: Path) -> None:
    _deep(home, DEEPEST)
    ((path, content),) = _read(place).items()

    assert (path.count("/"), content) == (DEEPEST - 1, None)
    assert place.measure(WHO) == EMPTY


def test_nothing_stays_open_when_somebody_stops_half_way(place: DirectoryProvisioner, home: Path) -> None:
    _deep(home, 3)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with closing(place.walk(WHO)) as everything:
        next(everything)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_directory_comes_back_as_it_went(place: DirectoryProvisioner, home: Path) -> None:
    (home / "graphs" / "waves.json").write_text("work")
    place.withdraw(WHO, DAY)
    aside = _read(place)
    answers = [place.restore(WHO) for _ in range(2)]

    assert aside == {"graphs/waves.json": b"work"}
    assert answers == [True, True]
    assert (home / "graphs" / "waves.json").read_text() == "work"
    assert [id_ for batch in place.withdrawn() for id_ in batch] == []


def test_the_newest_of_several_comes_back(place: DirectoryProvisioner, home: Path) -> None:
    moments = [DAY + timedelta(hours=1), DAY, DAY - timedelta(days=1), DAY + timedelta(minutes=1)]
    for number, moment in enumerate(moments):
        place.provision(WHO)
        (home / "number").write_text(str(number))
        place.withdraw(WHO, moment)

    assert place.restore(WHO)
    assert (home / "number").read_text() == "0"


def test_a_copy_of_an_older_version_comes_back(place: DirectoryProvisioner, home: Path, trash: Path) -> None:
    (trash / "2026-05-04").mkdir(parents=True)
    home.rename(trash / "2026-05-04" / f"{WHO}-0a1b2c3d")

    assert place.restore(WHO)
    assert place.complete(WHO)


def test_nothing_comes_back_where_nothing_is(place: DirectoryProvisioner) -> None:
    assert place.restore(OTHER) is False


def test_a_planted_copy_is_none(place: DirectoryProvisioner, home: Path, trash: Path, treasure: Path) -> None:
    shutil.rmtree(home)
    (trash / "2026-05-04").mkdir(parents=True)
    (trash / "2026-05-04" / f"{WHO}-ffffffff").symlink_to(treasure)
    (trash / "2026-05-05").symlink_to(treasure)
    (treasure / f"{WHO}-ffffffff").mkdir()

    assert place.restore(WHO) is False
    assert not home.exists()


def test_what_came_back_is_new_to_the_reconciler(place: DirectoryProvisioner, home: Path) -> None:
    place.withdraw(WHO, DAY)
    (copy,) = home.parents[1].glob("trash/*/*")
    os.utime(copy, (0, 0))
    place.restore(WHO)

    assert [id_ for batch in place.existing(60) for id_ in batch] == []


def test_erasing_leaves_nothing_of_one_and_all_of_others(
    place: DirectoryProvisioner, home: Path, trash: Path, treasure: Path
) -> None:
    for who in (WHO, OTHER):
        for day in range(2):
            place.provision(who)
            place.withdraw(who, DAY + timedelta(days=day))
        place.provision(who)
    (home / "gold").symlink_to(treasure / "gold")
    (home / "folder").symlink_to(treasure)
    os.link(treasure / "gold", home / "same")
    os.mkfifo(home / "pipe")
    for _ in range(2):
        place.erase(WHO)

    assert [path for path in home.parents[1].rglob("*") if str(WHO) in path.name] == []
    assert place.complete(OTHER)
    assert len(list(trash.glob(f"*/{OTHER}-*"))) == 2
    assert (treasure / "gold").read_text() == "gold" * 1000


def test_nothing_is_too_deep_or_too_long_to_be_erased(place: DirectoryProvisioner, home: Path) -> None:
    _deep(home, 1500)
    _deep(home / "graphs", 30)
    place.erase(WHO)

    assert not home.exists()


def test_what_is_protected_against_its_owner_is_erased(place: DirectoryProvisioner, home: Path) -> None:
    (home / "graphs" / "inner").mkdir()
    (home / "graphs" / "inner" / "file").touch()
    for path in (home / "graphs" / "inner", home / "graphs", home):
        path.chmod(0o500)
    place.erase(WHO)

    assert not home.exists()


def test_what_could_not_be_erased_is_said_and_tried_again(
    place: DirectoryProvisioner, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        (home / "graphs" / f"{number}").touch()
    place.withdraw(WHO, DAY)
    place.provision(WHO)
    really, left = os.unlink, 8

    def unlink(path: str | Path, *, dir_fd: int | None = None) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(5, os.strerror(5))
        really(path, dir_fd=dir_fd)

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", unlink)
        with pytest.raises(ErasingFailed):
            place.erase(WHO)
    place.erase(WHO)

    assert list(home.parents[1].glob(f"**/{WHO}*")) == []


def test_old_days_are_purged_and_nothing_else(
    place: DirectoryProvisioner, home: Path, trash: Path, treasure: Path
) -> None:
    for day in (-2, -1, 0, 1):
        for who in (WHO, OTHER):
            place.provision(who)
            place.withdraw(who, DAY + timedelta(days=day))
    for name in ("notes", "2026-13-99", "20260101", "2026-01-01.old"):
        (trash / name).mkdir()
        (trash / name / "kept").touch()
    (trash / "2025-12-31").symlink_to(treasure)
    (trash / "2025-12-30").write_text("a file")
    (trash / "2026-05-02" / "gold").symlink_to(treasure / "gold")
    purged = [place.purge(date(2026, 5, 4)) for _ in range(2)]

    assert purged == [4, 0]
    assert {path.name for path in trash.iterdir()} == {
        *("2026-05-04", "2026-05-05", "notes", "2026-13-99", "20260101", "2026-01-01.old"),
        *("2025-12-31", "2025-12-30"),
    }
    assert (treasure / "gold").exists()


def test_there_may_be_no_trash_yet(place: DirectoryProvisioner) -> None:
    assert (place.purge(date(2026, 5, 4)), place.restore(OTHER), list(place.withdrawn())) == (0, False, [])


def test_who_has_something_aside_is_listed(place: DirectoryProvisioner, trash: Path) -> None:
    place.withdraw(WHO, DAY)
    (trash / "2026-05-04" / "notes").touch()
    (trash / "2026-05-04" / f"{uuid4()}").mkdir()

    assert [id_ for batch in place.withdrawn() for id_ in batch] == [WHO]
