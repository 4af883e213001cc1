"""What documents of this repository take from the code: `python -m tests.handbook` writes it into them."""
