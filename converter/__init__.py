"""Pure functions in both directions: radiograph to model input, model output to DICOM result."""
