"""From what a model found to DICOM result objects."""
