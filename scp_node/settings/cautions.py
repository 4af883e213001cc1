"""What a usable configuration leaves open on purpose: told at every start, by check-config and by /readyz."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from scp_node.settings.model import Settings


def cautions(settings: Settings) -> list[str]:
    """Each thing that the settings allow and that a site should know of, a sentence or two each. Empty on a closed
    node, and on one that cannot be reached from other machines."""
    return [*_plaintext_in(settings), *_anybody(settings), *_unused_certificates(settings)]


def delivery_cautions(settings: Settings) -> list[str]:
    """Destinations beyond this machine that get results or messages in plaintext, one sentence each."""
    gets = {name for route in settings.routes for name in route.to}
    told = {name for route in settings.routes for name in route.notify}
    remotes = [
        f"results go to remote_aes.{name} ({ae.host}) in plaintext and can be read on the wire"
        for name, ae in settings.remote_aes.items()
        if name in gets and not settings.is_reached_by_tls(ae) and not _is_this_machine(ae.host)
    ]
    in_plaintext = [
        (name, f"systems.{name} ({system.host_name})")
        for name, system in settings.systems.items()
        if not system.is_over_tls and not _is_this_machine(system.host_name)
    ]
    return [
        *remotes,
        *(
            f"results go to {where} in plaintext and can be read on the wire"
            for name, where in in_plaintext
            if name in gets
        ),
        *(
            f"messages go to {where} in plaintext, can be read on the wire, and name patients"
            for name, where in in_plaintext
            if name in told
        ),
    ]


def _plaintext_in(settings: Settings) -> Iterator[str]:
    if settings.is_open and settings.tls.profile == "off":
        yield (
            f"{settings.node.bind}:{settings.node.port} takes plaintext from other machines (tls.allow_plaintext): AE "
            "titles prove nothing, and images can be read on the wire. Set tls.profile with certificate, key and ca."
        )


def _anybody(settings: Settings) -> Iterator[str]:
    """Senders that only their AE title makes known."""
    proven = settings.tls.profile != "off" and settings.tls.verify_peer
    if not settings.is_open or proven:
        return
    for name, ae in settings.remote_aes.items():
        if ae.may_send and not ae.addresses:
            yield (
                f"any machine that calls itself {ae.ae_title} may store images: remote_aes.{name} has no addresses. "
                "Write the IP addresses that it sends from, such as addresses: [10.1.2.3]."
            )


def _unused_certificates(settings: Settings) -> Iterator[str]:
    files = [f"tls.{key}" for key in ("certificate", "key", "ca") if getattr(settings.tls, key) is not None]
    if settings.tls.profile == "off" and files:
        yield f"tls.profile is off: {', '.join(files)} have no effect, and nothing is encrypted."


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().removesuffix(".") == "localhost"
