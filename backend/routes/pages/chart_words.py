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
    Wait.HOUR: ("1 h", "Less than 1 hour"),
    Wait.DAY: ("1 day", "1 hour to 1 day"),
    Wait.THREE_DAYS: ("3 days", "1 to 3 days"),
    Wait.WEEK: ("7 days", "3 to 7 days"),
    Wait.LONGER: ("more", "7 days or more"),
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
        "New accounts",
        "Accounts requested by people, and accounts created or imported by administrators.",
        "No accounts were created in this period.",
        (("Requested", ("registered",)), ("Created by an administrator", ("made",))),
    ),
    Chart.DECISIONS: Words(
        "Decisions",
        "Requests that were approved or rejected, by the day of the decision.",
        "No requests were approved or rejected in this period.",
        (("Approved", ("approved",)), ("Rejected", ("rejected",))),
    ),
    Chart.WAITING: Words(
        "Pending requests",
        "Requests waiting for review now, by how long they have waited. Each bar counts requests that have waited less "
        "than its label and at least as long as the label before.",
        "There are no pending requests.",
        (("Requests", ("people",)),),
    ),
    Chart.WAITED: Words(
        "Time to decision",
        "Approved and rejected requests, by how long they had waited.",
        "No requests were approved or rejected in this period.",
        (
            ("Less than 1 day", (Wait.HOUR, Wait.DAY)),
            ("1 to 7 days", (Wait.THREE_DAYS, Wait.WEEK)),
            ("7 days or more", (Wait.LONGER,)),
        ),
    ),
    Chart.SIGN_INS: Words(
        "Sign-ins",
        "Sign-in attempts by result. Attempts blocked by rate limits are not counted.",
        "There were no sign-in attempts in this period.",
        (("Succeeded", ("succeeded",)), ("Wrong name or password", (_WRONG,)), ("Account not active", _NOT_OPEN)),
    ),
    Chart.ACTIVE: Words(
        "Active people",
        "People who used their account at least once in a day or week. Each person counts once per day or week.",
        "Nobody used their account in this period.",
        (("People", ("people",)),),
        summed=False,
        line=True,
    ),
    Chart.RESETS: Words(
        "Password resets requested",
        "How often a password reset link was requested, for known and unknown addresses.",
        "No password resets were requested in this period.",
        (("Requested", ("requested",)),),
    ),
    Chart.FAILURES: Words(
        "Failures",
        "Undeliverable mails, and requests that failed because a directory could not be created.",
        "There were no failures in this period.",
        (("Undeliverable mails", ("mail_given_up",)), ("Directories not created", ("provisioning_failed",))),
    ),
}
_COLUMNS: Final[Mapping[str, str]] = {
    _CODE[errors.AccountPending]: "Pending",
    _CODE[errors.AccountRejected]: "Rejected",
    _CODE[errors.AccountSuspended]: "Suspended",
    _CODE[errors.AccountExpired]: "Access expired",
    _CODE[errors.AccountDeactivated]: "Closed by user",
    _CODE[errors.EmailNotVerified]: "Email not confirmed",
    OTHER: "Other reasons",
    **{wait: table for wait, (_, table) in _WAITS.items()},
}
"""The names of columns that share a part of a picture with others."""


def column(chart: Chart, name: str) -> str:
    """Name a column of a table; one that is alone in a part of the picture is called as the part is."""
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
    told = [f"{series.total:,} in total."] if words.summed else []
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
