"""Everything that takes long, and its report."""
