"""A zip written piece by piece: whole for every reader, its names harmless on every system."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import closing

import pytest

from backend.services.archive import Archive, safe_name


@pytest.fixture
def archive() -> Iterator[Archive]:
    """An archive with nothing in it."""
    with closing(Archive()) as empty:
        yield empty


def _read(data: bytes) -> zipfile.ZipFile:
    found = zipfile.ZipFile(io.BytesIO(data))
    assert found.testzip() is None
    return found


def test_what_is_written_in_pieces_is_read_whole(archive: Archive) -> None:
    pieces = [archive.begin("ünï.bin", 10**9), *(archive.add(bytes([number]) * 1000) for number in range(100))]
    pieces += [archive.finish(), archive.whole("empty", b"", 10**9), *archive.end()]
    found = _read(b"".join(pieces))

    assert found.read("ünï.bin") == b"".join(bytes([number]) * 1000 for number in range(100))
    assert found.read("empty") == b""
    assert found.infolist()[0].date_time == (2001, 9, 9, 1, 46, 40)


def test_a_large_entry_says_so_beforehand(archive: Archive) -> None:
    data = archive.begin("large", 0, large=True) + archive.add(b"x") + archive.finish() + b"".join(archive.end())

    assert _read(data).read("large") == b"x"
    assert data[4:6] == (45).to_bytes(2, "little")


def test_there_may_be_more_entries_than_the_first_zips_could_count(archive: Archive) -> None:
    data = b"".join(archive.whole(f"{number}", b"", 0) for number in range(65_536)) + b"".join(archive.end())

    assert len(_read(data).namelist()) == 65_536


def test_nothing_is_added_where_nothing_has_begun(archive: Archive) -> None:
    with pytest.raises(ValueError, match="no entry"):
        archive.add(b"x")


@pytest.mark.parametrize("path", ["graphs/waves.json", "ünï/名前.txt", "a b/-rf", ".hidden", "x" * 255])
def test_a_harmless_name_stays_as_it_is(path: str) -> None:
    assert safe_name(path) == path


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("..", id="up"),
        pytest.param("a/../b", id="up-within"),
        pytest.param(".. /b", id="up-on-windows"),
        pytest.param("/etc/passwd", id="absolute"),
        pytest.param("C:\\evil", id="drive"),
        pytest.param("..\\..\\evil", id="backslashes"),
        pytest.param("a\nb\x00c\x1b[2J", id="controls"),
        pytest.param("\u202egpj.exe", id="direction"),
        pytest.param("\udcff\udcfe", id="no-text"),
        pytest.param("\ud800", id="lone-surrogate"),
        pytest.param("\udcff" * 255, id="long"),
    ],
)
def test_a_harmful_name_is_made_harmless(path: str) -> None:
    name = safe_name(path)

    assert name.isprintable()
    assert not name.startswith("/")
    assert not {"\\", ":"} & set(name)
    assert all(part.strip(". ") for part in name.split("/"))
    assert len(name.encode()) < 1024


def test_no_two_names_become_one() -> None:
    names = ["a\nb.txt", "a\rb.txt", "a_b.txt", "a:b.txt", "a\\b.txt", "\udcff", "\udcfe", "\N{REPLACEMENT CHARACTER}"]

    assert len({safe_name(name) for name in names}) == len(names)
