"""The keys that sign: made once, kept to ourselves, named by their content; rotated and retired while we serve."""

import base64
import hashlib
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt
import pytest
from structlog.testing import capture_logs

from backend import key_directory, keys
from backend.errors import KeyFixed, KeyInUse, KeyNotFound, StartError
from backend.key_directory import KeyDirectory
from backend.keys import PUBLISHED_BEFORE_SIGNING, FixedKeys, SigningKey, shared_secret
from tests.application import Application
from tests.factories import People

ROOT = Path(__file__).parents[2]
JWKS = "/.well-known/jwks.json"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
MAKE = """
import sys
from pathlib import Path
from backend.key_directory import KeyDirectory
print("here", flush=True)
sys.stdin.read()
(key,) = KeyDirectory(Path(sys.argv[1]), refuse_readable=True).ring().keys
print(key.kid)
"""


@pytest.fixture
def held(tmp_path: Path) -> KeyDirectory:
    """Keys of which the first began in 2020."""
    _first(tmp_path / "keys").rename(tmp_path / "keys" / "20200101T000000Z-old.pem")
    return _open(tmp_path / "keys")


def _open(directory: Path) -> KeyDirectory:
    return KeyDirectory(directory, refuse_readable=True)


def _first(directory: Path) -> Path:
    """Let a directory have its first key, and return its file."""
    _open(directory)
    (path,) = directory.glob("*.pem")
    return path


def _directory(held: KeyDirectory) -> Path:
    return held._directory


def _kids(held: KeyDirectory) -> list[str]:
    return [key.kid for key in held.ring().keys]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_many_processes_at_once_make_one_key(tmp_path: Path) -> None:
    command, pipe = [sys.executable, "-c", MAKE, str(tmp_path / "keys")], subprocess.PIPE
    processes = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(6)]  # noqa: S603
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "here\n"
    for process in processes:
        assert process.stdin
        process.stdin.close()
        process.stdin = None
    kids = {process.communicate(timeout=120)[0] for process in processes}

    assert [process.returncode for process in processes] == [0] * 6
    assert len(kids) == 1
    assert len(list((tmp_path / "keys").glob("*.pem"))) == 1


def test_a_key_is_for_nobody_elses_eyes(tmp_path: Path) -> None:
    held = _open(tmp_path / "keys")
    held.rotate(NOW)

    assert _mode(tmp_path / "keys") == 0o700
    assert [_mode(path) for path in (tmp_path / "keys").glob("*.pem")] == [0o600] * 2


def test_a_key_others_may_read_is_refused_where_it_matters(tmp_path: Path) -> None:
    path = _first(tmp_path)
    path.chmod(0o640)

    assert KeyDirectory(tmp_path, refuse_readable=False).ring().keys
    with pytest.raises(StartError, match=f"chmod 600 {path}"):
        _open(tmp_path)


