"""A certificate that has expired keeps the node from its work; one that will soon is told in time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from scp_node.monitoring.certificate_expiry import certificate_cautions, certificate_faults
from scp_node.settings import Tls
from scp_node.tls.certificates import certificate_expiry
from tests.support.peers.certificates import Authority, Identity, tls_section


@pytest.fixture
def identity(authority: Authority) -> Identity:
    return authority.identity("node")


@pytest.fixture
def tls(authority: Authority, identity: Identity) -> Tls:
    return Tls.model_validate(tls_section(authority, identity))


@pytest.mark.parametrize(
    "days_before, faults, cautions",
    [
        (31, [], []),
        (29.5, [], ["expires in 29 days"]),
        (0.5, [], ["expires in 0 days"]),
        (-0.1, ["has expired at"], []),
    ],
)
def test_what_is_said_of_it(
    tls: Tls, identity: Identity, days_before: float, faults: list[str], cautions: list[str]
) -> None:
    now = certificate_expiry(identity.certificate) - timedelta(days=days_before)
    for said, awaited in ((certificate_faults(tls, now), faults), (certificate_cautions(tls, now), cautions)):
        assert len(said) == len(awaited)
        assert all(words in one for words, one in zip(awaited, said, strict=True))


def test_one_that_cannot_be_read_is_a_fault(tls: Tls, identity: Identity, tmp_path: Path) -> None:
    now = certificate_expiry(identity.certificate) - timedelta(days=100)
    broken = tmp_path / "node.pem"
    broken.write_text("no certificate")
    assert "cannot be read" in certificate_faults(tls.model_copy(update={"certificate": broken}), now)[0]
    assert certificate_faults(Tls(), now) == certificate_cautions(Tls(), now) == []
