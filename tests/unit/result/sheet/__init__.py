"""The one-page report: what it reads, and its two forms."""
