"""The one analysis: from a file and a model to judged findings, or to the reason why there are none."""
