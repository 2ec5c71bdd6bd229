"""Vestibule: the entrance hall of other people's systems."""

__version__ = "0.1.0"
