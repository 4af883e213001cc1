"""Every training recipe from its own command to a package, on drawn films."""
