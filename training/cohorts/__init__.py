"""The images to learn from: one module a cohort, and the table of all of them."""

from __future__ import annotations

from training.cohorts import development
from training.cohorts.cohort import Box, Cohort, Example, WrongLayout
from training.cohorts.development import data_folder, load_examples

COHORTS: dict[str, Cohort] = {cohort.name: cohort for cohort in development.COHORTS}

__all__ = ["COHORTS", "Box", "Cohort", "Example", "WrongLayout", "data_folder", "load_examples"]
