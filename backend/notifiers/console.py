"""Mails on the terminal of `serve`: for development, where no mail server is."""

import sys
import textwrap

from backend.notifiers.base import Message


class ConsoleNotifier:
    """Prints mails to standard output, never to the log: they hold one-time tokens."""

    async def send(self, message: Message) -> None:
        """Print one mail, framed."""
        text = f"To: {message.to}\nSubject: {message.subject}\n\n{message.body.strip()}"
        frame = textwrap.indent(text, "│ ", lambda _: True)
        sys.stdout.write(f"\n┌─ mail (no mail server is set; printed instead)\n{frame}\n└─\n")
        sys.stdout.flush()

    async def rest(self) -> None:
        """Do nothing: nothing is kept."""
