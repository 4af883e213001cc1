"""Text from outside, in whatever a command shows, is neither markup nor control nor a line of its own."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from scp_node.cli import listing
from scp_node.cli.demo import Terminal
from scp_node.cli.terminal import TextTable, printable, say
from scp_node.errors import ExitCode
from scp_node.ledger import Transaction, tables
from scp_node.ledger.callers import CallerRecord, Tally
from scp_node.ledger.database import open_database
from scp_node.settings.places import default_url
from tests.handbook.commands import command_lines
from tests.support.checkout import CHECKOUT
from tests.support.dicom.objects import small_file
from tests.support.models.tiny_model import copy_tiny
from tests.support.node.command import Hilum
from tests.support.peers.archives import scripted_archive
from tests.support.peers.queries import Answers, one, querying_archive

SHOWN = "[/var/pacs] [red]x[/] [link=http://x]"
HOSTILE = f"{SHOWN}\x1b[2J\x1b]0;owned\x07\r\nforged\x9b31m\x7f\u202e\u2028\x00"
NAME = f"{SHOWN.replace('/', '_')}\x1b[2J\nforged\x9b31m\u202e"  # what a file may be called
# Words of our own, which commands look things up by; everything else in the ledger is text that somebody has sent.
OWN_COLUMNS = {
    *("hilum_job.subject", "state", "kind", "queue", "step", "digest", "xxh3", "spool_name", "owner", "method"),
    "header",  # JSON of our making
}


def assert_is_text(shown: str, *wanted: str) -> None:
    """Nothing in `shown` but printable characters and line ends, and nothing of the hostile text was a line."""
    assert {one for one in shown if not one.isprintable()} <= {"\n"}
    assert not any(line.lstrip().startswith("forged") for line in shown.splitlines())
    for text in wanted:
        assert text in shown


@contextmanager
def hostile_ledger(config: Path) -> Iterator[None]:
    """Every text of the ledger that is no key and no word of ours has the hostile text behind it."""
    engine = open_database(default_url(config.parent))
    with engine.begin() as tx:
        for table in tables.metadata.sorted_tables:
            for column in table.columns:
                is_text = isinstance(column.type, sa.String) and not (column.primary_key or column.foreign_keys)
                is_own = bool({column.name, str(column)} & OWN_COLUMNS) or column.name.endswith("_uid")
                if is_text and not is_own:
                    tx.execute(sa.update(table).values({column.name: column + HOSTILE}))
        tx.execute(sa.update(tables.instance).values(notes=[HOSTILE]))
        moment = datetime(2026, 3, 1, tzinfo=UTC)
        told = {HOSTILE: Tally(1, moment)}
        caller = CallerRecord("CT1", "HILUM", "10.0.0.1", moment, moment, last_refusal=HOSTILE, last_refused_at=moment)
        Transaction(tx).callers.add([replace(caller, rejections=told, contexts=told)])
    engine.dispose()
    yield


# Every command that shows what the ledger holds, in each of its forms, and what of the hostile text is to be seen; ""
# where it may be nothing. `test_every_command_is_looked_at` finds one that is missing.
SHOWS_THE_LEDGER: dict[tuple[str, ...], list[tuple[list[str], str]]] = {
    ("studies",): [([], SHOWN), (["--json"], SHOWN), (["--positive"], SHOWN)],
    ("explain",): [
        *((["1.2.3.1"], SHOWN), (["1.2.3.2"], SHOWN), (["1.2.3.1", "--json"], SHOWN), (["1.2.9"], SHOWN)),
        *((["CT1"], SHOWN), (["--ae", "CT1", "--json"], SHOWN), (["NOBODY"], "")),
    ],
    ("deliveries",): [([], SHOWN), (["--json"], SHOWN)],
    ("jobs", "list"): [
        *(([], SHOWN), (["--state", "dead"], SHOWN), (["--json"], SHOWN)),
        *((["--by-cause"], SHOWN), (["--by-cause", "--json"], SHOWN)),
    ],
    ("jobs", "show"): [(["delivery:3"], SHOWN), (["delivery:3", "--json"], SHOWN)],
    ("jobs", "retry"): [(["delivery:3"], ""), (["--all"], ""), (["delivery:1"], "")],
    ("jobs", "cancel"): [(["delivery:2"], ""), (["--all", "--yes"], ""), (["delivery:3"], "")],
    ("report",): [(["1.2.3.1", "--route", HOSTILE.replace("\0", "")], SHOWN)],
    ("reproduce",): [(["1.2.9.1"], SHOWN)],
    ("erase",): [(["--study", "1.2.3.1", "--yes"], ""), (["--patient", HOSTILE.replace("\0", ""), "--yes"], "")],
    ("models", "agreement"): [([], ""), (["--json"], "")],
    ("models", "drift"): [([], ""), (["--json"], "")],
    ("rules", "test"): [(["--last", "2020-01-01"], ""), (["--last", "2020-01-01", "--json"], "")],
    ("user", "list"): [([], SHOWN), (["--json"], SHOWN)],
    ("user", "tokens"): [(["anna"], SHOWN), (["anna", "--json"], SHOWN), ([HOSTILE.replace("\0", "")], SHOWN)],
    ("user", "add"): [(["berta", "--role", "viewer"], ""), ([HOSTILE.replace("\0", ""), "--role", "viewer"], "")],
    ("user", "role"): [(["anna", "viewer"], ""), ([HOSTILE.replace("\0", ""), "viewer"], SHOWN)],
    ("user", "token"): [(["anna"], ""), (["anna", "--name", HOSTILE.replace("\0", "")], "")],
    **{("user", act): [(["anna"], "")] for act in ("link", "disable", "enable")},
    ("user", "revoke"): [(["anna", "t1"], ""), (["anna", HOSTILE.replace("\0", "")], "")],
}
# Shown by other tests of this module: what files, packages, configurations and archives hold.
SHOWS_OTHERS = {
    *(("check-config",), ("predict",), ("evaluate",), ("echo",), ("send",), ("demo",)),
    ("reconcile",),
    *(("models", "list"), ("models", "show"), ("models", "verify"), ("models", "add")),
    *(("doctor",), ("backup",), ("restore",), ("rebuild",), ("migrate",)),
}
SHOWS_NOTHING = {("serve",)}  # it writes a log, which has tests of its own


def test_every_command_is_looked_at() -> None:
    assert {one.words for one in command_lines()} == {*SHOWS_THE_LEDGER, *SHOWS_OTHERS, *SHOWS_NOTHING}


@pytest.mark.parametrize(
    "words",
    [
        ["doctor", "--config", "CONFIG"],
        ["backup", "ODD", "--config", "CONFIG"],
        ["restore", "ODD", "--to", "ODD"],
        ["rebuild", "--config", "CONFIG"],
        ["migrate", "--to", "sqlite:////nowhere/ledger.db", "--config", "CONFIG"],
        ["models", "add", "ODD", "--models-dir", "ODD"],
    ],
    ids=lambda words: words[0],
)
def test_names_of_files_are_shown_as_text(hilum_run: Hilum, config: Path, tmp_path: Path, words: list[str]) -> None:
    odd = tmp_path / NAME
    odd.mkdir()
    document = yaml.safe_load(config.read_text())
    (odd / "node.yaml").write_text(yaml.safe_dump({**document, "node": {"ae_title": "HILUM", "data_dir": str(odd)}}))
    stand = {"CONFIG": odd / "node.yaml", "ODD": odd}
    run = hilum_run(*(stand.get(word, word) for word in words))
    assert_is_text(run.out + run.err, NAME[:9])


@pytest.mark.parametrize(
    ("words", "wanted"),
    [([*command, *words], wanted) for command, forms in SHOWS_THE_LEDGER.items() for words, wanted in forms],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_what_the_ledger_holds_is_shown_as_text(
    hilum_run: Hilum, config: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], wanted: str
) -> None:
    with hostile_ledger(config):
        run = hilum_run(*words, "--config", config)
        assert_is_text(run.out + run.err, wanted)
        assert run.code in set(ExitCode)
        monkeypatch.setattr(listing, "terminal_width", lambda: 60)
        on_terminal = hilum_run(*words, "--config", config)
    assert_is_text(on_terminal.out + on_terminal.err)


@pytest.mark.parametrize(
    "words",
    [
        *(["explain", HOSTILE[:-1]], ["explain", "--ae", HOSTILE[:-1]], ["reproduce", HOSTILE[:-1]]),
        *(["jobs", "show", HOSTILE[:-1]], ["jobs", "retry", HOSTILE[:-1]], ["jobs", "cancel", HOSTILE[:-1]]),
        *(["jobs", "list", option, HOSTILE[:-1]] for option in ("--state", "--kind", "--study", "--to")),
        *(["deliveries", option, HOSTILE[:-1]] for option in ("--state", "--study", "--to", "--since")),
        *(["rules", "test", HOSTILE[:-1]], ["rules", "test", "--last", HOSTILE[:-1]]),
        *(["studies", option, HOSTILE[:-1]] for option in ("--state", "--source", "--code", "--since", "--until")),
    ],
    ids=lambda words: " ".join(words[:-1]),
)
def test_what_was_asked_for_is_quoted_as_text(hilum_run: Hilum, config: Path, words: list[str]) -> None:
    run = hilum_run(*words, "--config", config)
    assert_is_text(run.out + run.err)
    assert run.code in (ExitCode.DONE, ExitCode.USAGE, ExitCode.NOTHING_FOUND)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A package whose manifest has hostile text wherever text is free, beside one that cannot be read."""
    folder = copy_tiny(tmp_path / "models")
    file = folder / "manifest.yaml"
    manifest = yaml.safe_load(file.read_text(encoding="utf-8"))
    manifest |= {"title": HOSTILE, "manufacturer": HOSTILE}
    manifest["intended_use"] |= {"statement": HOSTILE, "limits": [HOSTILE]}
    for part in (*manifest["findings"], *manifest["cohorts"], *manifest["metrics"]):
        for key in {"threshold_rule", "licence", "citation"} & set(part):
            part[key] = HOSTILE
    for finding in manifest["findings"]:
        finding["calibration"] |= {"fitted_on": HOSTILE}
    file.write_text(yaml.safe_dump(manifest, allow_unicode=False), encoding="utf-8")
    broken = copy_tiny(tmp_path / "models", name="broken") / "manifest.yaml"
    broken.write_text(f"name: {json.dumps(HOSTILE)}\n{json.dumps(HOSTILE)}: 1\n", encoding="utf-8")
    return tmp_path / "models"


