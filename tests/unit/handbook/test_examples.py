"""What a document shows can be typed, loaded and read as it stands there."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from converter.evaluation.labels import read_labels
from scp_node.settings.file import load_settings
from scp_node.settings.reloading import FIXED_SECTIONS
from tests.handbook.commands import fault_of
from tests.handbook.documents import DOCUMENTS, HANDBOOK, PAGES, handbook_text, name_of
from tests.handbook.markdown import Fence, fences, inline_code
from tests.support.checkout import CHECKOUT, CONFIG
from tests.support.peers.certificates import Authority

EXAMPLES = [
    (page, fence) for page in (CHECKOUT / "README.md", *PAGES) for fence in fences(page.read_text(encoding="utf-8"))
]
PROMPT = re.compile(r"^(\$ )?(/opt/hilum/bin/|\.venv/bin/)?(?=hilum( |$))")


def in_language(language: str) -> list[Any]:
    found = [(page, fence) for page, fence in EXAMPLES if fence.language == language]
    return [pytest.param(fence, id=f"{page.name}-{number}") for number, (page, fence) in enumerate(found)]


def shown_lines(path: Path) -> list[str]:
    """Every command line of hilum that a document shows, in a block or in a sentence."""
    text = path.read_text(encoding="utf-8")
    lines = [line.strip() for fence in fences(text) for line in fence.text.splitlines()]
    return [PROMPT.sub("", code) for code in (*lines, *inline_code(text)) if PROMPT.match(code)]


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if shown_lines(path)], ids=name_of)
def test_command_lines_can_be_typed(path: Path) -> None:
    # usage lines of the reference page have what may be left out in brackets
    typed = [line for line in shown_lines(path) if "[" not in line and not line.startswith("hilum COMMAND")]
    assert [fault for line in typed if (fault := fault_of(line))] == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("hilum jobs retry --dead", ""),
        ("hilum explain", ""),
        ("hilum echo pacs --config node.yaml   # does it answer?", ""),
        ("hilum jobs", ""),
        ("hilum jobs revive 7", "there is no command hilum jobs revive"),
        ("hilum predict FILE --heat DIR", "hilum predict has no option --heat"),
        ("hilum predict FILE --heatmap", "hilum predict --heatmap lacks its value"),
        ("hilum explain ONE TWO", "hilum explain takes fewer arguments than 2"),
    ],
)
def test_a_command_line_that_cannot_be_typed_is_found(line: str, fault: str) -> None:
    assert fault_of(line) == fault


def test_the_configuration_in_the_readme_is_the_example() -> None:
    (shown,) = [fence.text for page, fence in EXAMPLES if page.name == "README.md" and fence.language == "yaml"]
    assert shown == (CONFIG / "node.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("fence", in_language("yaml"))
def test_configurations_load(fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of a configuration loads when the example has what it leaves out."""
    for name in re.findall(r"\$\{(\w+)\}", fence.text):
        monkeypatch.setenv(name, "a secret as long as it has to be")
    authority = Authority(tmp_path)
    authority.identity("hilum")
    authority.ca.rename(tmp_path / "hospital-ca.pem")
    whole: dict[str, Any] = yaml.safe_load((CONFIG / "node.yaml").read_text(encoding="utf-8"))
    rest = {name: part for name, part in whole.items() if not re.search(rf"^{name}:", fence.text, re.M)}
    file = tmp_path / "node.yaml"
    file.write_text(f"{fence.text}\n{yaml.safe_dump(rest) if rest else ''}")
    settings = load_settings(file)
    assert settings.is_reached_by_tls(settings.remote_aes["pacs"]) == ("profile:" in fence.text)


@pytest.mark.parametrize("fence", in_language("json"))
def test_json_can_be_read(fence: Fence) -> None:
    assert isinstance(json.loads(fence.text), dict)


def test_the_label_file_of_the_handbook_can_be_read() -> None:
    (shown,) = [fence.text for _, fence in EXAMPLES if fence.text.startswith("file,")]
    read = read_labels(shown, ["pneumonia"])
    assert (len(read.rows), read.problems, read.ignored) == (2, (), ())


def test_the_version_that_is_installed_is_the_one_of_the_wheel() -> None:
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    unit = (CONFIG / "deploy" / "hilum.service").read_text(encoding="utf-8")
    named = set(re.findall(r"hilum-(\d[\w.]*)-py3-none-any\.whl", handbook_text() + unit))
    assert named == {version}


@pytest.mark.parametrize("page", ["routing.md", "settings.md"])
def test_the_sections_that_wait_for_a_restart_are_named(page: str) -> None:
    text = " ".join((HANDBOOK / page).read_text(encoding="utf-8").split())
    (named,) = re.findall(r"hanges of the sections ((?:`\w+`(?:, | and )?)+) take effect", text)
    assert tuple(re.findall(r"\w+", named.replace(" and ", " "))) == FIXED_SECTIONS


def test_the_unit_starts_what_the_handbook_installs() -> None:
    unit = (CONFIG / "deploy" / "hilum.service").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.M)
    assert fault_of(command.removeprefix("/opt/hilum/bin/")) == ""
    assert command.split(" ")[0] in handbook_text() or "/opt/hilum/bin/pip" in handbook_text()
    assert "RestartPreventExitStatus=2" in unit
