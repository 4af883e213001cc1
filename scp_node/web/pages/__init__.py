"""How pages are made: templates, captions, formats."""
