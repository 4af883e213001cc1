"""Whoever only looks at a node needs to know where its data are, and disturbs nobody."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from typer.testing import CliRunner

from scp_node.cli import build_app, options
from scp_node.ledger import Ledger
from scp_node.ledger.database import migrate, open_database, open_for_reading
from scp_node.ledger.shape import VERSION_TABLE
from scp_node.settings.places import default_url
from tests.handbook.commands import command_lines
from tests.support.node.command import Hilum
from tests.support.node.other_user import as_another_user, hilum_as_nobody
from tests.unit.queries.cases import fill

# What is asked of the filled ledger, by command; the table is complete when each command with --data-dir is in it.
ASKED = {
    ("studies",): [],
    ("explain",): ["1.2.3.1"],
    ("deliveries",): [],
    ("jobs", "list"): [],
    ("jobs", "show"): ["delivery:3"],
    ("models", "agreement"): [],
    ("models", "drift"): [],
    ("user", "list"): [],
    ("user", "tokens"): ["anna"],
}
BROKEN: dict[str, Callable[[str], str]] = {
    "broken YAML": lambda text: text.replace('"to": ["pacs"]', '"to": ["pacs"'),
    "unset secret": lambda text: text.replace('"port": 104', '"port": 104, "user": "u", "passcode": "${HILUM_UNSET}"'),
    "unknown key": lambda text: text.replace('"may_send"', '"may_sned"'),
}


@pytest.fixture
def in_lines(config: Path) -> Path:
    """The same configuration with a section a line, as people write it."""
    text = config.read_text().strip()[1:-1]
    for section in ("node", "remote_aes", "routes"):
        text = text.replace(f'"{section}": ', f"\n{section}: ")
    config.write_text(text.replace(", \n", "\n"))
    return config


def test_every_command_that_takes_a_data_folder_is_in_the_table() -> None:
    taking = {one.words for one in command_lines() if any("--data-dir" in option.opts for option in one.options)}
    assert taking == set(ASKED)


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_it_works_with_a_file_that_is_broken_elsewhere(in_lines: Path, words: tuple[str, ...], broken: str) -> None:
    app, typed = build_app(words[0]), [*words, *ASKED[words], "--config", str(in_lines)]
    whole = CliRunner().invoke(app, typed)
    assert whole.exit_code == 0, whole.output
    text = in_lines.read_text()
    in_lines.write_text(BROKEN[broken](text))
    assert in_lines.read_text() != text
    found = CliRunner().invoke(app, typed)
    assert (found.exit_code, found.output) == (0, whole.output)


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_it_works_without_a_file(config: Path, words: tuple[str, ...]) -> None:
    config.unlink()
    found = CliRunner().invoke(build_app(words[0]), [*words, *ASKED[words], "--data-dir", str(config.parent)])
    assert found.exit_code == 0, found.output


@pytest.mark.parametrize("words", [["jobs", "retry", "--dead"], ["jobs", "cancel", "delivery:3"]], ids=" ".join)
def test_what_changes_something_asks_for_the_whole_configuration(
    in_lines: Path, words: list[str], hilum_command: Hilum
) -> None:
    in_lines.write_text(BROKEN["unknown key"](in_lines.read_text()))
    assert hilum_command(*words, "--config", in_lines).code == 2


def test_a_reader_can_neither_write_nor_wait_for_a_writer_nor_be_waited_for(config: Path) -> None:
    writing = open_database(default_url(config.parent))
    with writing.begin() as busy, options.reading_node(config) as (_, ledger):
        busy.exec_driver_sql("UPDATE hilum_job SET error='x'")
        with ledger.reading() as tx:
            assert tx.jobs.get("delivery:3") is not None
            with pytest.raises(Exception, match="readonly"):
                tx.connection.exec_driver_sql("DELETE FROM hilum_job")
        busy.exec_driver_sql("UPDATE hilum_job SET error='y'")
    writing.dispose()


def test_a_reader_leaves_no_file_beside_a_ledger_that_nobody_has_open(config: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in config.parent.iterdir()}
    assert "ledger.db-wal" not in before
    with options.reading_node(config) as (_, ledger), ledger.reading() as tx:
        assert tx.jobs.get("delivery:3") is not None
    assert {path.name: path.stat().st_mtime_ns for path in config.parent.iterdir()} == before


@as_another_user
def test_another_user_who_may_only_read_the_files_can_look() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        fill(folder)
        closed = hilum_as_nobody("jobs", "show", "delivery:3", "--data-dir", folder)
        assert closed.returncode == 0, closed.stderr
        writing = open_database(default_url(folder))
        with writing.begin() as busy:
            busy.exec_driver_sql("UPDATE hilum_job SET error='x'")
            opened = hilum_as_nobody("jobs", "show", "delivery:3", "--data-dir", folder)
            assert (opened.stdout, opened.stderr) == (closed.stdout, "")
        writing.dispose()


def test_a_ledger_of_another_release_is_named_and_not_read(config: Path, hilum_command: Hilum) -> None:
    with sqlite3.connect(config.parent / "ledger.db") as ledger:
        for shape, said in (("0001", "is of an older release"), ("9999", "is of a newer release of Hilum")):
            ledger.execute(f"UPDATE {VERSION_TABLE} SET version_num='{shape}'")
            ledger.commit()
            run = hilum_command("jobs", "list", "--config", config)
            assert run.code == 2 and said in run.err
    ledger.close()


def test_a_newly_made_ledger_can_be_read_while_a_node_begins_to_write(tmp_path: Path) -> None:
    url = default_url(tmp_path)
    engine = open_database(url)
    migrate(engine)
    reader = Ledger(open_for_reading(url))
    with reader.reading() as tx:
        assert tx.jobs.get("none") is None
    engine.dispose()
    reader.engine.dispose()


def test_a_node_that_never_ran_is_said_to_have_no_ledger(tmp_path: Path, hilum_command: Hilum) -> None:
    run = hilum_command("jobs", "list", "--data-dir", tmp_path)
    assert run.code == 2 and "no ledger under" in run.err


def test_the_shape_of_a_broken_ledger_is_an_error_in_words(config: Path, hilum_command: Hilum) -> None:
    (config.parent / "ledger.db").write_bytes(b"no database" * 100)
    run = hilum_command("jobs", "list", "--config", config)
    assert run.code == 1 and "cannot be read: file is not a database" in run.err


@pytest.fixture
def hilum_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hilum:
    """The command line as `main` runs it, with its errors."""
    return Hilum(monkeypatch, capsys)
