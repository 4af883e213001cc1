"""Messages about a report, for systems that take no DICOM object: a module a kind, and one row each in `table`."""
