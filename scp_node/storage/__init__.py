"""Bytes on the disk: the spool of received objects and results, and the previews of heat maps."""
