"""What people ask of a node: frozen records, read from the ledger and ready to be shown by a command, a page or an API."""
