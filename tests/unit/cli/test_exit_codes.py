"""Every command ends with the code of the table: done, failed, wrong usage, nothing found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scp_node.errors import ExitCode
from tests.handbook.commands import command_lines
from tests.support.checkout import GOLDEN
from tests.support.dicom.objects import small_file
from tests.support.node.command import Hilum

DONE, FAILED, USAGE, NOTHING = ExitCode.DONE, ExitCode.FAILED, ExitCode.USAGE, ExitCode.NOTHING_FOUND
ABSENT = ["--config", "absent.yaml"]
PACKAGES, TINY = ["--models-dir", str(GOLDEN)], str(GOLDEN / "tiny" / "1.0.0")
# CONFIG and WHOLE stand for a configuration, the second one with its model package; IMAGE and BROKEN for a DICOM file
# and a file that is none, EMPTY and FULL for a folder.
CASES: dict[tuple[str, ...], list[tuple[ExitCode, list[str]]]] = {
    ("serve",): [(USAGE, ABSENT)],
    ("demo",): [(USAGE, ["--study", "EMPTY"]), (USAGE, ["--study", "absent.dcm"])],
    ("check-config",): [(DONE, ["WHOLE"]), (USAGE, ["CONFIG"]), (USAGE, ["absent.yaml"])],
    ("doctor",): [(FAILED, ["--config", "CONFIG"]), (USAGE, ABSENT)],
    ("predict",): [
        *((FAILED, [*PACKAGES, "--model", "tiny", "BROKEN"]), (USAGE, ["absent.dcm"])),
        *((USAGE, [*PACKAGES, "--model", "none", "IMAGE"]), (USAGE, [])),
    ],
    ("evaluate",): [(USAGE, ["EMPTY", "--labels", "absent.csv"]), (USAGE, [])],
    ("echo",): [(FAILED, ["--config", "CONFIG"]), (USAGE, ["nobody", "--config", "CONFIG"]), (USAGE, ABSENT)],
    ("reconcile",): [
        *((FAILED, ["pacs", "--dry-run", "--config", "CONFIG"]), (USAGE, ["nobody", "--config", "CONFIG"])),
        *((USAGE, ["pacs", *ABSENT]), (USAGE, ["pacs", "--days", "0", "--config", "CONFIG"])),
    ],
    ("send",): [
        *((FAILED, ["pacs", "IMAGE", "--config", "CONFIG"]), (USAGE, ["nobody", "IMAGE", "--config", "CONFIG"])),
        (USAGE, ["pacs", "EMPTY", "--config", "CONFIG"]),
    ],
    ("studies",): [
        *((DONE, ["--config", "CONFIG"]), (DONE, ["--accession", "none", "--config", "CONFIG"])),
        *((USAGE, ["--since", "soon", "--config", "CONFIG"]), (USAGE, ABSENT), (USAGE, ["--limit", "0"])),
    ],
    ("explain",): [
        *((DONE, ["ACC1", "--config", "CONFIG"]), (NOTHING, ["nobody", "--config", "CONFIG"])),
        *((NOTHING, ["--ae", "PACS", "--config", "CONFIG"]), (USAGE, ["", "--config", "CONFIG"])),
        *((USAGE, ["1.2.3", "--config", "CONFIG"]), (USAGE, ["ACC1", *ABSENT])),
    ],
    ("deliveries",): [
        *((DONE, ["--config", "CONFIG"]), (NOTHING, ["--study", "none", "--config", "CONFIG"])),
        *((USAGE, ["--to", "nobody", "--config", "CONFIG"]), (USAGE, ABSENT)),
    ],
    ("report",): [
        *((NOTHING, ["none", "--config", "CONFIG"]), (NOTHING, ["1.2.3.1", "--route", "other", "--config", "CONFIG"])),
        *((USAGE, ["1.2.3.1", "--pdf", "--text", "--config", "CONFIG"]), (USAGE, ["1.2.3.1", *ABSENT])),
    ],
    ("reproduce",): [
        *((NOTHING, ["none", "--config", "CONFIG"]), (USAGE, ["1.2.9", "--config", "CONFIG"])),
        (USAGE, ["1.2.9.1", *ABSENT]),
    ],
    ("jobs", "list"): [
        *((DONE, ["--config", "CONFIG"]), (DONE, ["--state", "running", "--config", "CONFIG"])),
        *((NOTHING, ["--study", "none", "--config", "CONFIG"]), (USAGE, ["--kind", "odd", "--config", "CONFIG"])),
    ],
    ("jobs", "show"): [
        *((DONE, ["delivery:3", "--config", "CONFIG"]), (NOTHING, ["none", "--config", "CONFIG"])),
        *((USAGE, ["delivery:", "--config", "CONFIG"]), (USAGE, ["", "--config", "CONFIG"])),
    ],
    ("jobs", "retry"): [
        *((DONE, ["--to", "pacs", "--config", "CONFIG"]), (DONE, ["--kind", "shadow", "--config", "CONFIG"])),
        *((NOTHING, ["none", "--config", "CONFIG"]), (USAGE, ["--config", "CONFIG"])),
        *((USAGE, ["delivery:1", "--config", "CONFIG"]), (USAGE, ["--to", "nobody", "--config", "CONFIG"])),
    ],
    ("jobs", "cancel"): [
        *((DONE, ["delivery:2", "--config", "CONFIG"]), (DONE, ["--kind", "shadow", "--config", "CONFIG"])),
        *((NOTHING, ["none", "--config", "CONFIG"]), (USAGE, ["--config", "CONFIG"])),
        *((USAGE, ["delivery:3", "--config", "CONFIG"]), (USAGE, ["--all", "--config", "CONFIG"])),
    ],
    ("erase",): [
        *((DONE, ["--study", "1.2.3.3", "--yes", "--config", "CONFIG"]), (USAGE, ["--study", "1.2.3.3", *ABSENT])),
        *((NOTHING, ["--study", "1.2.99", "--yes", "--config", "CONFIG"]), (USAGE, ["--yes", "--config", "CONFIG"])),
        *((NOTHING, ["--patient", "nobody", "--yes", "--config", "CONFIG"]), (USAGE, ["--issuer", "X", *ABSENT])),
    ],
    ("backup",): [(USAGE, ["FULL", "--config", "CONFIG"]), (USAGE, ["elsewhere", *ABSENT])],
    ("restore",): [(FAILED, ["EMPTY", "--to", "elsewhere"]), (USAGE, ["EMPTY"])],
    ("rebuild",): [(USAGE, ["--config", "CONFIG"]), (USAGE, ABSENT)],
    ("migrate",): [(USAGE, ["--to", "nonsense", "--config", "CONFIG"]), (USAGE, ["--to", "sqlite:///x.db", *ABSENT])],
    ("models", "add"): [
        *((DONE, [TINY, "--models-dir", "elsewhere"]), (FAILED, ["BROKEN", "--models-dir", "elsewhere"])),
        (USAGE, ["absent", "--models-dir", "elsewhere"]),
    ],
    ("models", "list"): [(DONE, PACKAGES)],
    ("models", "show"): [(DONE, ["tiny", *PACKAGES]), (USAGE, ["none", *PACKAGES])],
    ("models", "verify"): [(DONE, ["tiny", *PACKAGES]), (USAGE, ["none", *PACKAGES])],
    ("models", "agreement"): [(DONE, ["--config", "CONFIG"]), (USAGE, ["--since", "soon", "--config", "CONFIG"])],
    ("models", "drift"): [(DONE, ["--config", "CONFIG"]), (USAGE, ABSENT)],
    ("rules", "test"): [
        *((DONE, ["--config", "CONFIG"]), (DONE, ["WHOLE", "--last", "1d", "--config", "CONFIG"]), (USAGE, ABSENT)),
        *((USAGE, ["absent.yaml", "--config", "CONFIG"]), (USAGE, ["--last", "soon", "--config", "CONFIG"])),
    ],
    ("user", "add"): [
        *((DONE, ["berta", "--role", "viewer", "--config", "CONFIG"]), (USAGE, ["berta", "--config", "CONFIG"])),
        *((USAGE, ["berta", "--role", "boss", "--config", "CONFIG"]), (USAGE, ["berta", "--role", "viewer", *ABSENT])),
        *((USAGE, [name, "--role", "viewer", "--config", "CONFIG"]) for name in ("a b", "anna", "")),
    ],
    ("user", "list"): [(DONE, ["--config", "CONFIG"]), (USAGE, ABSENT)],
    ("user", "link"): [(DONE, ["anna", "--config", "CONFIG"]), (NOTHING, ["nobody", "--config", "CONFIG"])],
    ("user", "role"): [
        (DONE, ["anna", "admin", "--config", "CONFIG"]),
        (NOTHING, ["nobody", "admin", "--config", "CONFIG"]),
        (USAGE, ["nobody", "boss", "--config", "CONFIG"]),
    ],
    ("user", "disable"): [(DONE, ["anna", "--config", "CONFIG"]), (NOTHING, ["nobody", "--config", "CONFIG"])],
    ("user", "enable"): [(DONE, ["anna", "--config", "CONFIG"]), (NOTHING, ["nobody", "--config", "CONFIG"])],
    ("user", "token"): [
        (DONE, ["anna", "--config", "CONFIG"]),
        (NOTHING, ["nobody", "--config", "CONFIG"]),
        (USAGE, ["nobody", "--scope", "all", "--config", "CONFIG"]),
    ],
    ("user", "tokens"): [(DONE, ["anna", "--config", "CONFIG"]), (NOTHING, ["nobody", "--config", "CONFIG"])],
    ("user", "revoke"): [
        (DONE, ["anna", "t1", "--config", "CONFIG"]),
        (NOTHING, ["nobody", "1", "--config", "CONFIG"]),
    ],
}


def test_every_command_is_in_the_table() -> None:
    assert {one.words for one in command_lines()} == set(CASES)


@pytest.mark.parametrize(
    ("code", "words"),
    [(code, [*command, *words]) for command, cases in CASES.items() for code, words in cases],
    ids=lambda one: " ".join(one)[:60].replace("/", "_") if isinstance(one, list) else one.name,
)
def test_a_command_ends_with_its_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    config: Path,
    code: ExitCode,
    words: list[str],
) -> None:
    folder = config.parent / "files"
    (folder / "empty").mkdir(parents=True)
    (folder / "broken.png").write_bytes(b"no image")
    whole = folder / "whole.yaml"
    models_dir = json.dumps({"models_dir": str(GOLDEN)})
    whole.write_text(config.read_text().removesuffix("}") + f', "inference": {models_dir}}}')
    stand = {"CONFIG": config, "WHOLE": whole, "IMAGE": small_file(folder), "BROKEN": folder / "broken.png"}
    stand |= {"EMPTY": folder / "empty", "FULL": folder}
    monkeypatch.chdir(folder)
    run = Hilum(monkeypatch, capsys)(*(stand.get(word, word) for word in words))
    assert run.code == code, run.out + run.err
    assert code is DONE or run.err.strip() or code is FAILED, "the reason is on standard error"
    assert "Traceback" not in run.err
