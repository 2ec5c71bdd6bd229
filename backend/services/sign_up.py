"""Signing up: people who make accounts for themselves, as far as the installation lets them."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace

from backend.context import Context
from backend.errors import RegistrationClosed, RegistrationFull, VestibuleError
from backend.identifiers import email_as_typed, username_as_typed
from backend.models import MailPurpose, Role, Status, User
from backend.services.admission import Admission, Beginning
from backend.services.audit import Action
from backend.services.bootstrap import Bootstrap
from backend.services.founding import Founding, default_name, organization_name
from backend.services.lifecycle import Lifecycle
from backend.services.outbox import Outbox
from backend.services.pace import Pace
from backend.services.registration import Conditions, Registration, refuse
from backend.services.throttle import Throttle
from backend.services.usernames import base_of, free_username
from backend.stores.identifiers import IdentifierStore
from backend.stores.installation import InstallationStore


@dataclass(frozen=True)
class SignUp:
    """Registers people within one transaction, which begins after the password was hashed."""

    context: Context
    identifiers: IdentifierStore
    lifecycle: Lifecycle
    bootstrap: Bootstrap
    admission: Admission
    founding: Founding
    outbox: Outbox
    throttle: Throttle
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]

    async def with_username(self, registration: Registration) -> User | None:
        """Register somebody; None where registration is private, so that the answer does not tell what was done.

        There a taken address gets a mail instead of an account, a taken username is replaced by a free one, and the
        answer takes the same time (ASVS 6.3.8). The first account ever is returned: it has nobody to hide.

        Raises:
            TooManyRequests, …: see `register`; never EmailTaken nor UsernameTaken where registration is private.
        """
        return await self._admit(registration, private=self.context.settings.private_registration)

    async def by_email(self, registration: Registration) -> User | None:
        """Register somebody who need not give a username; the limit for each network address is lower (B1).

        Raises:
            TooManyRequests, …: see `with_username`.
        """
        await self.throttle.registration_by_email(self.lifecycle.audit.origin.ip_address)
        return await self._admit_named(registration)

    async def with_organization(self, registration: Registration) -> User | None:
        """Register somebody who need not give a username, with an organization of their own (C).

        It is made with the account or not at all, and works once the account does.

        Raises:
            InvalidOrganizationName: it cannot be called so.
            TooManyRequests, …: see `with_username`.
        """
        name = registration.organization_name
        if name is not None:
            organization_name(name, field="organization_name")
        return await self._admit_named(registration, founds=True)

    async def _admit_named(self, registration: Registration, *, founds: bool = False) -> User | None:
        """Make a username from the address where none was given; see `with_username`."""
        private, name_is_ours = self.context.settings.private_registration, not registration.username
        if name_is_ours:
            email = email_as_typed(registration.email)
            async with self.context.database.reading() as session:
                registration = replace(registration, username=await free_username(IdentifierStore(session), email))
        return await self._admit(registration, private=private, name_is_ours=name_is_ours, founds=founds)

    async def register(self, registration: Registration) -> User:
        """Register somebody: as the first superuser, as an applicant, or (open mode) as a user.

        Raises:
            TooManyRequests, RegistrationClosed, RegistrationFull, BootstrapTokenRequired: not now.
            NoteRequired: not without saying why.
            InvalidUsername, InvalidEmail, PasswordRefused, EmailTaken, UsernameTaken: a value has to change.
            ProvisioningFailed: the directory could not be made, and so no account was.
        """
        user = await self._admit(registration, private=False)
        if user is None:  # only private registration returns None
            raise RegistrationClosed
        return user

    async def faults(self, registration: Registration, *, besides: Collection[str]) -> Sequence[VestibuleError]:
        """Tell what a person would have to change about a registration, `besides` the fields known to be wrong.

        Nobody is registered; it counts like a registration, for it tells as much about who is here.

        Raises:
            TooManyRequests, RegistrationClosed: not now.
        """
        await self.throttle.registration(self.lifecycle.audit.origin.ip_address)
        async with self.context.database.reading() as session:
            installation = await InstallationStore(session).get()
            private = self.context.settings.private_registration and installation.claimed_at is not None
            username = None if "username" in besides else username_as_typed(registration.username)
            email = None if "email" in besides else email_as_typed(registration.email)
            taken = [] if private else await IdentifierStore(session).conflicts(email, username)
        faults = self._conditions.faults(installation, registration, taken, username=username or "", email=email or "")
        return [fault for fault in faults if fault.field not in besides]

    async def _admit(
        self, registration: Registration, *, private: bool, name_is_ours: bool = False, founds: bool = False
    ) -> User | None:
        """See `register` and `with_username`. A username made up by us is replaced if somebody takes it meanwhile."""
        await self.throttle.registration(self.lifecycle.audit.origin.ip_address)
        username, email = username_as_typed(registration.username), email_as_typed(registration.email)
        async with self.context.database.reading() as session:
            installation = await InstallationStore(session).get()
            private = private and installation.claimed_at is not None
            asked = None if name_is_ours else username
            taken = [] if private else await IdentifierStore(session).conflicts(email, asked)
        known_as = base_of(email) if name_is_ours else username
        refuse(self._conditions.faults(installation, registration, taken, username=known_as, email=email))
        hashed_password = await self.context.hasher.hashed(registration.password)

        pace = Pace.begin()
        installation = await self.bootstrap.installation.lock()
        first = installation.claimed_at is None
        refuse(self._conditions.unmet(installation, registration))
        status = Status.ACTIVE if first else self.context.policy.initial_status
        if status is Status.PENDING and await self.lifecycle.users.pending() >= self.context.settings.max_pending:
            raise RegistrationFull
        if private:
            self.after_commit(lambda: pace.keep(self.context.settings.refusal_seconds))
            holder = await self.lifecycle.users.get_by_email(email)
            if holder:
                await self.lifecycle.audit.record(Action.REGISTERED_AGAIN, target=holder.id)
                await self.outbox.queue(MailPurpose.ALREADY_REGISTERED, holder)
                return None
        if (private or name_is_ours) and await self.identifiers.is_taken(username):
            registration = replace(registration, username=await free_username(self.identifiers, email))
        beginning = Beginning(Role.ADMIN if first else Role.USER, status)
        user = await self.admission.add(registration, hashed_password, beginning)
        await self.lifecycle.audit.record(Action.REGISTERED, target=user.id, actor=user.id, status=status)
        if first:
            await self.bootstrap.claim(user.id)
        if founds:
            wanted = registration.organization_name
            await self.founding.found(user, wanted or default_name(user.display_name))
        await self._tell(user)
        return None if private else user

    @property
    def _conditions(self) -> Conditions:
        return Conditions(self.context, self.bootstrap)

    async def _tell(self, user: User) -> None:
        """Queue the mails to a new account, and to those who decide about applicants."""
        settings = self.context.settings
        proof = settings.send_verification_emails  # which also says that the request was received
        if proof or user.status is Status.PENDING:
            purpose = MailPurpose.VERIFY_EMAIL if proof else MailPurpose.REGISTRATION_RECEIVED
            room = await self.throttle.mailbox_has_room(user.email)
            await (self.outbox.queue(purpose, user) if room else self.outbox.leave_out(purpose, user))
        if user.status is Status.PENDING and settings.tell_approvers:
            deciders = await self.lifecycle.users.deciders()
            await self.outbox.tell_later(MailPurpose.APPLICANTS_WAITING, deciders)
