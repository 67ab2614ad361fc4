"""An owner's jobs in the order of lists."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_jobs_owner_id_created_at_id", "jobs", ["owner_id", "created_at", "id"])
    op.drop_index("ix_jobs_owner_id", table_name="jobs")


def downgrade() -> None:
    op.create_index("ix_jobs_owner_id", "jobs", ["owner_id"])
    op.drop_index("ix_jobs_owner_id_created_at_id", table_name="jobs")
