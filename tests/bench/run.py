"""Ties the parts together: runs them, keeps what each measured, and has the report written from all that is kept."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import ingest, whole_way
from tests.bench.workplace import Workplace

CHECKOUT = Path(__file__).resolve().parents[2]
PARTS = {"ingest": ingest.measure, "whole_way": whole_way.measure}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds, to see that all runs; figures mean little")
    parser.add_argument("--only", help=f"parts to measure anew, of {','.join(PARTS)}")
    parser.add_argument("--workdir", type=Path, help="folder on the disk to measure (default: a temporary one)")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else list(PARTS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    kept = CHECKOUT / ".cache" / ("bench-quick" if arguments.quick else "bench")
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hilum-bench-", dir=arguments.workdir) as folder:
        workplace = Workplace(Path(folder), arguments.quick)
        for name in chosen:
            began = time.monotonic()
            records = PARTS[name](workplace)
            (kept / f"{name}.json").write_text(json.dumps({"records": records}))
            workplace.say(f"{name}: {time.monotonic() - began:.0f} s")
    return 0
