"""No secret of a configuration is in what is shown of it, and what was shown finds its secrets again."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scp_node.settings.file import settings_of
from scp_node.settings.secrets import (
    HIDDEN,
    HIDDEN_OTHER,
    hidden,
    lines_still_hidden,
    secret_keys,
    secrets_of,
    still_hidden,
    with_secrets,
)
from tests.support.checkout import CONFIG

FILE = """\
node: {ae_title: HILUM}
remote_aes:
  pacs: {ae_title: PACS, host: 127.0.0.1, port: 104, user: us, passcode: hunter2}
  ward:
    ae_title: WARD
    host: 127.0.0.1
    port: 104
    "passcode": 'tr''icky: # no comment'   # passcode: hunter3
tls:
  key_passphrase: |
    several
    lines
storage:
  database_url: ${DATABASE}
routes: [{name: chest, model: pneumonia, to: [pacs]}]
"""
# Words that nothing but a secret holds.
SECRETS = st.text(st.characters(codec="utf-8"), max_size=30).map(lambda text: f"qz7{text}7zq")


def test_secrets_are_hidden_and_names_of_variables_are_shown() -> None:
    shown = hidden(FILE)
    for secret in ("hunter2", "tr''icky", "hunter3", "several", "lines"):
        assert secret not in shown
    assert "${DATABASE}" in shown and "user: us" in shown
    assert shown.count("\n") == FILE.count("\n")


def test_what_was_shown_finds_its_secrets_again() -> None:
    known = secrets_of(FILE)
    assert set(known.values()) == {"hunter2", "tr'icky: # no comment", "several\nlines\n"}
    back = with_secrets(hidden(FILE), known)
    assert secrets_of(back) == known
    assert still_hidden(back) == []


def test_a_secret_that_was_not_there_before_stays_hidden_which_is_told() -> None:
    moved = hidden(FILE).replace("  ward:", "  other:")
    assert still_hidden(with_secrets(moved, secrets_of(FILE))) == [("remote_aes", "other", "passcode")]


def test_another_secret_is_told_from_the_same_one() -> None:
    shown = hidden(FILE.replace("hunter2", "hunter9"), secrets_of(FILE))
    assert HIDDEN_OTHER in shown and "hunter9" not in shown and HIDDEN in shown


@pytest.mark.parametrize(
    "broken",
    [
        "remote_aes:\n  pacs:\n\tpasscode: hunter2\n",
        "remote_aes: {pacs: {passcode: hunter2\n",
        "passcode: 'hunter2\nnode: x\n",
        "tls:\n  key_passphrase: |\n    hunter2\n    hunter2\n  x: [\n",
        "storage: [\n  'database_url': postgresql://u:hunter2@db/x\n",
        "remote_aes:\n  pacs:\n    passcode:\n      hunter2\n  @",
        "remote_aes:\n  - passcode: hunter2\n  - @",
        "password : hunter2\n@",
    ],
)
def test_a_file_with_mistakes_hides_its_secrets_too(broken: str) -> None:
    assert "hunter2" not in hidden(broken)


@pytest.mark.parametrize(
    "key", ["passcode", "key_passphrase", "database_url", "password", "client_secret", "api_token"]
)
def test_a_secret_is_hidden_wherever_it_stands(key: str) -> None:
    for text in (
        f"{key}: hunter2\n",
        f"a: [{{{key}: hunter2}}]\n",
        f"{key}: [hunter2]\n",
        f"{key}: &x hunter2\nb: *x\n",
    ):
        assert "hunter2" not in hidden(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x hunter2\npasscode: *x\n",
        "a: &x {b: [hunter2]}\npasscode: {<<: *x}\n",
        "&x passcode: y\n*x : hunter2\n",
        "? {passcode: hunter2}\n: b\n",
        "web: {oidc: {issuer: 'https://me:hunter2@login.example/'}}\n",
        "a: | # passcode: hunter2\n  x\n",
    ],
)
def test_a_secret_is_hidden_where_its_place_does_not_tell_it(text: str) -> None:
    assert "hunter2" not in hidden(text)


def test_what_is_no_comment_stays_as_it_is() -> None:
    text = "a: 'x # password: y'  # token: hunter2\nb: |\n  # password: z\n\"c # secret: d\": e#secret:f\n"
    assert hidden(text) == text.replace("hunter2", HIDDEN)
    assert lines_still_hidden(hidden(text)) == [1]


@pytest.mark.parametrize("line", ["secret" * 8_000, "secret " * 7_000, "password" + " " * 48_000, "'" * 48_000])
def test_a_long_line_takes_no_long_time(line: str) -> None:
    begun = time.monotonic()
    for text in (f"{line}\n@", f"# {line}\n", f"? '{line.replace(chr(39), chr(34))}-'\n: x\n"):
        hidden(text)
    assert time.monotonic() - begun < 3


@given(secret=SECRETS, style=st.sampled_from(["'", '"', "|", ">", None]))
def test_no_part_of_a_secret_is_shown_however_it_is_written(secret: str, style: str | None) -> None:
    document: dict[str, Any] = yaml.safe_load(FILE)
    document["remote_aes"]["pacs"]["passcode"] = secret
    text = yaml.dump(document, default_style=style, allow_unicode=True)
    shown = hidden(text)
    assert "qz7" not in shown and "7zq" not in shown
    back = with_secrets(shown, secrets_of(text))
    assert secrets_of(back).get(("remote_aes", "pacs", "passcode")) == secrets_of(text).get(
        ("remote_aes", "pacs", "passcode")
    )


@given(secret=SECRETS, cut=st.integers(0, 400))
def test_no_part_of_a_secret_is_shown_of_a_file_that_ends_anywhere(secret: str, cut: int) -> None:
    text = FILE.replace("hunter2", yaml.dump(secret, default_style='"', width=10_000).strip())[:cut]
    assert "qz7" not in hidden(text)


def test_the_reference_shows_as_it_is() -> None:
    text = (CONFIG / "node.reference.yaml").read_text(encoding="utf-8")
    assert settings_of(CONFIG / "node.reference.yaml", hidden(text).encode()).settings is not None
    assert secret_keys() >= {"passcode", "key_passphrase", "database_url"}
