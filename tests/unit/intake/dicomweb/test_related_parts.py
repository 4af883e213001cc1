"""multipart/related: the same parts however the body is cut, and never more than a clear refusal of what is none."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp_node.intake.dicomweb.related_parts import MalformedBody, MediaType, RelatedParts, boundary_of, media_type
from tests.support.fuzz import fuzz

BOUNDARY = "b0undary"


class Kept:
    """Keeps the parts."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, bytes]] = []
        self.open: list[bytes] | None = None
        self.name = ""

    def begin(self, media_type: MediaType) -> None:
        assert self.open is None
        self.open, self.name = [], media_type.name

    def write(self, piece: memoryview) -> None:
        assert self.open is not None
        self.open.append(bytes(piece))

    def end(self) -> None:
        if self.open is not None:
            self.parts.append((self.name, b"".join(self.open)))
            self.open = None


def read(body: bytes, cuts: list[int], parts_max: int = 10) -> list[tuple[str, bytes]]:
    kept = Kept()
    parts = RelatedParts(BOUNDARY, kept, parts_max)
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    for start, end in itertools.pairwise(places):
        parts.write(body[start:end])
    parts.finish()
    return kept.parts


# what looks like the boundary, and is not
CONTENT = st.lists(
    st.sampled_from([b"\r\n--b0undar", b"\r\n--b0undary-", b"--b0undary", b"\r", b"\n", b"-", b"x" * 300, b"\0"])
).map(b"".join)


@fuzz(300)
@given(contents=st.lists(CONTENT, min_size=1, max_size=5), cuts=st.lists(st.integers(0, 10**6), max_size=20))
def test_parts_are_the_same_however_the_body_is_cut(contents: list[bytes], cuts: list[int]) -> None:
    # content that has the boundary at the beginning of a line cannot be sent under it (RFC 2046 5.1.1)
    contents = [one.replace(b"\r\n--b0undary", b"") for one in contents]
    head = b"Content-Type: application/dicom\r\n\r\n"
    body = b"".join(b"--b0undary\r\n" + head + one + b"\r\n" for one in contents) + b"--b0undary--"
    if b"\r\n--b0undary" in b"".join(contents):
        return
    assert read(body, cuts) == [("application/dicom", one) for one in contents]


@fuzz(300)
@given(body=st.binary(max_size=400) | CONTENT, cuts=st.lists(st.integers(0, 400), max_size=5))
def test_what_is_no_body_is_refused_and_does_no_harm(body: bytes, cuts: list[int]) -> None:
    for prefix in (b"", b"--b0undary\r\n", b"--b0undary\r\nContent-Type: x\r\n\r\n"):
        with contextlib.suppress(MalformedBody):
            read(prefix + body, cuts)


@pytest.mark.parametrize(
    ("text", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary=x', "x"),
        ('Multipart/Related; TYPE="Application/DICOM"; Boundary="a b"', "a b"),
        ("multipart/related; boundary=x", "x"),
        ('multipart/related; boundary=x; type="application/dicom+xml"', None),
        ("multipart/mixed; boundary=x", None),
        ("application/dicom", None),
        ("", None),
    ],
)
def test_a_content_type(text: str, boundary: str | None) -> None:
    assert boundary_of(media_type(text)) == boundary


@pytest.mark.parametrize("text", ["", "; boundary=", f"; boundary={'x' * 201}", "; boundary=\xe9", '; boundary="a\tb"'])
def test_a_boundary_that_is_none(text: str) -> None:
    with pytest.raises(MalformedBody, match="boundary"):
        boundary_of(media_type(f"multipart/related{text}"))
