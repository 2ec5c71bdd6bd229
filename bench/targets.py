"""What this service promises about its speed, as ratios, because they hold on other machines too."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.rows import Row


@dataclass(frozen=True)
class Target:
    """A promise about one figure of one row."""

    row: str
    """How the row's title begins."""
    figure: str
    of: str
    """The line that has the figure."""
    words: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def bound(self) -> str:
        """The promise in signs."""
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"


@dataclass(frozen=True)
class Verdict:
    """How a promise was kept; the value is None where the row is void."""

    target: Target
    value: float | None

    @property
    def met(self) -> bool:
        """Whether it was."""
        low, high = self.target.at_least, self.target.at_most
        return self.value is not None and (low is None or self.value >= low) and (high is None or self.value <= high)


TARGETS = (
    Target("1a", "Vestibule ÷", "fastapi-users database", "same token, to fastapi-users DatabaseStrategy", at_least=10),
    Target("1a", "Vestibule ÷", "FastAPI alone", "same token, to FastAPI alone", at_least=0.60),
    Target(
        "2b", "Vestibule ÷", "fastapi-users database", "many sessions, to fastapi-users DatabaseStrategy", at_least=5
    ),
    Target("3 ", "Vestibule ÷", "Starlette alone", "verify, to Starlette alone", at_least=0.50),
    Target("4 ", "p99 busy ÷ idle", "Vestibule", "p99 of a GET while 16 sign in, to idle: whoami", at_most=5),
    Target("4 ", "p99 busy ÷ idle", "Vestibule, by a route", "the same for a route behind the doorman", at_most=5),
    Target("4 ", "busy p99", "Vestibule", "p99 of a GET while 16 sign in, in ms", at_most=100),
)


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """Compare what was measured with what is promised."""
    return [Verdict(target, _value(target, rows)) for target in TARGETS]


def _value(target: Target, rows: Sequence[Row]) -> float | None:
    row = next(row for row in rows if row.title.startswith(target.row))
    if row.void:
        return None
    return next(line for line in row.lines if line.name == target.of).figures[target.figure]
