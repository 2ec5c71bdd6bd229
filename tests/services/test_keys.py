"""The keys that sign: made once, kept to ourselves, named by their content."""

import base64
import hashlib
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from backend import keys
from backend.errors import StartError

ROOT = Path(__file__).parents[2]
MAKE = """
import sys
from pathlib import Path
from backend import keys
print(keys.load_or_make(Path(sys.argv[1]), refuse_readable=True).active.kid)
"""


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_many_processes_at_once_make_one_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE, str(tmp_path / "keys")]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(6)]  # noqa: S603
    kids = {process.communicate(timeout=30)[0] for process in processes}

    assert [process.returncode for process in processes] == [0] * 6
    assert len(kids) == 1
    assert len(list((tmp_path / "keys").glob("*.pem"))) == 1


def test_a_key_is_for_nobody_elses_eyes(tmp_path: Path) -> None:
    keys.load_or_make(tmp_path / "keys", refuse_readable=True)

    assert _mode(tmp_path / "keys") == 0o700
    assert {_mode(path) for path in (tmp_path / "keys").glob("*.pem")} == {0o600}


def test_a_key_others_may_read_is_refused_where_it_matters(tmp_path: Path) -> None:
    keys.load_or_make(tmp_path, refuse_readable=True)
    path = next(tmp_path.glob("*.pem"))
    path.chmod(0o640)

    assert keys.load_or_make(tmp_path, refuse_readable=False).active.kid
    with pytest.raises(StartError, match=f"chmod 600 {path}"):
        keys.load_or_make(tmp_path, refuse_readable=True)


def test_a_key_is_named_by_its_content(tmp_path: Path) -> None:
    ring = keys.load_or_make(tmp_path, refuse_readable=True)
    public = ring.jwks()["keys"][0]
    required = {name: public[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True).encode()

    assert public["kid"] == base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    assert keys.load_or_make(tmp_path, refuse_readable=True).active.kid == public["kid"]


def test_what_is_published_holds_no_private_part(tmp_path: Path) -> None:
    published = keys.load_or_make(tmp_path, refuse_readable=True).jwks()["keys"][0]

    assert published.keys() == {"alg", "kty", "crv", "x", "y", "kid", "use"}
    assert keys.shared_secret("a secret that is 32 bytes or more").jwks() == {"keys": []}


def test_the_newest_key_signs_and_the_older_ones_are_believed(tmp_path: Path) -> None:
    keys.load_or_make(tmp_path, refuse_readable=True)
    old = next(tmp_path.glob("*.pem"))
    old.rename(tmp_path / "20200101T000000Z-old.pem")
    older = keys.load_or_make(tmp_path, refuse_readable=True).active
    new = keys.load_or_make(tmp_path / "elsewhere", refuse_readable=True).active
    next((tmp_path / "elsewhere").glob("*.pem")).rename(tmp_path / "20210101T000000Z-new.pem")
    ring = keys.load_or_make(tmp_path, refuse_readable=True)

    assert ring.active.kid == new.kid
    assert ring.find(older.kid) is not None
    assert ring.find("unknown") is None


@pytest.mark.parametrize("content", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_stops_the_start_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "20200101T000000Z-x.pem"
    path.write_text(content)
    path.chmod(0o600)

    with pytest.raises(StartError, match=r"x\.pem is not an ES256 signing key"):
        keys.load_or_make(tmp_path, refuse_readable=True)
