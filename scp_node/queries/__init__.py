"""What people ask of a node: frozen records, ready to be shown by a command, a page or an API."""
