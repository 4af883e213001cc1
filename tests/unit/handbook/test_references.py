"""What a document names is there: pages, headings, files, folders, modules, targets of make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.handbook.documents import CHRONICLES, DOCUMENTS, PAGES, name_of
from tests.handbook.markdown import anchors, fences, inline_code, links
from tests.support.checkout import CHECKOUT

FOLDERS = ("scp_node", "converter", "training", "models", "config", "tests", ".github", ".ci")
SUFFIXES = (
    ".py",
    ".md",
    ".yaml",
    ".yml",
    ".json",
    ".toml",
    ".svg",
    ".png",
    ".service",
    ".lock",
    ".onnx",
    ".npz",
    ".css",
)
# What is made by running something, and is in no repository: runs of a training, the data folder of an installed wheel.
MADE = ("training/runs/", "scp_node/share/")


def named_files(path: Path) -> Iterator[str]:
    """What looks like a file or folder of this repository: a path in backticks, without a placeholder in capitals."""
    for code in inline_code(path.read_text(encoding="utf-8")):
        inside = code.startswith(tuple(f"{folder}/" for folder in FOLDERS)) or ("/" in code and code.endswith(SUFFIXES))
        is_path = re.fullmatch(r"[\w.*/-]+", code) and not re.search(r"(^|/)[A-Z]{2,}(/|$)|^/|^\.\./\.\.", code)
        if inside and is_path and not f"{code}/".startswith(MADE):
            yield code


def exists(name: str, document: Path) -> bool:
    """From the top of the repository, or from the folder of the document."""
    return any(any(root.glob(name.rstrip("/"))) for root in (CHECKOUT, document.parent))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for link in links(path.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        found = path.parent / target if target else path
        if not found.exists():
            broken.append(link)
        elif anchor and anchor not in anchors(found.read_text(encoding="utf-8")):
            broken.append(f"{link}: no such heading")
    assert broken == []


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if name_of(path) not in CHRONICLES], ids=name_of)
def test_files_that_a_document_names_exist(path: Path) -> None:
    assert [name for name in named_files(path) if not exists(name, path)] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_targets_of_make_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.M))
    text = path.read_text(encoding="utf-8")
    typed = [*inline_code(text), *(line for fence in fences(text) for line in fence.text.splitlines())]
    named = {match[1] for code in typed if (match := re.match(r"make ([a-z]+)\b", code))}
    assert named - targets == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_modules_that_a_document_runs_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    typed = [*inline_code(text), *(fence.text for fence in fences(text))]
    missing = set()
    for module, command in re.findall(
        r"python3? -m ((?:scp_node|tests|training)[\w.]*)(?: ([a-z][a-z-]*))?", "\n".join(typed)
    ):
        place = CHECKOUT / module.replace(".", "/")
        if not place.is_dir() and not place.with_suffix(".py").is_file():
            missing.add(module)
        if module == "training" and command and not command_of_training(command):
            missing.add(f"training {command}")
    assert missing == set()


def command_of_training(name: str) -> bool:
    """A command is a module of training.commands, or a room of training that has commands of its own."""
    training, module = CHECKOUT / "training", name.replace("-", "_")
    return (training / "commands" / f"{module}.py").is_file() or any(training.rglob(f"{module}/__main__.py"))


def test_the_table_of_contents_names_every_page_of_the_handbook() -> None:
    (contents,) = [page for page in PAGES if page.name == "README.md"]
    listed = {link.partition("#")[0] for link in links(contents.read_text(encoding="utf-8"))}
    assert {page.name for page in PAGES} - {contents.name} == {name for name in listed if "/" not in name}


def test_the_readme_is_short() -> None:
    assert len((CHECKOUT / "README.md").read_text(encoding="utf-8").splitlines()) <= 90


def test_a_page_begins_with_its_question_and_answers_at_once() -> None:
    for page in PAGES:
        heading, answer = page.read_text(encoding="utf-8").split("\n\n")[:2]
        assert heading.startswith("# "), page.name
        assert not answer.startswith(("#", "<!--", "|", "![")), page.name
