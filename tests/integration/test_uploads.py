"""Uploads at a whole node: every format is judged, every hostile file refused by a code, many at once stay within the
memory they may take, and nothing of any of them is kept."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import pydicom.data
import pytest

from scp_node.web.access.cookies import NAME, csrf_of
from scp_node.web.access.guard import HEADER
from tests.support.dicom.phantoms import make_dx
from tests.support.node.node import RunningNode, children_of, command_line
from tests.support.peers.modality import store
from tests.support.web.pictures import dicom, encoded, hostile_files
from tests.support.web.visitors import session_of

MIB = 1024**2
# Of the web role, beside the uploads themselves: answers, sockets, what the allocator keeps.
BESIDE_UPLOADS = 160 * MIB
# The session of the viewer by the port of the node.
SESSIONS: dict[int, str] = {}
IN_MEMORY = re.compile(r"^(/dev/shm/|/memfd:)|\(deleted\)$")
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="the node's processes keep their files from everybody but root"
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TMPDIR", str(tmp_path_factory.mktemp("tmp")))
        web = {"upload_bytes_max": 32 * MIB, "uploads_bytes_max": 128 * MIB}
        one = RunningNode(tmp_path_factory.mktemp("node"), {"archive": ("ARCHIVE", 104)}, web=web)
        one.document["web"]["port"] = one.web_port
        one.write_config()
        try:
            one.start()
            ledger = one.ledger()
            SESSIONS[one.web_port] = session_of(ledger, "viewer")
            ledger.engine.dispose()
            yield one
        finally:
            one.stop()


def upload(node: RunningNode, content: bytes, **fields: str) -> httpx.Response:
    secret = SESSIONS[node.web_port]
    return httpx.post(
        f"http://127.0.0.1:{node.web_port}/api/predict",
        files={"file": ("film", content)},
        data=fields,
        cookies={NAME: secret},
        headers={HEADER: csrf_of(secret)},
        timeout=90,
        trust_env=False,
    )


def code_of(answer: httpx.Response) -> str | None:
    """That of a refusal; None where the upload was judged."""
    document = answer.json()
    code = (document["declined"] or {}).get("code") if answer.status_code == 200 else document["code"]
    assert code is None or re.fullmatch(r"[a-z0-9-]+", code)
    return code


def uploading(node: RunningNode) -> dict[str, int]:
    """The processes that an upload goes through: the web role, its child, and the decoding child of that one."""
    web = node.processes()["web"]
    found = {"web": web}
    for child in children_of(web):
        if "scp_node.web.pictures.child" in command_line(child):
            found["child"] = child
            found |= {f"decode-{number}": pid for number, pid in enumerate(children_of(child))}
    return found


def files_of(pid: int) -> set[str]:
    """Regular files that a process has open or mapped."""
    found = set()
    for entry in (Path("/proc") / str(pid) / "fd").iterdir():
        try:
            found.add(str(entry.readlink()))
        except OSError:
            continue
    maps = (Path("/proc") / str(pid) / "maps").read_text()
    return {one for one in found | set(re.findall(r"\s(/\S.*)$", maps, re.M)) if one.startswith("/")}


def memory_of(pid: int) -> int:
    """What a process has in memory, with its files there that have no name."""
    files = 0
    for entry in (Path("/proc") / str(pid) / "fd").iterdir():
        with suppress(OSError):
            files += entry.stat().st_size if str(entry.readlink()).startswith("/memfd:") else 0
    status = (Path("/proc") / str(pid) / "status").read_text()
    return files + 1024 * int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])  # type: ignore[index]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "DICOM"])
def test_each_format_is_judged(node: RunningNode, kind: str) -> None:
    answer = upload(node, encoded(kind)).json()
    assert answer["result"] in ("Normal", "Potentially Pneumonia")
    assert re.fullmatch(r"\d{1,3}\.\d{4}", answer["prediction"])
    assert answer["heatmap"].startswith("data:image/png;base64,")
    assert answer["model"] == "pneumonia@2.0.0"


def test_every_hostile_file_ends_in_a_code_and_the_node_goes_on(node: RunningNode) -> None:
    codes = {name: code_of(upload(node, content)) for name, content in hostile_files().items()}
    assert None not in codes.values(), codes
    assert code_of(upload(node, encoded("PNG"))) is None


def test_the_odd_files_of_pydicom_are_judged_or_refused_and_none_is_an_error(node: RunningNode) -> None:
    files = sorted((Path(pydicom.data.__file__).parent / "test_files").glob("*.dcm"))
    answers = {path.name: upload(node, path.read_bytes(), heatmap="false") for path in files}
    assert len(answers) > 30
    assert {answer.status_code for answer in answers.values()} <= {200, 415, 422}
    assert all(code_of(answer) is None or code_of(answer) for answer in answers.values())


def test_an_upload_makes_no_study(node: RunningNode) -> None:
    upload(node, encoded("DICOM"))
    cookies = {NAME: SESSIONS[node.web_port]}
    listed = httpx.get(f"http://127.0.0.1:{node.web_port}/api/studies", cookies=cookies, trust_env=False).json()
    assert [one for one in listed["items"] if one["sources"] != ["modality"]] == []


@needs_root
def test_nothing_of_an_upload_is_kept(node: RunningNode, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither a file with its bytes, nor one of a process, mapped or open, while it is judged or afterwards."""
    upload(node, encoded("PNG"))
    processes = uploading(node)
    assert {"web", "child", "decode-0"} <= processes.keys()
    before = {name: files_of(pid) for name, pid in processes.items()}
    marks = [f"UPLOADED{number:08}".encode() for number in range(6)]
    pixels = np.random.default_rng(1).integers(0, 4096, (2000, 1600), dtype=np.uint16)
    films = [dicom(pixels=pixels, PatientID=mark.decode(), PatientName=mark.decode()) for mark in marks]
    seen: Counter[str] = Counter()
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            for name, pid in processes.items():
                seen.update(files_of(pid) - before[name])
            time.sleep(0.02)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        answers = [upload(node, film, heatmap="true") for film in films]
    finally:
        is_over.set()
        watching.join()
    assert {answer.status_code for answer in answers} == {200}
    assert uploading(node) == processes
    # A folder that is listed in that moment (of the model packages) is no file.
    assert {one for one in seen if not one.startswith("/memfd:") and not Path(one).is_dir()} == set(), seen
    assert [name for name, pid in processes.items() if files_of(pid) - before[name]] == []
    folders = (node.folder, Path(os.environ.get("TMPDIR", "/tmp")), Path("/dev/shm"))
    written = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    recent = [path for path in written if path.stat().st_mtime > time.time() - 600]
    assert recent != []
    for path in recent:
        content = path.read_bytes()
        assert not any(mark in content for mark in marks), path


@needs_root
def test_fifty_uploads_at_once_stay_within_their_memory_and_each_is_answered(node: RunningNode) -> None:
    upload(node, encoded("PNG"))
    web = uploading(node)["web"]
    rest = memory_of(web)
    noise = np.random.default_rng(1).integers(0, 4096, (3000, 2600), dtype=np.uint16)
    film = dicom(pixels=noise)
    assert len(film) > 14 * MIB
    peaks = [rest]
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            peaks.append(memory_of(web))
            time.sleep(0.01)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        with ThreadPoolExecutor(50) as senders:
            answers = list(senders.map(lambda _: upload(node, film, heatmap="false"), range(50)))
            stored = store(node.port, [make_dx(seed=7)])
    finally:
        is_over.set()
        watching.join()
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {200, 503}, statuses
    assert statuses[200] >= 1, Counter(answer.text for answer in answers)
    assert {answer.json()["code"] for answer in answers if answer.status_code == 503} <= {"busy"}
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 503)
    assert max(peaks) - rest <= 128 * MIB + BESIDE_UPLOADS, (max(peaks) // MIB, rest // MIB, statuses)
    assert stored == [0x0000]
    assert code_of(upload(node, encoded("PNG"))) is None
