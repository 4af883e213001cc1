"""Systems that take messages by HTTP: one request over one connection, every wait bounded, no redirection followed."""
