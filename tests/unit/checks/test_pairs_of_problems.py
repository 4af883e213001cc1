"""Two things wrong with one site are both told at once, whatever they are: one never hides the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scp_node.cli import build_app
from tests.unit.checks.site import Site


@dataclass(frozen=True)
class Wrong:
    """One thing that is done to a site with TLS, the key at which it is told, and what is said."""

    what: str
    do: Callable[[Site], object]
    key: str
    said: str


def change(section: str, **values: Any) -> Callable[[Site], object]:
    return lambda site: site.change(section, **values)


def change_pacs(**values: Any) -> Callable[[Site], object]:
    return lambda site: site.change("remote_aes", pacs={**site.document["remote_aes"]["pacs"], **values})


def lost_ledger(site: Site) -> None:
    spool = site.folder / "other-data" / "spool" / "ab"
    spool.mkdir(parents=True, mode=0o700)
    (site.folder / "other-data").chmod(0o700)
    (spool / "image.dcm").write_bytes(b"x")
    site.change("node", data_dir="./other-data")


def named(site: Site, section: str, key: str, content: str | None) -> None:
    path = site.folder / f"{section}-{key}.pem"
    if content is not None:
        path.write_text(content)
    site.change(section, **{key: str(path)})


def second_route(site: Site) -> None:
    site.document["routes"] += [{"name": "knee", "model": "knee@1.0.0", "to": ["pacs"]}]
    site.write()


def altered_graph(site: Site) -> None:
    path = site.package / "model.onnx"
    path.write_bytes(path.read_bytes() + b"\0")


WRONG = (
    Wrong("bad value of another section", change("report", quiet_period_s=-1), "report.quiet_period_s", "at least 0"),
    Wrong("unknown key", change("workers", pictures=1), "workers.pictures", "unknown key"),
    Wrong("unknown section", change("modells", x=1), "modells", "unknown key"),
    Wrong("bad port", change("node", port=0), "node.port", "must be at least 1"),
    Wrong("unknown remote AE", lambda s: s.change_route(to=["pax"]), "routes[0].to[0]", "no remote AE is called 'pax'"),
    Wrong("nobody sends", change_pacs(may_send=False), "remote_aes", "no remote AE may send"),
    Wrong("bad AE title", change_pacs(ae_title=""), "remote_aes.pacs.ae_title", "an AE title has 1 to 16"),
    Wrong("missing model", lambda s: s.change_route(model="tiny@9.9.9"), "routes[0].model", "no model package"),
    Wrong("missing second model", lambda s: s.change_route(shadow="tiny@8.8.8"), "routes[0].shadow", "'tiny@8.8.8'"),
    Wrong("a second route without a model", second_route, "routes[1].model", "no model package 'knee@1.0.0'"),
    Wrong(
        "images that are not taken",
        lambda s: s.change_route(when={"modality": ["MG"]}),
        "routes[0].when.modality[0]",
        "images of MG",
    ),
    Wrong("no certificate", lambda s: named(s, "tls", "certificate", None), "tls.certificate", "cannot be read"),
    Wrong("no key", lambda s: named(s, "tls", "key", None), "tls.key", "cannot be read"),
    Wrong("no authority in the file", lambda s: named(s, "tls", "ca", "?"), "tls.ca", "no certificate in PEM form"),
    Wrong("no days", change("tls", warn_before_days="x"), "tls.warn_before_days", "must be a whole number"),
    Wrong(
        "web without a certificate",
        lambda s: named(s, "web", "tls_certificate", None),
        "web.tls_certificate",
        "cannot be used",
    ),
    Wrong("web that ends at once", change("web", session_max_s=60), "web.session_max_s", "is shorter than"),
    Wrong("images without a ledger", lost_ledger, "node.data_dir", "there is no ledger, but"),
)
ALTERED = Wrong("altered graph", altered_graph, "routes[0].model", "altered")
# Of these two the second takes away what the first is about.
NOT_BOTH: tuple[set[str], ...] = (
    {"missing model", "altered graph"},
    {"nobody sends", "bad AE title"},
)
PAIRS = [
    pytest.param(one, other, id=f"{one.what} and {other.what}")
    for one, other in combinations((*WRONG, ALTERED), 2)
    if {one.what, other.what} not in NOT_BOTH
]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.use_tls()
    return site


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_of_two_problems_both_are_told(site: Site, one: Wrong, other: Wrong) -> None:
    one.do(site)
    other.do(site)
    said = CliRunner().invoke(build_app("check-config"), ["check-config", str(site.config)])
    told = [line for line in said.stderr.splitlines() if line.startswith(str(site.config))]
    for wrong in (one, other):
        assert any(f": {wrong.key}: " in line and wrong.said in line for line in told), said.stderr
    assert "2 problems;" in said.stderr


@pytest.mark.parametrize("command", ["doctor", "serve"])
def test_doctor_and_serve_tell_both_too(site: Site, command: str) -> None:
    site.change_route(to=["pax"], model="tiny@9.9.9")
    said = CliRunner().invoke(build_app(command), [command, "--config", str(site.config)])
    words = said.output + str(said.exception)
    assert "no remote AE is called 'pax'" in words
    assert "no model package 'tiny@9.9.9'" in words


def test_what_a_stand_in_stands_for_is_not_told(site: Site) -> None:
    """Where the folder of the models is unknown, nobody knows whether a model is there."""
    site.change("inference", models_dir=17)
    site.change_route(model="own@1.0.0")
    said = CliRunner().invoke(build_app("check-config"), ["check-config", str(site.config)])
    assert "1 problem;" in said.stderr
    assert "inference.models_dir" in said.stderr
