"""How much of all workers each user's attempts hold at once."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("max_gpus", sa.BigInteger(), nullable=True))
    op.add_column("users", sa.Column("max_cpus", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "max_cpus")
    op.drop_column("users", "max_gpus")
