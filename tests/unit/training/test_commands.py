"""`python -m training` knows its commands, tells them without the libraries that they need, and is named rightly."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT
from training.__main__ import COMMANDS, main

FOLDER = CHECKOUT / "training" / "commands"
HEAVY = {"tensorflow", "keras", "keras_tuner", "onnx", "onnxruntime", "sklearn", "matplotlib"}
# After `python -m training`, on the same line or the next one, there may be a placeholder such as COMMAND.
NAMED = re.compile(r"python -m\s+training\s+([a-z][a-z-]*)")
TEXTS = [
    *(CHECKOUT / "config" / "training").glob("*.yaml"),
    *(CHECKOUT / "training").rglob("*.py"),
    *(CHECKOUT / "training").rglob("*.md"),
    *(CHECKOUT / "models").rglob("*.md"),
    *(CHECKOUT / "converter").rglob("*.py"),
    *(CHECKOUT / "tests" / "recipes").rglob("*.py"),
    CHECKOUT / "README.md",
    CHECKOUT / "CHANGELOG.md",
]


def test_every_command_has_a_module_and_every_module_is_a_command() -> None:
    modules = {file.stem.replace("_", "-") for file in FOLDER.glob("*.py")} - {"--init--", "arguments"}
    assert modules == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_names_that_all_have(name: str) -> None:
    module = ast.parse((FOLDER / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8"))
    functions = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    assert {"add_arguments", "run"} <= functions
    assert ast.get_docstring(module)


@pytest.mark.parametrize("given", [[], ["--help"], ["-h"]])
def test_help_names_every_command_and_loads_no_library(given: list[str]) -> None:
    code = f"import sys; from training.__main__ import main; main({given!r}); print('loaded', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    told, loaded = done.stdout.split("\nloaded ")
    assert all(f"  {name} " in told and purpose in told for name, purpose in COMMANDS.items())
    assert not HEAVY & set(loaded.split())


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("trian", "Did you mean 'train'?"),
        ("size_leak", "Did you mean 'size-leak'?"),
        ("xyz", "python -m training lists the commands."),
    ],
)
def test_an_unknown_command_is_wrong_usage_and_answered_with_a_hint(
    given: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([given, "--name", "x"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"python -m training: there is no command '{given}'\n    {hint}\n"


def test_a_library_that_is_missing_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named 'keras', asked by {name}", name="keras")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(SystemExit, match=r"training train needs keras, .*pip install -e '\.\[cpu,training\]'"):
        main(["train", "recipe.yaml", "--name", "x"])


def test_what_only_the_arguments_together_can_tell_is_wrong_usage_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cohorts", "kermany"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("usage: python -m training cohorts") and "FOLDER is needed" in told


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: str(file.relative_to(CHECKOUT)))
def test_a_text_names_only_commands_that_there_are(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert set(NAMED.findall(text)) <= set(COMMANDS)
    assert not re.search(r"python -m\s+training\.", text)
