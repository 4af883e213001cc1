"""Backups, their way back, and ledgers made anew."""
