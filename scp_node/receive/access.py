"""Who may associate with this node, and under which name the sender is known (PS3.8 9.3.4)."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from scp_node.dimse.uids import APPLICATION_CONTEXT_NAME
from scp_node.settings import Receiver, RemoteAE, Settings
from scp_node.tls.certificates import Certificate

USER_NAME, USER_NAME_AND_PASSCODE = 1, 2


@dataclass(frozen=True)
class UserIdentity:
    """What an A-ASSOCIATE-RQ says about its user (PS3.7 D.3.3.7): type, primary and secondary field."""

    kind: int
    name: bytes
    passcode: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Caller:
    """What is known of a peer that asks for an association. `certificate` is one that TLS has verified."""

    called_ae_title: str
    calling_ae_title: str
    application_context: str
    address: str
    certificate: Certificate | None = None
    user: UserIdentity | None = None


@dataclass(frozen=True)
class Admission:
    """The peer is the remote AE `source` of the configuration. One that may not send may still report on the storage
    commitment that it was asked for."""

    source: str
    may_send: bool = True


@dataclass(frozen=True)
class Rejection:
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 Table 9-21); `reason` in words is for our log only."""

    result: int
    source: int
    diagnostic: int
    reason: str

    @property
    def code(self) -> str:
        return f"{self.result}/{self.source}/{self.diagnostic}"

    def __str__(self) -> str:
        return f"rejected {self.code}: {self.reason}"


UNSUPPORTED_PROTOCOL_VERSION = Rejection(1, 2, 2, "protocol version not supported")
UNKNOWN_APPLICATION_CONTEXT = Rejection(1, 1, 2, "application context name not supported")
UNKNOWN_CALLING_AE_TITLE = Rejection(1, 1, 3, "calling AE title may not send")
UNKNOWN_CALLED_AE_TITLE = Rejection(1, 1, 7, "called AE title is not this node's")
TOO_MANY_ASSOCIATIONS = Rejection(2, 3, 2, "associations_max reached")
TOO_MANY_OF_ONE_AE = Rejection(2, 3, 2, "associations_per_ae_max reached")


def admit(settings: Settings, caller: Caller) -> Admission | Rejection:
    """Decide on an A-ASSOCIATE-RQ. AE titles are compared without the spaces around them (PS3.5 6.2, VR AE).

    The peer is told the same, whichever check it failed.
    """
    if caller.application_context != APPLICATION_CONTEXT_NAME:
        return UNKNOWN_APPLICATION_CONTEXT
    if caller.called_ae_title.strip(" ") != settings.node.ae_title:
        return UNKNOWN_CALLED_AE_TITLE
    title = caller.calling_ae_title.strip(" ")
    known = {name: ae for name, ae in settings.remote_aes.items() if ae.ae_title == title}
    senders = {name: ae for name, ae in known.items() if ae.may_send}
    called_so = senders | {name: ae for name, ae in known.items() if ae.storage_commitment}
    if not called_so:
        return UNKNOWN_CALLING_AE_TITLE
    source = next((name for name, ae in called_so.items() if is_from(ae.addresses, caller.address)), None)
    if source is None:
        return _refused(f"its address is not one of {', '.join(called_so)}")
    wrong = _wrong_certificate(called_so[source], caller.certificate) or _wrong_user(called_so[source], caller.user)
    return _refused(f"{wrong} {source}") if wrong else Admission(source, may_send=source in senders)


def _refused(reason: str) -> Rejection:
    return Rejection(1, 1, 3, reason)


def is_from(networks: Sequence[str], address: str) -> bool:
    """Whether an address is in one of the networks. On a socket for both families, IPv4 peers have IPv4-mapped IPv6
    addresses (RFC 4291 2.5.5.2)."""
    if not networks:
        return True
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    return any(found in ipaddress.ip_network(network) for network in networks)


def is_proxy(limits: Receiver, address: str) -> bool:
    """Whether connections from this address begin with a header that says who calls."""
    return bool(limits.proxies) and is_from(limits.proxies, address)


def _wrong_certificate(ae: RemoteAE, certificate: Certificate | None) -> str:
    if not ae.certificate_sha256 and ae.certificate_subject is None:
        return ""
    if certificate is None:
        return "it showed no certificate, which is asked of"
    if ae.certificate_sha256 and certificate.sha256 not in ae.certificate_sha256:
        return "its certificate has none of the fingerprints of"
    if ae.certificate_subject is not None and not certificate.has_subject(ae.certificate_subject):
        return "its certificate has another subject than"
    return ""


def _wrong_user(ae: RemoteAE, user: UserIdentity | None) -> str:
    """Compared in constant time, name and passcode alike, so that an answer does not tell how much was right."""
    if ae.user is None:
        return ""
    if user is None or user.kind not in (USER_NAME, USER_NAME_AND_PASSCODE):
        return "it gave no user name, which is asked of"
    if ae.passcode is not None and user.kind != USER_NAME_AND_PASSCODE:
        return "it gave no passcode, which is asked of"
    name_is_right = hmac.compare_digest(user.name, ae.user.encode())
    passcode_is_right = ae.passcode is None or hmac.compare_digest(user.passcode, ae.passcode.encode())
    return "" if name_is_right and passcode_is_right else "user name or passcode is not that of"
