"""Secrets in the text of a configuration file: hidden when it is shown, and put back when what was shown comes back.

A secret is the value of a key that may hold ${NAME}, or of one whose name says so, wherever it stands: in a file with
mistakes as well, and behind `#`. ${NAME} alone is no secret: it names one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from scp_node.settings.scalars import Scalar, comments, scalars
from scp_node.settings.schema import leaves, settings_schema
from scp_node.settings.strict_yaml import Loc

HIDDEN, HIDDEN_OTHER = "(hidden)", "(hidden, another one)"
TELLING = ("secret", "token", "credential", "phrase", "password", "private")
# A key and its colon, quoted or not, anywhere in a line. Nothing is tried twice, however long the line is.
_KEY = re.compile(r"(?<![\w.-])[\"']?+(\w++)[\"']?+[ \t]*+:")
# What stands before the host of a URL.
_USERINFO = re.compile(r"//[^/\s@]*+@")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
# Characters that YAML does not take as they are, and JSON leaves as they are.
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


@cache
def secret_keys() -> frozenset[str]:
    """The last part of every key whose value may come from the environment."""
    return frozenset(path.rpartition(".")[2] for path, leaf in leaves(settings_schema()).items() if leaf.get("env"))


def is_secret_key(key: str) -> bool:
    said = key.casefold()
    is_telling = said.startswith("pass") or any(word in said for word in TELLING)
    return said in secret_keys() or (is_telling and re.fullmatch(r"\w+", key) is not None)


def secrets_of(text: str) -> dict[Loc, str]:
    """Where there are secrets, and which; nothing of a text that is no YAML."""
    return {found.loc: found.value for found in _secret_scalars(text) or ()}


def hidden(text: str, known: Mapping[Loc, str] | None = None) -> str:
    """`text` without its secrets, with as many lines. With `known`, those of another text, a secret that is not the
    same there says so."""
    found = _secret_scalars(text)
    if found is None:
        return _hidden_by_line(text)
    changed = {one.loc for one in found if known is not None and known.get(one.loc) != one.value}
    shown = _replaced(text, found, lambda one: json.dumps(HIDDEN_OTHER if one.loc in changed else HIDDEN))
    return _hidden_in_comments(shown)


def with_secrets(text: str, known: Mapping[Loc, str]) -> str:
    """`text` with the secret of `known` where the same place says that it is hidden. A place that hides none of these
    stays as it is, which whoever reads the text has to refuse: see `still_hidden`."""
    found = [one for one in scalars(text) or () if one.value in (HIDDEN, HIDDEN_OTHER) and one.loc in known]
    return _replaced(text, found, lambda one: _quoted(known[one.loc]))


def still_hidden(text: str) -> list[Loc]:
    """Where a text says that something is hidden."""
    return [one.loc for one in scalars(text) or () if one.value in (HIDDEN, HIDDEN_OTHER)]


def lines_still_hidden(text: str) -> list[int]:
    """In which lines it says so, in comments and within other text as well."""
    return [number for number, line in enumerate(text.split("\n"), 1) if HIDDEN in line or HIDDEN_OTHER in line]


def _secret_scalars(text: str) -> list[Scalar] | None:
    found = scalars(text)
    if found is None:
        return None
    return [one for one in found if _may_be_secret(one) and not _tells_nothing(one, text)]


def _may_be_secret(one: Scalar) -> bool:
    return one.is_shared or _USERINFO.search(one.value) is not None or _is_below_secret(one.loc)


def _tells_nothing(one: Scalar, text: str) -> bool:
    """Whether there is no secret: no value, null, or the name of a variable."""
    is_plain = text[one.start : one.start + 1] not in ("'", '"', "|", ">")
    return not one.value or (is_plain and one.value in ("null", "~")) or _REFERENCE.fullmatch(one.value) is not None


def _is_below_secret(loc: Loc) -> bool:
    return any(isinstance(part, str) and is_secret_key(part) for part in loc)


def _replaced(text: str, found: list[Scalar], stand_in: Callable[[Scalar], str]) -> str:
    parts, done = [], 0
    for one in sorted(found, key=lambda scalar: scalar.start):
        if one.start < done:
            continue
        lines = "\n" * text.count("\n", one.start, one.end)
        parts += [text[done : one.start], stand_in(one), lines]
        done = one.end
    return "".join([*parts, text[done:]])


def _quoted(value: str) -> str:
    """`value` as a scalar of YAML in one line."""
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _secret_at(line: str) -> int | None:
    """Where the value of the first secret begins: behind the colon of its key."""
    return next((match.end() for match in _KEY.finditer(line) if is_secret_key(match[1])), None)


def _hidden_by_line(text: str) -> str:
    """For what is no YAML: nothing behind the key of a secret is shown, nor the lines below that may belong to it."""
    return "".join(_lines_without_secrets(text.splitlines(keepends=True)))


def _lines_without_secrets(lines: list[str]) -> Iterator[str]:
    depth: int | None = None
    for line in lines:
        body = line.rstrip("\r\n")
        indent = len(body) - len(body.lstrip(" \t-"))
        is_key = re.match(r"[\s-]*[\"']?\w+[\"']?[ \t]*:", body) is not None
        if depth is not None and body.strip() and (indent > depth or not is_key):
            yield f"{body[: len(body) - len(body.lstrip())]}{HIDDEN}{line[len(body) :]}"
            continue
        at = _secret_at(body)
        if body.strip():
            depth = None if at is None else indent
        shown = body if at is None or not body[at:].strip() else f"{body[:at]} {HIDDEN}"
        yield shown + line[len(body) :]


def _hidden_in_comments(text: str) -> str:
    """The same for what stands behind `#`."""
    parts, done = [], 0
    for start, end in comments(text):
        at = _secret_at(text[start:end])
        if at is not None and text[start + at : end].strip():
            parts += [text[done : start + at], f" {HIDDEN}"]
            done = end
    return "".join([*parts, text[done:]])
