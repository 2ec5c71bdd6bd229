"""Writes mails from templates: the operator's own where there are any, else ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypeVar

import structlog
from jinja2 import Environment, FileSystemLoader

from backend.models import MailPurpose, UserSession
from backend.services import agents
from backend.services.own_templates import Fault, OwnTemplates, Unusable, environment
from backend.site_settings import Contact
from backend.texts import plain, storable

T = TypeVar("T")

OURS: Final = Path(__file__).parent.parent / "templates" / "letters"
FOLDER: Final = "mail"
"""The folder of the operator's own templates in the data directory."""
SHARED: Final = ("layout.html", "macros.html")
"""What all mails in HTML are made with."""
FOOT: Final = "foot.txt"
"""What our mails in plain text end with, where there is anything to say."""
LONGEST_SUBJECT: Final = 80
_LONGEST_DEVICE: Final = 60
_HEADER: Final = "Subject:"
_log = structlog.get_logger("vestibule.letters")


@dataclass(frozen=True)
class Letter:
    """The values for a template. Of text that people typed, a mail to an unproven address has the `reason` alone."""

    host: str
    """Of `PUBLIC_URL`."""
    public_url: str
    name: str | None
    """What to call the person; None where nobody has proven that the address is theirs."""
    username: str | None
    """None where `name` is."""
    link: str | None
    """The page of ours that it is about, with the token in its fragment if there is one."""
    token: str | None
    """What to type where the link does not work."""
    hours: int | None
    """How long the token is good."""
    reason: str | None
    """What the person who decided wrote."""
    pending: bool
    """Nobody has decided about the account yet."""
    waiting: int
    """How many people wait for a decision."""
    session: UserSession | None
    """The sign-in it is about."""
    organization: str | None = None
    """The name of the organization it is about, as its owner typed it; None to an address that nobody has proven."""
    site: str | None = None
    """What the installation is called; None where it has no name but its `host`."""
    contact: Contact | None = None
    """Whom people can ask."""


@dataclass(frozen=True)
class Written:
    """A letter, written. The subject is one line of at most `LONGEST_SUBJECT` characters."""

    subject: str
    text: str
    html: str | None
    """The same for programs that show HTML; None: plain text alone."""


class Letters:
    """Writes letters. Templates of one's own are read anew for each; one that is broken costs no mail."""

    def __init__(self, own: Path | None = None) -> None:
        """Let templates in the folder `own` go before ours; it need not exist."""
        self._own = OwnTemplates(own, OURS) if own else None
        self._told: set[tuple[str, int]] = set()

    def write(self, purpose: MailPurpose, letter: Letter) -> Written:
        """Write a letter. Where a template in one's own folder is broken, the log says so once, and ours is used.

        A text of one's own without HTML of one's own goes without: our HTML would say something else.
        """
        return self._written(purpose, letter, self._tell)

    def examine(self, purpose: MailPurpose, letter: Letter) -> Written:
        """Write a letter, and insist that every template of one's own that is used for it is whole.

        Raises:
            TemplateBroken: one is not.
        """
        return self._written(purpose, letter, Fault.refuse)

    def _written(self, purpose: MailPurpose, letter: Letter, tell: Callable[[Fault], None]) -> Written:
        values = known(letter)
        name = f"{purpose}.txt"
        own_text = self._own_version(name, (name,), values, lambda text: _checked(_parted(text), letter), tell)
        subject, text = own_text or self._our_text(name, values)
        name, values = f"{purpose}.html", {**values, "subject": subject}
        parts = (name,) if own_text else (name, *SHARED)
        html = self._own_version(name, parts, values, lambda html: _whole(html, letter), tell)
        if html is None and own_text is None:
            html = _ours(html=True).get_template(name).render(values)
        return Written(subject, text, html)

    def _our_text(self, name: str, values: Mapping[str, object]) -> tuple[str, str]:
        subject, text = _parted(_ours(html=False).get_template(name).render(values))
        foot = _ours(html=False).get_template(FOOT).render(values).strip()
        return subject, f"{text}\n\n{foot}" if foot else text

    def _own_version(
        self,
        name: str,
        parts: tuple[str, ...],
        values: Mapping[str, object],
        finished: Callable[[str], T],
        tell: Callable[[Fault], None],
    ) -> T | None:
        """Render with the templates in the folder, if one of `parts` is there and not known to be broken."""
        left_out: set[str] = set()
        while self._own and (used := [part for part in parts if part not in left_out and part in self._own]):
            try:
                return finished(self._own.render(name, values, left_out))
            except Exception as error:  # noqa: BLE001  # whatever a foreign template does, the mail leaves
                fault = self._own.fault(error, used[0], left_out)
            tell(fault)
            left_out.add(fault.file)
        return None

    def _tell(self, fault: Fault) -> None:
        if (fault.file, fault.changed_at) in self._told:
            return
        self._told.add((fault.file, fault.changed_at))
        _log.warning("mail_template_broken", file=fault.file, line=fault.line, why=fault.why, instead="ours is used")


