"""Model packages, verified and loaded, and what they say of a model input."""