def test_a_key_is_named_by_its_content(tmp_path: Path) -> None:
    public = _open(tmp_path).ring().jwks()["keys"][0]
    required = {name: public[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True).encode()

    assert public["kid"] == base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    assert _kids(_open(tmp_path)) == [public["kid"]]


def test_no_key_is_named_like_an_option(held: KeyDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["-y", "--help", "name"])
    monkeypatch.setattr(keys, "_thumbprint", lambda _: next(names, "of a file that is read"))

    assert held.rotate(NOW).kid == "name"


def test_what_is_published_holds_no_private_part(held: KeyDirectory) -> None:
    held.rotate(NOW)
    published = held.ring().jwks()["keys"]

    assert [set(key) for key in published] == [{"alg", "kty", "crv", "x", "y", "kid", "use"}] * 2
    assert shared_secret("a secret that is 32 bytes or more").jwks() == {"keys": []}


def test_the_newest_key_signs_and_the_older_ones_are_believed(held: KeyDirectory, tmp_path: Path) -> None:
    (older,) = _kids(held)
    _first(tmp_path / "elsewhere").rename(_directory(held) / "20210101T000000Z-new.pem")
    ring = _open(_directory(held)).ring()

    assert ring.active(NOW).kid == _kids(_open(_directory(held)))[-1] != older
    assert ring.find(older) is not None
    assert ring.find("unknown") is None


@pytest.mark.parametrize("content", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_stops_the_start_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "20200101T000000Z-x.pem"
    path.write_text(content)
    path.chmod(0o600)

    with pytest.raises(StartError, match=r"x\.pem is not an ES256 signing key"):
        _open(tmp_path)


def test_a_key_whose_name_tells_no_time_stops_the_start(tmp_path: Path) -> None:
    _first(tmp_path).rename(tmp_path / "next.pem")

    with pytest.raises(StartError, match=r"next\.pem is not an ES256 signing key named <time>"):
        _open(tmp_path)


def test_a_link_to_nothing_stops_the_start_and_makes_no_key(tmp_path: Path) -> None:
    (tmp_path / "20200101T000000Z-x.pem").symlink_to(tmp_path / "not mounted yet")

    with pytest.raises(StartError, match=r"x\.pem cannot be read: No such file"):
        _open(tmp_path)
    assert len(list(tmp_path.glob("*.pem"))) == 1


def test_the_first_key_signs_at_once(tmp_path: Path) -> None:
    ring = _open(tmp_path).ring()

    assert ring.keys[0].signs_from <= datetime.now(UTC)
    assert ring.active(NOW - timedelta(days=9999)) == ring.active(datetime.now(UTC)) == ring.keys[0]


def test_a_new_key_is_published_before_it_signs(held: KeyDirectory) -> None:
    (old,) = _kids(held)
    new = held.rotate(NOW)

    assert [key["kid"] for key in held.ring().jwks()["keys"]] == [old, new.kid]
    assert new.signs_from == NOW + PUBLISHED_BEFORE_SIGNING
    assert held.ring().active(new.signs_from - MOMENT).kid == old
    assert held.ring().active(new.signs_from).kid == new.kid
    assert held.ring().active(datetime(1999, 1, 1, tzinfo=UTC)).kid == old
    assert PUBLISHED_BEFORE_SIGNING > keys.KEY_SET_KEPT


def test_in_need_a_new_key_signs_at_once(held: KeyDirectory) -> None:
    held.rotate(NOW - timedelta(seconds=1))
    new = held.rotate(NOW, at_once=True)

    assert held.ring().active(NOW) == new


def test_a_new_key_is_the_same_for_who_starts_later(held: KeyDirectory) -> None:
    held.rotate(NOW + MOMENT)

    assert _open(_directory(held)).ring() == held.ring()


def test_another_process_meets_a_new_key_when_it_looks(held: KeyDirectory) -> None:
    other = _open(_directory(held))
    assert not other.look()

    held.rotate(NOW)

    assert len(_kids(other)) == 1
    assert (other.look(), other.look()) == (True, False)
    assert other.ring() == held.ring()


def test_another_process_forgets_a_retired_key_when_it_looks(held: KeyDirectory) -> None:
    other, (old,) = _open(_directory(held)), _kids(held)
    new = held.rotate(NOW, at_once=True)
    other.look()

    held.retire(old, NOW)

    assert other.look()
    assert _kids(other) == [new.kid]


def test_of_a_retired_key_nothing_is_left(held: KeyDirectory) -> None:
    (old,) = _kids(held)
    private = next(_directory(held).glob("*.pem")).read_bytes()
    held.rotate(NOW, at_once=True)
    (_directory(held) / "20190101T000000Z-copy.pem").write_bytes(private)
    (_directory(held) / "20190101T000000Z-copy.pem").chmod(0o600)

    held.retire(old, NOW)

    assert old not in _kids(held)
    assert private not in [path.read_bytes() for path in _directory(held).rglob("*") if path.is_file()]


def test_the_key_that_signs_cannot_be_retired(held: KeyDirectory) -> None:
    (old,) = _kids(held)
    new = held.rotate(NOW)

    with pytest.raises(KeyInUse):
        held.retire(old, new.signs_from - MOMENT)
    with pytest.raises(KeyInUse):
        held.retire(new.kid, new.signs_from)
    assert _kids(_open(_directory(held))) == [old, new.kid]


def test_a_key_that_has_not_begun_can_be_retired(held: KeyDirectory) -> None:
    (old,) = _kids(held)
    held.retire(held.rotate(NOW).kid, NOW)

    assert _kids(held) == [old]


@pytest.mark.parametrize("kid", ["", "unknown", "../../../etc/passwd", "20200101T000000Z-old"])
def test_a_key_nobody_knows_cannot_be_retired(held: KeyDirectory, kid: str) -> None:
    with pytest.raises(KeyNotFound):
        held.retire(kid, NOW)


def _spoil(held: KeyDirectory) -> list[str]:
    """Put two files beside the keys that are none; return what is told of them."""
    nothing = _directory(held) / "20250101T000000Z-nothing.pem"
    nothing.write_text("no key")
    nothing.chmod(0o600)
    readable = _first(_directory(held).with_name("elsewhere")).rename(_directory(held) / "20250101T000000Z-open.pem")
    readable.chmod(0o644)
    return [
        f"The signing key {readable} can be read by others; run: chmod 600 {readable}",
        f"{nothing} is not an ES256 signing key named <time>-<name>.pem.",
    ]


def test_a_bad_file_is_told_once_and_spoils_nothing(held: KeyDirectory) -> None:
    former, troubles = held.ring(), _spoil(held)

    with capture_logs() as logs:
        assert [held.look() for _ in range(3)] == [False] * 3

    assert held.ring() == former
    assert sorted(entry["reason"] for entry in logs) == sorted(troubles)
    assert {entry["log_level"] for entry in logs} == {"error"}


def test_a_bad_file_that_is_put_right_is_taken(held: KeyDirectory, tmp_path: Path) -> None:
    path = _first(tmp_path / "elsewhere").rename(_directory(held) / "20250101T000000Z-new.pem")
    path.chmod(0o644)
    assert not held.look()

    path.chmod(0o600)

    assert held.look()
    assert len(_kids(held)) == 2


def test_a_known_key_whose_file_is_spoilt_stays(held: KeyDirectory) -> None:
    held.rotate(NOW)
    former = held.ring()
    (_directory(held) / "20200101T000000Z-old.pem").write_text("half a k")

    assert not held.look()
    assert held.ring() == former


def test_a_file_that_holds_another_key_now_is_read_anew(held: KeyDirectory, tmp_path: Path) -> None:
    (old,) = _kids(held)
    other = _first(tmp_path / "elsewhere").rename(_directory(held) / "20200101T000000Z-old.pem")
    os.utime(other, (0, 0))

    assert held.look()
    assert (held.ring().find(old), len(_kids(held))) == (None, 1)


def test_a_retired_key_is_gone_whatever_lies_beside_it(held: KeyDirectory) -> None:
    other, (old,) = _open(_directory(held)), _kids(held)
    new = held.rotate(NOW, at_once=True)
    other.look()
    _spoil(held)

    held.retire(old, NOW)

    assert other.look()
    assert _kids(other) == [new.kid]


def test_without_its_directory_a_running_service_goes_on(held: KeyDirectory) -> None:
    former = held.ring()
    with capture_logs() as logs:
        for path in _directory(held).glob("*.pem"):
            path.unlink()
        emptied = [held.look(), held.look()]
        _directory(held).rename(_directory(held).with_name("away"))
        gone = [held.look(), held.look()]
        _directory(held).with_name("away").rename(_directory(held))

    assert (emptied, gone) == ([False] * 2, [False] * 2)
    assert held.ring() == former
    assert [("left" in entry["reason"], "listed" in entry["reason"]) for entry in logs] == [
        (True, False),
        (False, True),
    ]


def test_a_directory_nobody_may_write_to_is_told_in_a_sentence(held: KeyDirectory, tmp_path: Path) -> None:
    _directory(held).rename(tmp_path / "away")

    with pytest.raises(StartError, match="No key can be made in"):
        held.rotate(NOW)
    with pytest.raises(StartError, match="cannot be deleted"):
        held.retire(_kids(held)[0], NOW)


def test_looking_reads_what_is_new_and_nothing_else(held: KeyDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    other, parse, parsed = _open(_directory(held)), keys.parse, []
    new = other.rotate(NOW)

    def counted(pem: bytes, signs_from: datetime) -> SigningKey:
        parsed.append(signs_from)
        return parse(pem, signs_from)

    monkeypatch.setattr(key_directory, "parse", counted)

    assert [held.look() for _ in range(3)] == [True, False, False]
    assert parsed == [new.signs_from]


def test_a_shared_secret_changes_by_the_setting_alone() -> None:
    fixed = FixedKeys(shared_secret("a secret that is 32 bytes or more"))

    assert not fixed.look()
    with pytest.raises(KeyFixed, match="VESTIBULE_SECRET_KEY"):
        fixed.rotate(NOW)
    with pytest.raises(KeyFixed):
        fixed.retire(fixed.ring().keys[0].kid, NOW)


async def test_people_stay_signed_in_through_a_rotation(running: Application, people: People) -> None:
    context, clock = running.context, running.clock
    before = await people.active()
    new = context.keys.rotate(clock.now())
    published = [key["kid"] for key in (await running.client.get(JWKS)).json()["keys"]]
    clock.at = new.signs_from.replace(microsecond=0)
    after = await people.active()

    assert len(published) == 2
    assert new.kid in published
    assert [(await person.get("/api/auth/whoami")).status_code for person in (before, after)] == [200, 200]
    assert jwt.get_unverified_header(after.token or "")["kid"] == new.kid


async def test_who_has_the_published_keys_is_not_sent_them_again(running: Application) -> None:
    first = await running.client.get(JWKS)
    tag = first.headers["etag"]
    known = [tag, f"W/{tag}", f'"other", {tag}', "*"]
    again = [await running.client.get(JWKS, headers={"If-None-Match": value}) for value in known]
    running.context.keys.rotate(running.clock.now())
    changed = await running.client.get(JWKS, headers={"If-None-Match": tag})

    assert first.headers["cache-control"] == "public, max-age=300"
    assert [(answer.status_code, answer.content) for answer in again] == [(304, b"")] * 4
    assert {(answer.headers["etag"], answer.headers["cache-control"]) for answer in again} == {
        (tag, "public, max-age=300")
    }
    assert (changed.status_code, len(changed.json()["keys"])) == (200, 2)
    assert changed.headers["etag"] != tag


async def test_other_known_keys_are_no_reason_to_send_none(client: httpx.AsyncClient) -> None:
    for value in ("", '"other"', "W/"):
        assert (await client.get(JWKS, headers={"If-None-Match": value})).status_code == 200
