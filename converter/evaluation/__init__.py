"""How well a model reads labelled images: figures, intervals, comparison, one page for people and JSON for programs."""
