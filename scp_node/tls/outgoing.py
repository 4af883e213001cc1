"""TLS towards systems that get messages: their authorities may be others than those of DICOM."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from converter.regular_file import read_regular
from scp_node.tls.certificates import PEM_BYTES_MAX
from scp_node.tls.contexts import CIPHERS, CertificateUnusable


def client_context(
    ca: Path | None, certificate: Path | None, key: Path | None, passphrase: str | None = None
) -> ssl.SSLContext:
    """TLS 1.2 and 1.3; without `ca` the authorities of this machine count. Raises CertificateUnusable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS["bcp195-modified"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    if ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _load("ca", ca, lambda: context.load_verify_locations(ca))
    if certificate is not None:
        _load("key", key or certificate, lambda: None)
        _load("certificate", certificate, lambda: context.load_cert_chain(certificate, key, lambda: passphrase or ""))
    return context


def _load(name: str, path: Path, load: Callable[[], None]) -> None:
    try:
        read_regular(path, PEM_BYTES_MAX)  # OpenSSL would wait for a pipe
        load()
    except ssl.SSLError as error:
        raise CertificateUnusable(
            name, f"{path}: {(error.reason or 'cannot be used').replace('_', ' ').lower()}"
        ) from error
    except OSError as error:
        raise CertificateUnusable(name, f"{path} cannot be read: {error.strerror}") from error
