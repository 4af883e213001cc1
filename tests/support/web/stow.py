"""A web port that takes images by STOW-RS into a real spool and ledger, and requests as clients make them."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from pydicom import Dataset, dcmread

from scp_node.engine.jobs import JobQueue
from scp_node.intake.group_commit import GroupCommit
from scp_node.intake.received_instances import ReceivedInstances
from scp_node.intake.store import Store
from scp_node.intake.terms import walk_limits
from scp_node.ledger import InstanceRow, Ledger
from scp_node.ledger.account_records import Role, Scope, UserRow
from scp_node.ledger.records import now_utc
from scp_node.operations.accounts import issue_token
from scp_node.operations.acts import LogRecorder, Operator
from scp_node.settings import Settings
from scp_node.storage.spool import Spool
from scp_node.web.application import build_app
from scp_node.web.server import WebServer
from tests.support.dicom.part10 import as_pydicom_writes
from tests.support.dicom.phantoms import make_dx
from tests.support.node.receiving import files_below
from tests.support.web.contexts import web_context
from tests.support.web.visitors import PEOPLE

BOUNDARY = "DICOM-instances"
CONTENT_TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
DICOM_PART = b"Content-Type: application/dicom\r\n\r\n"
STUDIES = "/dicom-web/studies"
Changes = Mapping[str, Any]
NONE: Changes = {}
FAILED, REFERENCED, OTHERS = "00081198", "00081199", "0008119A"


@dataclass(frozen=True)
class StowNode:
    port: int
    ledger: Ledger
    spool: Spool
    settings: Settings
    store: Store

    def client(self, token: str = "", **options: Any) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers=headers, trust_env=False, timeout=60, **options
        )


@contextmanager
def stow_node(
    folder: Path,
    ledger: Ledger,
    *,
    receiver: Changes = NONE,
    web: Changes = NONE,
    **stow: Any,
) -> Iterator[StowNode]:
    """`stow`, `web` and `receiver`: changes of these sections, also to what is less than allowed."""
    context = web_context(folder, ledger, stow={"enabled": True})
    given = context.settings()
    settings = given.model_copy(
        update={
            "web": given.web.model_copy(update={"stow": given.web.stow.model_copy(update=stow), **web}),
            "receiver": given.receiver.model_copy(update=receiver),
        }
    )
    spool = Spool(folder / "spool")
    refuses = settings.receiver.changed_instances == "refuse"
    instances = ReceivedInstances(ledger, JobQueue(), lambda: refuses, spool.holds)
    store = Store(spool, GroupCommit(instances, spool, context.waker.wake), walk_limits(settings))
    server = WebServer(settings.web, build_app(replace(context, settings=lambda: settings, store=store), list))
    server.start()
    try:
        yield StowNode(server.port, ledger, spool, settings, store)
    finally:
        server.stop()


def stored_in(node: StowNode) -> dict[str, InstanceRow]:
    """Rows of the ledger by SOP Instance UID. Each has its whole file, and there is nothing else in the spool."""
    with node.ledger.reading() as tx:
        studies = tx.connection.exec_driver_sql("SELECT DISTINCT study_instance_uid FROM hilum_instance")
        rows = [row for (uid,) in studies.all() for row in tx.instances.of_study(uid)]
    assert set(files_below(node.spool.root)) == {node.spool.path(row.spool_name) for row in rows}
    for row in rows:
        assert dcmread(node.spool.path(row.spool_name)).SOPInstanceUID == row.sop_instance_uid
    return {row.sop_instance_uid: row for row in rows}


def begun(node: StowNode, token: str, body: bytes, sent: int, length: int | None = None) -> socket.socket:
    """A request that announces `length` bytes, or all of the body, and of which so many were `sent`."""
    head = (
        f"POST {STUDIES} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {CONTENT_TYPE}\r\nContent-Length: {length or len(body)}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", node.port), 30)
    connection.sendall(head.encode() + body[:sent])
    return connection


def token_of(ledger: Ledger, role: Role = "operator", scopes: Sequence[Scope] = ("store",), name: str = "") -> str:
    """Of the person who has this role, or of somebody called `name`."""
    user = name or PEOPLE[role]
    with ledger.transaction() as tx:
        tx.accounts.add(UserRow(user, role, now_utc()))
    return issue_token(ledger, user, "gateway of the ward", scopes, 1, Operator("test", LogRecorder())).secret


def body_of(*parts: bytes, end: str = "--", boundary: str = BOUNDARY, head: bytes = DICOM_PART) -> bytes:
    """multipart/related of these files."""
    found = b"".join(b"--" + boundary.encode() + b"\r\n" + head + one + b"\r\n" for one in parts)
    return found + f"--{boundary}{end}\r\n".encode()


def a_film(seed: int = 1, **changes: Any) -> Dataset:
    ds = make_dx(rows=32, columns=32, seed=seed)
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def files_of(*objects: Dataset) -> list[bytes]:
    return [as_pydicom_writes(one) for one in objects]


def stow(client: httpx.Client, *files: bytes, study: str = "", content_type: str = CONTENT_TYPE) -> httpx.Response:
    path = f"{STUDIES}/{study}" if study else STUDIES
    return client.post(path, content=body_of(*files), headers={"Content-Type": content_type})


def uids_in(answer: httpx.Response, sequence: str) -> list[str]:
    """SOP Instance UIDs of a sequence of the response."""
    return [one["00081155"]["Value"][0] for one in answer.json().get(sequence, {}).get("Value", [])]


def reasons_in(answer: httpx.Response, sequence: str = FAILED) -> list[int]:
    return [one["00081197"]["Value"][0] for one in answer.json().get(sequence, {}).get("Value", [])]
