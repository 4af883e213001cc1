"""Hosts and AE titles: what is taken as it is written, and what a resolver or an archive would take for another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from scp_node.settings.section import AETitle, Host

HOST: TypeAdapter[str] = TypeAdapter(Host)
TITLE: TypeAdapter[str] = TypeAdapter(AETitle)

HOSTS = (
    *("127.0.0.1", "10.0.0.5", "0.0.0.0", "255.255.255.255", "::1", "fe80::1", "2001:db8::10.0.0.1"),
    *(
        "localhost",
        "pacs",
        "PACS-1",
        "pacs_2",
        "pacs.example.org",
        "pacs.example.org.",
        "1pacs",
        "10-0-0-5.example.org",
    ),
    *("4you.example", "xn--rntgen-wxa.example", "a" * 63, ".".join(["a" * 60] * 4)),
)
NO_HOSTS = (
    *("", ".", "..", "pacs..example", ".pacs", "-pacs", "pacs-", "pacs.-a", "a" * 64, ".".join(["a" * 63] * 4) + ".a"),
    *(
        "192.168.1",
        "192.168",
        "3232235777",
        "10.0.0.05",
        "010.0.0.5",
        "10.0.0.256",
        "10.0.0.5.1",
        "10.0.0.5.",
        "1.2.3.0x7",
    ),
    *("0x7f000001", "0x7f.1", "pacs.1", "10.0.0.-1", "10.0.0. 5", "10,0,0,5", "127.1", "0", "0x"),
    *("[::1]", "::1]", ":::1", "1::2::3", "fe80::12345", "::1%", "2001:db8::/32"),
    *(
        "http://pacs",
        "pacs:4242",
        "10.0.0.5:104",
        "10.0.0.5/24",
        "pacs ",
        " pacs",
        "pa cs",
        "pacs\t",
        "pacs\n",
        "röntgen",
    ),
    *("pacs\\x", "user@pacs", "pacs;", "${PACS}", "\u0661\u0660.0.0.1", "\uff11.0.0.1", "pacs\0"),
)
NO_TITLES = (
    *("", " ", "   ", "A" * 17, "A\tB", "\tA", "A\t", "A\n", "\rA", "A\x00", "\x1b[31mA", "A\x7f", "A\\B", "\\"),
    *("RÖNTGEN", "A\u00a0B", "\u00a0A", "A\u200bB", "\u0410"),
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_taken_as_it_is_written(host: str) -> None:
    assert HOST.validate_python(host) == host


@pytest.mark.parametrize("host", NO_HOSTS)
def test_what_is_no_host_or_means_another_one_is_refused(host: str) -> None:
    with pytest.raises(ValidationError, match="is not"):
        HOST.validate_python(host)


@given(
    st.lists(st.integers(0, 999).map(str) | st.sampled_from(["00", "01", "0x1", "1e1", "+1"]), min_size=1, max_size=5)
)
def test_numbers_and_dots_are_four_plain_numbers_or_nothing(parts: list[str]) -> None:
    plain = len(parts) == 4 and all(part == str(int(part)) <= "9" * 3 for part in parts if part.isdigit())
    is_address = plain and all(part.isdigit() and int(part) < 256 for part in parts)
    host = ".".join(parts)
    if is_address:
        assert HOST.validate_python(host) == host
    elif parts[-1].isdigit() or parts[-1] == "0x1":
        with pytest.raises(ValidationError):
            HOST.validate_python(host)


@pytest.mark.parametrize("title", NO_TITLES)
def test_a_title_that_cannot_be_sent_is_refused(title: str) -> None:
    with pytest.raises(ValidationError, match="an AE title"):
        TITLE.validate_python(title)


@pytest.mark.parametrize(
    "title", ["A", "STORE SCP", " PACS ", "pacs", "A" * 16, "0123", "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"[:16]]
)
def test_a_title_is_taken_without_the_spaces_around_it(title: str) -> None:
    assert TITLE.validate_python(title) == title.strip()
