"""Registrations: what somebody who signs up says, what an installation asks of them, and all that is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.context import Context
from backend.errors import (
    BootstrapTokenRequired,
    InstitutionRequired,
    NoteRequired,
    PasswordRefused,
    RegistrationClosed,
    VestibuleError,
)
from backend.models import Installation, Status
from backend.services.bootstrap import Bootstrap
from backend.services.passwords import PasswordRule


@dataclass(frozen=True)
class Registration:
    """What somebody who signs up says about themselves."""

    username: str
    email: str
    password: str
    full_name: str | None = None
    institution: str | None = None
    approval_note: str | None = None
    bootstrap_token: str | None = None
    organization_name: str | None = None
    """The name of their first organization, where signing up makes one (C)."""


@dataclass(frozen=True)
class Conditions:
    """What an installation asks of somebody who signs up."""

    context: Context
    bootstrap: Bootstrap

    def unmet(self, installation: Installation, registration: Registration) -> Sequence[VestibuleError]:
        """Tell what is asked for and not given; of the first person ever that is only the token, in every mode.

        Raises:
            RegistrationClosed: nobody is asked for anything.
        """
        if installation.claimed_at is None:
            try:
                self.bootstrap.check_token(installation, registration.bootstrap_token)
            except BootstrapTokenRequired as needed:
                return [needed]
            return []
        if not self.context.policy.open:
            raise RegistrationClosed
        return missing_words(self.context, registration.approval_note, registration.institution)

    def faults(
        self,
        installation: Installation,
        registration: Registration,
        taken: Sequence[VestibuleError],
        *,
        username: str,
        email: str,
    ) -> Sequence[VestibuleError]:
        """Tell all that is wrong with a registration: what is `unmet`, the names that are `taken`, the password.

        Raises:
            RegistrationClosed: nobody can sign up.
        """
        faults = [*self.unmet(installation, registration), *taken]
        rule, institution = PasswordRule.of(self.context.settings), registration.institution
        try:
            rule.check(registration.password, username=username, email=email, institution=institution)
        except PasswordRefused as refused:
            return [*faults, refused]
        return faults


def missing_words(context: Context, note: str | None, institution: str | None) -> Sequence[VestibuleError]:
    """Tell what an applicant has to say here and does not."""
    waits = context.policy.initial_status is Status.PENDING
    if not (waits and context.settings.require_approval_note):
        return []
    return [missing() for said, missing in ((note, NoteRequired), (institution, InstitutionRequired)) if not said]


def refuse(faults: Sequence[VestibuleError]) -> None:
    """Raise the first of these, with the others beside it.

    Raises:
        VestibuleError: there is one.
    """
    for first in faults[:1]:
        first.also = tuple(faults[1:])
        raise first
