"""DICOMweb on the web port: instances come in by STOW-RS (PS3.18 10.5). Nothing is given out."""
