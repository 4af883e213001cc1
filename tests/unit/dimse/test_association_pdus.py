"""Association PDUs mean the same whatever a node is to ignore in them, and are harmless whatever they hold."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE

from scp_node.dimse.association_pdus import (
    HEAD,
    NO_UID,
    MalformedAssociation,
    Titles,
    clean_request,
    is_version_supported,
    read_accept,
    titles_of,
)
from scp_node.dimse.uids import APPLICATION_CONTEXT_NAME, EXPLICIT_LE, IMPLICIT_LE, STORAGE_COMMITMENT, VERIFICATION
from tests.support.fuzz import fuzz
from tests.support.hostile.messages import APPLICATION, ITEMS, USER, context, request_of, user
from tests.support.peers.raw_scu import request_item

SYNTAXES = [IMPLICIT_LE, EXPLICIT_LE, "1.2.840.10008.1.2.4.70", "1.2.3.4"]
ABSTRACT = [VERIFICATION, STORAGE_COMMITMENT, "1.2.840.10008.5.1.4.1.1.1", "1.2.3"]


@dataclass(frozen=True)
class Meaning:
    """What a request says."""

    contexts: dict[int, tuple[str, list[str]]]
    roles: dict[str, tuple[int, int]]
    identity: tuple[int, int, bytes, bytes] | None
    maximum_length: int
    titles: Titles


def _nothing(_: set[int]) -> bytes:
    return b""


@dataclass(frozen=True)
class Writer:
    """How it says so: what lies between items, behind UIDs and around titles, and what stands in reserved fields."""

    junk: Callable[[set[int]], bytes] = _nothing
    padding: Callable[[], bytes] = bytes
    title_padding: Callable[[], bytes] = bytes
    reserved: Callable[[int], bytes] = bytes
    version: int = 1
    more_user: list[bytes] = field(default_factory=list)

    def request(self, meaning: Meaning) -> bytes:
        contexts = [self._proposed(number, *one) for number, one in meaning.contexts.items()]
        roles = [self._role(uid, *roles) for uid, roles in meaning.roles.items()]
        identity = [] if meaning.identity is None else [self._identity(*meaning.identity)]
        length = self._item(0x51, struct.pack(">L", meaning.maximum_length))
        information = self._mixed([length, *roles, *identity, *self.more_user], {0x51, 0x54, 0x58})
        items = [self._item(0x10, self._uid(APPLICATION_CONTEXT_NAME)), *contexts, self._item(0x50, information)]
        return self._pdu(0x01, self._mixed(items, {0x10, 0x20, 0x50}), meaning.titles)

    def accept(self, results: dict[int, tuple[int, str]], maximum_length: int) -> bytes:
        contexts = []
        for number, (result, syntax) in results.items():
            names = self._mixed([self._item(0x40, self._uid(syntax))] if syntax else [], {0x40})
            head = bytes((number,)) + self.reserved(1) + bytes((result,)) + self.reserved(1)
            contexts.append(self._item(0x21, head + names))
        length = self._item(0x51, struct.pack(">L", maximum_length))
        information = self._item(0x50, self._mixed([length, *self.more_user], {0x51}))
        return self._pdu(0x02, self._mixed([*contexts, information], {0x21, 0x50}), Titles("A", "B"))

    def _pdu(self, kind: int, items: bytes, titles: Titles) -> bytes:
        head = bytes((kind,)) + self.reserved(1) + struct.pack(">LH", HEAD.size - 6 + len(items), self.version)
        return head + self.reserved(2) + b"".join(map(self._title, titles)) + self.reserved(32) + items

    def _title(self, title: str) -> bytes:
        before = b" " if len(title) < 16 and self.title_padding() else b""
        return (before + title.encode() + self.title_padding())[:16].ljust(16)

    def _proposed(self, number: int, abstract: str, syntaxes: list[str]) -> bytes:
        names = [self._item(0x30, self._uid(abstract)), *(self._item(0x40, self._uid(one)) for one in syntaxes)]
        return self._item(0x20, bytes((number,)) + self.reserved(3) + self._mixed(names, {0x30, 0x40}))

    def _role(self, uid: str, scu: int, scp: int) -> bytes:
        name = self._uid(uid)
        return self._item(0x54, struct.pack(">H", len(name)) + name + bytes((scu, scp)))

    def _identity(self, kind: int, is_asked: int, primary: bytes, secondary: bytes) -> bytes:
        fields = b"".join(struct.pack(">H", len(one)) + one for one in (primary, secondary))
        return self._item(0x58, bytes((kind, is_asked)) + fields)

    def _uid(self, uid: str) -> bytes:
        return uid.encode() + self.padding()

    def _item(self, kind: int, value: bytes) -> bytes:
        return bytes((kind,)) + self.reserved(1) + struct.pack(">H", len(value)) + value

    def _mixed(self, items: list[bytes], known: set[int]) -> bytes:
        return self.junk(known) + b"".join(one + self.junk(known) for one in items)


PLAIN = Writer()
roles = st.tuples(st.integers(0, 1), st.integers(0, 1))
names = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=1, max_size=16)
meanings = st.builds(
    Meaning,
    contexts=st.dictionaries(
        st.integers(0, 127).map(lambda n: 2 * n + 1),
        st.tuples(st.sampled_from(ABSTRACT), st.lists(st.sampled_from(SYNTAXES), min_size=1, unique=True)),
        max_size=5,
    ),
    roles=st.dictionaries(st.sampled_from(ABSTRACT), roles, max_size=3),
    identity=st.none()
    | st.tuples(st.integers(1, 5), st.integers(0, 1), st.binary(min_size=1, max_size=9), st.binary(max_size=9)),
    maximum_length=st.integers(0, 2**32 - 1),
    titles=st.builds(Titles, names, names),
)


@st.composite
def odd_writers(draw: st.DrawFn) -> Writer:
    def junk(known: set[int]) -> bytes:
        kinds = st.integers(0, 255).filter(lambda kind: kind not in known)
        return b"".join(request_item(draw(kinds), draw(st.binary(max_size=20))) for _ in range(draw(st.integers(0, 2))))

    return Writer(
        junk=junk,
        padding=lambda: draw(st.sampled_from([b"", b"\0", b" ", b"\0\0", b" \0"])),
        title_padding=lambda: draw(st.sampled_from([b"", b" " * 16, b"\0" * 16, b"\t ", b"\0x\xff"])),
        reserved=lambda count: draw(st.binary(min_size=count, max_size=count)),
        version=draw(st.integers(0, 0x7FFF)) * 2 + 1,
        more_user=[request_item(0x55, draw(st.binary(max_size=40))), request_item(0x51, draw(st.binary(max_size=3)))],
    )


@given(meanings, odd_writers())
def test_a_request_means_the_same_whatever_is_to_be_ignored(meaning: Meaning, odd: Writer) -> None:
    clean, request = clean_request(PLAIN.request(meaning)), odd.request(meaning)
    assert clean_request(request) == clean
    assert titles_of(request) == meaning.titles
    assert is_version_supported(request)


@given(meanings)
def test_a_clean_request_says_what_the_request_said(meaning: Meaning) -> None:
    read = decoded(clean_request(PLAIN.request(meaning)).pdu)
    assert (read.called_ae_title, read.calling_ae_title) == meaning.titles
    assert read.application_context_name == APPLICATION_CONTEXT_NAME
    assert {
        context.context_id: (context.abstract_syntax, context.transfer_syntax)
        for context in read.presentation_context_definition_list
    } == meaning.contexts
    said: list[Any] = read.user_information
    assert read.maximum_length_received == meaning.maximum_length
    found = {one.sop_class_uid: (one.scu_role, one.scp_role) for one in said if hasattr(one, "scu_role")}
    assert found == meaning.roles
    identities = [
        (one.user_identity_type, one.positive_response_requested, one.primary_field, one.secondary_field)
        for one in said
        if hasattr(one, "primary_field")
    ]
    assert identities == ([] if meaning.identity is None else [meaning.identity])


@given(
    st.dictionaries(
        st.integers(0, 255), st.tuples(st.integers(0, 255), st.sampled_from([*SYNTAXES, ""])), min_size=1, max_size=5
    ),
    st.integers(0, 2**32 - 1),
    odd_writers(),
)
def test_an_acceptance_means_the_same_whatever_is_to_be_ignored(
    results: dict[int, tuple[int, str]], maximum_length: int, odd: Writer
) -> None:
    assert read_accept(odd.accept(results, maximum_length)) == (results, maximum_length)


def decoded(pdu: bytes) -> A_ASSOCIATE:
    request = A_ASSOCIATE_RQ()
    request.decode(pdu)
    return request.to_primitive()


EXAMPLE = PLAIN.request(
    Meaning({1: (VERIFICATION, SYNTAXES)}, {VERIFICATION: (1, 0)}, (2, 1, b"u", b"p"), 9, Titles("A", "B"))
)


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@given(st.dictionaries(st.integers(6, len(EXAMPLE) - 1), st.integers(0, 255), max_size=6), st.binary(max_size=9))
@fuzz(400)
def test_what_is_not_refused_is_readable(changes: dict[int, int], tail: bytes) -> None:
    data = bytearray(EXAMPLE + tail)
    for position, byte in changes.items():
        data[position] = byte
    try:
        clean = clean_request(bytes(data))
    except MalformedAssociation:
        return
    decoded(clean.pdu)
    assert clean_request(clean.pdu).pdu == clean.pdu


@pytest.mark.parametrize(
    ("field", "title"),
    [
        (b"HILUM           ", "HILUM"),
        (b"   HILUM        ", "HILUM"),
        (b"HILUM\0\0\0\0\0\0\0\0\0\0\0", "HILUM"),
        (b"\0\0HILUM\0        ", "HILUM"),
        (b"HILUM\0OLDTITLE\xff\1", "HILUM"),
        (b"\tHILUM\r\n        ", "HILUM"),
        (b"HI LUM          ", "HI LUM"),
        (b"HI\tLUM          ", "HI\tLUM"),
        (b"HIL\xdcM           ", "HIL\xdcM"),
        (b"\xef\xbb\xbfHILUM", "\xef\xbb\xbfHILUM"),
        (b"\x1b[31mHILUM", "[31mHILUM"),
        (b" " * 16, ""),
        (b"\0" * 16, ""),
        (b"", ""),
    ],
)
def test_a_title_is_what_stands_between_its_padding(field: bytes, title: str) -> None:
    pdu = bytes(10) + b"CALLED".ljust(16) + field
    assert titles_of(pdu) == ("CALLED", title)
    assert titles_of(bytes(10) + field).called == title


def contexts_of(*items: bytes) -> dict[int | None, tuple[str | None, list[str]]]:
    primitive = decoded(clean_request(request_of(APPLICATION, *items, USER)).pdu)
    found = primitive.presentation_context_definition_list
    return {one.context_id: (one.abstract_syntax, list(one.transfer_syntax)) for one in found}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (context(1), {1: (VERIFICATION, [NO_UID])}),
        (context(1, ""), {1: (VERIFICATION, [NO_UID])}),
        (context(1, "", IMPLICIT_LE), {1: (VERIFICATION, [IMPLICIT_LE])}),
        (context(1, IMPLICIT_LE, IMPLICIT_LE), {1: (VERIFICATION, [IMPLICIT_LE])}),
        (context(1, IMPLICIT_LE, abstract=""), {1: (NO_UID, [IMPLICIT_LE])}),
        (context(1, IMPLICIT_LE, abstract="1" * 65), {1: (NO_UID, [IMPLICIT_LE])}),
        (request_item(0x20, b"\1\0\0\0"), {1: (NO_UID, [NO_UID])}),
        (request_item(0x20, b"\1"), {1: (NO_UID, [NO_UID])}),
        (context(1, IMPLICIT_LE) + context(1, EXPLICIT_LE, abstract="1.2.3"), {1: (VERIFICATION, [IMPLICIT_LE])}),
        (context(2, IMPLICIT_LE) + context(0, IMPLICIT_LE) + request_item(0x20, b""), {}),
    ],
)
def test_a_context_that_cannot_be_accepted_stands_for_nothing_that_could(item: bytes, expected: Any) -> None:
    assert contexts_of(item) == expected


def test_contexts_that_are_left_out_are_told() -> None:
    request = request_of(APPLICATION, context(2, IMPLICIT_LE), *[context(3, IMPLICIT_LE)] * 2, USER)
    assert clean_request(request).skipped == (
        "presentation context ID 2: not an odd number",
        "presentation context ID 3: repeated",
    )


@pytest.mark.parametrize("version", [0, 2, 0xFFFE])
def test_another_protocol_version_stays_one(version: int) -> None:
    request = request_of(*ITEMS, version=version)
    assert not is_version_supported(request)
    assert struct.unpack_from(">H", clean_request(request).pdu, 6) != (1,)


@pytest.mark.parametrize(
    "items",
    [
        [],
        [b""],
        [request_item(0x58, b"")],
        [request_item(0x58, b"\x09\1\0\1u\0\0")],
        [request_item(0x58, b"\0\0\0\0\0\0")],
        [request_item(0x54, b"")],
        [request_item(0x54, b"\0\5" + b"1.2.3")],
        [request_item(0x51, b"")],
    ],
)
def test_user_information_that_says_nothing_is_left_out(items: list[bytes]) -> None:
    assert clean_request(request_of(*ITEMS[:2], user(*items))) == clean_request(request_of(*ITEMS[:2], user()))


def test_of_a_repeated_identity_the_first_one_counts() -> None:
    first, second = request_item(0x58, b"\1\1\0\1a\0\0"), request_item(0x58, b"\1\1\0\1b\0\0")
    assert clean_request(request_of(*ITEMS[:2], user(first, second))) == clean_request(
        request_of(*ITEMS[:2], user(first))
    )


@pytest.mark.parametrize(
    "items",
    [
        [b"\x20\0\xff\xff\1\0\0\0"],
        [APPLICATION[:-1]],
        [request_item(0x20, bytes((1, 0, 0, 0)) + b"\x30\0\0\x09" + b"1.2")],
        [request_item(0x50, b"\x51\0\0\x05\0\0\0\0")],
        [user(request_item(0x54, b"\0\x09" + b"1.2.3"))],
        [user(request_item(0x58, b"\2\1\0\x09user"))],
        [user(request_item(0x58, b"\2\1\0\4user\0\x09pass"))],
        [b"\1"],
    ],
)
def test_a_length_beyond_what_holds_it_is_malformed(items: list[bytes]) -> None:
    with pytest.raises(MalformedAssociation, match=r"\d"):
        clean_request(request_of(*items))


@pytest.mark.parametrize("length", [0, 6, 42, HEAD.size - 1])
def test_a_pdu_that_ends_in_its_fixed_part_is_malformed(length: int) -> None:
    for read in (clean_request, read_accept):
        with pytest.raises(MalformedAssociation, match=f"after {length} bytes"):
            read(request_of(*ITEMS)[:length])


def test_an_acceptance_that_answers_nothing_is_malformed() -> None:
    with pytest.raises(MalformedAssociation, match="no presentation context"):
        read_accept(PLAIN.accept({}, 0))
