"""The web role in tests: an application over a ledger, and a browser."""
