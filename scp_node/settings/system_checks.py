"""Checks of the section systems: what each kind needs, what it does not know, and who is notified."""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Iterator

from scp_node.settings.cross_check import CrossCheck
from scp_node.settings.model import Settings
from scp_node.settings.strict_yaml import Loc
from scp_node.settings.systems import System

# Keys that a kind has to have, and those that mean something to it, beside those that all kinds know.
NEEDED = {"hl7": ("host", "port"), "fhir": ("url",), "webhook": ("url", "secret"), "dicomweb": ("url",)}
OF_MESSAGES = ("notify_of", "raise_priority", "raise_for", "status")
OF_HL7 = ("host", "port", "tls", "sending_facility", "receiving_application", "receiving_facility", "charset")
KNOWN = {
    "hl7": (*OF_HL7, *OF_MESSAGES),
    "fhir": ("url", "token", *OF_MESSAGES),
    "webhook": ("url", "secret", "token", *OF_MESSAGES),
    "dicomweb": ("url", "token", "user", "password"),
}
OF_KINDS = frozenset(key for keys in KNOWN.values() for key in keys)
SECRET_PREFIX, SECRET_BYTES_MIN = "whsec_", 16


def system_checks(settings: Settings) -> Iterator[CrossCheck]:
    for name, system in settings.systems.items():
        loc: Loc = ("systems", name)
        if name in settings.remote_aes:
            yield CrossCheck(loc, "a remote AE is called so", "Give it another name.", (("remote_aes", name),))
        yield from _keys(loc, system)
    for index, route in enumerate(settings.routes):
        for position, name in enumerate(route.notify):
            where: Loc = ("routes", index, "notify", position)
            if name in settings.systems and name in settings.archives:
                hint = "It gets the results themselves where a route names it in to."
                yield CrossCheck(where, f"'{name}' takes no messages", hint, (("systems", name, "kind"),))
            elif name not in settings.systems:
                near = difflib.get_close_matches(name, settings.systems, n=1)
                known = ", ".join(settings.systems) or "none"
                hint = f"Did you mean '{near[0]}'?" if near else f"Known: {known}."
                yield CrossCheck(where, f"no system is called '{name}'", hint, (("systems", name),))


def _keys(loc: Loc, system: System) -> Iterator[CrossCheck]:
    kind: Loc = (*loc, "kind")
    for key in NEEDED[system.kind]:
        if getattr(system, key) is None:
            yield CrossCheck(kind, f"{system.kind} needs {key}", f"Write {key} beside kind.", ((*loc, key),))
    for key in sorted(system.model_fields_set & OF_KINDS):
        if key not in KNOWN[system.kind] and getattr(system, key) != System.model_fields[key].default:
            fitting = [one for one, keys in KNOWN.items() if key in keys]
            yield CrossCheck(
                (*loc, key), f"means nothing to {system.kind}", f"It belongs to {' and '.join(fitting)}.", (kind,)
            )
    if system.token is not None and system.user is not None:
        yield CrossCheck((*loc, "user"), "has a token, too", "Write token, or user and password.", ((*loc, "token"),))
    if (system.user is None) != (system.password is None):
        given = "user" if system.password is None else "password"
        yield CrossCheck((*loc, given), "user and password belong together", "Write both, or neither.")
    files = [key for key in ("ca", "certificate", "key", "certificate_sha256") if getattr(system, key)]
    if files and not system.is_over_tls:
        what = "Write tls: true." if system.kind == "hl7" else "Write https:// in url."
        yield CrossCheck(
            (*loc, files[0]), "is set, but it is reached without TLS", what, ((*loc, "tls"), (*loc, "url"))
        )
    if system.key is not None and system.certificate is None:
        yield CrossCheck((*loc, "key"), "has no certificate that it belongs to", "", ((*loc, "certificate"),))
    if system.secret is not None and system.secret.startswith(SECRET_PREFIX) and not _is_key(system.secret):
        hint = "Write 'whsec_' and at least 16 bytes in base64, or a text without that beginning."
        yield CrossCheck((*loc, "secret"), "begins like a secret in base64 and is none", hint)


def _is_key(secret: str) -> bool:
    try:
        return len(base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)) >= SECRET_BYTES_MIN
    except binascii.Error:
        return False