@pytest.mark.parametrize(
    "words",
    [["list"], ["list", "--json"], ["show", "tiny"], ["show", "broken"], ["verify"], ["verify", "tiny"]],
    ids=" ".join,
)
def test_what_a_manifest_holds_is_shown_as_text(hilum_run: Hilum, models: Path, words: list[str]) -> None:
    run = hilum_run("models", *words, "--models-dir", models)
    assert_is_text(run.out + run.err, "" if words[0] == "verify" else "[/var/pacs]")


@pytest.fixture
def hilum_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hilum:
    """The command line as `main` runs it, with its errors."""
    return Hilum(monkeypatch, capsys)


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["table", "json"])
def test_names_of_files_and_of_models_are_text_where_images_are_analysed(
    hilum_run: Hilum, models: Path, tmp_path: Path, form: list[str]
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (images / f"{NAME}.dcm").write_bytes(b"no image")
    small_file(images).rename(images / f"{NAME}-2.dcm")
    run = hilum_run("predict", *form, "--models-dir", models, "--model", "tiny", images)
    assert_is_text(run.out + run.err, "[_var_pacs] [red]x")
    labels = tmp_path / f"{NAME}.csv"
    labels.write_text(f'file,label,"{HOSTILE[:-1]}"\n"{NAME}-2.dcm",1,x\n"absent{NAME}",0,x\n', encoding="utf-8")
    run = hilum_run("evaluate", images, "--labels", labels, "--models-dir", models, "--model", "tiny")
    assert_is_text(run.out + run.err, "[_var_pacs] [red]x")


def test_a_configuration_that_is_wrong_is_quoted_as_text(hilum_run: Hilum, tmp_path: Path) -> None:
    file = tmp_path / f"{NAME}.yaml"
    file.write_text(f"node: {{ae_title: {json.dumps(HOSTILE)}}}\n{json.dumps(HOSTILE)}: {json.dumps(HOSTILE)}\n")
    commands: tuple[list[str | Path], ...] = (
        ["check-config", file],
        ["jobs", "list", "--config", file],
        ["echo", "--config", file],
    )
    for words in commands:
        run = hilum_run(*words)
        assert run.code == 2
        assert_is_text(run.out + run.err, "[_var_pacs] [red]x", "unknown key")


def test_what_an_archive_answers_is_text(hilum_run: Hilum, config: Path, tmp_path: Path) -> None:
    answer = Dataset()
    answer.Status, answer.ErrorComment = 0xA900, "[/var/pacs] [b]\x1b[2J"
    image = small_file(tmp_path).rename(tmp_path / f"{NAME}.dcm")
    with scripted_archive(answer, syntaxes=[ExplicitVRLittleEndian]) as archive:
        document = json.loads(config.read_text())
        document["remote_aes"]["pacs"] |= {"port": archive.port, "ae_title": "[RED]X[/RED]"}
        config.write_text(json.dumps(document))
        sent = hilum_run("send", "pacs", image, "--config", config)
        asked = hilum_run("echo", "pacs", "--config", config)
    assert_is_text(sent.out + sent.err, "[_var_pacs] [red]x", "[RED]X[/RED]")
    assert_is_text(asked.out + asked.err, "[RED]X[/RED]")


def hostile_answers(keys: Dataset) -> Answers:
    told = {"STUDY": {"StudyInstanceUID": "1.2.3.77", "AccessionNumber": HOSTILE}}
    told |= {"SERIES": {"SeriesInstanceUID": "1.2.3.78", "Modality": "DX"}, "IMAGE": {"SOPInstanceUID": "1.2.3.79"}}
    yield 0xFF00, one(keys, **told[keys.QueryRetrieveLevel])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_an_archive_lists_is_text(hilum_run: Hilum, config: Path) -> None:
    with querying_archive(hostile_answers) as archive:
        document = json.loads(config.read_text())
        document["remote_aes"]["pacs"] |= {"port": archive.port}
        config.write_text(json.dumps(document))
        found = hilum_run("reconcile", "pacs", "--dry-run", "--config", config)
        told = hilum_run("reconcile", "pacs", "--dry-run", "--json", "--config", config)
    assert_is_text(found.out + found.err, "1.2.3.77", "[red]x[/]")
    assert_is_text(told.out + told.err, "1.2.3.77")


def test_the_demonstration_shows_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal().working(HOSTILE):
        Terminal().say(HOSTILE, "red")
    assert_is_text(capsys.readouterr().out, SHOWN)


@given(st.text())
def test_any_text_is_one_line_without_control_and_printable_text_is_itself(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable() and shown.splitlines() == ([shown] if shown else [])
    assert printable(shown) == shown
    if text.isprintable():
        assert shown == text


def test_what_the_terminal_cannot_show_is_escaped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w", encoding="ascii") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        say("Müller → 肺")
        table = TextTable("name", title="肺")
        table.add("Müller")
        table.show(80)
    assert (tmp_path / "out").read_bytes().isascii()


def test_commands_print_through_one_door() -> None:
    """Whatever else writes to a terminal is found in the source of a command."""
    found = {}
    for path in sorted((CHECKOUT / "scp_node" / "cli").glob("*.py")):
        if path.name != "terminal.py":
            found[path.name] = list(_doors(ast.parse(path.read_text(encoding="utf-8"))))
    assert len(found) > 15
    assert {name: uses for name, uses in found.items() if uses} == {}


def _doors(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            call = ast.unparse(node.func)
            if call in ("print", "typer.echo", "typer.secho", "typer.style") or call.startswith("sys.std"):
                yield call
        elif isinstance(node, ast.ImportFrom | ast.Import) and "rich" in ast.unparse(node).split()[1].split("."):
            yield ast.unparse(node)


def test_a_door_beside_it_is_seen() -> None:
    for source in (
        "print(1)",
        "typer.echo('x')",
        "from rich.table import Table",
        "import rich",
        "sys.stdout.write('')",
    ):
        assert list(_doors(ast.parse(source)))
    assert list(_doors(ast.parse("say(1)"))) == []
