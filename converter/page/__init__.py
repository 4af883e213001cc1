"""HTML pages that stand alone: one markup, one style, light and dark and on paper."""
