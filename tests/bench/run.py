"""Ties the parts together: runs them, keeps what each measured, and has the report written from all that is kept."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import backlog, idle, ingest, pages, sending, stages, uploads, whole_way
from tests.bench.kept import Kept
from tests.bench.results import write_results
from tests.bench.workplace import Workplace
from tests.support.checkout import CHECKOUT

# Not /tmp, which may be memory: there fsync costs nothing.
WORKDIR = Path("/var/tmp")
PARTS = {
    "ingest": ingest.measure,
    "idle": idle.measure,
    "sending": sending.measure,
    "whole_way": whole_way.measure,
    "stages": stages.measure,
    "backlog": backlog.measure,
    "pages": pages.measure,
    "uploads": uploads.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds, to see that all runs; figures mean little")
    parser.add_argument("--only", help=f"parts to measure anew, of {','.join(PARTS)}; 'none' writes the report again")
    parser.add_argument(
        "--workdir", type=Path, default=WORKDIR, help="folder on the disk to measure (default: %(default)s)"
    )
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else list(PARTS)
    unknown = set(chosen) - set(PARTS) - {"none"}
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    kept = Kept(CHECKOUT / ".cache" / ("bench-quick" if arguments.quick else "bench"))
    failed = []
    with tempfile.TemporaryDirectory(prefix="hilum-bench-", dir=arguments.workdir) as folder:
        workplace = Workplace(Path(folder), arguments.quick)
        for name in (name for name in PARTS if name in chosen):
            began = time.monotonic()
            try:
                kept.put(name, PARTS[name](workplace), workplace.folder)
            except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                workplace.say(f"{name} failed: {error}")
                failed.append(name)
            workplace.say(f"{name}: {time.monotonic() - began:.0f} s")
    # a quick run shows that everything works; only a full one replaces the committed report
    place = kept.folder if arguments.quick else Path(__file__).parent
    write_results(kept, place, arguments.quick)
    print((place / "RESULTS.md").read_text(encoding="utf-8"))
    return 1 if failed else 0
