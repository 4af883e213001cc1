"""The HTTP side of the node. It reads the ledger and what the roles say of themselves, and changes nothing."""
