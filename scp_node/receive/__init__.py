"""The door: associations, and what becomes of each C-STORE before it is answered."""
