"""What a run was told of its data need not be told again, and it is said when the data are no longer the same."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from converter.package.evidence import Provenance
from tests.recipes.own_films import OWN_FILMS, draw_described
from training.data.recipe_data import folders, load_recipe_data, recipe_cohorts
from training.data.remembered import FILE, OUTCOME, recall, recall_last, remember, run_of, tell_of_changes
from training.data.splits import save_split

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_described(tmp_path_factory.mktemp("own") / "films", 24, 64)


def learned(films: Path, name: str = "first") -> Path:
    """A run that has learned from `films`."""
    run = Path("training/runs") / name
    run.mkdir(parents=True)
    examples = load_recipe_data([OWN_FILMS], [f"{OWN_FILMS}={films}"])
    save_split(run / "split.csv", examples, run)
    remember(run, {OWN_FILMS: films}, examples)
    return run


def test_a_run_says_where_its_images_lay_and_which_split_each_had(films: Path) -> None:
    run = learned(films)
    assert recall(run) == {OWN_FILMS: films}
    again = load_recipe_data([OWN_FILMS], [], run)
    assert [(one.path.name, one.split) for one in again] == [
        (one.path.name, one.split) for one in load_recipe_data([OWN_FILMS], [f"{OWN_FILMS}={films}"])
    ]


def test_a_folder_that_was_named_relatively_is_found_from_elsewhere(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = learned(Path("films")).absolute()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert recall(run)[OWN_FILMS] == films


def test_whoever_names_no_run_gets_what_the_last_one_learned_from_and_is_told(
    films: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = films.parent / "moved"
    shutil.copytree(films, moved)
    os.utime(learned(films) / FILE, ns=(1, 1))
    last = learned(moved, "second")
    assert folders([OWN_FILMS], []) == {OWN_FILMS: moved}
    assert f"{OWN_FILMS}: {moved}, as in {last}" in capsys.readouterr().out
    shutil.rmtree(moved)
    assert recall_last(OWN_FILMS) == (Path("training/runs/first"), films)
    assert recipe_cohorts([OWN_FILMS], [])[OWN_FILMS][0].findings == ("pneumonia",)


def test_what_is_given_counts_more_than_what_is_remembered(films: Path) -> None:
    run = learned(films)
    moved = films.rename(films.parent / "moved")
    assert folders([OWN_FILMS], [f"{OWN_FILMS}={moved}"], run) == {OWN_FILMS: moved}


def test_images_that_are_gone_are_missed_by_name(films: Path) -> None:
    run = learned(films)
    shutil.rmtree(films)
    with pytest.raises(
        SystemExit, match=f"first learned from {OWN_FILMS} in .*films, which is not there any more: give"
    ):
        load_recipe_data([OWN_FILMS], [], run)
    with pytest.raises(
        SystemExit, match=f"unknown cohort {OWN_FILMS}; known are .* given by --data {OWN_FILMS}=FOLDER"
    ):
        load_recipe_data([OWN_FILMS], [])


def remove_one(films: Path) -> None:
    min(films.glob("normal/*.png")).unlink()


def relabel_one(films: Path) -> None:
    file = min(films.glob("normal/*.png"))
    file.rename(films / "pneumonia" / file.name)


def replace_one(films: Path) -> None:
    shutil.copy(max(films.glob("normal/*.png")), min(films.glob("normal/*.png")))


def other_patients(films: Path) -> None:
    text = (films / "cohort.yaml").read_text(encoding="utf-8")
    (films / "cohort.yaml").write_text(text.replace("^([^_]+)_", "^(.+)_"), encoding="utf-8")
    for file in sorted(films.glob("normal/*.png"))[:2]:
        file.rename(file.with_name(f"n999_{file.name}"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (remove_one, "24 images then, 23 now"),
        (relabel_one, "12 labelled normal then, 11 now, 12 labelled pneumonia then, 13 now"),
        (replace_one, "as many images, but other files"),
        (other_patients, "patients then"),
    ],
)
def test_what_has_changed_since_is_told(
    change: Callable[[Path], None], told: str, films: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = learned(films)
    change(films)
    cohort, folder = recipe_cohorts([OWN_FILMS], [], run)[OWN_FILMS]
    (said,) = tell_of_changes(run, {OWN_FILMS: folder}, cohort.load(folder))
    assert f"has changed since {run} learned from it" in said and told in said
    assert said in capsys.readouterr().err


def test_a_copy_elsewhere_is_the_same(films: Path) -> None:
    run = learned(films)
    copy = films.parent / "copy"
    shutil.copytree(films, copy, copy_function=shutil.copyfile)
    cohort, folder = recipe_cohorts([OWN_FILMS], [f"{OWN_FILMS}={copy}"], run)[OWN_FILMS]
    assert tell_of_changes(run, {OWN_FILMS: folder}, cohort.load(folder)) == []


def test_a_memory_that_cannot_be_read_is_told(films: Path) -> None:
    run = learned(films)
    (run / FILE).write_text("{", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"data\.json: cannot be read"):
        recall(run)
    (run / FILE).unlink()
    assert recall(run) == {}


def test_the_run_of_a_package_is_found_by_what_the_package_says_of_it(films: Path) -> None:
    run = learned(films)
    stages, finished = "a.yaml, 5 steps; then b.yaml, 7 steps", "2026-01-01T00:00:00+00:00"
    outcome = {"stages": ["a.yaml, 5 steps", "b.yaml, 7 steps"], "finished": finished}
    (run / OUTCOME).write_text(json.dumps(outcome), encoding="utf-8")
    made = Provenance(git_commit="", recipe=stages, seed=1, created=finished, tools={})
    assert run_of(made) == run
    assert run_of(made.model_copy(update={"recipe": "another"})) is None
    (run / "split.csv").unlink()
    assert run_of(made) is None
