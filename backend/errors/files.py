"""What is wrong with a file that is read, and what could not be done to a directory."""

from backend.errors.families import Busy, Unprocessable


class InvalidFile(Unprocessable):
    """A file of accounts cannot be read as a whole, so that no row of it was; `detail` says where and why."""

    code = "INVALID_FILE"
    field = "file"


class TooManyRows(Unprocessable):
    """A file of accounts has more rows than one request may bring."""

    code = "TOO_MANY_ROWS"
    field = "file"


class InvalidRow(Unprocessable):
    """One row of a file of accounts cannot be read; `detail` says why, `field` which column."""

    code = "INVALID_ROW"

    def __init__(self, detail: str, field: str | None = None) -> None:
        """Say what is wrong, and in which column if it is one."""
        super().__init__(detail)
        self.field = field  # type: ignore[misc]  # each row carries the column of its own mistake


class DownloadsBusy(Busy):
    """As many people as this process has room for are being sent their own data."""

    code = "DOWNLOADS_BUSY"
    detail = "Several people are downloading their data at the moment. Please try again shortly."
    retry_after = 60


class ProvisioningFailed(Busy):
    """The person's directory could not be made, so nothing was changed."""

    code = "PROVISIONING_FAILED"
    detail = "The storage for this account could not be prepared. Nothing was changed; please try again later."
    retry_after = 30


class ErasingFailed(Busy):
    """Something of what was to be destroyed is still on the disk; the same again goes on from there."""

    code = "ERASING_FAILED"
    detail = "The storage of this account could not be erased completely. Please try again later."
    retry_after = 30
