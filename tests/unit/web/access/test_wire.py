"""The port beyond this machine: TLS of its own, or a proxy that is known."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from scp_node.errors import ConfigurationError
from scp_node.ledger import Ledger
from scp_node.settings import Web
from scp_node.tls.https import https_context
from scp_node.web.access.addresses import console_url
from scp_node.web.admission import Receive, Scope, Send
from scp_node.web.forwarding import Forwarding
from tests.support.peers.certificates import Authority
from tests.support.web.visitors import served_console


@pytest.mark.parametrize(
    ("web", "client", "path", "is_answered"),
    [
        ({"proxy": ["10.0.0.0/8"]}, "10.1.2.3", "/about", True),
        ({"proxy": ["10.0.0.0/8"]}, "127.0.0.1", "/about", True),
        ({"proxy": ["10.0.0.0/8"]}, "192.168.0.1", "/about", False),
        ({"proxy": ["10.0.0.0/8"]}, "192.168.0.1", "/metrics", True),
        ({"proxy": ["10.0.0.0/8"]}, "::1", "/about", True),
        ({"proxy": ["10.0.0.0/8"], "tls_certificate": "x.pem"}, "192.168.0.1", "/about", True),
        ({}, "192.168.0.1", "/about", True),
    ],
)
def test_without_tls_nobody_but_the_proxy_is_answered(
    web: dict[str, object], client: str, path: str, is_answered: bool
) -> None:
    told: list[MutableMapping[str, Any]] = []

    async def reached(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"status": 200})

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    scope = {"type": "http", "client": (client, 1), "path": path, "headers": []}
    asyncio.run(Forwarding(reached, Web.model_validate(web))(scope, receive, send))
    assert told[0]["status"] == (200 if is_answered else 403)


def test_the_port_speaks_tls_1_2_and_1_3_and_its_cookies_are_for_https(
    tmp_path: Path, ledger: Ledger, authority: Authority
) -> None:
    certificate = authority.identity("console")
    files = {"tls_certificate": certificate.certificate, "tls_key": certificate.key}
    with served_console(tmp_path, ledger, **files) as console:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=str(authority.ca))
            context.minimum_version = context.maximum_version = version
            with httpx.Client(verify=context, trust_env=False) as client:
                answer = client.get(f"https://127.0.0.1:{console.port}/sign-in")
                assert answer.status_code == 200
                stream = answer.extensions["network_stream"].get_extra_info("ssl_object")
                assert stream.version() == version.name.replace("TLSv1_", "TLSv1.")
        with httpx.Client(trust_env=False) as client, pytest.raises(httpx.TransportError):
            client.get(f"http://localhost:{console.port}/sign-in")


def test_a_certificate_that_cannot_be_used_is_told_in_words(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(ConfigurationError, match=r"web\.tls_certificate .*absent\.pem .*No such file"):
        https_context(tmp_path / "absent.pem", None)
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"broken\.pem cannot be used: \w+"):
        https_context(broken, None)
    locked, other = authority.identity("locked", passphrase="x"), authority.identity("other")
    with pytest.raises(ConfigurationError, match="has a passphrase"):
        https_context(locked.certificate, locked.key)
    with pytest.raises(ConfigurationError, match=r"web\.tls_key .* cannot be used"):
        https_context(other.certificate, authority.identity("third").key)


@pytest.mark.parametrize(
    ("web", "url"),
    [
        ({}, "http://127.0.0.1:8043"),
        ({"bind": "::1"}, "http://[::1]:8043"),
        ({"bind": "10.0.0.1", "tls_certificate": "x.pem"}, "https://10.0.0.1:8043"),
        ({"proxy": ["10.0.0.2"], "allowed_hosts": ["hilum.example"]}, "https://hilum.example"),
    ],
)
def test_links_lead_to_where_the_console_is_reached(web: dict[str, object], url: str) -> None:
    assert console_url(Web.model_validate(web)) == url
