"""Who speaks with the node in a test: real programs, scripted peers, authorities, validators."""
