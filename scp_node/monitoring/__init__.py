"""Whether the node still does what it was made for: drift, agreement, reproduction, expiry of certificates."""
