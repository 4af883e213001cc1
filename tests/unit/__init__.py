"""One room at a time, in this process."""
