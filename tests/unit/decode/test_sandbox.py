"""What runs in a decoding child, should a decoder be taken over, reaches no file, no network and no other process."""

from __future__ import annotations

import logging
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom.uid import JPEGBaseline8Bit

from converter.declined import Declined
from converter.image.transfer_syntaxes import TRANSFER_SYNTAXES
from converter.package.manifest import load_manifest
from converter.phantom.chest_sketch import sketch_chest
from scp_node.decode import landlock, sandbox, seccomp
from scp_node.decode.pool import DecodePool
from scp_node.decode.sandbox import SandboxState, offered
from scp_node.decode.system_calls import ALLOWED
from scp_node.errors import ConfigurationError
from scp_node.settings import Inference
from scp_node.telemetry import metrics
from tests.support.dicom.codecs import encoded
from tests.support.dicom.phantoms import make_dx, write_dx
from tests.support.hostile.escaping_child import ATTEMPTS, DONE, NEEDED
from tests.support.models.tiny_model import TINY

SPEC = load_manifest(TINY / "manifest.yaml").input
ESCAPING = "tests.support.hostile.escaping_child"
REFUSED = {"EPERM", "EACCES"}

confined = pytest.mark.skipif(bool(offered().missing), reason=f"this machine lacks {', '.join(offered().missing)}")


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with closing(DecodePool(1, child_module=ESCAPING)) as pool:
        yield pool


def outcome(pool: DecodePool, attempt: str, folder: Path) -> str:
    (folder / "kept").write_text("kept")
    (folder / "attempt").write_text(f"{attempt}\n{folder}")
    answer = pool.convert(folder / "attempt", SPEC, None, 64, 1_000_000)
    assert isinstance(answer, Declined)
    return answer.reason


@confined
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_child_cannot(pool: DecodePool, tmp_path: Path, attempt: str) -> None:
    assert outcome(pool, attempt, tmp_path) in REFUSED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["attempt", "kept"]
    assert (tmp_path / "kept").read_text() == "kept"
    assert not Path("/tmp/hilum-escaped").exists()


@pytest.mark.parametrize("need", NEEDED)
def test_a_child_can(pool: DecodePool, tmp_path: Path, need: str) -> None:
    assert outcome(pool, need, tmp_path) == DONE


@confined
@pytest.mark.parametrize("left_out", ["landlock", "seccomp"])
def test_each_part_alone_keeps_files_and_processes_away(left_out: str) -> None:
    """A kernel that has only one of the two still keeps the worst away."""
    tries = {
        "open('/etc/passwd')": {"landlock", "seccomp"},
        "open('/tmp/hilum-escaped', 'w')": {"landlock", "seccomp"},
        "os.kill(os.getppid(), 0)": {"landlock", "seccomp"},
        "os.execv('/bin/true', ['true'])": {"landlock", "seccomp"},
        "socket.create_connection(('127.0.0.1', 1))": {"landlock", "seccomp"},
        "os.fork()": {"seccomp"},
    }
    script = (
        "import os, socket\n"
        "from scp_node.decode import landlock, seccomp\n"
        "from scp_node.host.private_process import prctl\n"
        f"prctl(38, 1); {({'landlock', 'seccomp'} - {left_out}).pop()}.restrict()\n"
        f"for attempt in {[one for one, parts in tries.items() if parts - {left_out}]!r}:\n"
        "    try: eval(attempt)\n"
        "    except PermissionError: continue\n"
        "    except OSError as error: print(attempt, error)\n"
        "    print('not refused:', attempt)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == ""


def test_a_child_has_one_thread_when_it_is_confined() -> None:
    script = (
        "import os\nfrom scp_node.decode import child\nchild._load_all()\nprint(len(os.listdir('/proc/self/task')))\n"
    )
    from scp_node.host.processors import ONE_THREAD

    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ, **ONE_THREAD}
    )
    assert run.stdout == "1\n", "the filter of Landlock holds for one thread"


READ_ALL = """
import os, sys
from pathlib import Path
from converter.image.convert import convert
from converter.image.image_file import read_header
from converter.image.open_file import OpenFile
from converter.package.manifest import load_manifest
from scp_node.decode import child
from scp_node.decode.header_message import packed
spec = load_manifest(Path(sys.argv[1])).input
child._load_all()
before = set(sys.modules)
for path in sys.argv[2:]:
    file = OpenFile(os.open(path, os.O_RDONLY))
    convert(file, spec, None, 64, 10_000_000)
    if path.endswith(".dcm"):
        packed(read_header(file))
print(sorted(set(sys.modules) - before))
"""


