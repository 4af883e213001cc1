"""Files that people and programs send over HTTP: bounded while they come in, and never on a disk."""
