"""Strict YAML: what is written is what is read, and every problem has its place."""

from __future__ import annotations

import pytest

from scp_node.settings.strict_yaml import DEPTH_MAX, FILE_BYTES_MAX, Position, Problem, read_yaml


def problems(content: str | bytes) -> list[str]:
    document = read_yaml(content if isinstance(content, bytes) else content.encode())
    return [problem.lines("f").partition("\n")[0] for problem in document.problems]


CHANGED_BY_YAML_1_1 = "ON on yes No off y 0123 0x1F 0o17 1_000 1:30 2024-01-01 1e5 .inf .nan NULL True TRUE = +0123 <<"


@pytest.mark.parametrize("text", [*CHANGED_BY_YAML_1_1.split(), "1.2.3"])
def test_words_that_yaml_1_1_would_change_stay_text(text: str) -> None:
    assert read_yaml(f"key: {text}".encode()).data == {"key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("[1, a]", [1, "a"]),
    ],
)
def test_plain_numbers_and_truth_values_are_read(text: str, value: object) -> None:
    data = read_yaml(f"key: {text}".encode()).data
    assert data == {"key": value}
    assert type(data["key"]) is type(value)


def test_keys_are_always_text() -> None:
    assert read_yaml(b"on: 1\n12: 2\nnull: 3\ntrue: 4").data == {"on": 1, "12": 2, "null": 3, "true": 4}


def test_a_number_too_long_for_a_computer_stays_text() -> None:
    digits = "9" * 5000
    assert read_yaml(f"key: {digits}".encode()).data == {"key": digits}


def test_aliases_anchors_tags_merge_keys_and_repeated_keys_are_all_reported_in_one_run() -> None:
    content = "a: &x 1\nb: *x\n<<: {c: 1}\nd: !!python/object:os.system 'true'\na: 2\n? [e]\n: 3\n"
    assert problems(content) == [
        "f:1:4: (syntax): the anchor &x is not allowed here",
        "f:2:4: (syntax): the alias *x is not allowed here",
        "f:4:4: (syntax): the tag 'tag:yaml.org,2002:python/object:os.system' is not allowed here",
        "f:3:1: <<: merge keys are not allowed here",
        "f:5:1: a: is given twice; the first one is in line 1",
        "f:6:3: (file): a key must be plain text",
    ]


def test_values_that_could_not_be_read_are_known_as_unusable() -> None:
    document = read_yaml(b"a: &x {b: 1}\nc: [*x, 2]\nd: !t 5")
    assert document.unusable == {("c", 0), ("d",)}
    assert document.data == {"a": {"b": 1}, "c": [None, 2], "d": None}


def test_a_bomb_of_aliases_is_not_unfolded() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    document = read_yaml("\n".join(lines).encode())
    assert len(document.problems) == 10 + 81
    assert document.data["a9"] == [None] * 9


def test_deep_nesting_is_a_problem_and_no_crash() -> None:
    assert problems("[" * 50_000) == [f"f:1:{DEPTH_MAX + 1}: (syntax): nested deeper than {DEPTH_MAX} levels"]


def test_every_line_with_a_tab_in_its_indentation_is_shown() -> None:
    assert problems("a:\n\tb: 1\n  \tc: 2\n") == [
        "f:2:1: (syntax): a tab in the indentation",
        "f:3:3: (syntax): a tab in the indentation",
    ]


def test_a_file_above_the_limit_is_refused_unread() -> None:
    assert read_yaml(b"#" * FILE_BYTES_MAX).problems == []
    assert problems(b"#" * (FILE_BYTES_MAX + 1)) == [f"f:1:1: (file): is larger than {FILE_BYTES_MAX} bytes"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("node: {}\nname: Köln".encode("latin-1"), "f:2:8: (file): byte 0xf6 is not UTF-8"),
        ("node: {}".encode("utf-16"), "f:1:1: (file): byte 0xff is not UTF-8"),
        (b"a: 1\nb: \x07", "f:2:4: (syntax): the character U+0007 is not allowed in YAML"),
    ],
)
def test_other_encodings_and_control_characters_are_shown_at_their_place(content: bytes, problem: str) -> None:
    assert problems(content) == [problem]


@pytest.mark.parametrize(
    "content", ["a: b: c", "a: [1, 2", "a: 'x", "a: @x", "a: {b: 1,, }", "- a\nb: 1", "a: 1\n---\n2"]
)
def test_syntax_errors_have_a_place_and_a_hint_where_one_helps(content: str) -> None:
    (problem,) = read_yaml(content.encode()).problems
    assert problem.key == "(syntax)"
    assert problem.place.line >= 1
    assert problem.hint or "found ','" in problem.message


def test_a_byte_order_mark_is_ignored() -> None:
    assert read_yaml("a: 1".encode("utf-8-sig")).data == {"a": 1}


def test_places_count_from_one_as_editors_do() -> None:
    document = read_yaml(b"node:\n  port: 104\nroutes:\n  - to: [pacs]\n")
    assert document.place_of(("node", "port")) == Position(2, 9)
    assert document.place_of(("node", "port"), key=True) == Position(2, 3)
    assert document.place_of(("routes", 0, "to", 0)) == Position(4, 10)
    assert document.place_of(("node", "not", "there")) == Position(1, 1)


@pytest.mark.parametrize("character", ["\n", "\x85", "\u2028", "\x1b"])
def test_a_problem_is_one_line_whatever_it_quotes(character: str) -> None:
    problem = Problem(Position(2, 3), f"no{character}de", f"un{character}known", f"Did{character}you")
    (first, second) = problem.lines("f").splitlines()
    escaped = ascii(character)[1:-1]
    assert first == f"f:2:3: no{escaped}de: un{escaped}known"
    assert second == f"    Did{escaped}you"
