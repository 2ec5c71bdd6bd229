"""Alembic's entry: runs the steps on the connection that `runner` hands over."""

from alembic import context
from sqlalchemy import Connection, create_engine

from backend.models import metadata
from backend.stores import search_index


def run(connection: Connection) -> None:
    """Run the steps in the caller's transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_server_default=True,
        include_name=lambda name, *_: not search_index.belongs(name),
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:  # `make migration` and `alembic check` from the command line: an empty scratch database
    with create_engine("sqlite://").connect() as scratch:
        run(scratch)
