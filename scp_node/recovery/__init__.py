"""What is kept against the loss of a node's data: backups, their way back, and a ledger made anew from the spool."""
