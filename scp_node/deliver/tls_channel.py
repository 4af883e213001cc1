"""How a destination is reached over TLS, and which certificate it has to show."""

from __future__ import annotations

import socket
import ssl
from abc import ABC, abstractmethod
from dataclasses import dataclass

from scp_node.deliver.outcomes import PeerFault
from scp_node.settings import RemoteAE, Settings, Tls
from scp_node.tls.certificates import Certificate, certificate_of
from scp_node.tls.contexts import CertificateUnusable, credentials, explained


class Channel(ABC):
    """Does the client's part of TLS."""

    @property
    @abstractmethod
    def fingerprints(self) -> tuple[str, ...]:
        """SHA-256 of the certificates that the destination may show; none = any that is verified."""

    @property
    def subject(self) -> str | None:
        """What the subject of its certificate must hold."""
        return None

    @abstractmethod
    def context(self) -> ssl.SSLContext:
        """Raises CertificateUnusable."""

    def secure(self, connection: socket.socket, host: str, timeout_s: float) -> tuple[ssl.SSLSocket, Certificate]:
        """Do the handshake. Raises PeerFault, and has closed the connection then."""
        try:
            context = self.context()
        except CertificateUnusable as error:
            connection.close()
            raise PeerFault("tls-own-certificate", str(error)) from error
        secure = context.wrap_socket(connection, server_hostname=host, do_handshake_on_connect=False)
        try:
            secure.settimeout(timeout_s)  # for the handshake as a whole
            secure.do_handshake()
            return secure, self._accepted(secure)
        except TimeoutError as error:
            secure.close()
            raise PeerFault("tls-timeout", f"{timeout_s:g} s") from error
        except OSError as error:
            secure.close()
            raise tls_fault(error) from error
        except PeerFault:
            secure.close()
            raise

    def _accepted(self, secure: ssl.SSLSocket) -> Certificate:
        try:
            found = certificate_of(secure.getpeercert(binary_form=True) or b"")
        except ValueError as error:
            raise PeerFault("tls-certificate", "it cannot be read") from error
        if self.fingerprints and found.sha256 not in self.fingerprints:
            raise PeerFault("tls-certificate-of-another", f"SHA-256 {found.sha256}")
        if self.subject is not None and not found.has_subject(self.subject):
            raise PeerFault("tls-certificate-of-another", found.subject)
        return found


@dataclass(frozen=True)
class SecureChannel(Channel):
    """The node's own part (`tls`), and what is asked of the destination's certificate beyond a signature by tls.ca."""

    tls: Tls
    certificate_sha256: tuple[str, ...] = ()
    certificate_subject: str | None = None

    @property
    def fingerprints(self) -> tuple[str, ...]:
        return self.certificate_sha256

    @property
    def subject(self) -> str | None:
        return self.certificate_subject

    def context(self) -> ssl.SSLContext:
        contexts = credentials(self.tls).contexts()
        checks_host = self.tls.check_host and not self.certificate_sha256 and self.certificate_subject is None
        return contexts.client if checks_host else contexts.client_any_host


def channel_to(settings: Settings, remote: RemoteAE) -> SecureChannel | None:
    """None where the destination is reached without TLS."""
    if not settings.is_reached_by_tls(remote):
        return None
    return SecureChannel(settings.tls, tuple(remote.certificate_sha256), remote.certificate_subject)


def tls_fault(error: OSError) -> PeerFault:
    """Why TLS failed, in the handshake or after it: in TLS 1.3 a peer refuses our certificate after the handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return PeerFault("tls-certificate", error.verify_message)
    if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
        return PeerFault("tls-refused", explained(error))
    return PeerFault("tls-failed", explained(error))
