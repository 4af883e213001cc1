"""The code as a house: what is counted in it, and what may import what."""
