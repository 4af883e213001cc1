"""The page Configuration shows every problem with its line and no secret, and puts in place what was seen."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from httpx import Client

from scp_node.ledger import Ledger
from scp_node.ledger.account_records import ROLES
from scp_node.settings.file import load_settings
from scp_node.web.console import configuration
from scp_node.web.context import WebContext
from tests.support.web.contexts import web_context
from tests.support.web.pages import CSRF, visited

FILE = """\
node: {{ae_title: HILUM, data_dir: {folder}/data}}
remote_aes:
  pacs: {{ae_title: PACS, host: 127.0.0.1, port: 104, may_send: true, user: us, passcode: hunter2}}
  ward: {{ae_title: WARD, host: 127.0.0.1, port: 104, user: us, passcode: "${{WARD_CODE}}"}}
routes: [{{name: chest, model: pneumonia, to: [pacs]}}]
"""
SECRETS = ("hunter2", "of-the-environment")


@pytest.fixture
def context(tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebContext]:
    monkeypatch.setenv("WARD_CODE", "of-the-environment")
    config = tmp_path / "node.yaml"
    config.write_text(FILE.format(folder=tmp_path))
    (tmp_path / "data").mkdir(mode=0o700)
    settings = load_settings(config)
    plain = web_context(tmp_path, ledger)
    yield replace(plain, config=config, settings=lambda: settings)
    plain.desk.close()


@pytest.fixture
def client(context: WebContext) -> Iterator[Client]:
    with visited(context, configuration.router) as one:
        yield one


def text_of(answer: str) -> str:
    return html.unescape(answer.replace("<wbr>", ""))


def checked(client: Client, text: str, draft: str = "") -> tuple[str, str]:
    """Token and page of a draft."""
    answer = client.post("/configuration/check", data={"text": text, "draft": draft, "csrf_token": CSRF})
    assert answer.status_code == 303
    where = answer.headers["location"]
    token = where.partition("draft=")[2].partition("#")[0]
    page = client.get(where).text
    for secret in SECRETS:
        assert secret not in page
    return token, text_of(page)


def present(context: WebContext) -> str:
    assert context.config is not None
    return context.config.read_text()


def seen_of(page: str) -> str:
    return page.partition('name="seen" value="')[2].partition('"')[0]


def test_only_an_admin_sees_it(context: WebContext) -> None:
    for role in ROLES:
        with visited(context, configuration.router, role) as client:
            assert client.get("/configuration").status_code == (200 if role == "admin" else 403)


def test_the_page_shows_file_and_values_without_secrets(client: Client) -> None:
    page = text_of(client.get("/configuration").text)
    assert "is what the node goes by" in page and "${WARD_CODE}" in page
    assert '"(hidden)"' in page and "remote_aes.ward" in page and "quiet_period_s" in page
    for secret in SECRETS:
        assert secret not in page


def test_a_wrong_file_is_told_every_problem_with_its_line(client: Client, context: WebContext) -> None:
    wrong = present(context).replace("port: 104", "port: 999999").replace("to: [pacs]", "to: [nobody]") + "bogus: 1\n"
    _, page = checked(client, wrong)
    assert "4 problems" in page
    for line, message in (
        ("3:", "must be at most 65535"),
        ("4:", "must be at most"),
        ("5:", "nobody"),
        ("6:", "unknown key"),
    ):
        assert line in page and message in page
    assert "/configuration/put" not in page


@pytest.mark.parametrize("text", ["node: [", "node:\n\tae_title: X\n", "- 1\n", "\x00", "a: &b c\n"])
def test_what_is_no_configuration_is_told_so(client: Client, text: str) -> None:
    _, page = checked(client, text)
    assert "a node does not take this file" in page


def test_what_a_check_of_the_machine_finds_has_its_line(client: Client, context: WebContext) -> None:
    _, page = checked(client, present(context).replace("model: pneumonia", "model: nosuch"))
    assert "5:" in page and "nosuch" in page and "a node does not take this file" in page


def test_what_was_shown_can_be_changed_and_keeps_its_secrets(client: Client, context: WebContext) -> None:
    shown = text_of(client.get("/configuration").text)
    shown = shown.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0].lstrip("\n")
    token, page = checked(client, shown.replace("\n", "\r\n") + "report: {quiet_period_s: 9}\r\n")
    assert "The file is usable" in page and "+report: {quiet_period_s: 9}" in page
    answer = client.post("/configuration/put", data={"draft": token, "seen": seen_of(page), "csrf_token": CSRF})
    assert answer.status_code == 303
    assert "hunter2" in present(context) and present(context).endswith("report: {quiet_period_s: 9}\n")
    after = text_of(client.get(answer.headers["location"]).text)
    assert "Put in place." in after and "node.yaml.before-" in after
    assert "differs from what the node goes by in: report" in after


def test_a_draft_of_a_draft_keeps_the_secret_that_was_typed(client: Client, context: WebContext) -> None:
    typed, other = checked(client, present(context).replace("hunter2", "hunter3"))
    assert "(hidden, another one)" in other and "hunter3" not in other
    shown = other.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0]
    token, page = checked(client, shown + "report: {quiet_period_s: 9}\n", typed)
    client.post("/configuration/put", data={"draft": token, "seen": seen_of(page), "csrf_token": CSRF})
    assert "hunter3" in present(context)


def test_a_file_that_was_changed_meanwhile_is_not_replaced(client: Client, context: WebContext) -> None:
    token, page = checked(client, present(context) + "report: {quiet_period_s: 9}\n")
    assert context.config is not None
    context.config.write_text(present(context) + "# by somebody else\n")
    answer = client.post("/configuration/put", data={"draft": token, "seen": seen_of(page), "csrf_token": CSRF})
    assert answer.status_code == 409 and "changed meanwhile" in answer.text
    assert "quiet_period_s: 9" not in present(context)


def test_a_file_that_the_node_may_not_write_is_offered_for_download(client: Client, context: WebContext) -> None:
    assert context.config is not None
    target = context.config.with_name("elsewhere.yaml")
    context.config.rename(target)
    context.config.symlink_to(target)
    token, page = checked(client, present(context) + "report: {quiet_period_s: 9}\n")
    assert "symbolic link" in page and "/configuration/put" not in page
    answer = client.get("/configuration/file", params={"draft": token})
    assert answer.headers["content-disposition"].startswith("attachment") and "quiet_period_s: 9" in answer.text


def test_an_upload_is_checked_as_it_is(client: Client) -> None:
    answer = client.post("/configuration/check", files={"file": ("node.yaml", b"\xff\xfe")}, data={"csrf_token": CSRF})
    assert "is not UTF-8" in client.get(answer.headers["location"]).text


def test_a_file_beyond_its_size_is_refused(client: Client) -> None:
    large = b"# " + b"x" * 2_000_000
    answer = client.post("/configuration/check", files={"file": ("node.yaml", large)}, data={"csrf_token": CSRF})
    assert "is larger than" in client.get(answer.headers["location"]).text


def test_a_draft_is_its_owners_and_forgotten_in_time(
    client: Client, context: WebContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, _ = checked(client, present(context))
    kept = configuration.drafts.get(token, "ada")
    assert kept is not None and configuration.drafts.get(token, "eve") is None
    monkeypatch.setattr(kept, "kept_until", 0.0)
    assert "not kept any more" in client.get("/configuration", params={"draft": token}).text


def test_names_with_markup_show_as_text(client: Client, context: WebContext) -> None:
    answer = client.post(
        "/configuration/check", data={"text": present(context) + "'<script>alert(1)</script>': 1\n", "csrf_token": CSRF}
    )
    assert "<script>alert" not in client.get(answer.headers["location"]).text


def test_a_comment_whose_secret_was_hidden_is_told_with_its_line(client: Client, context: WebContext) -> None:
    _, page = checked(client, "# passcode: (hidden)\n" + present(context))
    assert "1:" in page and "stands for no secret" in page and "/configuration/put" not in page
