"""Users that can be disabled, tokens with a label, and workers that take nothing new; when scripts ended."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tokens", sa.Column("label", sa.Text(), nullable=True))
    op.add_column("tokens", sa.Column("signed_in_with", sa.String(length=64), nullable=True))
    op.add_column("workers", sa.Column("draining", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("attempts", sa.Column("script_ended_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("attempts", "script_ended_at")
    op.drop_column("workers", "draining")
    op.drop_column("tokens", "signed_in_with")
    op.drop_column("tokens", "label")
    op.drop_column("users", "disabled_at")
