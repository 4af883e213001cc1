"""How a received object is stored: header read, bytes in the spool, row and job in one commit, then the status."""
