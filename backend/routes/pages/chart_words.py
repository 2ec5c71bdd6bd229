"""What charts are called and what they say: headings, legends, the names of their columns, days and weeks in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from backend import errors
from backend.services.counted import OTHER, REFUSED, Chart, Period
from backend.services.statistics import Row, Series
from backend.stores.tallies import Wait

PERIODS: Final[Mapping[Period, str]] = {
    Period.DAYS_7: "7 days",
    Period.DAYS_30: "30 days",
    Period.DAYS_90: "90 days",
    Period.WEEKS_12: "12 weeks",
    Period.WEEKS_52: "52 weeks",
}
"""What each period is called, in the order in which people choose."""
_WAITS: Final[Mapping[str, tuple[str, str]]] = {
    Wait.HOUR: ("1 h", "Less than an hour"),
    Wait.DAY: ("1 day", "An hour to a day"),
    Wait.THREE_DAYS: ("3 days", "One to three days"),
    Wait.WEEK: ("7 days", "Three days to a week"),
    Wait.LONGER: ("more", "A week or longer"),
}
"""How a length of a wait is called below a bar, and in a table."""


@dataclass(frozen=True)
class Words:
    """A chart's heading, what it counts, what it says when there was nothing, and its parts: label and columns."""

    title: str
    about: str
    nothing: str
    parts: Sequence[tuple[str, Sequence[str]]]
    summed: bool = True
    """Whether all its numbers together mean something: who was here on two days is one person."""
    line: bool = False
    """Whether it is drawn as a line, and not as bars."""


_CODE: Final = {error: error.code.lower() for error in REFUSED}
_WRONG: Final = _CODE[errors.InvalidCredentials]
_NOT_OPEN: Final = (*(code for code in _CODE.values() if code != _WRONG), OTHER)

CHARTS: Final[Mapping[Chart, Words]] = {
    Chart.REGISTRATIONS: Words(
        "Registrations",
        "Accounts by when they came. Those that administrators made include imported ones.",
        "No account was made in this time.",
        (("Asked for", ("registered",)), ("Made by an administrator", ("made",))),
    ),
    Chart.DECISIONS: Words(
        "Decisions",
        "Requests for an account by when they were decided.",
        "No request was decided in this time.",
        (("Approved", ("approved",)), ("Turned down", ("rejected",))),
    ),
    Chart.WAITING: Words(
        "Who waits now",
        "People who wait for a decision at this moment. Each bar has those who have waited for less than it says, "
        "and for longer than the bar before it.",
        "Nobody waits for a decision.",
        (("People", ("people",)),),
    ),
    Chart.WAITED: Words(
        "How long people had waited",
        "Decisions about people who waited until then, by how long they had.",
        "Nobody who waited was decided about in this time.",
        (
            ("Less than a day", (Wait.HOUR, Wait.DAY)),
            ("A day to a week", (Wait.THREE_DAYS, Wait.WEEK)),
            ("A week or longer", (Wait.LONGER,)),
        ),
    ),
    Chart.SIGN_INS: Words(
        "Sign-ins",
        "Sign-ins by what came of them. Attempts beyond the limits are refused unseen, and not counted.",
        "Nobody tried to sign in in this time.",
        (("Succeeded", ("succeeded",)), ("Wrong name or password", (_WRONG,)), ("Account not open", _NOT_OPEN)),
    ),
    Chart.ACTIVE: Words(
        "Active people",
        "People who used their account at least once, each counted once for every day, or every week.",
        "Nobody used their account in this time.",
        (("People", ("people",)),),
        summed=False,
        line=True,
    ),
    Chart.RESETS: Words(
        "New passwords asked for",
        "How often somebody asked for a link to choose a new password, for whichever address.",
        "Nobody asked for a new password in this time.",
        (("Asked for", ("requested",)),),
    ),
    Chart.FAILURES: Words(
        "What failed",
        "Mails that were given up, and requests that were refused because a directory could not be made.",
        "Nothing failed in this time.",
        (("Mails given up", ("mail_given_up",)), ("Directories not made", ("provisioning_failed",))),
    ),
}
_COLUMNS: Final[Mapping[str, str]] = {
    _CODE[errors.AccountPending]: "Waiting",
    _CODE[errors.AccountRejected]: "Turned down",
    _CODE[errors.AccountSuspended]: "Suspended",
    _CODE[errors.AccountExpired]: "Access ended",
    _CODE[errors.AccountDeactivated]: "Closed by themselves",
    _CODE[errors.EmailNotVerified]: "Address not confirmed",
    OTHER: "Other reasons",
    **{wait: table for wait, (_, table) in _WAITS.items()},
}
"""The names of columns that a part of a picture has besides others."""


def column(chart: Chart, name: str) -> str:
    """Name a column of a table: that of its part, if it is the whole of it."""
    return next(
        (label for label, columns in CHARTS[chart].parts if tuple(columns) == (name,)), _COLUMNS.get(name, name)
    )


def below(row: Row, period: Period | None) -> str:
    """Say below a bar when or what it was: "21 Nov", "today", "7 days"; a week by its Monday, this one as "now"."""
    if row.begins is None or period is None:
        return _WAITS[row.name][0]
    if not row.complete:
        return "now" if period.weekly else "today"
    return f"{row.begins.day} {row.begins:%b}"


def in_full(row: Row, period: Period | None) -> str:
    """Say in a table, or in a sentence, when or what it was: "21 Nov 2026", "16 to 22 Nov 2026"."""
    if row.begins is None or period is None:
        return _WAITS[row.name][1]
    first, last = row.begins, row.begins + timedelta(days=6)
    if not period.weekly:
        return day(first)
    if first.year != last.year:
        return f"{day(first)} to {day(last)}"
    return f"{first.day}{'' if first.month == last.month else f' {first:%b}'} to {day(last)}"


def day(moment: date) -> str:
    """Say a day: "21 Nov 2026"."""
    return f"{moment.day} {moment:%b %Y}"


def summary(series: Series) -> str:
    """Say in a line or two what a picture shows, for those too who do not see it."""
    words, period, rows = CHARTS[series.chart], series.period, series.rows
    highest = max(rows, key=lambda row: row.total)
    told = [f"{series.total:,} in all."] if words.summed else []
    if period is None:
        return " ".join(told)
    last, now = rows[-1], "this week" if period.weekly else "today"
    if highest is last:
        told.append(f"Most {now}, so far: {last.total:,}.")
    else:
        when = f"from {in_full(highest, period)}" if period.weekly else f"on {in_full(highest, period)}"
        told += [f"Most {when}: {highest.total:,}.", f"{now.capitalize()} so far: {last.total:,}."]
    if series.since and rows[0].begins and series.since > rows[0].begins:
        told.append(f"Counted since {day(series.since)}.")
    return " ".join(told)
