"""A-ASSOCIATE PDUs of strangers, read with the patience that PS3.8 9.3 asks for, before anything stricter sees them.

What a node does not know is skipped, padding is cut off, reserved fields are not looked at, and where an item comes
twice the first one counts. Nothing is made up: a value that is not there, or that is no UID, becomes NO_UID, which
nobody supports. Only a length that reaches beyond what holds it cannot be read: that raises MalformedAssociation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from scp_node.dimse.uids import UID_CHARACTERS_MAX

# Type, length, protocol version, called and calling AE title (PS3.8 Tables 9-11 and 9-17), up to the variable items.
HEAD = struct.Struct(">BxLHxx16s16s32x")
PROTOCOL_VERSION = 0x0001
# The UID form of the nil UUID (PS3.5 B.2).
NO_UID = "2.25.0"

APPLICATION_CONTEXT, PROPOSED_CONTEXT, ANSWERED_CONTEXT, USER_INFORMATION = 0x10, 0x20, 0x21, 0x50
ABSTRACT_SYNTAX, TRANSFER_SYNTAX = 0x30, 0x40
MAXIMUM_LENGTH, ROLE_SELECTION, USER_IDENTITY = 0x51, 0x54, 0x58
USER_IDENTITY_TYPES = range(1, 6)

_ITEM = struct.Struct(">BxH")
_CALLED, _CALLING = slice(10, 26), slice(26, 42)
_PADDING = bytes(range(0x21)) + b"\x7f"


class MalformedAssociation(ValueError):
    """An A-ASSOCIATE PDU whose lengths contradict each other."""


class Titles(NamedTuple):
    """AE titles as they are compared; a character outside ASCII stays one, so that no configured title equals it."""

    called: str
    calling: str


class CleanRequest(NamedTuple):
    """An A-ASSOCIATE-RQ without anything that a decoder may stumble over; `skipped` says which presentation contexts
    were left out, and why."""

    pdu: bytes
    skipped: tuple[str, ...]


class Accept(NamedTuple):
    """An A-ASSOCIATE-AC: result and transfer syntax ("" where none is named) by presentation context ID, and the
    longest PDU the peer takes; 0 is no limit."""

    contexts: dict[int, tuple[int, str]]
    pdu_bytes_max: int


def titles_of(pdu: bytes) -> Titles:
    """The AE titles of an A-ASSOCIATE-RQ, as far as they have come."""
    return Titles(_ae_title(pdu[_CALLED]), _ae_title(pdu[_CALLING]))


def is_version_supported(pdu: bytes) -> bool:
    """Whether bit 0 of the protocol version is set; no other bit is tested (PS3.8 Table 9-11)."""
    return len(pdu) < 8 or bool(pdu[7] & PROTOCOL_VERSION)


def clean_request(pdu: bytes) -> CleanRequest:
    """An A-ASSOCIATE-RQ that says the same as `pdu`, in the words that the node looks at. Titles that no application
    can have are there with question marks: who asks is to be read by `titles_of`. Raises MalformedAssociation."""
    application, user = "", list[tuple[int, bytes]]()
    contexts, skipped = dict[int, bytes](), list[str]()
    for kind, value in _variable_items(pdu):
        if kind == APPLICATION_CONTEXT:
            application = application or _uid(value)
        elif kind == USER_INFORMATION:
            user += _items(value, "the user information")
        elif kind == PROPOSED_CONTEXT:
            number = value[0] if value else 0
            if number % 2 == 0 or number in contexts:
                skipped.append(f"presentation context ID {number}: {'repeated' if number % 2 else 'not an odd number'}")
            else:
                contexts[number] = _proposed(number, value)
    items = _item(APPLICATION_CONTEXT, application.encode()) if application else b""
    items += b"".join(contexts.values()) + _item(USER_INFORMATION, b"".join(_requested(user)))
    version = PROTOCOL_VERSION if is_version_supported(pdu) else 0
    titles = (_encodable(title) for title in titles_of(pdu))
    head = HEAD.pack(pdu[0], HEAD.size - 6 + len(items), version, *titles)
    return CleanRequest(head + items, tuple(skipped))


def read_accept(pdu: bytes) -> Accept:
    """What an A-ASSOCIATE-AC says. The rest of it is not significant to whoever asked. Raises MalformedAssociation."""
    contexts, lengths = dict[int, tuple[int, str]](), list[int]()
    for kind, value in _variable_items(pdu):
        if kind == ANSWERED_CONTEXT and len(value) >= 4:
            syntaxes = [_uid(one) for sub, one in _context_items(value) if sub == TRANSFER_SYNTAX]
            contexts.setdefault(value[0], (value[2], next((one for one in syntaxes if one != NO_UID), "")))
        elif kind == USER_INFORMATION:
            lengths += _maximum_lengths(_items(value, "the user information"))
    if not contexts:
        raise MalformedAssociation("it answers no presentation context")
    return Accept(contexts, lengths[0] if lengths else 0)


# --- items --------------------------------------------------------------------------------------------------------


def _variable_items(pdu: bytes) -> Iterator[tuple[int, bytes]]:
    if len(pdu) < HEAD.size:
        raise MalformedAssociation(f"it ends after {len(pdu)} bytes, within its fixed part")
    return _items(pdu[HEAD.size :], "the PDU")


def _items(data: bytes, where: str) -> Iterator[tuple[int, bytes]]:
    """Type and value of each item of `data`; zeros that are too few for an item are padding."""
    position = 0
    while position + _ITEM.size <= len(data):
        kind, length = _ITEM.unpack_from(data, position)
        position += _ITEM.size
        if position + length > len(data):
            left = len(data) - position
            raise MalformedAssociation(f"item 0x{kind:02X} of {length} bytes where {where} has {left} left")
        yield kind, data[position : position + length]
        position += length
    if any(data[position:]):
        raise MalformedAssociation(f"{len(data) - position} bytes after the last item of {where}")


def _context_items(value: bytes) -> Iterator[tuple[int, bytes]]:
    """The sub-items behind ID, result and reserved bytes of a presentation context."""
    return _items(value[4:], f"presentation context {value[0]}")


def _proposed(number: int, value: bytes) -> bytes:
    """A presentation context with one abstract syntax, and with each of its transfer syntaxes once."""
    sub_items = list(_context_items(value))
    abstract = next((_uid(one) for kind, one in sub_items if kind == ABSTRACT_SYNTAX), NO_UID)
    offered = dict.fromkeys(_uid(one) for kind, one in sub_items if kind == TRANSFER_SYNTAX)
    syntaxes = [one for one in offered if one != NO_UID] or [NO_UID]
    names = b"".join(_item(TRANSFER_SYNTAX, one.encode()) for one in syntaxes)
    return _item(PROPOSED_CONTEXT, bytes((number, 0, 0, 0)) + _item(ABSTRACT_SYNTAX, abstract.encode()) + names)


def _requested(items: list[tuple[int, bytes]]) -> Iterator[bytes]:
    """The sub-items of the user information that this node looks at."""
    for length in _maximum_lengths(iter(items))[:1]:
        yield _item(MAXIMUM_LENGTH, struct.pack(">L", length))
    roles: dict[str, bytes] = {}
    for value in (value for kind, value in items if kind == ROLE_SELECTION and value):
        uid, rest = _counted(value, "a role selection")
        if len(rest) >= 2:
            roles.setdefault(_uid(uid), bytes((rest[0] > 0, rest[1] > 0)))
    for name, scu_and_scp in roles.items():
        yield _item(ROLE_SELECTION, struct.pack(">H", len(name)) + name.encode() + scu_and_scp)
    for value in [value for kind, value in items if kind == USER_IDENTITY and value[:1] in _KNOWN_IDENTITIES][:1]:
        primary, rest = _counted(value[2:], "a user identity")
        secondary, _ = _counted(rest, "a user identity") if rest else (b"", b"")
        fields = b"".join(struct.pack(">H", len(field)) + field for field in (primary, secondary))
        yield _item(USER_IDENTITY, bytes((value[0], any(value[1:2]))) + fields)


_KNOWN_IDENTITIES = {bytes((kind,)) for kind in USER_IDENTITY_TYPES}


def _maximum_lengths(items: Iterator[tuple[int, bytes]]) -> list[int]:
    return [int.from_bytes(value[:4], "big") for kind, value in items if kind == MAXIMUM_LENGTH and len(value) >= 4]


def _counted(data: bytes, where: str) -> tuple[bytes, bytes]:
    """A field with its length before it, and what follows."""
    length = int.from_bytes(data[:2], "big")
    if len(data) < 2 + length:
        raise MalformedAssociation(f"a field of {length} bytes where {where} has {max(0, len(data) - 2)} left")
    return data[2 : 2 + length], data[2 + length :]


def _item(kind: int, value: bytes) -> bytes:
    return _ITEM.pack(kind, len(value)) + value


# --- values -------------------------------------------------------------------------------------------------------


def _ae_title(field: bytes) -> str:
    """Without spaces and control characters at its ends, and as far as its first NUL: programs that keep titles in the
    way of C send what was in the memory behind it."""
    return field.lstrip(_PADDING).partition(b"\0")[0].rstrip(_PADDING).decode("latin-1")


def _encodable(title: str) -> bytes:
    return "".join(c if c.isascii() and c.isprintable() and c != "\\" else "?" for c in title or "?").encode().ljust(16)


def _uid(value: bytes) -> str:
    """A UID without padding, legal or not; NO_UID for what is empty, too long or not of printable ASCII."""
    text = value.strip(_PADDING).decode("latin-1")
    is_plain = text.isascii() and text.isprintable() and len(text) <= UID_CHARACTERS_MAX
    return text if text and is_plain else NO_UID