def known(letter: Letter) -> dict[str, object]:
    """Return the variables of templates: without control characters, and only `reason` has more than one line.

    A device is named by whoever uses it, so that its name is a stranger's text like any other (ASVS 1.3.3).
    """
    session = letter.session
    moment = session.created_at.astimezone(UTC) if session else None
    return {
        "host": _line(letter.host),
        "site": _line(letter.site) or _line(letter.host),
        "contact": letter.contact.text if letter.contact else None,
        "contact_link": letter.contact.link if letter.contact else None,
        "public_url": _line(letter.public_url),
        "name": _line(letter.name),
        "username": _line(letter.username),
        "link": _line(letter.link),
        "token": _line(letter.token),
        "hours": letter.hours,
        "reason": _lines(letter.reason),
        "pending": letter.pending,
        "waiting": letter.waiting,
        "organization": _line(letter.organization),
        "device": _device(session, typed=letter.username is not None) if session else None,
        "address": _address(session.ip_address) if session else None,
        "moment": f"{moment.day} {moment:%B %Y, %H:%M} UTC" if moment else None,
    }


def _line(text: str | None) -> str | None:
    """Make one line of a value, without control characters; None if nothing is left."""
    return "".join(one for one in " ".join((text or "").split()) if plain(one, lines=False)) or None


def _lines(text: str | None) -> str | None:
    """Keep the lines of a value, without other control characters; None if nothing is left."""
    lines = ("".join(one for one in line if plain(one, lines=True)).rstrip() for line in (text or "").splitlines())
    return "\n".join(lines).strip("\n") or None


def _device(session: UserSession, *, typed: bool) -> str | None:
    """Name what somebody signed in with; unless `typed`, without text that somebody typed."""
    agent = _line(session.agent) if typed or session.agent in agents.OURS else None
    name = _line(session.device_name) if typed else None
    return ", ".join([*([f'"{name[:_LONGEST_DEVICE]}"'] if name else []), *([agent] if agent else [])]) or None


def _address(text: str | None) -> str | None:
    """Return a network address that is one; a proxy may have been told anything."""
    try:
        return str(ip_address(text)) if text else None
    except ValueError:
        return None


def _parted(text: str) -> tuple[str, str]:
    """Split the output of a text template into subject and text."""
    first, _, rest = text.lstrip().partition("\n")
    subject = _line(first.removeprefix(_HEADER)) if first.startswith(_HEADER) else None
    if subject is None:
        raise Unusable(f'The first line does not say what the mail is about: "{_HEADER} …".')
    if len(subject) > LONGEST_SUBJECT:
        subject = f"{subject[: LONGEST_SUBJECT - 1].rstrip()}…"
    return subject, rest.strip()


def _checked(parts: tuple[str, str], letter: Letter) -> tuple[str, str]:
    subject, text = parts
    return subject, _whole(text, letter)


def _whole(text: str, letter: Letter) -> str:
    """Return the output of a template, stripped; one that is empty, cannot be stored or lacks its token is refused."""
    text = text.strip()
    if not text:
        raise Unusable("Nothing is in it.")
    if not storable(text):
        raise Unusable("It holds characters that no mail can carry.")
    if letter.token and letter.token not in text:
        raise Unusable("It holds neither {{ link }} nor {{ token }}.")
    return text


@cache
def _ours(*, html: bool) -> Environment:
    return environment(Environment, FileSystemLoader(OURS), html=html)
