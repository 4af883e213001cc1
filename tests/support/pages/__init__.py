"""What tests ask of HTML pages."""
