"""What the sentences of jobs, attempts, runs and their nodes say, for other languages than English."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLES = ("jobs", "attempts", "runs", "run_nodes")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("saying", sa.JSON(), nullable=True))


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_column(table, "saying")
