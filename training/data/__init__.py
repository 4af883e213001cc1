"""Cohorts, their examples, and which of them train, choose and judge."""
