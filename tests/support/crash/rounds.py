"""The loop of every crash test: load, break it under load, start it again, count what was lost and what came twice.

A `Trial` says what that means for one kind of break; the loop, the totals and the verdict are the same for all.
"""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Found:
    """What one round found: what was counted, and a line about each thing that was lost or came twice."""

    counted: Counter[str]
    lost: list[str]
    doubled: list[str]


class Trial(Protocol):
    def under_load(self) -> AbstractContextManager[object]:
        """Senders at work; they have ended when the context ends."""

    def break_it(self) -> str:
        """Break it at a moment of chance; what was broken."""

    def start_again(self) -> None:
        """Returns when it takes work again."""

    def count(self) -> Found: ...


def run_rounds(trial: Trial, rounds: int) -> Counter[str]:
    """So many rounds, each with a line on what it found; the totals: rounds, what was counted, lost, doubled."""
    totals: Counter[str] = Counter(rounds=0)
    for number in range(1, rounds + 1):
        with trial.under_load():
            broken = trial.break_it()
            trial.start_again()
        found = trial.count()
        counted = Counter({**found.counted, "lost": len(found.lost), "doubled": len(found.doubled)})
        totals.update(counted, rounds=1)
        print(f"round {number}/{rounds}: {broken}; {in_words(counted)}", flush=True)
        for line in (*found.lost, *found.doubled):
            print(f"  {line}", flush=True)
    return totals


def arguments(description: str | None, rounds: int) -> argparse.ArgumentParser:
    """--rounds and --seed, which every loop takes."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seed", type=int, default=1)
    return parser


def passed(totals: Counter[str], rounds: int, seed: int) -> bool:
    """Say the totals; whether all rounds ran, and nothing was lost or came twice."""
    print(f"seed {seed}: {in_words(totals)}", flush=True)
    return totals["rounds"] == rounds and not totals["lost"] and not totals["doubled"]


def in_words(totals: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in totals.items())
