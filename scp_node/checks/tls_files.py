"""Certificates of tls and web: files that can be read and fit each other, who signed them, for what, until when."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from converter.page.counted import counted
from converter.regular_file import read_regular
from scp_node.checks.result import CheckedNode, CheckResult, obstacle, ok, problem, warning
from scp_node.errors import ConfigurationError
from scp_node.settings import Tls
from scp_node.tls.certificates import PEM_BYTES_MAX
from scp_node.tls.contexts import file_faults
from scp_node.tls.https import https_context

CHAIN_MAX = 10
PURPOSES = {ExtendedKeyUsageOID.SERVER_AUTH: "server", ExtendedKeyUsageOID.CLIENT_AUTH: "client"}
RENEW = "Renew it; the node takes the new file without a restart."
CERTIFICATE: tuple[str, ...] = ("tls", "certificate")


def tls_files(node: CheckedNode) -> Iterator[CheckResult]:
    """Never waits: what is no regular file is refused when it is opened."""
    tls = node.settings.tls
    if tls.profile == "off":
        yield ok("off: connections are plaintext")
        return
    faults = file_faults(tls)
    for fault in faults:
        yield obstacle(fault.message, fault.hint, ("tls", fault.key))
    if faults or tls.certificate is None or tls.ca is None:
        return
    own = _certificates(tls.certificate)
    senders = "senders show a certificate" if tls.verify_peer else "senders show no certificate"
    end = min(one.not_valid_after_utc for one in own)
    yield ok(f"{tls.profile}, {senders}; {own[0].subject.rfc4514_string()} is valid until {end:%Y-%m-%d}")
    yield from _dates(tls, own)
    yield from _purposes(own[0])
    yield from _issuers(own, _certificates(tls.ca))
    yield from _open_key(tls)


def web_tls_files(node: CheckedNode) -> Iterator[CheckResult]:
    """The certificate of the HTTP port, where it has one."""
    web = node.settings.web
    loc = ("web", "tls_certificate")
    if web.tls_certificate is None:
        yield ok(
            "web: no certificate of its own" + ("; the proxy speaks TLS" if web.proxy else ", http on this machine")
        )
        return
    try:
        https_context(web.tls_certificate, web.tls_key)
    except ConfigurationError as error:
        yield obstacle(str(error), "Browsers could not connect: look at the two files.", loc)
        return
    own = _certificates(web.tls_certificate)
    yield ok(f"web: {own[0].subject.rfc4514_string()} is valid until {own[0].not_valid_after_utc:%Y-%m-%d}")
    yield from _dates(node.settings.tls, own, loc, "Renew it, and start the node again.")


def _dates(
    tls: Tls,
    own: list[x509.Certificate],
    loc: tuple[str, ...] = CERTIFICATE,
    renew: str = RENEW,
) -> Iterator[CheckResult]:
    now = datetime.now(UTC)
    for one in own:
        name, days = one.subject.rfc4514_string(), (one.not_valid_after_utc - now).days
        if one.not_valid_after_utc <= now:
            yield problem(f"{name} has expired ({one.not_valid_after_utc:%Y-%m-%d}): peers refuse it", renew, loc)
        elif one.not_valid_before_utc > now:
            what = f"{name} is not valid before {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC: peers refuse it"
            yield problem(what, "Look at the clock of this machine, or take another certificate.", loc)
        elif days < tls.warn_before_days:
            yield warning(f"{name} expires in {counted(days, 'day')} ({one.not_valid_after_utc:%Y-%m-%d})", renew, loc)


def _purposes(own: x509.Certificate) -> Iterator[CheckResult]:
    """A certificate that names no purpose is good for all (RFC 5280 4.2.1.12)."""
    try:
        allowed = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in allowed:
        return
    for purpose, name in PURPOSES.items():
        if purpose not in allowed:
            refuses = "senders refuse it" if name == "server" else "destinations refuse it"
            yield problem(
                f"the certificate does not allow {name} authentication: {refuses}",
                "It is used in both directions: have it issued with extendedKeyUsage serverAuth,clientAuth.",
                CERTIFICATE,
            )


def _issuers(own: list[x509.Certificate], authorities: list[x509.Certificate]) -> Iterator[CheckResult]:
    """Whether signatures lead from our certificate to `ca`. They need not: peers may trust another authority."""
    current = own[0]
    for _ in range(CHAIN_MAX):
        if current in authorities:
            return
        issuer = next((one for one in (*authorities, *own[1:]) if one != current and _signed(current, one)), None)
        if issuer is None:
            break
        current = issuer
    yield warning(
        f"no chain leads from the certificate to tls.ca: {current.issuer.rfc4514_string()} is not there",
        "Add the intermediate certificates to the file of tls.certificate; with two authorities this may be meant.",
        CERTIFICATE,
    )


def _signed(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _open_key(tls: Tls) -> Iterator[CheckResult]:
    path = tls.key or tls.certificate
    if path is not None and tls.key_passphrase is None and (mode := path.stat().st_mode) & stat.S_IROTH:
        yield warning(
            f"every user of this machine can read {path} (mode {stat.S_IMODE(mode):04o})",
            f"chmod o= {path}",
            ("tls", "key"),
        )


def _certificates(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(read_regular(path, PEM_BYTES_MAX))
