"""Ledgers with real files, and studies that went through the real jobs."""
