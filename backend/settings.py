"""Every setting, its default, and which values are refused."""

from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backend.mail_settings import mail_server, sender
from backend.site_settings import DEFAULT_NAME, Contact, contact, site_name

PREFIX: Final = "VESTIBULE_"
DOTENV: Final = ".env"

_KIB_A_LANE: Final = 8
"""The least memory argon2 works with (RFC 9106 §3.1)."""

_URL_CHARACTERS_THAT_BREAK_ATOB: Final = frozenset(">?~")


class Environment(StrEnum):
    """In production, settings that are harmless only on a laptop stop the start."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class RegistrationMode(StrEnum):
    """What happens to somebody who signs up."""

    APPROVAL = "approval"
    OPEN = "open"
    CLOSED = "closed"


class BootstrapMode(StrEnum):
    """How the first superuser is recognised."""

    FIRST_USER = "first-user"
    TOKEN = "token"  # noqa: S105  # the name of a mode, not a secret


class Settings(BaseSettings):
    """Everything an operator can choose, read once at the start and never changed after."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=DOTENV, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    env: Environment = Environment.DEVELOPMENT
    database_url: SecretStr = SecretStr("")
    redis_url: SecretStr | None = None
    data_dir: Path = Path("graph_data")
    public_url: str = "http://127.0.0.1:8000"
    site_name: str = DEFAULT_NAME
    contact: str | None = None

    registration: RegistrationMode = RegistrationMode.APPROVAL
    require_approval_note: bool = False
    bootstrap: BootstrapMode | None = None
    max_pending: int = Field(default=1000, ge=1)

    inactivity_minutes: float = Field(default=20, gt=0, le=60 * 24 * 30)
    max_token_lifetime_hours: float = Field(default=1, gt=0, le=24 * 30)
    session_lifetime_hours: float = Field(default=24, gt=0, le=24 * 365)
    remember_days: float = Field(default=30, gt=0, le=365)
    remember_idle_days: float = Field(default=14, gt=0, le=365)
    refresh_grace_seconds: float = Field(default=10, ge=0, le=60)
    max_sessions_per_user: int = Field(default=20, ge=1, le=100_000)
    b0_idle: bool = False
    admin_sessions_pinned: bool = True
    session_cache: int = Field(default=20_000, ge=0, le=1_000_000)
    jwt_algorithm: Literal["ES256", "HS256"] = "ES256"
    secret_key: SecretStr | None = None
    organizations_in_token: bool = False

    argon2: Annotated[tuple[int, int, int], NoDecode] = (19456, 2, 1)
    """The cost of argon2id: memory in KiB, passes, lanes."""
    password_min_length: int = Field(default=8, ge=8, le=128)
    temporary_password_hours: float = Field(default=72, ge=1, le=24 * 365)
    hash_queue: int = Field(default=256, ge=1)
    hash_queue_seconds: float = Field(default=5, gt=0)

    login_max_attempts: int = Field(default=5, ge=1)
    login_window_minutes: float = Field(default=15, gt=0, le=60 * 24)
    login_max_attempts_per_address: int | None = Field(default=None, ge=1)
    login_failures_per_minute: int = Field(default=300, ge=1)
    refusal_seconds: float = Field(default=0.5, ge=0, le=5)
    registrations_per_hour: int = Field(default=100, ge=1)
    rate_limits: bool = True

    public_profiles: bool = True
    private_registration: bool = False
    anonymize_keeps_email: bool = True
    keep_deleted_days: float = Field(default=30, ge=0, le=3650)
    keep_sessions_days: float = Field(default=30, ge=0, le=3650)
    keep_mails_days: float = Field(default=30, ge=0, le=3650)

    smtp_url: SecretStr | None = None
    mail_from: str | None = None
    mails_per_hour: int = Field(default=1000, ge=1)
    tell_approvers: bool = True
    send_verification_emails: bool = True
    require_verified_email: bool = False

    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    cookie_samesite: Literal["lax", "strict"] = "lax"
    metrics_token: SecretStr | None = None
    docs: bool | None = None

    @field_validator("redis_url")
    @classmethod
    def _redis_is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url and not url.get_secret_value().startswith(("redis://", "rediss://")):
            raise ValueError("must be redis://host:port/number, or rediss:// with TLS")
        return url

    @field_validator("smtp_url")
    @classmethod
    def _mail_server_can_be_told(cls, url: SecretStr | None) -> SecretStr | None:
        if not url:
            return None
        mail_server(url.get_secret_value())
        return url

    @field_validator("mail_from")
    @classmethod
    def _sender_has_an_address(cls, text: str | None) -> str | None:
        if not text:
            return None
        sender(text)
        return text

    @field_validator("site_name")
    @classmethod
    def _name_fits_everywhere(cls, text: str) -> str:
        return site_name(text)

    @field_validator("contact")
    @classmethod
    def _contact_leads_somewhere(cls, text: str | None) -> str | None:
        if not text:
            return None
        contact(text)
        return text

    @field_validator("trusted_proxies", "cors_origins", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ip_network(proxy)
            except ValueError:
                raise ValueError(
                    "list addresses or networks of proxies, such as 10.0.0.5 or 10.0.0.0/24; * would trust everybody"
                ) from None
        return proxies

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_exact(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            parts = urlsplit(origin)
            if parts.scheme not in {"http", "https"} or f"{parts.scheme}://{parts.netloc}" != origin or "*" in origin:
                raise ValueError("list exact origins such as https://app.example.org, without a path and without *")
        return origins

    @field_validator("database_url")
    @classmethod
    def _database_is_one_of_two(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not _names_a_database(url):
            raise ValueError(
                "must be postgresql+asyncpg://<user>:<password>@<host>/<database> or sqlite+aiosqlite:///<file>, "
                "with special characters of a password percent-encoded"
            )
        return value

    @field_validator("public_url")
    @classmethod
    def _public_url_is_plain(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be an absolute http or https URL without query and fragment")
        if not url.isascii() or _URL_CHARACTERS_THAT_BREAK_ATOB & set(url):
            raise ValueError("must be plain ASCII without > ? ~, because it becomes part of every token")
        return url.rstrip("/")

    @field_validator("argon2", mode="before")
    @classmethod
    def _argon2_is_three_numbers(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        match [int(part) if part.strip().isdecimal() else 0 for part in value.split(",")]:
            case [memory, passes, lanes] if passes > 0 and lanes > 0 and memory >= _KIB_A_LANE * lanes:
                return memory, passes, lanes
        raise ValueError("give memory in KiB (8 or more for each lane), passes and lanes, for example 19456,2,1")

    @model_validator(mode="after")
    def _signing_by_secret_needs_one(self) -> Self:
        secret = self.secret_key.get_secret_value() if self.secret_key else ""
        if self.jwt_algorithm == "HS256" and len(secret.encode()) < 32:  # noqa: PLR2004  # RFC 7518 §3.2: 256 bits
            raise ValueError(f"{PREFIX}JWT_ALGORITHM=HS256 needs {PREFIX}SECRET_KEY with 32 bytes or more")
        return self

    @model_validator(mode="after")
    def _mail_comes_from_somebody(self) -> Self:
        if self.mail_enabled and not self.mail_from:
            raise ValueError(f"{PREFIX}SMTP_URL needs {PREFIX}MAIL_FROM, the address that mails come from")
        return self

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        if self.env is Environment.PRODUCTION:
            if not self.rate_limits:
                raise ValueError(f"{PREFIX}RATE_LIMITS=off is for benchmarks; production refuses it")
            if self.private_registration and not (self.mail_enabled and self.send_verification_emails):
                raise ValueError(
                    f"{PREFIX}PRIVATE_REGISTRATION needs a mail server and verification mails: they tell what happened"
                )
            if self.require_verified_email and not self.mail_enabled:
                raise ValueError(f"{PREFIX}REQUIRE_VERIFIED_EMAIL needs a mail server, or nobody could ever sign in")
            if not self.uses_https and urlsplit(self.public_url).hostname not in {"127.0.0.1", "localhost", "::1"}:
                raise ValueError(f"{PREFIX}PUBLIC_URL must be https in production")
        return self

    @property
    def way_to_ask(self) -> Contact | None:
        """Whom people can ask, where that is set."""
        return contact(self.contact) if self.contact else None

    @property
    def site(self) -> str:
        """What mails call the installation: its name, or the host of its address where it has none of its own."""
        return urlsplit(self.public_url).netloc if self.site_name == DEFAULT_NAME else self.site_name

    @property
    def uses_https(self) -> bool:
        """Whether people reach the service by https: decides `Secure`, `__Host-` and HSTS."""
        return self.public_url.startswith("https://")

    @property
    def embedded_database(self) -> bool:
        """Whether the database is the SQLite file that the service looks after itself."""
        return self.database.startswith("sqlite")

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the database."""
        return self.database_url.get_secret_value() or f"sqlite+aiosqlite:///{self.data_dir / 'vestibule.db'}"

    @property
    def bootstrap_by_token(self) -> bool:
        """Whether the first account needs the printed token; the default in production."""
        return self.production if self.bootstrap is None else self.bootstrap is BootstrapMode.TOKEN

    @property
    def production(self) -> bool:
        """Whether this is a production installation."""
        return self.env is Environment.PRODUCTION

    @property
    def docs_shown(self) -> bool:
        """Whether `/docs` and `/openapi.json` answer; off in production unless asked for."""
        return not self.production if self.docs is None else self.docs

    @property
    def mail_enabled(self) -> bool:
        """Whether mail leaves this machine; without, development prints it to the console."""
        return self.smtp_url is not None

    @property
    def profiles_shown(self) -> bool:
        """Whether everybody may see public profiles; where registration is private, they would tell who is here."""
        return self.public_profiles and not self.private_registration

    @property
    def mail_goes_nowhere(self) -> bool:
        """Whether nobody gets to see any mail: in production, without a mail server."""
        return self.production and not self.mail_enabled


def _names_a_database(url: str) -> bool:
    try:
        parts = urlsplit(url)
        usable_port = parts.port != 0
    except ValueError:  # a port that is no number, a bracket in the host
        return False
    name = parts.path.removeprefix("/")
    if parts.scheme == "sqlite+aiosqlite":
        return not parts.netloc and bool(name) and name != ":memory:"
    return parts.scheme == "postgresql+asyncpg" and usable_port and bool(name)
