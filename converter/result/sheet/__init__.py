"""The one-page report: read from the Structured Report that is sent, and shown as HTML or PDF."""
