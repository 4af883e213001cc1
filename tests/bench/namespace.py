"""A private network and process namespace for the bench: peers that listen on all addresses are reachable from nowhere
else, and none outlives the bench, however it ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

_MARK = "HILUM_BENCH_NAMESPACE"


def enter() -> None:
    """Run this program again inside the namespace, if this user may make one; returns when inside, or when not allowed.

    Outside of it, peers are stopped by their ids, and storescp, which cannot be bound to one address, listens on all.
    """
    if os.environ.get(_MARK):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    unshare = shutil.which("unshare")
    command = [unshare or "", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    if unshare is None or shutil.which("ip") is None or subprocess.run([*command, "true"], check=False).returncode:
        print(
            "no private namespace to be had: storescp and Orthanc listen on all addresses of this machine", flush=True
        )
        return
    os.environ[_MARK] = "1"
    os.execv(unshare, [*command, sys.executable, "-m", "tests.bench", *sys.argv[1:]])
