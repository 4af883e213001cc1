"""What results say to a reader, in the languages there are: one table a language, for pictures, sheet and console."""
