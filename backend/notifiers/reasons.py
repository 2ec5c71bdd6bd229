"""Why a mail did not leave, in one line for the ledger and the log."""

import os
import re
import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from aiosmtplib import SMTPAuthenticationError, SMTPConnectError, SMTPResponseException, SMTPServerDisconnected

LONGEST: Final = 200
"""Characters."""


def _cause(error: OSError) -> str:
    return (os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror) or str(error)


_SENTENCES: Final[Sequence[tuple[type[Exception], Callable[[Any], str]]]] = (
    (SMTPAuthenticationError, lambda error: f"The mail server refuses our user or password: {_answer(error)}"),
    (SMTPResponseException, lambda error: f"The mail server said: {_answer(error)}"),
    (TimeoutError, lambda _: "The mail server did not answer in time."),
    (ssl.SSLCertVerificationError, lambda error: f"The mail server is not who it should be: {error.verify_message}"),
    (ssl.SSLError, lambda error: f"The mail server and we found no common TLS: {error.reason}"),
    (SMTPServerDisconnected, lambda _: "The mail server hung up."),
    (OSError, lambda error: f"The mail server cannot be reached: {_cause(error)}"),
)
"""The first that fits speaks."""


def reason(error: Exception, *, without: Iterable[str]) -> str:
    """Say what happened, in at most `LONGEST` printable characters, with an ellipsis for each text of `without`."""
    told = (error.__cause__ or error) if type(error) is SMTPConnectError else error
    text = next((sentence(told) for kind, sentence in _SENTENCES if isinstance(told, kind)), str(told))
    for secret in filter(None, without):
        text = re.sub(re.escape(secret), "…", text, flags=re.IGNORECASE)
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _answer(error: SMTPResponseException) -> str:
    return f"{error.code} {error.message}"
