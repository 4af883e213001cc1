"""The durable work engine: DBOS dispatches, the ledger decides."""
