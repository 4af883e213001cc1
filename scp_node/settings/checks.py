"""Checks between sections of the configuration: names that point somewhere, values that contradict each other."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from scp_node.settings.cross_check import CrossCheck
from scp_node.settings.model import Settings
from scp_node.settings.network import NEEDS_PROFILE
from scp_node.settings.routes import AUTO, PATTERN_KEYS
from scp_node.settings.storage_checks import storage_checks
from scp_node.settings.strict_yaml import Loc
from scp_node.settings.system_checks import system_checks
from scp_node.settings.web import STOW_PREFIX


def cross_checks(settings: Settings) -> list[CrossCheck]:
    """Everything that only shows when sections are read together, each problem at its own place in the file."""
    return [
        *_unknown_remote_aes(settings),
        *_auto_alone(settings),
        *_repeated_names(settings),
        *_senders(settings),
        *_protection(settings),
        *_contradictions(settings),
        *_addresses(settings),
        *_console(settings),
        *system_checks(settings),
        *storage_checks(settings),
    ]


def _unknown_remote_aes(settings: Settings) -> Iterator[CrossCheck]:
    for index, route in enumerate(settings.routes):
        for key, names in ((("when", "from"), route.when.from_), (("to",), route.to)):
            for position, name in enumerate(names):
                if key[0] == "when" and name.startswith(STOW_PREFIX) and settings.web.stow.enabled:
                    continue  # a user, whom the ledger knows
                if name not in settings.archives:
                    near = difflib.get_close_matches(name, settings.archives, n=1)
                    hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(settings.archives)}."
                    if name.startswith(STOW_PREFIX):
                        hint = "Who sends by STOW-RS is known while web.stow.enabled is set, and only in when.from."
                    loc = ("routes", index, *key, position)
                    yield CrossCheck(loc, f"no remote AE is called '{name}'", hint, (("remote_aes", name),))


def _auto_alone(settings: Settings) -> Iterator[CrossCheck]:
    for index, route in enumerate(settings.routes):
        if AUTO in route.results and len(route.results) > 1:
            message = f"'{AUTO}' stands alone: it chooses by what each destination takes"
            yield CrossCheck(("routes", index, "results", route.results.index(AUTO)), message)


def _repeated_names(settings: Settings) -> Iterator[CrossCheck]:
    lists: list[tuple[Loc, list[str]]] = [(("inference", "providers"), [*settings.inference.providers])]
    for index, route in enumerate(settings.routes):
        lists += [
            (("routes", index, "when", "from"), route.when.from_),
            *((("routes", index, "when", key), getattr(route.when, key)) for key in PATTERN_KEYS),
            (("routes", index, "results"), [*route.results]),
            (("routes", index, "to"), route.to),
            (("routes", index, "notify"), route.notify),
        ]
        for other in range(index):
            if settings.routes[other].name == route.name:
                message = f"a second route is called '{route.name}'"
                yield CrossCheck(("routes", index, "name"), message, involves=(("routes", other, "name"),))
                break
    for loc, names in lists:
        for position, name in enumerate(names):
            if name in names[:position]:
                first = (*loc, names.index(name))
                yield CrossCheck((*loc, position), f"'{name}' is listed twice", involves=(first,))


def _senders(settings: Settings) -> Iterator[CrossCheck]:
    senders = [(name, ae) for name, ae in settings.remote_aes.items() if ae.may_send]
    for position, (name, ae) in enumerate(senders):
        for first, other in senders[:position]:
            if ae.ae_title == other.ae_title and _overlap(ae.addresses, other.addresses):
                loc = ("remote_aes", name, "ae_title")
                compared = tuple(("remote_aes", first, key) for key in ("ae_title", "may_send", "addresses"))
                mine = tuple(("remote_aes", name, key) for key in ("may_send", "addresses"))
                hint = "Two senders may share an AE title when both have addresses, and no address in common."
                yield CrossCheck(loc, f"'{first}' already sends as {ae.ae_title}", hint, (*compared, *mine))
                break
    if not senders and not settings.web.stow.enabled:
        involves = tuple(("remote_aes", name, "may_send") for name in settings.remote_aes)
        hint = "Set may_send: true for the PACS or modality that sends images."
        yield CrossCheck(("remote_aes",), "no remote AE may send", hint, involves)


def _overlap(some: list[str], others: list[str]) -> bool:
    """Whether an address may be in both lists; an empty list stands for every address."""
    if not some or not others:
        return True
    pairs = ((ipaddress.ip_network(one), ipaddress.ip_network(other)) for one in some for other in others)
    return any(one.version == other.version and one.overlaps(other) for one, other in pairs)


def _protection(settings: Settings) -> Iterator[CrossCheck]:
    tls = settings.tls
    profile: Loc = ("tls", "profile")
    if settings.exposes_plaintext:
        message = f"{settings.node.bind} can be reached from other machines, and tls.profile is off"
        hint = (
            "Set tls.profile with certificate, key and ca. Where the network itself is trusted: "
            "tls: {allow_plaintext: true}. For this machine only: bind: 127.0.0.1."
        )
        yield CrossCheck(("node", "bind"), message, hint, (profile, ("tls", "allow_plaintext")))
    written = tls.model_fields_set
    asked = [key for key in NEEDS_PROFILE if key in written and getattr(tls, key) is not None]
    if asked and "profile" not in written:
        hint = "Write tls.profile: bcp195 with certificate, key and ca. To stay without TLS: profile: off."
        involves = tuple(("tls", key) for key in asked)
        yield CrossCheck(("tls", asked[0]), "is set, but no tls.profile: nothing would be encrypted", hint, involves)
    if tls.profile != "off":
        for key, path in (("certificate", tls.certificate), ("ca", tls.ca)):
            if path is None:
                yield CrossCheck(profile, f"{tls.profile} needs tls.{key}", involves=(("tls", key),))
    if tls.alarm_before_days > tls.warn_before_days:
        involves = (("tls", "warn_before_days"),)
        yield CrossCheck(("tls", "alarm_before_days"), "is longer than warn_before_days", involves=involves)
    for name, ae in settings.remote_aes.items():
        loc: Loc = ("remote_aes", name)
        if ae.tls and tls.profile == "off":
            yield CrossCheck((*loc, "tls"), "is true, but tls.profile is off", involves=(profile,))
        if ae.passcode is not None and ae.user is None:
            yield CrossCheck((*loc, "passcode"), "has no user that it belongs to", involves=((*loc, "user"),))
        for key in ("certificate_sha256", "certificate_subject"):
            if getattr(ae, key) and tls.profile == "off":
                yield CrossCheck((*loc, key), "there are no certificates while tls.profile is off", involves=(profile,))
            elif getattr(ae, key) and ae.may_send and not tls.verify_peer:
                compared = (profile, ("tls", "verify_peer"), (*loc, "may_send"))
                yield CrossCheck((*loc, key), "no sender shows a certificate, verify_peer is false", involves=compared)


def _contradictions(settings: Settings) -> Iterator[CrossCheck]:
    if settings.delivery.retry_max_s < settings.delivery.retry_first_s:
        involves = (("delivery", "retry_first_s"),)
        yield CrossCheck(("delivery", "retry_max_s"), "is shorter than retry_first_s", involves=involves)
    limits = settings.receiver
    if limits.connections_max < limits.associations_max:
        involves = (("receiver", "associations_max"),)
        yield CrossCheck(("receiver", "connections_max"), "is less than associations_max", involves=involves)
    if settings.drift.psi_alarm_min < settings.drift.psi_watch_min:
        yield CrossCheck(
            ("drift", "psi_alarm_min"), "is less than psi_watch_min", involves=(("drift", "psi_watch_min"),)
        )
    yield from _kept_longer_than_its_study(settings)
    for index, route in enumerate(settings.routes):
        if route.shadow is not None and route.shadow == route.model.partition("#")[0]:
            own: Loc = ("routes", index, "model")
            yield CrossCheck(("routes", index, "shadow"), "is the model of the route itself", involves=(own,))
        ages = route.when.patient_age
        if ages.min_years is not None and ages.max_years is not None and ages.min_years > ages.max_years:
            place: Loc = ("routes", index, "when", "patient_age")
            yield CrossCheck((*place, "max_years"), "is less than min_years", involves=((*place, "min_years"),))
    if settings.workers.stat_ahead_s < settings.workers.high_ahead_s:
        involves = (("workers", "high_ahead_s"),)
        yield CrossCheck(("workers", "stat_ahead_s"), "is less than high_ahead_s", involves=involves)
    if settings.inference.gpu_required and "cuda" not in settings.inference.providers:
        involves = (("inference", "providers"),)
        yield CrossCheck(("inference", "gpu_required"), "is true, but providers has no cuda", involves=involves)


def _kept_longer_than_its_study(settings: Settings) -> Iterator[CrossCheck]:
    kept = settings.retention
    if kept.studies_days is None:
        return
    for key in ("images_days", "results_days"):
        days = getattr(kept, key)
        if days is None or days > kept.studies_days:
            hint = (
                "What is left of the files of a study goes with its rows: write null for studies_days, or fewer days."
            )
            message = "is longer than studies_days"
            yield CrossCheck(("retention", key), message, hint, (("retention", "studies_days"),))


def _addresses(settings: Settings) -> Iterator[CrossCheck]:
    node, web = settings.node, settings.web
    if web.port == node.port and (node.bind == web.bind or {node.bind, web.bind} & {"0.0.0.0", "::"}):
        yield CrossCheck(("web", "port"), "is the port of the DICOM listener", involves=(("node", "port"),))


def _console(settings: Settings) -> Iterator[CrossCheck]:
    web = settings.web
    certificate: Loc = ("web", "tls_certificate")
    if not (ipaddress.ip_address(web.bind).is_loopback or web.tls_certificate or web.proxy):
        hint = (
            "Set web.tls_certificate and web.tls_key, or name the reverse proxy that speaks TLS, such as "
            "proxy: [10.1.2.3]. For this machine only: bind: 127.0.0.1."
        )
        message = "can be reached from other machines, and passwords would travel without TLS"
        yield CrossCheck(("web", "bind"), message, hint, (certificate, ("web", "proxy")))
    if web.tls_key is not None and web.tls_certificate is None:
        yield CrossCheck(("web", "tls_key"), "has no tls_certificate that it belongs to", involves=(certificate,))
    if web.session_max_s < web.session_idle_s:
        involves = (("web", "session_idle_s"),)
        yield CrossCheck(("web", "session_max_s"), "is shorter than session_idle_s", involves=involves)
    yield from _provider(settings)


def _provider(settings: Settings) -> Iterator[CrossCheck]:
    oidc = settings.web.oidc
    loc: Loc = ("web", "oidc", "issuer")
    if oidc.issuer is None:
        return
    host = urlsplit(oidc.issuer).hostname or ""
    if oidc.issuer.startswith("http:") and host not in ("localhost", "127.0.0.1", "::1"):
        yield CrossCheck(
            loc, "is asked without TLS: whoever stands between could sign in as anybody", "Write https://."
        )
    if oidc.client_id is None:
        yield CrossCheck(loc, "needs client_id, the name of this node there", involves=(("web", "oidc", "client_id"),))
    if not (oidc.viewers or oidc.operators or oidc.admins):
        keys = ("viewers", "operators", "admins")
        hint = "Write the values of role_claim: viewers: [radiology], admins: [pacs-admins]."
        yield CrossCheck(loc, "nobody would get a role", hint, tuple(("web", "oidc", key) for key in keys))
