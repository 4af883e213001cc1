"""Why nothing comes from a modality: what it did at this node's door, beside what the configuration says of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from converter.image.sop_classes import SECTIONAL_CLASSES
from converter.page.counted import counted
from scp_node.intake.terms import modalities_of
from scp_node.ledger import Transaction
from scp_node.ledger import tables as t
from scp_node.ledger.callers import CallerRecord
from scp_node.receive.access import is_from
from scp_node.settings import RemoteAE, Settings

CALLERS_MAX, NAMELESS_MAX = 50, 5


@dataclass(frozen=True)
class CallerStory:
    """`callers`: who called by this AE title, the last first, and who called without one from an address of it.
    `remote_aes`: those of the configuration with this AE title. `advice`: what to look at, the likeliest first."""

    ae_title: str
    remote_aes: tuple[str, ...]
    callers: tuple[CallerRecord, ...]
    advice: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether it ever called, or is configured."""
        return bool(self.callers or self.remote_aes)


@dataclass(frozen=True)
class LastArrival:
    """The image that came last into the study that began last, and who sent it."""

    source: str
    calling_ae_title: str
    received_at: datetime


def last_arrival(tx: Transaction) -> LastArrival | None:
    """None where no image ever came."""
    newest = sa.select(t.study.c.study_instance_uid).order_by(t.study.c.first_received_at.desc()).limit(1)
    columns = (t.instance.c.source, t.instance.c.calling_ae_title, t.instance.c.received_at)
    images = sa.select(*columns).where(t.instance.c.study_instance_uid == newest.scalar_subquery())
    row = tx.connection.execute(images.order_by(t.instance.c.received_at.desc()).limit(1)).one_or_none()
    return None if row is None else LastArrival(**row._mapping)


def caller_story(tx: Transaction, settings: Settings, key: str) -> CallerStory:
    """What is known of `key`: an AE title, or the name of a remote AE in the configuration."""
    named = settings.remote_aes.get(key)
    title = key.strip() if named is None else named.ae_title
    remotes = {name: ae for name, ae in settings.remote_aes.items() if ae.ae_title == title}
    known = tx.callers.all()
    callers = [one for one in known if one.calling_ae_title == title]
    callers += [one for one in known if not one.calling_ae_title and _is_of(one.address, remotes.values(), callers)]
    titles = {one.calling_ae_title for one in known} | {ae.ae_title for ae in settings.remote_aes.values()}
    nameless = [one for one in known if not one.calling_ae_title]
    advice = _advice(settings, title, remotes, callers, sorted(titles - {title, ""}), nameless)
    return CallerStory(title, tuple(remotes), tuple(callers[:CALLERS_MAX]), tuple(dict.fromkeys(advice)))


def _is_of(address: str, remotes: Iterable[RemoteAE], callers: Sequence[CallerRecord]) -> bool:
    return any(address == ae.host or (ae.addresses and is_from(ae.addresses, address)) for ae in remotes) or any(
        address == one.address for one in callers if one.calling_ae_title
    )


def _advice(
    settings: Settings,
    title: str,
    remotes: dict[str, RemoteAE],
    callers: list[CallerRecord],
    others: list[str],
    nameless: list[CallerRecord],
) -> Iterator[str]:
    if title == settings.node.ae_title:
        yield f"{title} is this node itself."
        return
    if not callers:
        yield f"No connection has named the AE title {title}, but for the last seconds.{_like(title, others)}"
        yield (
            f"At the device: does it send to this machine, port {settings.node.port}, called AE title "
            f"{settings.node.ae_title}? A firewall between them? This node listens on {settings.node.bind}."
        )
        yield from _nameless(nameless)
    yield from _of_configuration(title, remotes, others)
    for caller in callers:
        yield from _of_titles(settings, remotes, caller)
        yield from _of_rejections(caller)
        yield from _of_contexts(settings, caller)
    yield from _of_objects(callers)


def _nameless(callers: list[CallerRecord]) -> Iterator[str]:
    """Whoever was turned away before it could name itself: one of them may be the device."""
    for caller in callers[:NAMELESS_MAX]:
        for rejection in caller.rejections:
            advice = _remedy(rejection)
            if advice:
                yield f"Without an AE title {caller.address} was turned away ({rejection}). Is it this? {advice}."


