"""Something to look at: two accounts with published passwords, and invented people around them."""

from backend.services.demo.accounts import ACCOUNTS, DemoAccount, Made, make

__all__ = ["ACCOUNTS", "DemoAccount", "Made", "make"]
