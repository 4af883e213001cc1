"""The contract of a model package: a file for each subject of manifest.yaml, and what the node does with it."""
