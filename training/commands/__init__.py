"""What `python -m training COMMAND` runs. A module a command, with its `add_arguments(parser)` and `run(arguments)`."""
