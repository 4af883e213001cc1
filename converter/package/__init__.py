"""The contract of a model package: manifest, findings, gate, and what its films and scores are like."""
