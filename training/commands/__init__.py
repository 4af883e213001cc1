"""`python -m training COMMAND`: arguments, data, one call after the other, report. A module a command."""
