"""What the explanations of runs' nodes say, for other languages than English."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run_nodes", sa.Column("explanation_saying", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("run_nodes", "explanation_saying")
