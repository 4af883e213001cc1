"""An object becomes remembered: header read, bytes in the spool, row and job in one commit, then the status."""
