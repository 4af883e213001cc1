"""The whole node over HTTP: ready, not ready when a role dies, hangs or stops, and its numbers."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support.dicom.phantoms import make_dx
from tests.support.ledger.ledgers import CR_STORAGE, EXPLICIT_LE
from tests.support.node.node import RunningNode, kill_9, running_node
from tests.support.peers.modality import store_until_stored
from tests.support.peers.raw_scu import RawPeer, p_data, pdv, store_command
from tests.support.waiting import until

ARCHIVE = {"archive": ("ARCHIVE", 104)}
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def readyz(node: RunningNode) -> dict[str, Any]:
    """The body of /readyz with its status; nothing while nobody answers."""
    try:
        with OPENER.open(f"http://127.0.0.1:{node.web_port}/readyz", timeout=10) as response:
            return {"status": response.status, **json.load(response)}
    except urllib.error.HTTPError as error:
        return {"status": error.code, **json.load(error)}
    except (OSError, ValueError):
        return {"status": 0, "reasons": []}


def metric(node: RunningNode, name: str) -> float | None:
    with OPENER.open(f"http://127.0.0.1:{node.web_port}/metrics", timeout=10) as response:
        for line in response.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
    return None


def wait_for_status(node: RunningNode, status: int) -> dict[str, Any]:
    last: dict[str, Any] = {}

    def seen() -> bool:
        last.clear()
        last.update(readyz(node))
        return bool(last["status"] == status)

    until(seen, lambda: (last, node.log()[-2000:]), timeout_s=60.0)
    return last


def wait_for_reason(node: RunningNode, beginning: str) -> None:
    """On a busy machine other roles may be late for a moment, too."""
    until(
        lambda: any(reason.startswith(beginning) for reason in readyz(node)["reasons"]),
        lambda: node.log()[-2000:],
        timeout_s=60.0,
    )


def test_a_node_is_ready_until_a_role_dies_or_hangs_and_again_when_it_is_back(tmp_path: Path) -> None:
    opened = {"node": {"bind": "0.0.0.0"}, "tls": {"allow_plaintext": True}}
    with running_node(tmp_path, ARCHIVE, **opened) as node:
        ready = wait_for_status(node, 200)
        assert ready["roles"] == {"receiver": True, "worker": True}
        assert len(ready["warnings"]) == 2 and "any machine that calls itself MODALITY" in ready["warnings"][1]
        assert node.log().count("check=exposure") == 2

        kill_9(node.processes()["worker"])
        wait_for_reason(node, "worker ")
        wait_for_status(node, 200)

        receiver = node.processes()["receiver"]
        os.kill(receiver, signal.SIGSTOP)
        try:
            wait_for_reason(node, "receiver no sign of life")
            assert metric(node, "hilum_associations_open") is None
        finally:
            os.kill(receiver, signal.SIGCONT)
        wait_for_status(node, 200)

        store_until_stored(node.port, [make_dx(rows=128, columns=128)])
        until(lambda: metric(node, "hilum_instances_stored_total") == 1, lambda: node.log()[-2000:], timeout_s=60.0)
        until(
            lambda: metric(node, 'hilum_deliveries{state="failed"}') in (1, 2),
            lambda: node.log()[-2000:],
            timeout_s=60.0,
        )
        assert metric(node, "hilum_spool_healthy") == 1
        assert metric(node, 'hilum_inference_provider{provider="cpu"}') == 1


def test_a_node_that_stops_says_so_while_an_association_still_ends(tmp_path: Path) -> None:
    with running_node(tmp_path, ARCHIVE, workers={"drain_s": 20}) as node:
        wait_for_status(node, 200)
        assert node.process is not None
        with RawPeer(node.port) as peer:
            peer.associate([(CR_STORAGE, EXPLICIT_LE)])
            peer.send(p_data(pdv(1, 0x03, store_command(CR_STORAGE, "1.2.3"))))  # its data set does not come
            until(lambda: metric(node, "hilum_associations_open") == 1, lambda: node.log()[-2000:], timeout_s=60.0)
            node.process.send_signal(signal.SIGTERM)
            wait_for_reason(node, "receiver is stopping")
        assert node.stop() == 0
        assert list((tmp_path / "data" / "status").iterdir()) == []


def test_a_node_whose_port_is_taken_ends_with_a_clear_word(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        node = RunningNode(tmp_path, ARCHIVE, web={"port": other.getsockname()[1]})
        with suppress(RuntimeError):
            node.start()
        assert node.process is not None
        assert node.process.wait(60) == 2
        node.process = None
        assert f"web.port: cannot listen on 127.0.0.1:{other.getsockname()[1]}" in node.log()
        assert "Stop that program, or change web.port." in node.log()


def test_every_role_of_a_node_is_known_in_the_ledger_while_it_runs(tmp_path: Path) -> None:
    with running_node(tmp_path, ARCHIVE, node={"host_id": "ward", "host_sign_s": 1}) as node:
        wait_for_status(node, 200)
        roles = ("receiver", "web", "worker")

        def signed() -> list[str]:
            with node.ledger().reading() as tx:
                return [one.role for one in tx.hosts.all() if one.host_id == "ward"]

        until(lambda: signed() == [*roles], lambda: (signed(), node.log()[-2000:]))
        text = 'hilum_host_silent_seconds{{host_id="ward",role="{}"}}'
        until(lambda: all((metric(node, text.format(role)) or 99) < 5 for role in roles), "all have signed of late")
    with node.ledger().reading() as tx:
        assert tx.hosts.all() == []
