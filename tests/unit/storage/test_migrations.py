from datetime import datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from torchyard.errors import Unavailable
from torchyard.storage import users
from torchyard.storage.database import Database, after_commit
from torchyard.storage.tables import Base, UserRow


def test_the_migrations_make_exactly_the_tables_on_both_databases(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_migrating_twice_changes_nothing(database: Database) -> None:
    database.migrate()


def test_a_callback_runs_only_after_a_commit(database: Database) -> None:
    called: list[str] = []

    with pytest.raises(ZeroDivisionError), database.write() as session:
        after_commit(session, lambda: called.append("never"))
        raise ZeroDivisionError
    with database.write() as session:
        after_commit(session, lambda: called.append("once"))
        assert called == []

    assert called == ["once"]


def test_a_transaction_that_fails_leaves_nothing(database: Database, now: datetime) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as session:
        users.add_user(session, UserRow(id="1", name="half", role="user", created_at=now))
        raise ZeroDivisionError

    with database.read() as session:
        assert users.by_name(session, "half") is None


def test_a_database_that_is_away_is_said_to_be_unavailable(tmp_path: Path) -> None:
    away = Database(f"sqlite:///{tmp_path}/missing/torchyard.db")

    with pytest.raises(Unavailable) as problem, away.read() as session:
        users.by_name(session, "anybody")

    assert problem.value.code == "database_unavailable"
    away.close()
