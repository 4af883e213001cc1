"""How good a model is, and what it leans on."""
