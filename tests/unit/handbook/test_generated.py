"""What documents take from the code is what the code says now, and nothing of it is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.handbook.blocks import BLOCKS
from tests.handbook.code import exit_codes, words_of
from tests.handbook.codes import all_codes
from tests.handbook.commands import command_lines
from tests.handbook.documents import DOCUMENTS, HANDBOOK, handbook_text, name_of
from tests.handbook.markdown import block_names, inline_code, table, with_blocks
from tests.handbook.metrics import metric_rows
from tests.handbook.settings import keys

WITH_BLOCKS = [path for path in DOCUMENTS if block_names(path.read_text(encoding="utf-8"))]
CODES_PAGE = (HANDBOOK / "codes-and-statuses.md").read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """The part of a page below a heading of the second level."""
    return page.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def missing(wanted: list[str], page: str) -> list[str]:
    """What no code in `page` is, or begins with followed by a value."""
    said = set(inline_code(page))
    return [one for one in wanted if one not in said]


@pytest.mark.parametrize("path", WITH_BLOCKS, ids=name_of)
def test_generated_blocks_are_fresh(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert with_blocks(text, BLOCKS) == text, "stale: run `make reference`"


def test_every_generated_block_stands_in_a_document() -> None:
    used = {name for path in DOCUMENTS for name in block_names(path.read_text(encoding="utf-8"))}
    assert used == set(BLOCKS)


def test_every_setting_is_explained() -> None:
    assert missing(keys(), handbook_text()) == []


def test_every_metric_is_explained() -> None:
    assert missing([row.name for row in metric_rows()], handbook_text()) == []


def test_every_command_and_each_of_its_options_is_explained() -> None:
    page = (HANDBOOK / "commands.md").read_text(encoding="utf-8")
    for one in command_lines():
        part = section(page, f"hilum {' '.join(one.words)}")
        said = [code.split(" ")[0] for code in inline_code(part)]
        assert [name for option in one.options for name in option.opts if name not in said] == []


def test_every_code_of_a_refusal_an_error_or_a_delivery_is_explained() -> None:
    assert missing(list(all_codes()), CODES_PAGE) == []


@pytest.mark.parametrize(
    "name",
    [
        *("InstanceState", "JobState", "JobKind", "DeliveryState"),
        *("CommitmentState", "ShadowOutcome", "DriftState"),
    ],
)
def test_every_state_is_explained(name: str) -> None:
    assert missing(list(words_of(name)), section(CODES_PAGE, "States")) == []


def test_exit_codes_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \|", section(CODES_PAGE, "Exit codes"), re.M)
    assert {int(row) for row in rows} == exit_codes()


def test_a_stale_block_is_made_anew_and_the_text_around_it_stays() -> None:
    text = "before\n<!-- generated: plan -->\nold\n<!-- end of plan -->\nafter\n"
    fresh = with_blocks(text, {"plan": lambda: "new"})
    assert fresh == "before\n<!-- generated: plan -->\n\nnew\n\n<!-- end of plan -->\nafter\n"
    assert with_blocks(fresh, {"plan": lambda: "new"}) == fresh


def test_a_stroke_in_a_cell_does_not_end_it() -> None:
    assert table(["a"], [["sr|heatmap"]]).splitlines()[2] == "| sr\\|heatmap |"


def test_what_looks_like_html_in_a_cell_is_shown() -> None:
    assert table(["a"], [["remote_aes.<name> or `<name>`"]]).splitlines()[2] == "| remote_aes.&lt;name> or `<name>` |"
