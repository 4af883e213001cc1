"""The DICOM listener: who is let in, what is negotiated, and one answer to each message."""
