"""What the messages of jobs' events say, for other languages than English."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job_events", sa.Column("saying", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("job_events", "saying")
