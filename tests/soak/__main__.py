"""Runs everything that takes long, judges it, and writes tests/soak/RESULTS.md.

    python -m tests.soak                 (about a quarter of an hour; power cuts need root)
    python -m tests.soak --share 0.02    (a small part of each, to see that it works)

Exit 0 only when every part that could run passed.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.soak.flat import GROWTH_MAX, Sample, growing, growth
from tests.soak.receiver import soak_instances, soak_probes
from tests.support.crash.mounts import why_no_disk_image
from tests.support.crash.receiver_trial import receiver_alone

RESULTS = Path(__file__).with_name("RESULTS.md")
INSTANCES, PROBES, KILLS, CUTS, FUZZ_TIMES = 10_000, 2_000, 50, 20, 8
# Five parts that may take this long each, and the whole target ends within 35 minutes.
PART_TIMEOUT_S = 420.0


@dataclass(frozen=True)
class Outcome:
    """One row of the table."""

    passed: bool | None
    found: str


@dataclass(frozen=True)
class Part:
    name: str
    run: Callable[[], Outcome]


def parts(share: float, seed: int, folder: Path) -> list[Part]:
    def of(count: int) -> int:
        return max(1, round(share * count))

    kills, cuts, times = of(KILLS), of(CUTS), of(FUZZ_TIMES)
    cut = ["-m", "tests.crash.power_cut", "--rounds", str(cuts), "--seed", str(seed)]
    kill = ["-m", "tests.crash.receiver_kills", "--rounds", str(kills), "--seed", str(seed)]
    return [
        Part(f"{of(INSTANCES):,} instances over 4 associations", lambda: _instances(folder / "a", of(INSTANCES))),
        Part(f"{of(PROBES):,} peers that connect and leave", lambda: _probes(folder / "b", of(PROBES))),
        Part(f"kill -9 under load, {kills} rounds", lambda: _loop(kill)),
        Part(f"power cut under load, {cuts} rounds", lambda: _skipped(why_no_disk_image()) or _loop(cut)),
        Part("EIO and kill -9 in the n-th system call; full, read-only disk", lambda: _pytest(*SYSTEM_CALLS)),
        Part(f"fuzzing, {times} times as long as in make test", lambda: _fuzz(times, seed)),
    ]


SYSTEM_CALLS = (
    "tests/crash/test_io_errors.py",
    "tests/crash/test_crash_points.py",
    "tests/integration/test_receiving_disk.py",
)


def _instances(folder: Path, count: int) -> Outcome:
    with receiver_alone(folder) as node:
        samples, lost = soak_instances(node, count)
    flat = _flat(samples)
    return Outcome(bool(flat.passed) and not lost, f"{lost} lost; {flat.found}")


def _probes(folder: Path, count: int) -> Outcome:
    with receiver_alone(folder) as node:
        return _flat(soak_probes(node, count))


def _flat(samples: Sequence[Sample]) -> Outcome:
    middle, last = samples[len(samples) // 2], samples[-1]
    rows = [
        f"{what.replace('_mib', ', MiB')} {getattr(samples[0], what):.0f} / {getattr(middle, what):.0f} / "
        f"{getattr(last, what):.0f} (growth {growth(samples, what):+.1f})"
        for what in GROWTH_MAX
    ]
    return Outcome(not growing(samples), "; ".join(rows))


def _loop(arguments: Sequence[str]) -> Outcome:
    result = _run([sys.executable, *arguments])
    lines = [line for line in result.stdout.splitlines() if line.startswith(("seed ", "control ", "skipped"))]
    return Outcome(result.returncode == 0, "; ".join(lines) or _tail(result))


def _pytest(*arguments: str, times: int = 1) -> Outcome:
    command = [sys.executable, "-m", "pytest", "-q", "--timeout", "0", "-p", "no:cacheprovider", *arguments]
    result = _run(command, HILUM_FUZZ_TIMES=str(times))
    return Outcome(result.returncode == 0, re.sub(r" in .*", "", (result.stdout.splitlines() or [""])[-1]))


def _fuzz(times: int, seed: int) -> Outcome:
    outcome = _pytest("-m", "fuzz", "-n", "auto", f"--hypothesis-seed={seed}", "tests", times=times)
    return Outcome(outcome.passed, f"seed {seed}: {outcome.found}")


def _skipped(reason: str) -> Outcome | None:
    return Outcome(None, reason) if reason else None


def _run(command: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run to its end, or for PART_TIMEOUT_S: then it has failed. What it said is also shown."""
    try:
        result = subprocess.run(
            command,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=PART_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else ""
        result = subprocess.CompletedProcess(command, 124, said, f"not finished within {PART_TIMEOUT_S:g} s")
    print(result.stdout[-4000:], result.stderr[-2000:], flush=True)
    return result


def _tail(result: subprocess.CompletedProcess[str]) -> str:
    return (result.stderr or result.stdout).strip().rpartition("\n")[2] or f"exit code {result.returncode}"


def _setting(seed: int, share: float) -> list[str]:
    names = ("pynetdicom", "pydicom", "sqlalchemy", "hypothesis")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    return [
        f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit.strip() or 'unknown'}, hilum {version('hilum')}, "
        f"seed {seed}" + (f", {share:g} of the usual length" if share != 1 else ""),
        f"- Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}",
        f"- {platform.system()} {platform.release()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB",
    ]


NOTES = """\
Memory, threads and descriptors of the receiver process are read at the start, in the middle and at the end, and
between; what counts is how much the line through the second half of the samples rises: {limits} at most.

A power cut here is: all processes stopped, the disk image copied as the block device has it, the copy mounted and its
journal replayed. It shows that unsynced data is lost and acknowledged data is not. It does not show what a disk does
that keeps or reorders writes in a cache of its own. DCMTK's storescp, which does not fsync, is the control: it has to
lose what it acknowledged.
"""


def report(rows: Sequence[tuple[Part, Outcome, float]], setting: Sequence[str]) -> str:
    limits = ", ".join(
        f"{what.replace('_mib', '')} {most:g}{' MiB' if 'mib' in what else ''}" for what, most in GROWTH_MAX.items()
    )
    table = ["| what | reached | found | minutes |", "|---|---|---|---|"]
    words = {True: "yes", False: "**NO**", None: "skipped"}
    table += [
        f"| {part.name} | {words[outcome.passed]} | {outcome.found} | {took_s / 60:.1f} |"
        for part, outcome, took_s in rows
    ]
    return "\n".join(
        [
            "# What `make soak` found",
            "",
            "Written by the program; do not edit.",
            "",
            *setting,
            "",
            *table,
            "",
            NOTES.format(limits=limits),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="length of each part, 1 = all of it")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="hilum-soak-") as folder:
        for part in parts(arguments.share, arguments.seed, Path(folder)):
            print(f"--- {part.name}", flush=True)
            began = time.monotonic()
            outcome = part.run()
            rows.append((part, outcome, time.monotonic() - began))
    text = report(rows, _setting(arguments.seed, arguments.share))
    print(text)
    if arguments.share == 1:
        RESULTS.write_text(text, encoding="utf-8")
    return 0 if all(outcome.passed is not False for _, outcome, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
