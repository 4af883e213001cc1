"""Runs the migrations on the connection that scp_node.ledger.database.migrate hands over."""

from alembic import context

from scp_node.ledger.shape import VERSION_TABLE
from scp_node.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    include_name=lambda name, type_, parents: type_ != "table" or name in metadata.tables,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
