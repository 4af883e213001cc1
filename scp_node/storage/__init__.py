"""Bytes of received objects and results, on a disk or in an object store, and the previews of heat maps."""
