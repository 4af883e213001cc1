"""The lungs of a film: a small network that outlines them, and the frame round them that a finding network looks at."""
