"""TLS in both directions (PS3.15 B.12, B.13), from certificate files that may be replaced while the node runs."""

from __future__ import annotations

import logging
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol

from cryptography import x509

from converter.regular_file import read_regular
from scp_node.errors import ExitCode, HilumError
from scp_node.tls.certificates import PEM_BYTES_MAX, certificate_expiry

log = logging.getLogger(__name__)

# TLS 1.2 suites; those of TLS 1.3 are OpenSSL's own three. B.12: what RFC 9325 4.2 recommends. B.13: forward secrecy
# and authenticated encryption; without DHE, because Python cannot set the length of its key. SECLEVEL 2 refuses RSA
# keys below 2048 bits, curves below 224 bits and SHA-1 signatures.
CIPHERS = {
    "bcp195": "ECDHE+AESGCM:@SECLEVEL=2",
    "bcp195-modified": "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AESCCM:!AESCCM8:@SECLEVEL=2",
}

_REASONS = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS",
    "RECORD_LAYER_FAILURE": "it does not speak TLS",
    "HTTP_REQUEST": "it does not speak TLS",
    "UNSUPPORTED_PROTOCOL": "it has no TLS version from 1.2 on",
    "NO_SHARED_CIPHER": "it has no cipher of the profile",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it showed no certificate",
}


class TlsSettings(Protocol):
    """What the section `tls` says of files and of the peer. Hashable, so that equal sections share their contexts."""

    @property
    def profile(self) -> str: ...
    @property
    def certificate(self) -> Path | None: ...
    @property
    def key(self) -> Path | None: ...
    @property
    def key_passphrase(self) -> str | None: ...
    @property
    def ca(self) -> Path | None: ...
    @property
    def verify_peer(self) -> bool: ...
    def __hash__(self) -> int: ...


class CertificateUnusable(HilumError):
    """A file of the section tls cannot be used; `key` names its setting."""

    code = "certificate-unusable"
    exit_code = ExitCode.USAGE

    def __init__(self, key: str, message: str, hint: str = "") -> None:
        super().__init__(f"tls.{key}: {message}")
        self.key, self.message, self.hint = key, message, hint
        self.further_lines = (f"    {hint}",) if hint else ()


@dataclass(frozen=True)
class Contexts:
    """For the listener, and for destinations whose host name is or is not checked."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    client_any_host: ssl.SSLContext


class Credentials:
    """The contexts of one section `tls`. Each use looks whether a file has changed: a good new certificate serves the
    next connection, a bad one is logged and the old one stays."""

    def __init__(self, tls: TlsSettings) -> None:
        self._tls = tls
        self._files = [path for path in (tls.certificate, tls.key, tls.ca) if path is not None]
        self._lock = threading.Lock()
        self._seen: list[tuple[int, int, int] | None] | None = None
        self._contexts: Contexts | None = None

    def contexts(self) -> Contexts:
        """Raises CertificateUnusable as long as the files have never been usable."""
        seen = [_state_of(path) for path in self._files]
        with self._lock:  # held while nothing is read: whoever comes meanwhile goes on with what there is
            is_new, is_first = seen != self._seen, self._seen is None
            if is_new and not is_first:
                self._seen = seen
        if is_new:
            self._load(seen, is_first)
        if self._contexts is None:
            raise CertificateUnusable("certificate", "cannot be used; see the log")
        return self._contexts

    def _load(self, seen: list[tuple[int, int, int] | None], is_first: bool) -> None:
        try:
            self._contexts = make_contexts(self._tls)
        except CertificateUnusable as error:
            event = "TLS certificate cannot be used" if self._contexts is None else "TLS certificate kept as it was"
            log.error(event, extra={"problem": str(error), "hint": error.hint})
            return
        finally:
            self._seen = seen
        if not is_first:
            expires = certificate_expiry(_required(self._tls.certificate, "certificate"))
            log.info("TLS certificate reloaded", extra={"expires": expires.isoformat()})


@lru_cache(maxsize=4)
def credentials(tls: TlsSettings) -> Credentials:
    """The one Credentials of this process for `tls`."""
    return Credentials(tls)


def make_contexts(tls: TlsSettings) -> Contexts:
    """Raises CertificateUnusable."""
    server, client, client_any_host = (
        _context(tls, protocol)
        for protocol in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_CLIENT)
    )
    server.verify_mode = ssl.CERT_REQUIRED if tls.verify_peer else ssl.CERT_NONE
    client_any_host.check_hostname = False
    return Contexts(server, client, client_any_host)


def file_faults(tls: TlsSettings) -> list[CertificateUnusable]:
    """All that is wrong with the files that `tls` names: a fault of each at most."""
    found: list[CertificateUnusable] = []
    context = _bare(tls, ssl.PROTOCOL_TLS_SERVER)
    if tls.certificate is not None:
        found += _fault(lambda: _load_certificate(context, tls))
    if tls.key is not None and not any(one.key == "key" for one in found):
        found += _fault(partial(_content, "key", tls.key))
    if tls.ca is not None:
        found += _fault(partial(_load_authorities, context, tls.ca))
    return found


def _fault(step: Callable[[], object]) -> list[CertificateUnusable]:
    try:
        step()
    except CertificateUnusable as error:
        return [error]
    return []


def explained(error: OSError) -> str:
    """Why a TLS connection did not come about or broke, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
        return "it closed the connection"
    reason = getattr(error, "reason", None) or ""
    if "ALERT" in reason:
        alert = reason.partition("ALERT_")[2].replace("_", " ").lower()
        return f"it refused, with the alert '{alert}'"
    return _REASONS.get(reason) or reason.replace("_", " ").lower() or error.strerror or type(error).__name__


