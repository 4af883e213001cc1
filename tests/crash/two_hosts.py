"""Kills processes of two hosts behind HAProxy, whole hosts, and their cables, and counts what was lost or doubled.

    python -m tests.crash.two_hosts --rounds 50 --studies 12 --seed 1 [--blobs s3]

Each host is a network namespace with a node of all roles; they share a PostgreSQL, whose jobs procrastinate dispatches,
and a folder, or an object store. Modalities send to HAProxy with the configuration that is shipped, the results go to
Orthanc, and one of them is broken in each round: a process of a host with kill -9, all processes of a host, or its
cable, for as long as a lease lasts twice. A host that was killed as a whole comes back in the next round only. The
oracle is the archive, as in tests.crash.kill_loop. Exit 0 only with 0 lost, 0 doubled and no job left over.
"""

from __future__ import annotations

import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scp_node.ledger import Ledger
from tests.support.crash.archived_studies import QUIET_PERIOD_S, ArchivedStudies
from tests.support.crash.rounds import Found, arguments, passed, run_rounds
from tests.support.node.node import RunningNode, kill_9
from tests.support.peers.haproxy import SHIPPED
from tests.support.peers.moto import Moto, s3_section
from tests.support.peers.network import SiteNetwork, enter
from tests.support.peers.orthanc import Orthanc
from tests.support.peers.postgresql import start_postgresql
from tests.support.peers.program import Program, running

# The addresses of config/deploy/haproxy.cfg.
SITE, BALANCER, HOSTS = "10.0.0.1", "10.0.0.5", {"north": "10.0.0.11", "south": "10.0.0.12"}
PORT, LEASE_S = 11112, 6.0


class Host(RunningNode):
    """A node in the network of its host."""

    def __init__(self, folder: Path, archive: int, inside: tuple[str, ...], **sections: Any) -> None:
        self.inside = inside
        super().__init__(folder, {"pacs": ("ORTHANC", archive)}, **sections)
        self.document["remote_aes"]["pacs"]["host"] = SITE
        self.write_config()


class Balancer(Program):
    """HAProxy as it is shipped, but for the log of a system that is not there."""

    name = "HAProxy"

    def start(self) -> None:
        path = self.log_path.with_suffix(".cfg")
        path.write_text(re.sub(r"^    log .*\n", "", SHIPPED.read_text(), flags=re.MULTILINE))
        self.launch([str(shutil.which("haproxy")), "-db", "-f", str(path)], lambda: True)


class HostKills:
    """Studies through the balancer; victims are processes, hosts and cables."""

    def __init__(self, load: ArchivedStudies, network: SiteNetwork, hosts: dict[str, Host], rng: random.Random) -> None:
        self._load, self._network, self._hosts, self._rng = load, network, hosts, rng
        self._ledger: Ledger = next(iter(hosts.values())).ledger()

    def under_load(self) -> AbstractContextManager[None]:
        return self._load.under_load()

    def break_it(self) -> str:
        for host in self._hosts.values():
            if host.process is None:
                host.start()
        time.sleep(self._rng.uniform(0.05, 6.0))
        name = self._rng.choice(sorted(self._hosts))
        host = self._hosts[name]
        processes = host.processes()
        victim = self._rng.choice(["cable", "host", *sorted(processes)])
        if victim == "cable":
            self._network.pull(name)
            time.sleep(2 * LEASE_S)
            self._network.plug(name)
            return f"pulled the cable of {name}"
        if victim == "host":
            _kill(host)
        elif victim == "supervisor":
            host.kill()
            host.start()
        else:
            kill_9(processes[victim])
        return f"killed {victim.partition('-')[0]} of {name}"

    def start_again(self) -> None:
        """Supervisors start their roles again, and a host stays away until the next round."""

    def count(self) -> Found:
        found = self._load.count()
        left = self._left()
        deadline = time.monotonic() + 10 * LEASE_S
        while left and time.monotonic() < deadline:
            time.sleep(0.5)
            left = self._left()
        return Found(found.counted, [*found.lost, *left], found.doubled)

    def _left(self) -> list[str]:
        with self._ledger.reading() as tx:
            jobs = tx.jobs.in_states(("queued", "running", "dead"), 50)
        return [f"{job.job_id} of {job.queue}: still {job.state}" for job in jobs]


def _kill(host: Host) -> None:
    """Every process of it at once, as when its power goes."""
    processes = host.processes()
    host.kill()
    for pid in processes.values():
        kill_9(pid)


@dataclass(frozen=True)
class Site:
    """What runs in the network of the hospital."""

    network: SiteNetwork
    hosts: dict[str, Host]
    archive: Orthanc


@contextmanager
def site(folder: Path, blobs: str) -> Iterator[Site]:
    """PostgreSQL, an archive, a balancer and two hosts, whose bytes are in a shared folder or in an object store."""
    with ExitStack() as stack:
        network = SiteNetwork(SITE, BALANCER)
        stack.callback(network.close)
        inside = {name: network.add(name, address) for name, address in HOSTS.items()}
        database = start_postgresql(SITE)
        stack.callback(database.stop)
        archive = stack.enter_context(running(Orthanc(folder / "orthanc")))
        storage: dict[str, Any] = {
            "database_url": f"postgresql+psycopg://hilum@{SITE}/postgres",
            "postgresql": {"engine": "procrastinate"},
            "blobs": blobs,
        }
        if blobs == "s3":
            store = stack.enter_context(running(Moto(folder, "0.0.0.0")))
            storage["s3"] = s3_section(store.port, url=f"http://{SITE}:{store.port}", allow_plaintext=True)
        else:
            storage["spool_dir"] = str(folder / "shared")
            (folder / "shared").mkdir(mode=0o700)
        hosts = {
            name: Host(
                folder / name,
                archive.dicom_port,
                inside[name],
                node={"bind": HOSTS[name], "port": PORT, "host_id": name, "host_sign_s": 5},
                tls={"allow_plaintext": True},
                receiver={"proxies": [BALANCER, SITE]},
                storage=storage,
                report={"quiet_period_s": QUIET_PERIOD_S},
                workers={"lease_s": LEASE_S},
            )
            for name in HOSTS
        }
        for host in hosts.values():
            stack.enter_context(running(host))
        stack.enter_context(running(Balancer(folder / "haproxy.log")))
        yield Site(network, hosts, archive)


def run(rounds: int, studies: int, seed: int, timeout_s: float, blobs: str, folder: Path) -> Counter[str]:
    """The totals of so many rounds."""
    with site(folder, blobs) as here:
        rng = random.Random(seed)
        load = ArchivedStudies((BALANCER, PORT), here.archive, studies, rng, timeout_s)
        return run_rounds(HostKills(load, here.network, here.hosts, rng), rounds)


def main(words: Sequence[str]) -> int:
    parser = arguments(__doc__, rounds=50)
    parser.add_argument("--studies", type=int, default=12)
    parser.add_argument("--round-timeout-s", type=float, default=240)
    parser.add_argument("--blobs", choices=["shared", "s3"], default="shared")
    asked = parser.parse_args(words)
    if not enter("tests.crash.two_hosts"):
        print("no network namespaces to be had on this machine")
        return 1
    with tempfile.TemporaryDirectory(prefix="hilum-hosts-") as folder:
        totals = run(asked.rounds, asked.studies, asked.seed, asked.round_timeout_s, asked.blobs, Path(folder))
    return 0 if passed(totals, asked.rounds, asked.seed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
