"""A broken site: check-config, doctor and serve find the same and say the same words."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from typer.testing import CliRunner, Result

from scp_node.cli import build_app
from scp_node.decode import landlock
from scp_node.errors import ConfigurationError
from scp_node.ledger.database import migrate, open_database
from scp_node.ledger.shape import VERSION_TABLE
from scp_node.node.role import ROLES
from scp_node.node.start import data_folder_taken
from scp_node.settings.file import read_settings
from scp_node.settings.places import default_url
from tests.support.models.tiny_model import TINY, copy_tiny
from tests.support.peers.certificates import Authority
from tests.unit.checks.site import Site

UNASKED, WARNS, STOPS = "", "warning", "problem"


@dataclass(frozen=True)
class Broken:
    """One thing that is done to a site, the key it is about, what is said, and by whom: check-config and serve are
    stopped, warn or do not ask; doctor calls it a warning or a problem."""

    what: str
    do: Callable[[Site], object]
    key: str
    said: str
    check_config: str
    doctor: str
    serve: str


def stops_all(what: str, do: Callable[[Site], object], key: str, said: str) -> Broken:
    return Broken(what, do, key, said, STOPS, STOPS, STOPS)


def warns_all(what: str, do: Callable[[Site], object], key: str, said: str) -> Broken:
    return Broken(what, do, key, said, WARNS, WARNS, WARNS)


def replace(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


def altered(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def other_outputs(site: Site) -> None:
    """A reference that another network made."""
    with np.load(TINY / "reference.npz") as reference:
        arrays = {name: reference[name] for name in reference.files}
    arrays["probability"] = 1 - arrays["probability"]
    np.savez_compressed(site.package / "reference.npz", **arrays)


def with_shadow(site: Site) -> Path:
    folder = copy_tiny(site.folder / "models", version="1.1.0")
    site.change_route(shadow="tiny@1.1.0")
    return folder


def wrong_key(site: Site) -> None:
    authority, _ = site.use_tls()
    site.change("tls", key=str(authority.identity("other").key))


def web_tls(break_it: Callable[[Path], object]) -> Callable[..., object]:
    def broken(site: Site, **identity: Any) -> None:
        own = Authority(site.folder / "web-authority").identity("console", **identity)
        site.change("web", tls_certificate=str(own.certificate), tls_key=str(own.key))
        break_it(own.certificate)

    return broken


def web_wrong_key(site: Site) -> None:
    authority = Authority(site.folder / "web-authority")
    own, other = authority.identity("console"), authority.identity("other")
    site.change("web", tls_certificate=str(own.certificate), tls_key=str(other.key))


def tls_file(key: str, make: Callable[[Path], object]) -> Callable[[Site], object]:
    def do(site: Site) -> None:
        site.use_tls()
        replace(Path(site.document["tls"][key]), make)

    return do


def other_authority(site: Site) -> None:
    site.use_tls()
    site.change("tls", ca=str(Authority(site.folder / "others", "Others").ca))


def one_purpose(purpose: object) -> Callable[[Site], object]:
    return lambda site: site.use_tls(purposes=[purpose])


def newer_ledger(site: Site) -> None:
    site.data_dir.mkdir(mode=0o700)
    engine = open_database(default_url(site.data_dir))
    migrate(engine)
    engine.dispose()
    with sqlite3.connect(site.data_dir / "ledger.db") as ledger:
        ledger.execute(f"UPDATE {VERSION_TABLE} SET version_num='9999'")
    ledger.close()


def no_ledger(site: Site) -> None:
    site.data_dir.mkdir(mode=0o700)
    (site.data_dir / "ledger.db").write_bytes(b"no database" * 100)


def lost_ledger(site: Site) -> None:
    """A spool with files, and no ledger beside it."""
    shard = site.data_dir / "spool" / "0a"
    shard.mkdir(parents=True, mode=0o700)
    site.data_dir.chmod(0o700)
    (shard / f"{'0a' * 32}.dcm").write_bytes(b"")


def other_sender(site: Site) -> None:
    modality = {"ae_title": "ROOM7", "host": "127.0.0.1", "port": 104, "may_send": True}
    site.change("remote_aes", room7=modality)
    site.change_route(when={"from": ["pacs"]})


def foreign_folder(site: Site) -> None:
    site.data_dir.mkdir(mode=0o755)
    os.chown(site.data_dir, 4242, 4242)


def foreign_address(site: Site) -> None:
    site.change("tls", allow_plaintext=True)
    site.change("node", bind="192.0.2.1")


BROKEN = [
    stops_all("graph altered", lambda s: altered(s.package / "model.onnx"), "routes[0].model", "altered: SHA-256 is"),
    stops_all("graph gone", lambda s: (s.package / "model.onnx").unlink(), "routes[0].model", "model.onnx is missing"),
    stops_all(
        "package gone", lambda s: s.change_route(model="tiny@9.0.0"), "routes[0].model", "no model package 'tiny@9"
    ),
    stops_all(
        "manifest a pipe",
        lambda s: replace(s.package / "manifest.yaml", os.mkfifo),
        "routes[0].model",
        "is a named pipe",
    ),
    stops_all(
        "manifest broken",
        lambda s: (s.package / "manifest.yaml").write_text("name: ["),
        "routes[0].model",
        "manifest.yaml",
    ),
    stops_all(
        "reference cut",
        lambda s: (s.package / "reference.npz").write_bytes(b"PK"),
        "routes[0].model",
        "reference.npz",
    ),
    stops_all(
        "another one is pinned",
        lambda s: s.change_route(model=f"tiny@1.0.0#sha256:{'0' * 64}"),
        "routes[0].model",
        "not the package that is pinned",
    ),
    stops_all(
        "no folder of models",
        lambda s: s.change("inference", models_dir="./none"),
        "inference.models_dir",
        "is no folder",
    ),
    Broken("reference of another", other_outputs, "routes[0].model", "outputs differ by", UNASKED, STOPS, UNASKED),
    warns_all("model not pinned", lambda s: s.change_route(model="tiny"), "routes[0].model", "today tiny@1.0.0"),
    warns_all(
        "model made for others",
        lambda s: s.change_route(when={"modality": ["CR", "CT"]}),
        "routes[0].when.modality[1]",
        "every image of CT will be declined",
    ),
    stops_all(
        "shadow gone",
        lambda s: s.change_route(shadow="tiny@1.1.0"),
        "routes[0].shadow",
        "no model package 'tiny@1.1.0'",
    ),
    warns_all(
        "shadow altered", lambda s: altered(with_shadow(s) / "model.onnx"), "routes[0].shadow", "altered: SHA-256"
    ),
    stops_all(
        "shadow of itself",
        lambda s: s.change_route(model="tiny", shadow="tiny@1.0.0"),
        "routes[0].shadow",
        "tiny@1.0.0 is what 'tiny' stands for itself",
    ),
    *(
        stops_all(
            f"images of {modality}",
            partial(Site.change_route, when={"modality": ["DX", modality]}),
            "routes[0].when.modality[1]",
            f"images of {modality} come as ",
        )
        for modality in ("US", "MG", "XA")
    ),
    stops_all("web certificate gone", web_tls(Path.unlink), "web.tls_certificate", "No such file"),
    stops_all("web key of another", web_wrong_key, "web.tls_certificate", "cannot be used: KEY_VALUES_MISMATCH"),
    stops_all(
        "web certificate a pipe",
        web_tls(lambda path: replace(path, os.mkfifo)),
        "web.tls_certificate",
        "is a named pipe",
    ),
    warns_all(
        "web certificate expires", partial(web_tls(lambda path: None), days=9.5), "web.tls_certificate", "in 9 days"
    ),
    stops_all("key of another", wrong_key, "tls.key", "is not the private key of the certificate"),
    stops_all("key a pipe", tls_file("key", os.mkfifo), "tls.key", "cannot be read: is a named pipe"),
    stops_all("key a folder", tls_file("key", Path.mkdir), "tls.key", "cannot be read: is a folder"),
    stops_all("certificate gone", tls_file("certificate", lambda path: None), "tls.certificate", "No such file"),
    stops_all(
        "authority no PEM",
        tls_file("ca", lambda path: path.write_text("?")),
        "tls.ca",
        "holds no certificate in PEM form",
    ),
    Broken(
        "certificate expired",
        lambda s: s.use_tls(days=-2),
        "tls.certificate",
        "has expired",
        WARNS,
        STOPS,
        WARNS,
    ),
    warns_all("certificate expires", lambda s: s.use_tls(days=9.5), "tls.certificate", "expires in 9 days"),
    Broken(
        "not for senders",
        one_purpose(ExtendedKeyUsageOID.CLIENT_AUTH),
        "tls.certificate",
        "does not allow server authentication: senders refuse it",
        WARNS,
        STOPS,
        WARNS,
    ),
    Broken(
        "not for destinations",
        one_purpose(ExtendedKeyUsageOID.SERVER_AUTH),
        "tls.certificate",
        "does not allow client authentication: destinations refuse it",
        WARNS,
        STOPS,
        WARNS,
    ),
    warns_all("signed by others", other_authority, "tls.certificate", "no chain leads from the certificate to tls.ca"),
    stops_all("data folder a file", lambda s: s.data_dir.write_text(""), "node.data_dir", "is no folder"),
    stops_all(
        "data folder below a file",
        lambda s: s.change("node", data_dir="./node.yaml/data"),
        "node.data_dir",
        "node.yaml is no folder",
    ),
    stops_all("ledger of a newer release", newer_ledger, "node.data_dir", "newer release of Hilum"),
    stops_all("ledger lost", lost_ledger, "node.data_dir", "there is no ledger, but "),
    warns_all("sender without a route", other_sender, "remote_aes.room7", "no route takes anything from room7"),
    stops_all("ledger no database", no_ledger, "node.data_dir", "ledger.db cannot be read: file is not a database"),
    Broken(
        "disk full",
        lambda s: s.change("storage", free_bytes_min=10**17),
        "storage",
        "new images are refused: disk has",
        UNASKED,
        STOPS,
        UNASKED,
    ),
    Broken(
        "address of another machine",
        foreign_address,
        "node.port",
        "cannot listen on 192.0.2.1:",
        UNASKED,
        STOPS,
        STOPS,
    ),
    Broken(
        "destination without an address",
        lambda s: s.change("remote_aes", pacs={**s.document["remote_aes"]["pacs"], "host": "nobody.invalid"}),
        "remote_aes.pacs.host",
        "its name is not ",
        UNASKED,
        STOPS,
        UNASKED,
    ),
]
AS_ROOT = [stops_all("folder of another user", foreign_folder, "node.data_dir", "is open to others (mode 0755)")]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(build_app(str(words[0])), [str(word) for word in words])


def served(site: Site, caplog: pytest.LogCaptureFixture) -> tuple[str, str]:
    """What serve is stopped by, and what it warns of, up to where its roles would start."""
    file = read_settings(site.config)
    assert file.settings is not None
    caplog.clear()
    refusal = ""
    try:
        with data_folder_taken(file, file.settings, ROLES):
            pass
    except ConfigurationError as error:
        refusal = str(error)
    return refusal, "\n".join(str(vars(record).get("found", "")) for record in caplog.records)


def assert_all_agree(site: Site, broken: Broken, caplog: pytest.LogCaptureFixture) -> None:
    checked = run("check-config", site.config)
    assert checked.exit_code == (2 if broken.check_config == STOPS else 0), checked.output
    place = f"{site.config}:"
    for line in checked.stderr.splitlines():
        if broken.said in line:
            assert line.startswith(place) and f": {broken.key}: " in line
    assert (broken.said in checked.stderr) == (broken.check_config == STOPS), checked.output
    assert (broken.said in checked.stdout) == (broken.check_config == WARNS), checked.output

    document = run("doctor", "--json", "--config", site.config)
    assert document.exit_code == (1 if broken.doctor == STOPS else 0), document.output
    rows = [row for row in json.loads(document.stdout)["checks"] if broken.said in row["fact"]]
    assert rows and {row["state"] for row in rows} == {broken.doctor}, document.output
    assert rows[0]["setting"] == broken.key and rows[0]["remedy"]
    if broken.serve != UNASKED:
        assert any(row["stops_the_node"] for row in rows) == (broken.serve == STOPS)

    refusal, warned = served(site, caplog)
    assert (broken.said in refusal) == (broken.serve == STOPS), refusal
    assert (broken.said in warned) == (broken.serve == WARNS), warned
    if broken.check_config == STOPS:
        assert checked.stderr.splitlines()[:-1] == refusal.splitlines(), "the same words"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_site_that_is_well_has_no_problem_and_no_obstacle(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    assert run("check-config", site.config).exit_code == 0
    assert not site.data_dir.exists(), "who looks makes nothing"
    checked = run("doctor", "--config", site.config)
    assert checked.exit_code == 0, checked.output
    assert not site.data_dir.exists()
    assert served(site, caplog)[0] == ""
    assert run("doctor", "--deep", "--config", site.config).exit_code == 0


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.what)
def test_what_is_broken_is_told_alike_by_all_three(
    site: Site, broken: Broken, caplog: pytest.LogCaptureFixture
) -> None:
    broken.do(site)
    assert_all_agree(site, broken, caplog)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder to another user")
@pytest.mark.parametrize("broken", AS_ROOT, ids=lambda one: one.what)
def test_what_only_root_can_break_is_told_alike_by_all_three(
    site: Site, broken: Broken, caplog: pytest.LogCaptureFixture
) -> None:
    broken.do(site)
    assert_all_agree(site, broken, caplog)


@contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield


@pytest.mark.parametrize("section", ["node", "web"])
def test_a_port_that_another_program_has_stops_the_node_and_names_the_program(
    site: Site, section: str, caplog: pytest.LogCaptureFixture
) -> None:
    port = site.document[section]["port"]
    said = f"cannot listen on 127.0.0.1:{port}: Address already in use: process {os.getpid()} ("
    with taken(port):
        assert_all_agree(site, Broken("", lambda s: None, f"{section}.port", said, UNASKED, STOPS, STOPS), caplog)


@pytest.mark.parametrize(("wanted", "doctor"), [("required", STOPS), ("best-effort", WARNS)])
def test_a_kernel_without_a_part_of_the_sandbox_is_told(
    site: Site, wanted: str, doctor: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    site.change("inference", decode_sandbox=wanted)
    broken = Broken(
        "", lambda s: None, "inference.decode_sandbox", "this machine lacks landlock", doctor, doctor, doctor
    )
    assert_all_agree(site, broken, caplog)


def test_every_problem_of_a_file_is_told_at_once(site: Site) -> None:
    wrong_key(site)
    site.change_route(when={"modality": ["US"]}, model="tiny@9.0.0")
    lines = run("check-config", site.config).stderr.splitlines()
    assert [line.split(": ")[1] for line in lines if line.startswith(str(site.config))] == [
        "routes[0].model",
        "routes[0].when.modality[0]",
        "tls.key",
    ]
    assert lines[-1].startswith("3 problems;")
