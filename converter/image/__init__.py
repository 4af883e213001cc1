"""From a radiograph, in DICOM, PNG or JPEG, to the grayscale input of a model."""
