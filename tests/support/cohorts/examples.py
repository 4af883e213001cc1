"""Examples of training without a file behind them."""

from __future__ import annotations

from pathlib import Path

from training.data.cohorts import Example


def labelled(path: Path, cohort: str, positive: bool, split: str, patient_id: str) -> Example:
    """A frontal film with or without pneumonia."""
    label, findings = ("PNEUMONIA", frozenset({"pneumonia"})) if positive else ("NORMAL", frozenset[str]())
    return Example(path, cohort, label, findings, split, patient_id, "AP")
