"""The index that substring search uses: trigrams by `pg_trgm` on PostgreSQL, by FTS5 on SQLite.

It is made beside the schema, because a server may lack what it needs. Then search works all the same, by looking at
every account.
"""

from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

TABLE: Final = "listings_search"
INDEX: Final = "ix_listings_text"
_TRIGGERS: Final = {
    "listings_search_insert": (
        "AFTER INSERT ON listings BEGIN INSERT INTO listings_search(rowid, text) VALUES (new.number, new.text); END"
    ),
    "listings_search_delete": (
        "AFTER DELETE ON listings BEGIN "
        "INSERT INTO listings_search(listings_search, rowid, text) VALUES ('delete', old.number, old.text); END"
    ),
    "listings_search_update": (
        "AFTER UPDATE OF text ON listings BEGIN "
        "INSERT INTO listings_search(listings_search, rowid, text) VALUES ('delete', old.number, old.text); "
        "INSERT INTO listings_search(rowid, text) VALUES (new.number, new.text); END"
    ),
}


def belongs(name: str | None) -> bool:
    """Tell whether a table or an index is part of the search index, of which the models know nothing."""
    return name is not None and (name == INDEX or name.startswith(TABLE))


def make(connection: Connection) -> None:
    """Make the index, unless it is there already or the database lacks what it needs."""
    try:
        with connection.begin_nested():
            if connection.dialect.name == "sqlite":
                _make_for_sqlite(connection)
            elif not works(connection):
                connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
                connection.execute(text(f"CREATE INDEX {INDEX} ON listings USING gin (text gin_trgm_ops)"))
    except DBAPIError:  # no such extension on this server, or no right to it; no such tokenizer in this SQLite
        return


def works(connection: Connection) -> bool:
    """Tell whether the index is there."""
    if connection.dialect.name == "sqlite":
        query = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'listings_search%' AND type IN ('table', 'trigger')"
        return int(connection.execute(text(f"{query} AND (type = 'trigger' OR name = '{TABLE}')")).scalar_one()) == (
            1 + len(_TRIGGERS)
        )
    return connection.execute(text(f"SELECT to_regclass('{INDEX}')")).scalar_one() is not None


def knows_every_script(connection: Connection) -> bool:
    """Tell whether names in every script are in the index; `pg_trgm` leaves out what its locale takes for no letter."""
    if connection.dialect.name == "sqlite":
        return True
    try:
        with connection.begin_nested():
            return bool(connection.execute(text("SELECT cardinality(show_trgm('ж')) > 0")).scalar_one())
    except DBAPIError:  # the extension is in a schema that this role does not look into
        return False


def _make_for_sqlite(connection: Connection) -> None:
    if works(connection):
        return
    connection.execute(
        text(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {TABLE} USING fts5("
            "text, content='listings', content_rowid='number', tokenize='trigram case_sensitive 1')"
        )
    )
    for name, body in _TRIGGERS.items():
        connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
        connection.execute(text(f"CREATE TRIGGER {name} {body}"))
    connection.execute(text(f"INSERT INTO {TABLE}({TABLE}) VALUES ('rebuild')"))  # noqa: S608  # constants
