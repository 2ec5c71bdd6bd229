"""What is counted by day: the charts there are, their columns and periods, and what is watched for the unusual."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from backend import errors
from backend.services.audit import Action
from backend.stores.tallies import Wait

OTHER: Final = "other"
"""Sign-ins refused for a reason that is none of the others."""


class Period(StrEnum):
    """How far back a chart goes, today or this week included, and whether it counts by day or by week."""

    DAYS_7 = "7d"
    DAYS_30 = "30d"
    DAYS_90 = "90d"
    WEEKS_12 = "12w"
    WEEKS_52 = "52w"

    @property
    def length(self) -> int:
        """How many days or weeks."""
        return int(self[:-1])

    @property
    def weekly(self) -> bool:
        """Whether it counts by week."""
        return self.endswith("w")


class Chart(StrEnum):
    """What there is a chart of."""

    REGISTRATIONS = "registrations"
    DECISIONS = "decisions"
    WAITING = "waiting"
    WAITED = "waited"
    SIGN_INS = "sign-ins"
    ACTIVE = "active"
    RESETS = "resets"
    FAILURES = "failures"


REFUSED: Final = (
    errors.InvalidCredentials,
    errors.AccountPending,
    errors.AccountRejected,
    errors.AccountSuspended,
    errors.AccountExpired,
    errors.AccountDeactivated,
    errors.EmailNotVerified,
)
"""Why sign-ins are refused, in the order in which tables tell it."""
HAPPENED: Final[Mapping[Chart, Mapping[str, str]]] = {
    Chart.REGISTRATIONS: {"registered": Action.REGISTERED, "made": Action.USER_CREATED},
    Chart.DECISIONS: {"approved": Action.USER_APPROVED, "rejected": Action.USER_REJECTED},
    Chart.SIGN_INS: {
        "succeeded": Action.SIGNIN_SUCCEEDED,
        **{error.code.lower(): f"{Action.SIGNIN_FAILED}/{error.code.lower()}" for error in REFUSED},
        OTHER: f"{Action.SIGNIN_FAILED}/{OTHER}",
    },
    Chart.RESETS: {"requested": Action.PASSWORD_RESET_REQUESTED},
    Chart.FAILURES: {
        "mail_given_up": Action.MAIL_GIVEN_UP,
        "provisioning_failed": f"{Action.REFUSED}/{errors.ProvisioningFailed.code.lower()}",
    },
}
"""The columns of charts of what happened, and under which words the audit's records of it are counted."""
COLUMNS: Final[Mapping[Chart, Sequence[str]]] = {
    **{chart: tuple(columns) for chart, columns in HAPPENED.items()},
    Chart.WAITING: ("people",),
    Chart.WAITED: tuple(Wait),
    Chart.ACTIVE: ("people",),
}
"""What is counted in each chart."""
PLACES: Final[Mapping[str, tuple[Chart, str]]] = {
    **{what: (chart, column) for chart, columns in HAPPENED.items() for column, what in columns.items()},
    **{wait: (Chart.WAITED, wait) for wait in Wait},
}
"""In which column of which chart that stands which is counted under a word."""
WATCHED: Final[Mapping[tuple[Chart, str], str]] = {
    (Chart.SIGN_INS, errors.InvalidCredentials.code.lower()): "Sign-ins with a wrong name or password",
    (Chart.SIGN_INS, errors.AccountPending.code.lower()): "Sign-ins of people who wait for a decision",
    (Chart.SIGN_INS, errors.AccountRejected.code.lower()): "Sign-ins of people who were turned down",
    (Chart.SIGN_INS, errors.AccountSuspended.code.lower()): "Sign-ins of suspended people",
    (Chart.SIGN_INS, errors.EmailNotVerified.code.lower()): "Sign-ins without a confirmed address",
    (Chart.SIGN_INS, "succeeded"): "Sign-ins",
    (Chart.REGISTRATIONS, "registered"): "People who asked for an account",
    (Chart.RESETS, "requested"): "New passwords asked for",
    (Chart.FAILURES, "mail_given_up"): "Mails given up",
    (Chart.FAILURES, "provisioning_failed"): "Requests refused because a directory could not be made",
}
"""What may be unusual, and how it is called at the beginning of a line."""
