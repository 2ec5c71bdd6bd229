"""The cast of the pictures: invented people who want something, in scripts that a plain machine can draw."""

# ruff: noqa: RUF001  # letters of other scripts are the point
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

RECEPTION: Final = {"full_name": "Marta Vogelsang", "institution": "Hallgrove Institute"}

LONG_NOTE: Final = (
    "I am writing up three years of tide measurements from the northern harbours, and the reference series I need is "
    "only in your graphs. My plan is to read, not to write: about two hundred nodes a day, spread over the night so "
    "that nobody notices.\n\n"
    "Our group would cite the collection in everything we publish, and I would gladly give the cleaned series back. "
    "Professor Ilves, who leads the group, has agreed to vouch for me if that helps; her address is on our page.\n\n"
    "If full access is too much to ask, a copy of the relation registry alone would already save me a winter."
)
REASON: Final = (
    "Thank you for asking. This installation is for members of the institute and its partners, and we could not find "
    "your group among them. If somebody here works with you, let them write to us."
)

WAITING: Final[tuple[tuple[str, str, str | None, str | None, timedelta], ...]] = (
    ("e.papadimas", "Ελένη Παπαδήμα", "Harbour Observatory", LONG_NOTE, timedelta(days=6, hours=3)),
    (
        "jtamm",
        "Jüri Tamm",
        "Northgate Polytechnic",
        "Teaching assistant for the graph course; twenty students follow in spring.",
        timedelta(days=5, hours=1),
    ),
    (
        "o-kovalenko",
        "Олена Ковальчук",
        "Інститут рослин",
        "Потрібен доступ до графів ботанічного саду.\nДякую!",
        timedelta(days=3, hours=8),
    ),
    ("zofia.l", "Zofia Łęcka", None, None, timedelta(days=2, hours=20)),
    (
        "maeve",
        "Maeve Ní Bhriain",
        "Library of Hallgrove",
        "I keep the catalogue and want to link it.",
        timedelta(days=1, hours=12),
    ),
    ("n_aslan", "Nuri Aslançayır", "Brightwater Clinic", "For the audit in March.", timedelta(hours=9)),
    ("thr", "Þórunn Hrafnsdóttir", "Glacier Station", "Ice cores, ten graphs, one PhD.", timedelta(hours=4)),
    ("d.rigas", "Δημήτρης Ρήγας", "Harbour Observatory", "Same project as Ελένη.", timedelta(minutes=50)),
)
MORE_WAITING: Final = 46
"""Students; enough for a second page."""
SUSPENDED: Final = ("k.oyelaran", "Kit Oyelaran", "Brightwater Clinic", timedelta(hours=12))
DELETED: Final = ("e.varga", "Edit Varga", "Brightwater Clinic", timedelta(days=40))
RENAMED: Final = {
    "institution": "Northgate Polytechnic, School of Maps",
    "profile_image_url": "https://people.example/imogen.jpg",
    "access_expires_at": "2031-05-17T00:00:00Z",
}
"""What an administrator changes about the fourth member."""
REJECTED: Final = ("nadir.q", "Nadir Quill", "Quill & Daughters", None, timedelta(hours=7))
LET_IN: Final = {"username": "wren", "full_name": "Wren Abelard", "institution": "Library of Hallgrove"}
FORGETFUL: Final = {"username": "h.strand", "full_name": "Hedda Strand", "institution": "Polar Workshop"}
LOCKED_OUT: Final = {"username": "b.lowenhaupt", "full_name": "Bram Löwenhaupt", "institution": "Polar Workshop"}

