"""Who is always there: the two accounts of every demo, and two who decide about requests beside the administrator."""

from datetime import timedelta
from typing import Final

from backend.services.demo.accounts import ACCOUNTS
from backend.services.demo.people import Invented

ADMIN: Final = ACCOUNTS[0].username
MORNING: Final = "annika"
AFTERNOON: Final = "tomas"
PASSWORD: Final = "demo-password"  # noqa: S105  # published, and refused in production
"""The password of everybody who was filled in."""

APPROVERS: Final = (
    Invented(
        MORNING,
        "annika.lonnebakke@hallgrove.example.org",
        "Annika Lønnebakke",
        "nordic",
        timedelta(hours=1),
        institution="Hallgrove Institute",
        note="I look after requests in the morning.",
    ),
    Invented(
        AFTERNOON,
        "tomas.arriaga@hallgrove.example.org",
        "Tomás Arriaga Luz",
        "spanish",
        timedelta(hours=1),
        institution="Hallgrove Institute",
        note="Afternoons, and whatever is left over on Fridays.",
    ),
)