def _of_configuration(title: str, remotes: dict[str, RemoteAE], others: list[str]) -> Iterator[str]:
    if not remotes:
        yield (
            f"No remote AE of the configuration has the AE title {title}: enter one under remote_aes, with "
            f"may_send: true, and in routes[].when.from where a route names its senders.{_like(title, others)}"
        )
    elif not any(ae.may_send for ae in remotes.values()):
        yield f"It may not send: set may_send: true in remote_aes.{', remote_aes.'.join(remotes)}."


def _of_titles(settings: Settings, remotes: dict[str, RemoteAE], caller: CallerRecord) -> Iterator[str]:
    if caller.calling_ae_title and caller.called_ae_title != settings.node.ae_title:
        yield (
            f"From {caller.address} it called the AE title '{caller.called_ae_title}', but this node is "
            f"'{settings.node.ae_title}': correct it at the device, letter by letter."
        )
    restricted = {name: ae.addresses for name, ae in remotes.items() if ae.addresses}
    is_restricted = bool(restricted) and len(restricted) == len(remotes)
    if is_restricted and not any(is_from(networks, caller.address) for networks in restricted.values()):
        names = ", ".join(f"remote_aes.{name}.addresses" for name in restricted)
        yield f"Its address {caller.address} is not in {names}: enter it there."


# Words of a rejection (scp_node.receive) and what to look at.
_REJECTIONS = {
    "certificate": "look at its certificate, and at certificate_sha256, certificate_subject and tls.ca",
    "user name": "look at the user name and passcode it sends, and at user and passcode of its remote AE",
    "passcode": "look at the user name and passcode it sends, and at user and passcode of its remote AE",
    "associations_max": "too many associations at a time; look at receiver.associations_max",
    "associations_per_ae_max": "too many associations at a time; look at receiver.associations_per_ae_max",
    "no TLS connection": "does it speak TLS 1.2 or later to this port, has tls.certificate expired, does it trust it",
    "PDU of type 0x16": "it speaks TLS to a port without TLS; look at tls.profile",
    "application context": "what it sends is not DICOM's application context; is it a DICOM device?",
    "cannot be read": "its association request is damaged; ask its maker, with this line",
}


def _of_rejections(caller: CallerRecord) -> Iterator[str]:
    for rejection in caller.rejections:
        advice = _remedy(rejection)
        if advice:
            yield f"{caller.address} was turned away ({rejection}): {advice}."


def _remedy(rejection: str) -> str:
    """What to look at; empty where the words say all."""
    return next((advice for words, advice in _REJECTIONS.items() if words in rejection), "")


def _of_contexts(settings: Settings, caller: CallerRecord) -> Iterator[str]:
    """None of a caller whose images come: devices propose much that they do not use."""
    if caller.stored:
        return
    taken = modalities_of(settings)
    for refused in caller.contexts:
        modality = next((one for one, uids in SECTIONAL_CLASSES.items() if any(f"({u})" in refused for u in uids)), "")
        if modality and modality not in taken:
            yield f"{refused}: no route takes {modality}; name it in routes[].when.modality if it is wanted."
        elif "transfer syntax" in refused:
            yield f"{refused}: have it offer uncompressed (Explicit or Implicit VR Little Endian) or JPEG."


def _of_objects(callers: Sequence[CallerRecord]) -> Iterator[str]:
    stored, refused = sum(one.stored for one in callers), sum(one.refused for one in callers)
    associations = sum(one.associations for one in callers)
    if refused:
        last = max((one for one in callers if one.last_refused_at), key=lambda one: str(one.last_refused_at))
        yield f"{counted(refused, 'object was', 'objects were')} refused, the last with {last.last_refusal}."
    if associations and not stored and not refused:
        yield (
            "It is let in, but never sent an image: look at the queue and the rules of the device. A verification "
            "(C-ECHO) proves the connection only."
        )
    if stored:
        yield "Images came: `hilum explain ACCESSION` tells what became of a study."


def _like(title: str, others: list[str]) -> str:
    """AE titles that may have been meant."""
    folded = {other.casefold(): other for other in others}
    near = [folded[one] for one in difflib.get_close_matches(title.casefold(), folded, n=3, cutoff=0.7)]
    return f" Similar: {', '.join(near)}." if near else ""
