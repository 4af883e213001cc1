"""Which results a study gets, and what they say: a row a kind of result."""
