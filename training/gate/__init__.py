"""The input gate: a small network that knows a frontal chest radiograph from everything else."""
