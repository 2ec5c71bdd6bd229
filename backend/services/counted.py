"""What is counted by day: the charts, their columns and periods, and which columns are watched for unusual counts."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from backend import errors
from backend.services.audit import Action
from backend.stores.tallies import Wait

OTHER: Final = "other"
"""The column of sign-ins refused for any other reason."""


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
"""Why sign-ins are refused, in the order of the columns."""
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
"""Charts that count audit records: their columns, and the tally key of each."""
COLUMNS: Final[Mapping[Chart, Sequence[str]]] = {
    **{chart: tuple(columns) for chart, columns in HAPPENED.items()},
    Chart.WAITING: ("people",),
    Chart.WAITED: tuple(Wait),
    Chart.ACTIVE: ("people",),
}
"""The columns of each chart."""
PLACES: Final[Mapping[str, tuple[Chart, str]]] = {
    **{what: (chart, column) for chart, columns in HAPPENED.items() for column, what in columns.items()},
    **{wait: (Chart.WAITED, wait) for wait in Wait},
}
"""Chart and column of each tally key."""
WATCHED: Final[Mapping[tuple[Chart, str], str]] = {
    (Chart.SIGN_INS, errors.InvalidCredentials.code.lower()): "Sign-ins with a wrong name or password",
    (Chart.SIGN_INS, errors.AccountPending.code.lower()): "Sign-in attempts of pending accounts",
    (Chart.SIGN_INS, errors.AccountRejected.code.lower()): "Sign-in attempts of rejected accounts",
    (Chart.SIGN_INS, errors.AccountSuspended.code.lower()): "Sign-in attempts of suspended accounts",
    (Chart.SIGN_INS, errors.EmailNotVerified.code.lower()): "Sign-in attempts without a confirmed email address",
    (Chart.SIGN_INS, "succeeded"): "Sign-ins",
    (Chart.REGISTRATIONS, "registered"): "Requests for access",
    (Chart.RESETS, "requested"): "Password resets requested",
    (Chart.FAILURES, "mail_given_up"): "Undeliverable mails",
    (Chart.FAILURES, "provisioning_failed"): "Requests that failed because a directory could not be created",
}
"""Columns that are watched for unusual counts, and the name of each at the beginning of a line."""
