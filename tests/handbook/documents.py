"""Which documents there are: every Markdown file of the repository, the pages of the handbook among them."""

from __future__ import annotations

from pathlib import Path

from tests.support.checkout import CHECKOUT, CONFIG

HANDBOOK = CONFIG / "handbook"
# Folders of the repository; what is made beside them (environments, results of a demonstration) is nobody's document.
FOLDERS = (".github", "config", "converter", "models", "scp_node", "tests", "training")
# Not written by hand, one for each run of a training: training/runs is not in the repository.
NOT_OURS = ("training/runs",)


def _documents() -> list[Path]:
    inside = [path for folder in FOLDERS for path in (CHECKOUT / folder).rglob("*.md")]
    found = [*CHECKOUT.glob("*.md"), *inside]
    return sorted(path for path in found if not name_of(path).startswith(NOT_OURS))


def name_of(path: Path) -> str:
    """As it is called in messages: relative to the checkout."""
    return path.relative_to(CHECKOUT).as_posix()


DOCUMENTS = _documents()
PAGES = sorted(HANDBOOK.glob("*.md"))
# They tell what was: names that are gone may stand in them.
CHRONICLES = ("CHANGELOG.md", "training/LOG.md")


def handbook_text() -> str:
    """All pages of the handbook."""
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
