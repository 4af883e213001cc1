"""A ledger that was lost is made anew from the spool: senders, versions and results are known again, nothing is sent
twice, and what is no object of the node's is left alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from scp_node.errors import ConfigurationError, UsageError
from scp_node.host.lock_file import shared
from scp_node.intake.file_meta import file_head
from scp_node.intake.store import Requestor
from scp_node.ledger import Ledger
from scp_node.ledger import tables as t
from scp_node.ledger.database import open_database
from scp_node.recovery import rebuild as module
from scp_node.recovery.interrupted import check_not_interrupted
from scp_node.recovery.rebuild import Rebuilt, rebuild_ledger
from scp_node.settings import Settings
from scp_node.settings.places import default_url, in_use_lock
from scp_node.storage.part_file import new_hash
from scp_node.storage.spool import instance_name
from tests.support.ledger.node_data import NodeFolder, films, node_folder, working
from tests.support.node.receiving import data_set_bytes

RECEIVED = [column.name for column in t.version.columns if column.name not in ("version", "received_at")][:11]


def rebuilt(node: NodeFolder, *, reanalyse: bool = False, replace_whole: bool = True) -> Rebuilt:
    node.ledger.engine.dispose()
    return rebuild_ledger(node.settings, reanalyse=reanalyse, replace_whole=replace_whole)


def rows(data_dir: Path, table: sa.Table, columns: list[str]) -> list[tuple[object, ...]]:
    engine = open_database(default_url(data_dir))
    try:
        with engine.connect() as connection:
            chosen = [table.c[name] for name in columns]
            return [tuple(row) for row in connection.execute(sa.select(*chosen).order_by(*chosen))]
    finally:
        engine.dispose()


@pytest.fixture
def reported(tmp_path: Path) -> Iterator[NodeFolder]:
    """A node that has reported a study of two films, one of which has changed since, and received another."""
    node = node_folder(tmp_path / "node")
    with working(node) as services:
        node.receive(*films(2))
        node.work(services)
    (changed, _) = films(2)
    changed.PatientName = "Phantom^Corrected"
    node.receive(changed, *films(1, study=2))
    yield node
    node.ledger.engine.dispose()


def test_what_was_received_is_entered_as_it_was(node: NodeFolder) -> None:
    columns = [*RECEIVED, "version"]
    before = rows(node.data_dir, t.instance, columns)
    done = rebuilt(node)
    assert rows(node.data_dir, t.instance, columns) == before and len(before) == 3
    assert (done.images, done.versions, done.to_analyse, done.left_alone_count) == (3, 3, 3, 0)
    assert {row[0] for row in rows(node.data_dir, t.instance, ["source"])} == {"modality"}
    assert rows(node.data_dir, t.study, ["study_instance_uid", "accession_number"]) == [
        ("1.2.3.1", "ACC1"),
        ("1.2.3.2", "ACC2"),
    ]


def test_images_of_a_report_are_not_analysed_again_and_all_others_are(reported: NodeFolder) -> None:
    results = rows(reported.data_dir, t.result, ["sop_instance_uid", "kind", "sha256", "source_instance_uid"])
    done = rebuilt(reported)
    assert (done.images, done.versions, done.to_analyse, done.reports) == (3, 4, 2, 1)
    assert rows(reported.data_dir, t.result, ["sop_instance_uid", "kind", "sha256", "source_instance_uid"]) == results
    assert rows(reported.data_dir, t.instance, ["sop_instance_uid", "state", "version"]) == [
        ("1.2.3.1.1", "received", 2),
        ("1.2.3.1.2", "reported", 1),
        ("1.2.3.2.1", "received", 1),
    ]
    assert rows(reported.data_dir, t.delivery, ["id"]) == []
    assert rows(reported.data_dir, t.job, ["subject"]) == [("1.2.3.1.1",), ("1.2.3.2.1",)]
    assert {model for (model,) in rows(reported.data_dir, t.report, ["model"])} == {"tiny@1.0.0"}


def test_the_node_goes_on_with_the_new_ledger_and_its_results_have_numbers_of_their_own(reported: NodeFolder) -> None:
    before = {row[0] for row in rows(reported.data_dir, t.result, ["sop_instance_uid"])}
    rebuilt(reported)
    node = node_folder(reported.root)
    with working(node) as services:
        for _ in range(3):  # the changed film, its study's other film with today's model, the reports
            node.work(services)
    assert {row[0] for row in rows(node.data_dir, t.instance, ["state"])} == {"reported"}
    made = rows(node.data_dir, t.report, ["study_instance_uid", "revision", "built_at"])
    assert [row[:2] for row in made] == [("1.2.3.1", 1), ("1.2.3.1", 2), ("1.2.3.2", 1)]
    assert all(row[2] is not None for row in made)
    assert before < {row[0] for row in rows(node.data_dir, t.result, ["sop_instance_uid"])}
    node.ledger.engine.dispose()


def test_everything_is_analysed_anew_when_that_is_asked_for(reported: NodeFolder) -> None:
    done = rebuilt(reported, reanalyse=True)
    assert (done.images, done.to_analyse) == (3, 3)


@pytest.mark.parametrize("head", [b"SQLite format 3\0", b"no database at all"])
def test_the_old_ledger_is_kept_under_another_name(node: NodeFolder, head: bytes) -> None:
    ledger = node.data_dir / "ledger.db"
    node.ledger.engine.dispose()
    ledger.write_bytes(head + os.urandom(5000))
    content = ledger.read_bytes()
    done = rebuilt(node, replace_whole=False)
    assert [path.read_bytes() for path in done.kept_aside] == [content]
    assert done.kept_aside[0].name.startswith("ledger-before-rebuild-")
    assert len(rows(node.data_dir, t.instance, ["state"])) == 3
    assert not (node.data_dir / "rebuilding").exists()


def test_a_whole_ledger_is_not_replaced_unasked_and_a_lost_or_empty_one_is(node: NodeFolder) -> None:
    with pytest.raises(UsageError, match=r"is whole: .* --replace-whole"):
        rebuilt(node, replace_whole=False)
    for path in node.data_dir.glob("ledger.db*"):
        path.unlink()
    node_folder(node.root).ledger.engine.dispose()  # a start after the loss has made an empty one
    assert rebuilt(node, replace_whole=False).images == 3


def test_a_node_that_runs_is_left_alone(node: NodeFolder) -> None:
    with shared(in_use_lock(node.data_dir), 0, ""), pytest.raises(ConfigurationError, match="held by a node that runs"):
        rebuilt(node)


def hostile_files(node: NodeFolder) -> list[Path]:
    """What may lie in a spool after years, and must not end or mislead the work."""
    ds = films(1, study=8)[0]
    data = data_set_bytes(ds)
    head = file_head(str(ds.SOPClassUID), str(ds.SOPInstanceUID), str(ds.file_meta.TransferSyntaxUID))
    digest = new_hash()
    digest.update(data)
    name = instance_name(str(ds.SOPInstanceUID), digest.hexdigest())
    other = head.replace(b"1.2.3.8.1", b"1.2.3.1.1")
    contents = {
        "00" * 32: head + data,
        "11" * 32: b"",
        "22" * 32: os.urandom(4096),
        "33" * 32: head[:150],
        "44" * 32: head[:140] + b"\xff\xff\xff\xff" + data,
        name: head + data[:-1] + b"\x55",
        f"{name[:-1]}{'0' if name[-1] != '0' else '1'}": other + data,
        "a stray note": b"hello",
    }
    paths = []
    for stem, content in contents.items():
        path = node.spool.root / (stem[:2] if stem != "a stray note" else "00") / f"{stem}.dcm"
        path.write_bytes(content)
        paths.append(path)
    link = node.spool.root / "55" / f"{'55' * 32}.dcm"
    link.symlink_to("/dev/zero")
    pipe = node.spool.root / "66" / f"{'66' * 32}.dcm"
    os.mkfifo(pipe)
    (node.spool.root / "77" / "a folder").mkdir()
    return [*paths, link, pipe, node.spool.root / "77" / "a folder"]


def test_files_that_are_not_what_their_names_say_are_left_alone_and_told(node: NodeFolder) -> None:
    hostile = hostile_files(node)
    done = rebuilt(node)
    assert (done.images, done.left_alone_count) == (3, len(hostile))
    assert sorted(done.left_alone) == sorted(f"{path.parent.name}/{path.name}" for path in hostile)
    assert all(path.is_symlink() or path.exists() for path in hostile)


def test_a_result_whose_bytes_are_damaged_is_no_reason_not_to_analyse(reported: NodeFolder) -> None:
    with Ledger(reported.ledger.engine).reading() as tx:
        (report,) = tx.reports.of_study("1.2.3.1")
        results = tx.results.of_report(report.id)
    for result in results:
        path = reported.spool.path(result.spool_name)
        content = path.read_bytes()
        path.write_bytes(content[:400] + os.urandom(100))
    done = rebuilt(reported)
    assert (done.images, done.to_analyse) == (3, 3)


def test_senders_that_the_files_do_not_name_are_the_only_one_there_is_or_unknown(
    node: NodeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ds = films(1, study=4)[0]
    monkeypatch.setattr("scp_node.intake.store.file_head", lambda *values: file_head(*values[:3]))
    node.receive(ds)
    done = rebuilt(node)
    assert (done.unknown_senders, done.sender_of_unknown) == (1, "modality")
    document = node.settings.model_dump(by_alias=True)
    document["remote_aes"]["pacs"]["may_send"] = True
    done = rebuild_ledger(Settings.model_validate(document), reanalyse=False, replace_whole=True)
    assert (done.unknown_senders, done.sender_of_unknown) == (1, "unknown")


@pytest.mark.parametrize(
    ("sender", "source"),
    [
        (Requestor("stow:gateway", "gateway", "STOW-RS"), "stow:gateway"),
        (Requestor("archive_of_the_region", "archive_of_the_r", "WADO-RS"), "archive_of_the_region"),
    ],
)
def test_senders_by_dicomweb_are_known_again(node: NodeFolder, sender: Requestor, source: str) -> None:
    ds = films(1, study=4)[0]
    node.receive(ds, sender=sender)
    systems = {"archive_of_the_region": {"kind": "dicomweb", "url": "https://vna.example/dicom-web"}}
    settings = Settings.model_validate(node.settings.model_dump(by_alias=True) | {"systems": systems})
    node.ledger.engine.dispose()
    done = rebuild_ledger(settings, reanalyse=False, replace_whole=True)
    assert done.unknown_senders == 0
    assert (source,) in rows(node.data_dir, t.instance, ["source"])


def test_no_node_starts_between_the_old_ledger_and_the_new_one(
    node: NodeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.ledger.engine.dispose()
    for path in node.data_dir.glob("ledger.db*"):
        path.unlink()

    def fail(new: Path, ledger_path: Path, done: Rebuilt) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_put_in_place", fail)
    with pytest.raises(OSError, match="No space left"):
        rebuilt(node)
    with pytest.raises(ConfigurationError, match="a rebuild was interrupted: run 'hilum rebuild' again"):
        check_not_interrupted(node.settings)
    monkeypatch.undo()
    assert rebuilt(node).images == 3
    check_not_interrupted(node.settings)


def test_a_database_that_is_no_file_and_a_spool_that_is_gone_are_told(node: NodeFolder) -> None:
    document = node.settings.model_dump(by_alias=True)
    document["storage"]["database_url"] = "postgresql+psycopg://db/hilum"
    with pytest.raises(UsageError, match="pg_restore"):
        rebuild_ledger(Settings.model_validate(document), reanalyse=False, replace_whole=False)
    node.spool.root.rename(node.root / "elsewhere")
    with pytest.raises(UsageError, match="there is nothing to make a ledger of"):
        rebuilt(node)


def test_a_status_card_is_told_from_a_heat_map_of_the_same_class(node: NodeFolder) -> None:
    declined = films(1, study=5)[0]
    declined.ViewPosition = "LL"
    with working(node) as services:
        node.receive(declined, *films(1, study=6))
        node.work(services)
    columns = ["sop_instance_uid", "kind", "source_instance_uid"]
    before = rows(node.data_dir, t.result, columns)
    assert {"status", "heatmap"} <= {row[1] for row in before}
    rebuilt(node)
    assert rows(node.data_dir, t.result, columns) == before