FIREFOX: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI: Final = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1"
TRAVELLER: Final = {"username": "s.quist", "full_name": "Sölvi Quist", "institution": "Glacier Station"}
DEVICES: Final[tuple[tuple[dict[str, str], timedelta, timedelta], ...]] = (
    (
        {"User-Agent": SAFARI, "X-Device-Name": "Tablet in the core store", "X-Forwarded-For": "192.0.2.71"},
        timedelta(days=9, hours=2),
        timedelta(days=3),
    ),
    (
        {"User-Agent": "graph-sync/2.4", "X-Forwarded-For": "2001:db8:4f3::1c"},
        timedelta(days=20),
        timedelta(hours=6),
    ),
    ({"User-Agent": FIREFOX, "X-Forwarded-For": "198.51.100.23"}, timedelta(hours=19), timedelta(minutes=40)),
)
"""What else the traveller is signed in with: what it says of itself, since when, and for how long unused."""
LEAVING: Final = {"username": "o.ferreira", "full_name": "Olinda Ferreira", "institution": "Harbour Observatory"}
HASTY: Final = {"username": "gus", "full_name": "Gus Penhaligon", "institution": "Quill & Daughters"}
FILE: Final = """username,email,full_name,institution
a.solberg,a.solberg@example.org,Åse Solberg,Glacier Station
imogen,second@example.org,Imogen Achterberg,Northgate Polytechnic
y.tanaka,y.tanaka@example.org,田中 ゆき,Library of Hallgrove
-,c.moss@example.org,Cassia Moss,Quill & Daughters
"""
NEWCOMER: Final = {"username": "tove.m", "full_name": "Tove Mirren", "institution": "Library of Hallgrove"}
CALLED_AWAY: Final = {"username": "i.brandt", "full_name": "Ingolf Brandt", "institution": "Hallgrove Institute"}

TIDES: Final = "Northgate Tide Group"
READERS: Final = "Friends of the Reading Room"
CLINIC: Final = "Brightwater Clinic"
INVITED: Final = "l.marsh@example.org"
LIMITS: Final = (
    ("/api", 20_000, 86_400, None),
    ("/api/v1/users", 100, 60, "Reading people"),
    ("/api/v1/users/{user}/tier", 5, 90, None),
)
"""Those of the tier "Free": path, how many, in how many seconds, and what it is called."""

MEMBERS: Final[tuple[tuple[str, str, str, timedelta], ...]] = (
    ("p.lindqvist", "Pär Lindqvist", "Hallgrove Institute", timedelta(days=410)),
    ("anoush", "Anoush Petrosian", "Hallgrove Institute", timedelta(days=200)),
    ("v.sorokin", "Валентин Сорокин", "Polar Workshop", timedelta(days=3)),
    ("imogen", "Imogen Achterberg", "Northgate Polytechnic", timedelta(hours=20)),
    ("d-kallis", "Δάφνη Καλλή", "Harbour Observatory", timedelta(hours=5)),
)

_WORKDAY: Final = {
    "happened": {
        "registered": 4,
        "admin_user_creation": 1,
        "admin_user_approved": 3,
        "admin_user_rejected": 1,
        "signin_succeeded": 60,
        "signin_failed/auth_invalid_credentials": 9,
        "signin_failed/account_pending": 4,
        "password_reset_requested": 2,
    },
    "waited": {"hour": 1, "day": 3, "three_days": 2, "week": 1},
}
"""What happens on a usual day, by kind."""


def past() -> Iterator[tuple[str, str, int]]:
    """What was counted on the ninety days before today: more on some days than on others, the same ones every time."""
    now = datetime.now(UTC)
    for ago in range(1, 90):
        day, weekly = now - timedelta(days=ago), (now - timedelta(days=ago)).weekday()
        for kind, usual in _WORKDAY.items():
            for turn, (what, count) in enumerate(usual.items()):
                swing = (ago * 7 + turn * 5) % 11 - 5
                number = count * (10 + swing) // (10 if weekly < 5 else 30)
                if number:
                    yield kind, f"{day:%Y-%m-%d}/{what}", number
        yield "active", f"{day:%Y-%m-%d}", 14 + ago % 6 if weekly < 5 else 3
        yield "active", f"{day:%G-W%V}", 31 + ago // 7 % 4
    lost = now - timedelta(days=9)
    yield "happened", f"{lost:%Y-%m-%d}/mail_given_up", 2
