"""Alembic's environment: runs on the connection that `Database.migrate` hands over."""

from alembic import context

from torchyard.storage.workflow_tables import WorkflowRow

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=WorkflowRow.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
