"""DICOM objects of every kind a test may need, drawn, encoded or broken."""
