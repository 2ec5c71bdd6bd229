"""This service over a population that was written, not registered: `app` for uvicorn.

Nobody of it has a directory. So the start is told that all have, instead of making a million while others are
measured; those that are asked for are made. No mail leaves, as in production without a mail server.
"""

from uuid import UUID

from backend.app import create_app
from backend.context import Context
from backend.environment import load
from backend.provisioners.directories import DirectoryProvisioner
from backend.settings import Settings


class _Crowd(DirectoryProvisioner):
    """Takes every directory for whole when the start looks."""

    def complete(self, user_id: UUID) -> bool:  # noqa: ARG002  # whoever it is
        return True


def _context(settings: Settings) -> Context:
    context = Context.build(settings, provisioner=_Crowd(settings.data_dir))
    context.notifier = None
    return context


app = create_app(_context(load()))
