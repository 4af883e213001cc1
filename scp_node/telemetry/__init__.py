"""What the node says of itself: log, metrics, and the sign of life of each role."""
