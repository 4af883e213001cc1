"""Whatever stands in a configuration file: it is read, or every problem has its place; never a surprise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from scp_node.errors import ConfigurationError
from scp_node.settings import Settings
from scp_node.settings.file import load_settings
from scp_node.settings.strict_yaml import read_yaml
from tests.support.checkout import CONFIG
from tests.support.fuzz import fuzz

FILES = [(CONFIG / name).read_bytes() for name in ("node.yaml", "node.reference.yaml")]
PROBLEM = re.compile(r".*node\.yaml(:\d+){0,2}: .+|    .+")
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(
        ["${HOME}", "${}", "${NOT_SET}", "yes", "1e400", "../../x", "0.0.0.0", "\x00", "\ud7ff", "a" * 5000]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from([b"&a ", b"*a ", b"<<: ", b"!!python/object:os.system ", b"? ", b"- ", b"{", b"}", b"[", b"]",
                         b"|\n", b">-\n", b"---\n", b"...\n", b"%YAML 1.1\n", b"\t", b"\xff", b"\xef\xbb\xbf", b"\r",
                         b"#", b"\0", b"'", b'"', b": ", b"!!binary ", b"\xe2\x80\xa8", b"!<tag:x> "])  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The file with pieces cut out, doubled, put elsewhere or replaced by words of YAML."""
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(content)))
        end = start + draw(st.integers(0, 60))
        piece = draw(st.one_of(st.just(b""), WORDS, st.binary(max_size=8), st.just(content[start:end] * 2)))
        content = content[:start] + piece + content[end:]
    return content


def load(folder: Path, content: bytes) -> Settings | None:
    """The settings, or None when they were refused in order."""
    file = folder / "node.yaml"
    file.write_bytes(content)
    try:
        return load_settings(file)
    except ConfigurationError as error:
        lines = str(error).splitlines()
        assert lines and [line for line in lines if not PROBLEM.fullmatch(line)] == []
        return None


@given(content=st.binary(max_size=300))
@fuzz(300)
def test_any_bytes_are_refused_in_order(tmp_path: Path, content: bytes) -> None:
    read_yaml(content)
    assert load(tmp_path, content) is None


@given(content=st.sampled_from(FILES).flatmap(damaged))
@fuzz(300)
def test_a_damaged_file_is_read_or_refused_in_order(tmp_path: Path, content: bytes) -> None:
    settings = load(tmp_path, content)
    if settings is not None:
        assert settings.node.ae_title and settings.remote_aes and settings.routes


def replaced(document: Any, path: list[str | int], value: Any) -> Any:
    if not path:
        return value
    copy: Any = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = replaced(copy[path[0]], path[1:], value)
    return copy


def places(document: Any, path: tuple[str | int, ...] = ()) -> list[list[str | int]]:
    children = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else []
    )
    return [list(path), *(place for key, child in children for place in places(child, (*path, key)))]


REFERENCE = yaml.safe_load(FILES[1])


@example(place=[], value={" \x85": None})
@given(place=st.sampled_from(places(REFERENCE)), value=VALUES)
@fuzz(300)
def test_any_value_at_any_place_is_taken_or_refused_in_order(
    tmp_path: Path, place: list[str | int], value: Any
) -> None:
    load(tmp_path, yaml.safe_dump(replaced(REFERENCE, place, value), allow_unicode=True).encode("utf-8", "replace"))


def test_the_undamaged_files_are_taken(tmp_path: Path) -> None:
    assert [load(tmp_path, content) is not None for content in FILES] == [True, True]
