"""A command as another user of this machine, who may read everything and write nothing of others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT

NOBODY = 65534
SETPRIV = shutil.which("setpriv")
# The interpreter of a checkout may lie where only its owner looks; whoever may read all files may run it.
READS_ALL = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
as_another_user = pytest.mark.skipif(
    os.geteuid() != 0 or SETPRIV is None, reason="only root may become another user, by setpriv"
)


def hilum_as_nobody(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """`hilum` with these words, run by the user nobody."""
    identity = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *READS_ALL]
    command = [str(SETPRIV), *identity, sys.executable, "-m", "scp_node.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=170, cwd=CHECKOUT)
