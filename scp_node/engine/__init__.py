"""The durable work engine: the ledger's job table is the queue, and threads of a worker run what is due."""
