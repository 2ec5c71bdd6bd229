"""The set of packages is exact, complete and free of the one that would overwrite libpass."""

import re
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def test_every_direct_requirement_is_pinned() -> None:
    direct = _names("requirements.txt") | _names("requirements-dev.txt")
    assert direct <= _names("constraints.txt")


def test_constraints_are_exact() -> None:
    assert all(re.match(r"[a-z0-9.-]+==[^ ;*]+( ;|$)", line) for line in _lines("constraints.txt"))


def test_passlib_is_libpass() -> None:
    names = _names("constraints.txt")
    assert "libpass" in names
    assert "passlib" not in names


def _names(file: str) -> set[str]:
    return {re.split(r"[^a-z0-9.-]", line, maxsplit=1)[0] for line in _lines(file)}


def _lines(file: str) -> list[str]:
    return [line for line in (_ROOT / file).read_text().splitlines() if line and not line.startswith("#")]
