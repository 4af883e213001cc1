"""Several rooms together: a receiver, a node, the commands, with real peers."""
