"""Trees of dependencies, and the files they refer to."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trees",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha256"], ["blobs.sha256"], name=op.f("fk_trees_sha256_blobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_trees")),
    )
    op.create_table(
        "tree_files",
        sa.Column("tree_sha256", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name=op.f("fk_tree_files_sha256_blobs")),
        sa.ForeignKeyConstraint(
            ["tree_sha256"],
            ["trees.sha256"],
            name=op.f("fk_tree_files_tree_sha256_trees"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tree_sha256", "sha256", name=op.f("pk_tree_files")),
    )
    with op.batch_alter_table("tree_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tree_files_sha256"), ["sha256"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("tree_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tree_files_sha256"))

    op.drop_table("tree_files")
    op.drop_table("trees")
