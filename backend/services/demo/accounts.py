"""Two accounts with published passwords, to try things out; never in production."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.context import Context
from backend.errors import EmailTaken, SettingsError
from backend.models import Role, User
from backend.services.audit import Origin
from backend.services.registration import Registration
from backend.services.work import reading, unit_of_work


@dataclass(frozen=True)
class DemoAccount:
    """An account as the documentation promises it."""

    username: str
    full_name: str
    email: str
    password: str
    role: Role


@dataclass(frozen=True)
class Made:
    """What became of a demo account; one that was there before is left as it is."""

    account: DemoAccount
    user: User
    new: bool


ACCOUNTS: Final = (
    DemoAccount("admin", "Admin User", "admin@example.com", "admin123", Role.ADMIN),
    DemoAccount("user", "Test User", "user@example.com", "user123", Role.USER),
)


async def make(context: Context, origin: Origin) -> Sequence[Made]:
    """Make the demo accounts that are not there yet, active whatever the registration mode.

    Raises:
        SettingsError: this is production.
        UsernameTaken: somebody else has the name of a demo account.
    """
    refuse_production(context)
    return [await _make(context, account, origin) for account in ACCOUNTS]


def refuse_production(context: Context) -> None:
    """Insist that nobody relies on this installation.

    Raises:
        SettingsError: somebody may; this is production.
    """
    if context.settings.production:
        raise SettingsError("The passwords of the demo accounts are public; VESTIBULE_ENV=production refuses them.")


async def _make(context: Context, account: DemoAccount, origin: Origin) -> Made:
    registration = Registration(account.username, account.email, account.password, full_name=account.full_name)
    try:
        async with unit_of_work(context, origin) as services:
            user = await services.admission.add_by_admin(
                registration, admin=None, role=account.role, past_password_rule=True
            )
            return Made(account, user, new=True)
    except EmailTaken:
        async with reading(context) as services:
            return Made(account, await services.people.by_name(account.email), new=False)
