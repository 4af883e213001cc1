"""What people do to a node: one function an act, each with the record that an audit trail keeps of it."""
