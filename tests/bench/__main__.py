"""`python -m tests.bench`: measure Hilum beside its peers on this machine and write RESULTS.md."""

from __future__ import annotations

import sys

from tests.bench.run import main
from tests.support.peers.network import enter

if __name__ == "__main__":
    if not enter("tests.bench"):
        # Outside of one, storescp, which cannot be bound to one address, listens on all of them.
        print("no private network to be had: storescp and Orthanc listen on all addresses of this machine", flush=True)
    sys.exit(main())
