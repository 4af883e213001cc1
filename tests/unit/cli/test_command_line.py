"""The command line as a whole: its version, and what a shell completes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scp_node.cli import COMMANDS, GROUPS
from tests.support.checkout import CHECKOUT
from tests.support.node.command import Hilum

BASH = shutil.which("bash")
# What is typed before the Tab key, and what bash is to offer.
COMPLETED = {
    "hilum ": {*COMMANDS, *GROUPS},
    "hilum do": {"doctor"},
    "hilum jobs re": {"retry"},
    "hilum doctor --de": {"--deep"},
    "hilum serve --confi": {"--config"},
}


def test_the_version_is_that_of_the_project(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    run = Hilum(monkeypatch, capsys)("--version")
    assert (run.code, run.out) == (0, f"hilum {project['version']}\n")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A PATH with a command `hilum`, as an installation has it."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "hilum"
    program.write_text(f"#!{sys.executable}\nfrom scp_node.cli import main\nmain()\n")
    program.chmod(0o755)
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(CHECKOUT), "HOME": str(folder), "SHELL": "/bin/bash"}


@pytest.mark.skipif(BASH is None, reason="not installed: bash")
@pytest.mark.parametrize("typed", COMPLETED)
def test_bash_completes(environment: dict[str, str], typed: str, tmp_path: Path) -> None:
    words = typed.split(" ")
    script = (
        'eval "$(hilum --show-completion bash)"\n'
        f"COMP_WORDS=({' '.join(repr(word) for word in words)}) COMP_CWORD={len(words) - 1}\n"
        "_hilum_completion hilum\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    result = subprocess.run(
        [str(BASH), "-c", script],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert set(result.stdout.split()) == COMPLETED[typed], result.stderr


@pytest.mark.skipif(BASH is None, reason="not installed: bash")
def test_completion_is_installed_for_a_login_shell(environment: dict[str, str], tmp_path: Path) -> None:
    home = {**environment, "HOME": str(tmp_path)}
    command = [str(BASH), "-c", "hilum --install-completion bash && bash -ic 'complete -p hilum'"]
    result = subprocess.run(command, env=home, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert "-F _hilum_completion hilum" in result.stdout, result.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_their_lines(environment: dict[str, str], shell: str) -> None:
    named = {**environment, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}  # as where no shell has started it
    result = subprocess.run(
        ["hilum", "--show-completion", shell], env=named, capture_output=True, text=True, check=True, timeout=120
    )
    assert "hilum" in result.stdout and "_HILUM_COMPLETE" in result.stdout
