"""The settings: their defaults, and a sentence that names the one that cannot be."""

import gc
import os
from email.headerregistry import Address
from pathlib import Path
from typing import Any, Final

import pytest

from backend.context import Context
from backend.environment import load
from backend.errors import SettingsError, StartError
from backend.mail_settings import Encryption, MailServer, mail_server, sender
from backend.services import demo
from backend.services.audit import Origin
from backend.settings import Environment, Settings
from tests.application import Application, start

ROOT: Final = Path(__file__).parents[2]
DEFAULTS: Final[dict[str, Any]] = {
    "env": "development",
    "redis_url": None,
    "data_dir": Path("graph_data"),
    "database": "sqlite+aiosqlite:///graph_data/vestibule.db",
    "public_url": "http://127.0.0.1:8000",
    "site_name": "Vestibule",
    "contact": None,
    "way_to_ask": None,
    "registration": "approval",
    "require_approval_note": False,
    "bootstrap_by_token": False,
    "inactivity_minutes": 20,
    "max_token_lifetime_hours": 1,
    "session_lifetime_hours": 24,
    "remember_days": 30,
    "remember_idle_days": 14,
    "refresh_grace_seconds": 10,
    "max_sessions_per_user": 20,
    "jwt_algorithm": "ES256",
    "secret_key": None,
    "argon2": (19456, 2, 1),
    "password_min_length": 8,
    "temporary_password_hours": 72,
    "login_max_attempts": 5,
    "login_window_minutes": 15,
    "login_max_attempts_per_address": None,
    "login_failures_per_minute": 300,
    "refusal_seconds": 0.5,
    "registrations_per_hour": 100,
    "rate_limits": True,
    "smtp_url": None,
    "mail_from": None,
    "mails_per_hour": 1000,
    "tell_approvers": True,
    "send_verification_emails": True,
    "require_verified_email": False,
    "max_pending": 1000,
    "public_profiles": True,
    "anonymize_keeps_email": True,
    "keep_deleted_days": 30,
    "keep_sessions_days": 30,
    "keep_mails_days": 30,
    "trusted_proxies": (),
    "cors_origins": (),
    "cookie_samesite": "lax",
    "metrics_token": None,
    "organizations_in_token": False,
    "docs_shown": True,
}
IMPOSSIBLE: Final = {
    "ENV": ("staging",),
    "DATABASE_URL": ("mysql://x/y", "postgresql://x/y", "sqlite:///x", "sqlite+aiosqlite://", "postgresql+asyncpg://x"),
    "PUBLIC_URL": ("accounts.example.org", "ftp://example.org", "https://example.org/?x=1", "https://exämple.org"),
    "SITE_NAME": ("", " ", "x" * 51, "Hall\r\nBcc: x@example.org", "<b>Hall</b>", "=?utf-8?q?=0D=0ABcc:_x?="),
    "CONTACT": (
        *("help", "help@", "javascript:alert(1)", "ftp://example.org", "https://", "https://me:x@example.org"),
        *("https://exämple.org", "https://example.org/a b", "a@example.org, b@example.org", "a@example.org\r\nBcc: x"),
        "https://:x@example.org",
    ),
    "REGISTRATION": ("invite", "sometimes", ""),
    "BOOTSTRAP": ("nobody",),
    "INACTIVITY_MINUTES": ("0", "-1", "soon", "nan", "inf"),
    "MAX_TOKEN_LIFETIME_HOURS": ("0", "nan", "inf"),
    "SESSION_LIFETIME_HOURS": ("0", "nan", "inf"),
    "REMEMBER_DAYS": ("0", "nan"),
    "REMEMBER_IDLE_DAYS": ("0", "366"),
    "REFRESH_GRACE_SECONDS": ("-1", "61"),
    "MAX_SESSIONS_PER_USER": ("0", "many"),
    "SESSION_CACHE": ("-1",),
    "B0_IDLE": ("maybe",),
    "ORGANIZATIONS_IN_TOKEN": ("maybe",),
    "JWT_ALGORITHM": ("none", "RS256", "HS256"),
    "ARGON2": ("fast", "1,1,1", "19456,2", "19456,0,1"),
    "PASSWORD_MIN_LENGTH": ("7", "x"),
    "TEMPORARY_PASSWORD_HOURS": ("0", "0.9", "8761", "nan", "inf"),
    "LOGIN_MAX_ATTEMPTS": ("0",),
    "LOGIN_WINDOW_MINUTES": ("0", "nan", "inf"),
    "LOGIN_MAX_ATTEMPTS_PER_ADDRESS": ("0", "many"),
    "LOGIN_FAILURES_PER_MINUTE": ("0",),
    "REFUSAL_SECONDS": ("-1", "6", "nan"),
    "REGISTRATIONS_PER_HOUR": ("0",),
    "RATE_LIMITS": ("maybe",),
    "MAX_PENDING": ("0",),
    "PUBLIC_PROFILES": ("maybe",),
    "PRIVATE_REGISTRATION": ("maybe",),
    "ANONYMIZE_KEEPS_EMAIL": ("maybe",),
    "KEEP_DELETED_DAYS": ("-1", "nan", "3651"),
    "KEEP_SESSIONS_DAYS": ("-1", "nan"),
    "KEEP_MAILS_DAYS": ("-1", "inf"),
    "CORS_ORIGINS": ("*", "https://*.example.org", "https://example.org/", "example.org", "https://a.example.org,*"),
    "COOKIE_SAMESITE": ("none", "sometimes"),
    "DOCS": ("maybe",),
    "REQUIRE_APPROVAL_NOTE": ("maybe",),
    "MAIL_FROM": (
        "entrance",
        "entrance@localhost",
        "entrance@exämple.org",
        "ent rance@example.org",
        "a@example.org, b@example.org",
        "Entrance entrance@example.org",
        "En\ttrance <entrance@example.org>",
        "En\r\nBcc: x <entrance@example.org>",
        "=?utf-8?q?=0D=0ABcc:_x?= <entrance@example.org>",
        "Entrance <entrance@example.org> x",
    ),
    "MAILS_PER_HOUR": ("0", "many"),
    "TELL_APPROVERS": ("maybe",),
}
SERVERS: Final[dict[str, tuple[Any, ...]]] = {
    "smtps://me:hunter2@mail.example.org": ("mail.example.org", 465, Encryption.TLS, "me", "hunter2"),
    "smtps://mail.example.org:4465/": ("mail.example.org", 4465, Encryption.TLS),
    "smtps://127.0.0.1?tls=required": ("127.0.0.1", 465, Encryption.TLS),
    "smtp://me:hunter2@mail.example.org": ("mail.example.org", 587, Encryption.STARTTLS, "me", "hunter2"),
    "smtp://a%40b.org:%3A%2F%20%C3%A4hunter2@mail.example.org:25": (
        ("mail.example.org", 25, Encryption.STARTTLS, "a@b.org", ":/ ähunter2")
    ),
    "smtp://mail.example.org?ca=/etc/our%20ca+1.pem": (
        ("mail.example.org", 587, Encryption.STARTTLS, "", "", Path("/etc/our ca+1.pem"))
    ),
    "smtp://10.0.0.5?tls=none": ("10.0.0.5", 587, Encryption.NONE),
    "smtp://127.0.0.1": ("127.0.0.1", 25, Encryption.NONE),
    "smtp://localhost:1025": ("localhost", 1025, Encryption.NONE),
    "smtp://me:hunter2@[::1]": ("::1", 25, Encryption.NONE, "me", "hunter2"),
    "smtp://127.0.0.1:587?tls=required&ca=ca.pem": (("127.0.0.1", 587, Encryption.STARTTLS, "", "", Path("ca.pem"))),
}
UNSAFE: Final = {
    "mail.example.org": "must be smtp://",
    "http://mail.example.org": "must be smtp://",
    "smtp://": "must be smtp://",
    "smtp://me:hunter2@": "must be smtp://",
    "smtp://me:hunter2@mail.example.org:0": "must be smtp://",
    "smtp://me:mail.example.org:hunter2": "must be smtp://",
    "smtp://me:hunter2/x@mail.example.org": "must be smtp://",
    "smtp://me:hunter2#x@mail.example.org": "must be smtp://",
    "smtp://me:hunter2%ff@mail.example.org": "must be smtp://",
    "smtp://me:hunter2%00@mail.example.org": "must be smtp://",
    "smtp://me:hunter2@mail.example.org/inbox": "must be smtp://",
    "smtp://me:hunter2@mail.exam\tple.org": "must be smtp://",
    "smtp://me:hunter2@[::1": "must be smtp://",
    "smtp://me:hunter2@mäil.example.org": "must be smtp://",
    "smtp://me@mail.example.org": "a user and a password, or neither",
    "smtp://:hunter2@mail.example.org": "a user and a password, or neither",
    "smtp://me:hunter2@mail.example.org?tls=none": "by TLS only",
    "smtps://me:hunter2@mail.example.org?tls=none": "from the first byte",
    "smtp://me:hunter2@mail.example.org?tls=maybe": "can stand",
    "smtp://me:hunter2@mail.example.org?tls=required&tls=none": "can stand",
    "smtp://me:hunter2@mail.example.org?verify=no": "can stand",
    "smtp://me:hunter2@mail.example.org?ca=": "can stand",
    "smtp://127.0.0.1?ca=/etc/ca.pem": "of use with TLS only",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine without settings."""
    for name in [name for name in os.environ if name.upper().startswith("VESTIBULE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_every_setting_is_optional_and_has_its_default(environment: pytest.MonkeyPatch) -> None:
    settings = load()
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS


def test_settings_come_from_a_file_and_the_environment_wins(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VESTIBULE_MAX_PENDING=7\nVESTIBULE_REGISTRATION=open\nOTHER=1\n")
    environment.setenv("VESTIBULE_REGISTRATION", "closed")
    assert (load().max_pending, load().registration) == (7, "closed")


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_value_is_refused_by_name(environment: pytest.MonkeyPatch, name: str) -> None:
    for value in IMPOSSIBLE[name]:
        environment.setenv(f"VESTIBULE_{name}", value)
        with pytest.raises(SettingsError, match=f"VESTIBULE_{name}"):
            print(load())  # noqa: T201  # what was let through is shown


@pytest.mark.parametrize("place", ["environment", "file"])
def test_an_unknown_setting_is_refused_by_name(environment: pytest.MonkeyPatch, tmp_path: Path, place: str) -> None:
    if place == "file":
        (tmp_path / ".env").write_text("VESTIBULE_REGISTRATON=open\n")
    else:
        environment.setenv("VESTIBULE_REGISTRATON", "open")
    with pytest.raises(SettingsError, match="VESTIBULE_REGISTRATON is not a setting"):
        load()


@pytest.mark.parametrize("url", SERVERS)
def test_a_mail_server_is_read_as_it_is_meant(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("VESTIBULE_SMTP_URL", url)
    environment.setenv("VESTIBULE_MAIL_FROM", "Entrance <entrance@example.org>")
    settings = load()
    assert settings.mail_enabled
    assert settings.smtp_url
    assert mail_server(settings.smtp_url.get_secret_value()) == MailServer(*SERVERS[url])
    assert "hunter2" not in f"{settings!r}{mail_server(url)!r}"


@pytest.mark.parametrize("url", UNSAFE)
def test_an_unsafe_or_unclear_mail_server_is_refused_without_showing_it(
    environment: pytest.MonkeyPatch, url: str
) -> None:
    environment.setenv("VESTIBULE_SMTP_URL", url)
    environment.setenv("VESTIBULE_MAIL_FROM", "entrance@example.org")
    with pytest.raises(SettingsError, match=f"VESTIBULE_SMTP_URL: .*{UNSAFE[url]}") as refused:
        print(load())  # noqa: T201  # what was let through is shown
    assert "hunter2" not in f"{refused.value.detail}{refused.value!r}"


def test_mail_needs_somebody_it_comes_from(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("VESTIBULE_SMTP_URL", "smtp://user:hunter2@mail.example.org")
    with pytest.raises(SettingsError, match="VESTIBULE_SMTP_URL needs VESTIBULE_MAIL_FROM") as refused:
        load()
    assert "hunter2" not in refused.value.detail


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("entrance@example.org", ""),
        ("<entrance@example.org>", ""),
        ("Entrance <entrance@example.org>", "Entrance"),
        ('"Entrance, of Grüße" <entrance@example.org>', "Entrance, of Grüße"),
    ],
    ids=["address", "angled", "named", "quoted"],
)
def test_a_sender_is_an_address_with_a_name_or_without(text: str, name: str) -> None:
    assert sender(text) == Address(name, "entrance", "example.org")


def test_empty_settings_of_mail_are_none(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("VESTIBULE_SMTP_URL", "")
    environment.setenv("VESTIBULE_MAIL_FROM", "")
    assert (load().mail_enabled, load().mail_from) == (False, None)


def test_a_setting_of_another_version_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("VESTIBULE_TELEPATHY", "1")
    with pytest.raises(SettingsError, match=r"VESTIBULE_TELEPATHY .*this version"):
        load()


def test_a_refusal_never_shows_the_value(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("VESTIBULE_DATABASE_URL", "postgres://vestibule:hunter2@db/vestibule")
    with pytest.raises(SettingsError) as refused:
        load()
    assert "hunter2" not in f"{refused.value.detail}{refused.value!r}"


def test_a_shared_secret_has_32_bytes(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("VESTIBULE_JWT_ALGORITHM", "HS256")
    environment.setenv("VESTIBULE_SECRET_KEY", "x" * 31)
    with pytest.raises(SettingsError, match="VESTIBULE_SECRET_KEY"):
        load()
    environment.setenv("VESTIBULE_SECRET_KEY", "x" * 32)
    assert load().jwt_algorithm == "HS256"


@pytest.mark.parametrize(
    ("name", "value"),
    [("PUBLIC_URL", "http://accounts.example.org"), ("RATE_LIMITS", "off"), ("PRIVATE_REGISTRATION", "true")],
    ids=["http", "limits", "private"],
)
def test_production_is_strict(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(f"VESTIBULE_{name}", value)
    assert not load().production
    environment.setenv("VESTIBULE_ENV", "production")
    with pytest.raises(SettingsError, match=f"VESTIBULE_{name}"):
        load()


def test_production_asks_for_the_bootstrap_token_and_hides_the_docs(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("VESTIBULE_ENV", "production")
    assert (load().bootstrap_by_token, load().docs_shown) == (True, False)
    environment.setenv("VESTIBULE_DOCS", "on")
    environment.setenv("VESTIBULE_BOOTSTRAP", "first-user")
    assert (load().bootstrap_by_token, load().docs_shown) == (False, True)


def test_production_refuses_keys_that_others_can_read(environment: pytest.MonkeyPatch) -> None:
    Context.build(load())
    (key,) = load().data_dir.glob("keys/*.pem")
    assert key.stat().st_mode & 0o077 == 0
    key.chmod(0o644)
    environment.setenv("VESTIBULE_ENV", "production")
    with pytest.raises(StartError, match="chmod 600"):
        Context.build(load())


async def test_production_refuses_demo_accounts(running: Application) -> None:
    await demo.make(running.context, Origin())
    production = running.context.settings.model_copy(update={"env": Environment.PRODUCTION})
    with pytest.raises(StartError, match=r"admin@example\.com"):
        async with start(production):
            pass
    gc.collect()  # what a refused start left open is told here, not in a later test


def test_every_setting_is_named_where_operators_look() -> None:
    names = {f"VESTIBULE_{name.upper()}" for name in Settings.model_fields}
    for place in (ROOT / ".env.example", ROOT / "docs" / "settings.md"):
        assert [name for name in sorted(names) if name not in place.read_text()] == []
