"""What goes when, and that nothing goes of which something is still to be done."""
