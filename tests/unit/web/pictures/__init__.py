"""Films and maps, and the processes that make them."""
