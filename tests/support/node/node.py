"""The node of a test: `hilum serve` as its own processes, with a folder, ports and configuration of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import yaml

from scp_node.ledger import Ledger
from scp_node.ledger.database import open_database
from scp_node.settings.file import load_settings
from scp_node.settings.places import database_url
from tests.support.peers.ports import free_port
from tests.support.peers.program import Program, running


class RunningNode(Program):
    """A node that sends results to `archives` (name to (AE title, port)) and takes images from AE title MODALITY.

    `only` names the roles it runs; without, it runs all of them. `inside` is the command that starts a program in the
    network of its host; without, that is this machine's.
    """

    name = "the node"
    only: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()

    def __init__(self, folder: Path, archives: dict[str, tuple[str, int]], **sections: Any) -> None:
        super().__init__(folder / "node.log")
        self.folder, self.port, self.web_port = folder, free_port(), free_port()
        self.config = folder / "node.yaml"
        remote_aes: dict[str, Any] = {
            name: {"ae_title": title, "host": "127.0.0.1", "port": port} for name, (title, port) in archives.items()
        }
        remote_aes["modality"] = {"ae_title": "MODALITY", "host": "127.0.0.1", "port": 104, "may_send": True}
        self.document: dict[str, Any] = {
            "node": {"ae_title": "HILUM", "bind": "127.0.0.1", "port": self.port, "data_dir": str(folder / "data")},
            "web": {"port": self.web_port},
            "remote_aes": remote_aes,
            "routes": [{"name": "chest", "model": "pneumonia", "to": list(archives)}],
            "inference": {"gate": "note"},  # the films of tests are drawn, which a gate may well see
            # which drawn film shows a finding is left to the model: each gets a report and a picture
            "report": {"quiet_period_s": 0.5, "heatmap_for": "all"},
            "delivery": {"retry_first_s": 0.5, "retry_max_s": 5},
            "storage": {"used_percent_max": 99, "free_bytes_min": 1},
        }
        for name, values in sections.items():
            if isinstance(values, dict):
                self.document[name] = {**self.document.get(name, {}), **values}
            else:
                self.document[name] = values
        folder.mkdir(parents=True, exist_ok=True)
        self.write_config()

    @property
    def data_dir(self) -> Path:
        return Path(self.document["node"]["data_dir"])

    def write_config(self) -> None:
        self.config.write_text(yaml.safe_dump(self.document, sort_keys=False))

    def start(self) -> None:
        """Start and wait until the receiver listens and the worker takes work."""
        roles = [word for role in self.only for word in ("--only", role)]
        seen = self.log_path.stat().st_size if self.log_path.exists() else 0
        awaited = [f"{role} ready" for role in self.only or ("receiver", "worker")]
        self.launch(
            [*self.inside, sys.executable, "-m", "scp_node.cli", "serve", "--config", str(self.config), *roles],
            lambda: all(line in self.log(seen) for line in awaited),
        )

    def processes(self) -> dict[str, int]:
        """Role to process id of what runs now: supervisor, receiver, worker, decode-<n>."""
        if self.process is None or self.process.poll() is not None:
            return {}
        found = {"supervisor": self.process.pid}
        for pid in children_of(self.process.pid):
            words = command_line(pid)
            if "scp_node.node.role" in words:
                role = words[words.index("scp_node.node.role") + 1]
                found[role] = pid
                if role == "worker":
                    found |= {f"decode-{index}": child for index, child in enumerate(children_of(pid))}
        return found

    def hilum(self, *words: str) -> tuple[int, str]:
        """One command as it is typed, with this node's configuration; its exit code and what it printed."""
        command = [sys.executable, "-m", "scp_node.cli", *words, "--config", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout + done.stderr

    def deliveries(self, study_instance_uid: str) -> list[tuple[str, str]]:
        """State and detail of each delivery of a study."""
        ledger = self.ledger()
        try:
            with ledger.reading() as tx:
                return [
                    (delivery.state, delivery.detail)
                    for report in tx.reports.of_study(study_instance_uid)
                    for result in tx.results.of_report(report.id)
                    for delivery in tx.deliveries.of_result(result.sop_instance_uid)
                ]
        finally:
            ledger.engine.dispose()

    def ledger(self) -> Ledger:
        settings = load_settings(self.config)
        return Ledger(open_database(database_url(settings)))


def children_of(pid: int) -> list[int]:
    """Direct children of a process, from /proc."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return sorted(found)


def command_line(pid: int) -> list[str]:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def kill_9(pid: int) -> None:
    """kill -9 of a process that this test started; gone already is fine."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def running_node(
    folder: Path, archives: dict[str, tuple[str, int]], **sections: Any
) -> AbstractContextManager[RunningNode]:
    return running(RunningNode(folder, archives, **sections))