def _context(tls: TlsSettings, protocol: ssl._SSLMethod) -> ssl.SSLContext:
    context = _bare(tls, protocol)
    _load_certificate(context, tls)
    _load_authorities(context, _required(tls.ca, "ca"))
    return context


def _bare(tls: TlsSettings, protocol: ssl._SSLMethod) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS[tls.profile])
    # No resumption: every connection shows its certificate, so that a change of ca or of the clock counts at once.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_NO_TICKET
    if protocol is ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0
    return context


def _load_certificate(context: ssl.SSLContext, tls: TlsSettings) -> None:
    certificate = _certificates("certificate", _required(tls.certificate, "certificate"))
    key_setting = "certificate" if tls.key is None else "key"
    key = certificate if tls.key is None else _content("key", tls.key)
    try:
        # Always with a passphrase: without one OpenSSL would ask the terminal for that of an encrypted key.
        with _as_file(certificate) as certificate_file, _as_file(key) as key_file:
            context.load_cert_chain(certificate_file, key_file, lambda: tls.key_passphrase or "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            hint = "Name the key that the certificate was requested with; both change together."
            raise CertificateUnusable(key_setting, "is not the private key of the certificate", hint) from error
        if error.reason == "EE_KEY_TOO_SMALL":
            raise CertificateUnusable("certificate", "has a key that is too short", "RSA takes 2048 bits.") from error
        hint = "It has a part that begins with -----BEGIN PRIVATE KEY-----."
        if b"ENCRYPTED" in key:
            hint = "The passphrase belongs into tls.key_passphrase."
        raise CertificateUnusable(key_setting, "holds no private key that can be read", hint) from error


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    authorities = _certificates("ca", path)
    try:
        with _as_file(authorities) as file:
            context.load_verify_locations(file)
    except ssl.SSLError as error:
        hint = "Export the certificates of the authorities anew, as PEM."
        raise CertificateUnusable("ca", "holds a certificate that OpenSSL refuses", hint) from error


def _certificates(key: str, path: Path) -> bytes:
    content = _content(key, path)
    try:
        x509.load_pem_x509_certificates(content)
    except ValueError as error:
        hint = "It has a part that begins with -----BEGIN CERTIFICATE-----."
        raise CertificateUnusable(key, f"{path} holds no certificate in PEM form", hint) from error
    return content


def _content(key: str, path: Path) -> bytes:
    try:
        return read_regular(path, PEM_BYTES_MAX)
    except OSError as error:
        hint = "It has to be a file that the user of the node may read."
        raise CertificateUnusable(key, f"{path} cannot be read: {error.strerror}", hint) from error


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A name under which OpenSSL, which takes only names, finds what was read: of memory where the system has such."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("pem", os.MFD_CLOEXEC), "wb", buffering=0) as memory:
            memory.write(content)
            yield f"/proc/self/fd/{memory.fileno()}"
        return
    with NamedTemporaryFile() as file:  # which nobody else may read
        file.write(content)
        file.flush()
        yield file.name


def _required(path: Path | None, key: str) -> Path:
    if path is None:
        raise CertificateUnusable(key, "is missing")
    return path


def _state_of(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced or written."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
