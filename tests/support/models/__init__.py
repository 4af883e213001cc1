"""Model packages that are small and drawn, with known answers."""
