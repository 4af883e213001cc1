"""`python -m tests.bench`: measure Hilum beside its peers on this machine and write RESULTS.md."""

from __future__ import annotations

import sys

from tests.bench import namespace
from tests.bench.run import main

if __name__ == "__main__":
    namespace.enter()
    sys.exit(main())