def test_a_child_loads_nothing_once_it_is_confined(tmp_path: Path) -> None:
    """What it needs later it could not load: decoders of all syntaxes, character sets and readers are there before."""
    files = [tmp_path / "film.png", tmp_path / "film.jpg"]
    for path in files:
        cv2.imwrite(str(path), np.rint(sketch_chest() * 255).astype(np.uint8))
    for number, syntax in enumerate(TRANSFER_SYNTAXES):
        bits = 8 if syntax.uid == JPEGBaseline8Bit else 12
        pixels = np.rint(sketch_chest(120, 100) * ((1 << bits) - 1)).astype("u1" if bits == 8 else "u2")
        ds = encoded(pixels, syntax.uid, bits) if syntax.encapsulated else make_dx(transfer_syntax=syntax.uid)
        ds.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        files.append(write_dx(tmp_path / f"{number}.dcm", ds))
    command = [sys.executable, "-c", READ_ALL, str(TINY / "manifest.yaml"), *map(str, files)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_what_this_machine_has_is_said_once_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), closing(DecodePool(2, child_module=ESCAPING)) as pool:
        for _ in range(3):
            outcome(pool, "know itself", tmp_path)
    said = [record for record in caplog.records if record.getMessage().startswith("decode sandbox: ")]
    assert len(said) == 1
    for part in sandbox.PARTS:
        held = metrics.WORKER.get_sample_value("hilum_decode_sandbox", {"part": part})
        assert held == (part not in offered().missing)
        assert part in said[0].getMessage()


def test_required_refuses_to_start_where_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    assert offered().missing == ("landlock",)
    with pytest.raises(ConfigurationError, match=r"decode_sandbox: is required, but this machine lacks landlock"):
        DecodePool.of(Inference(decode_sandbox="required"), processes=1)
    DecodePool.of(Inference(decode_sandbox="best-effort"), processes=1).close()


@confined
def test_required_is_held_where_nothing_is_missing(tmp_path: Path) -> None:
    with closing(DecodePool(1, child_module=ESCAPING, sandbox="required")) as pool:
        assert outcome(pool, "know itself", tmp_path) == DONE


def test_a_state_says_what_holds_and_what_does_not() -> None:
    assert str(SandboxState(("landlock 7", "seccomp"), ())) == "landlock 7, seccomp"
    assert str(SandboxState(("seccomp",), ("landlock",))) == "seccomp; missing: landlock"
    assert str(SandboxState((), ("landlock", "seccomp"))) == "nothing; missing: landlock, seccomp"


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_the_filter_answers_by_number_and_argument(machine: str) -> None:
    """The program of each machine, run here as the kernel would: allowed are the rows of the table and nothing else."""
    column, arch, _ = seccomp.MACHINES[machine]
    instructions = seccomp.program(column, arch, own_pid=77)
    assert len(instructions) < 4096
    allowed = {call.numbers[column]: call for call in ALLOWED if call.numbers[column] is not None}
    assert len(allowed) == sum(call.numbers[column] is not None for call in ALLOWED), "each number once"
    for number in range(600):
        answer = run_filter(instructions, arch, number, (0,) * 6)
        if number not in allowed:
            assert answer & 0xFFFF0000 == seccomp.ERRNO
        elif allowed[number].when == "always":
            assert answer == seccomp.ALLOW
    for name, argument, good, bad in (
        ("kill", 0, 77, 78),
        ("tgkill", 0, 77, 1),
        ("prlimit64", 0, 0, 1),
        ("clone", 0, 0x10000 | 0x100, 0x11),
        ("mmap", 2, 3, 7),
        ("mprotect", 2, 1, 4),
        ("fcntl", 1, 4, 8),
        ("prctl", 0, 15, 4),
    ):
        called = next(call.numbers[column] for call in ALLOWED if call.name == name)
        assert called is not None
        for value, expected in ((good, seccomp.ALLOW), (bad, seccomp.ERRNO | 1)):
            arguments = [0xDEAD0000] * 6
            arguments[argument] = value
            assert run_filter(instructions, arch, called, arguments) == expected, name
    assert run_filter(instructions, arch ^ 1, 0, (0,) * 6) == seccomp.KILL_PROCESS
    assert run_filter(instructions, arch, seccomp.X32_BIT | 1, (0,) * 6) == seccomp.KILL_PROCESS


def run_filter(instructions: list[seccomp.Instruction], arch: int, number: int, arguments: object) -> int:
    """What the kernel's small machine would return."""
    data = struct.pack("=IIQ6Q", number, arch, 0, *arguments)  # type: ignore[misc]
    at = loaded = 0
    while True:
        code, if_true, if_false, operand = instructions[at]
        at += 1
        if code == seccomp.RETURN:
            return operand
        if code == seccomp.LOAD:
            (loaded,) = struct.unpack_from("=I", data, operand)
            continue
        holds = {
            seccomp.IF_EQUAL: loaded == operand,
            seccomp.IF_AT_LEAST: loaded >= operand,
            seccomp.IF_ABOVE: loaded > operand,
            seccomp.IF_BIT: bool(loaded & operand),
        }[code]
        at += if_true if holds else if_false
