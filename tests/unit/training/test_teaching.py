"""A run learns, keeps what made it, stops when val says so, and goes on after it was killed as if it had not been."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.support.checkout import CHECKOUT, CONFIG
from tests.support.cohorts.small_cohorts import draw_cohorts
from training.__main__ import main
from training.learning.recipe import Recipe, load_recipe, save_recipe, with_values

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow ([training]) not installed"),
    pytest.mark.filterwarnings("ignore"),
]

SMALL = {
    "input.height": 32,
    "input.width": 32,
    "network": {"family": "residual", "stem": 4, "stages": [6, 8], "strides": [2, 1], "dropout": 0.3},
    "cohorts": {
        "kermany224": {"per_class": 2, "label_smoothing": 0.1},
        "nih512": {"per_class": 1, "label_smoothing": 0.2},
    },
    "steps": 12,
    "report_steps": 4,
    "warmup_steps": 2,
    "learning_rate": 0.01,
}


@pytest.fixture(scope="module")
def lab() -> SimpleNamespace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras

        from training.learning import batches, checkpoint, learner, lesson, run_folder, teachers, teaching, watch
        from training.learning.zoo import head
    return SimpleNamespace(
        keras=keras,
        batches=batches,
        checkpoint=checkpoint,
        head=head,
        learner=learner,
        lesson=lesson,
        run_folder=run_folder,
        teachers=teachers,
        teaching=teaching,
        watch=watch,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_cohorts(tmp_path_factory.mktemp("cohorts"), "kermany224", "nih512")


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def small(**values: Any) -> Recipe:
    recipe = load_recipe(CONFIG / "training" / "pneumonia.yaml")
    return with_values(recipe, SMALL | {"search": {}} | values)


def lesson_of(lab: SimpleNamespace, recipe: Recipe, data: Path) -> Any:
    from training.data.recipe_data import load_recipe_data

    return lab.lesson.prepare(recipe, load_recipe_data(recipe.cohorts, [str(data)]))


class Recording:
    """A source that notes which batches were asked for, and can be interrupted by a signal before one of them."""

    def __init__(self, source: Any, interrupt_at: int | None = None) -> None:
        self.source, self.interrupt_at = source, interrupt_at
        self.seen: list[bytes] = []

    def batches(self, count: int, start: int = 0) -> Iterator[Any]:
        for number, batch in enumerate(self.source.batches(count, start), start):
            if number == self.interrupt_at:
                signal.raise_signal(signal.SIGTERM)
            self.seen.append(batch.images.tobytes() + batch.targets.tobytes())
            yield batch


def taught(lab: SimpleNamespace, recipe: Recipe, data: Path, run: Path, **options: Any) -> tuple[Any, list[bytes]]:
    run.mkdir(exist_ok=True)
    lesson = lesson_of(lab, recipe, data)
    source = Recording(lesson.source, options.pop("interrupt_at", None))
    lesson = lab.teaching.Lesson(recipe, lesson.learner, source, lesson.watch, lesson.inputs)
    try:
        lab.teaching.teach(lesson, run, **options)
    except SystemExit as ended:
        assert "--resume" in str(ended)
    return lesson, source.seen


def test_a_run_learns_and_keeps_its_history(lab: SimpleNamespace, data: Path, tmp_path: Path, cached: None) -> None:
    lesson, seen = taught(lab, small(steps=40, report_steps=20), data, tmp_path / "run")
    history = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert [record["step"] for record in history] == [20, 40]
    assert history[1]["loss"] < history[0]["loss"]
    assert {"kermany224", "nih512"} <= set(history[1])
    assert len(seen) == 40
    learned, averaged = lesson.learner.network.get_weights(), lesson.learner.averaged.get_weights()
    assert any(not np.allclose(one, other) for one, other in zip(learned, averaged, strict=True))


def test_curves_are_what_tensorboard_reads(lab: SimpleNamespace, data: Path, tmp_path: Path, cached: None) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    taught(lab, small(), data, tmp_path / "run")
    curves = EventAccumulator(str(tmp_path / "run" / "curves"))
    curves.Reload()
    assert [event.step for event in curves.Scalars("loss")] == [4, 8, 12]
    assert {"loss", "kermany224", "nih512"} <= set(curves.Tags()["scalars"])


def test_an_interrupted_run_goes_on_with_the_same_batches_to_the_same_weights(
    lab: SimpleNamespace, data: Path, tmp_path: Path, cached: None
) -> None:
    whole, all_batches = taught(lab, small(), data, tmp_path / "whole")
    _, first = taught(lab, small(), data, tmp_path / "broken", interrupt_at=5)
    resumed, rest = taught(lab, small(), data, tmp_path / "broken", resume=True)
    assert len(first) == 6  # the step in hand is finished
    assert first + rest == all_batches
    for one, other in zip(whole.learner.averaged.get_weights(), resumed.learner.averaged.get_weights(), strict=True):
        assert np.allclose(one, other, atol=1e-5)
    history = [json.loads(line)["step"] for line in (tmp_path / "broken" / "history.jsonl").read_text().splitlines()]
    assert history == [4, 8, 12]


def test_a_killed_run_is_continued_by_the_same_command(data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "small.yaml"
    save_recipe(recipe, small(steps=100_000, report_steps=5))
    command = [
        sys.executable,
        "-m",
        "training",
        "train",
        str(recipe),
        "--name",
        "killed",
        "--runs",
        str(tmp_path),
    ]
    command += ["--data", str(data)]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    state, history = tmp_path / "killed" / "state.npz", tmp_path / "killed" / "history.jsonl"

    def start(*more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*command, *more], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)

    def last_step() -> int:
        lines = history.read_text(encoding="utf-8").splitlines() if history.exists() else []
        return json.loads(lines[-1])["step"] if lines else 0

    killed = start()
    wait_for(lambda: state.exists(), killed)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    reached = last_step()
    assert reached >= 5
    again = start("--resume")
    wait_for(lambda: last_step() >= reached + 10, again)
    again.send_signal(signal.SIGTERM)
    assert again.wait() == 1
    steps = [json.loads(line)["step"] for line in history.read_text(encoding="utf-8").splitlines()]
    assert steps == sorted(steps)
    assert subprocess.run(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, check=False).returncode == 1


def wait_for(reached: Any, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 150
    while not reached():
        assert process.poll() is None, "the run ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_run_is_neither_written_over_nor_continued_with_another_recipe(lab: SimpleNamespace, tmp_path: Path) -> None:
    run = tmp_path / "run"
    lab.run_folder.begin_run(run, small(), resume=False)
    lab.checkpoint.save(run, lab.checkpoint.Progress(), {})
    with pytest.raises(SystemExit, match="a run of this name exists"):
        lab.run_folder.begin_run(run, small(), resume=False)
    with pytest.raises(SystemExit, match="another recipe"):
        lab.run_folder.begin_run(run, small(seed=5), resume=True)
    lab.run_folder.begin_run(run, small(), resume=True)


def test_nothing_to_resume_is_told(lab: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="nothing to resume"):
        lab.checkpoint.load(tmp_path)


def test_a_run_stops_early_and_keeps_its_best_weights(
    lab: SimpleNamespace, data: Path, tmp_path: Path, cached: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = iter([0.6, 0.8, 0.7, 0.7, 0.9])
    monkeypatch.setattr(lab.watch.Watch, "mean", lambda *_: next(figures))
    recipe = small(steps=40, early_stopping={"patience": 2, "images_min": 10})
    kept: list[Any] = []
    lesson = lesson_of(lab, recipe, data)
    average = lesson.learner.average

    def keep() -> Any:
        kept.append(average().get_weights())
        return lesson.learner.averaged

    monkeypatch.setattr(lesson.learner, "average", keep)
    (tmp_path / "run").mkdir()
    progress = lab.teaching.teach(lesson, tmp_path / "run")
    assert (progress.steps, progress.best_step) == (16, 8)
    best = kept[1]
    assert all(
        np.array_equal(one, other) for one, other in zip(lesson.learner.averaged.get_weights(), best, strict=True)
    )


def test_a_run_that_had_stopped_early_stays_stopped_when_it_is_resumed(
    lab: SimpleNamespace, data: Path, tmp_path: Path, cached: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if killed between the last checkpoint and the weights."""
    monkeypatch.setattr(lab.watch.Watch, "mean", lambda *_: 0.5)
    recipe = small(steps=40, early_stopping={"patience": 1, "images_min": 10})
    taught(lab, recipe, data, tmp_path / "run")
    assert lab.checkpoint.load(tmp_path / "run")[0].steps == 8
    taught(lab, recipe, data, tmp_path / "run", resume=True)
    assert lab.checkpoint.load(tmp_path / "run")[0].steps == 8


def test_a_run_whose_loss_is_no_number_any_more_ends(
    lab: SimpleNamespace, data: Path, tmp_path: Path, cached: None
) -> None:
    (tmp_path / "run").mkdir()
    lesson = lesson_of(lab, small(learning_rate=1e30), data)
    with pytest.raises(SystemExit, match=r"step \d+: the loss is (nan|inf); a lower learning_rate may help"):
        lab.teaching.teach(lesson, tmp_path / "run")


def test_a_resumed_run_keeps_where_it_started_from_though_it_is_not_said_again(
    data: Path, tmp_path: Path, cached: None
) -> None:
    def train(*given: str) -> None:
        main(["train", *given, "--runs", str(tmp_path), "--data", str(data)])

    save_recipe(tmp_path / "small.yaml", small())
    train("small.yaml", "--name", "first")
    train("small.yaml", "--name", "second", "--start-from", "first")
    wanted = json.loads((tmp_path / "second" / "outcome.json").read_text())["stages"]
    assert wanted == ["small.yaml, 12 steps", "small.yaml, 12 steps"]
    (tmp_path / "second" / "outcome.json").unlink()
    split = (tmp_path / "second" / "split.csv").read_bytes()
    train("small.yaml", "--name", "second", "--resume")
    assert json.loads((tmp_path / "second" / "outcome.json").read_text())["stages"] == wanted
    assert json.loads((tmp_path / "second" / "arguments.json").read_text())["start_from"] == "first"
    assert (tmp_path / "second" / "split.csv").read_bytes() == split
    with pytest.raises(SystemExit, match=r"nothing: no outcome\.json there"):
        train("small.yaml", "--name", "third", "--start-from", "nothing")
    with pytest.raises(SystemExit, match="nothing to resume"):
        train("small.yaml", "--name", "fourth", "--resume")
    moved = (tmp_path / "first" / "split.csv").read_text().replace(",val,", ",train,")
    (tmp_path / "first" / "split.csv").write_text(moved)
    with pytest.raises(SystemExit, match="first learned from 48 patients that now lie in val"):
        train("small.yaml", "--name", "fifth", "--start-from", "first")


@pytest.mark.parametrize("given", [("--minutes", "0"), ("--steps", "-3"), ("--steps", "0")])
def test_no_time_and_no_steps_are_refused(capsys: pytest.CaptureFixture[str], given: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "recipe.yaml", "--name", "x", *given])
    assert f"{given[1]} is not above 0" in capsys.readouterr().err


def test_no_images_to_decide_on_are_told(lab: SimpleNamespace, data: Path, cached: None) -> None:
    from training.data.recipe_data import load_recipe_data

    examples = [one for one in load_recipe_data(small().cohorts, [str(data)]) if one.split != "val"]
    with pytest.raises(SystemExit, match="24 images to learn from, 0 of val"):
        lab.lesson.prepare(small(), examples)


def test_weights_of_another_network_are_told(lab: SimpleNamespace, tmp_path: Path) -> None:
    lab.learner.Learner(small()).averaged.save(tmp_path / "weights.keras")
    other = {"family": "residual", "stem": 5, "stages": [6, 8], "strides": [2, 1], "dropout": 0.3}
    with pytest.raises(SystemExit, match="weights of another network"):
        lab.learner.Learner(small(network=other)).start_from(tmp_path / "weights.keras")
    with pytest.raises(SystemExit, match="no such file"):
        lab.learner.Learner(small()).start_from(tmp_path / "nothing" / "weights.keras")


def test_a_run_may_start_from_one_with_other_findings_but_the_head(
    lab: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = lab.learner.Learner(small())
    before.averaged.save(tmp_path / "weights.keras")
    concept = {"value": "1", "scheme": "99T", "meaning": "T"}
    findings = [{"name": name, "concept": concept} for name in ("pneumonia", "effusion")]
    after = lab.learner.Learner(small(findings=findings, seed=99))
    own_head = lab.head.head_of(after.network).get_weights()
    after.start_from(tmp_path / "weights.keras")
    assert "its findings are others; the head begins anew" in capsys.readouterr().out
    head = lab.head.head_of(after.network)
    for mine, theirs in zip(after.network.layers, before.averaged.layers, strict=True):
        if mine is not head:
            for one, other in zip(mine.get_weights(), theirs.get_weights(), strict=True):
                assert np.array_equal(one, other)
    assert all(np.array_equal(one, other) for one, other in zip(head.get_weights(), own_head, strict=True))


def test_a_val_split_of_a_few_images_cannot_stop_a_run(lab: SimpleNamespace, data: Path, cached: None) -> None:
    with pytest.raises(SystemExit, match="no cohort has 13 val images of either class"):
        lesson_of(lab, small(early_stopping={"patience": 2, "images_min": 13}), data)


def test_the_mean_counts_each_cohort_alike_and_leaves_small_ones_out(lab: SimpleNamespace, data: Path) -> None:
    from training.data.recipe_data import load_recipe_data
    from training.data.splits import select

    recipe = small()
    watched = select(load_recipe_data(recipe.cohorts, [str(data)]), "val", recipe.cohorts)
    watch = lab.watch.Watch(recipe, watched)
    right = np.array([[float(e.positive if e.cohort == "kermany224" else not e.positive)] for e in watched], np.float32)
    assert watch.figures(right) == {"kermany224": 1.0, "nih512": 0.0}
    assert watch.mean(right, 12) == 0.5
    few = [e for e in watched if e.cohort == "kermany224"] + [e for e in watched if e.cohort == "nih512"][:10]
    assert lab.watch.Watch(recipe, few).mean(right[: len(few)], 12) == 1.0


def test_a_finding_that_a_cohort_is_not_labelled_for_teaches_nothing(lab: SimpleNamespace) -> None:
    targets = np.array([[1, -1], [0, 1]], dtype=np.float32)
    logits = np.array([[0.3, 5.0], [0.1, -2.0]], dtype=np.float32)
    loss = np.asarray(lab.learner.known_crossentropy(targets, logits))
    assert loss[0] == pytest.approx(np.log1p(np.exp(-0.3)), abs=1e-6)
    both = np.log1p(np.exp(0.1)) + np.log1p(np.exp(2.0))
    assert loss[1] == pytest.approx(both / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("flags", "multiplies"),
    [
        ("fpu sse2 avx512f avx512_vnni amx_tile amx_int8", False),
        ("fpu avx512f avx512_bf16", True),
        ("fpu amx_bf16 amx_tile", True),
        (None, False),
    ],
)
def test_mixed_precision_is_for_processors_that_multiply_in_bfloat16_and_weights_stay_whole(
    lab: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str | None, multiplies: bool
) -> None:
    if lab.learner.on_gpu():
        pytest.skip("a GPU is here, which computes in bfloat16 whatever the processor")
    if flags is not None:
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n", encoding="ascii")
    monkeypatch.setattr(lab.learner, "PROCESSOR", tmp_path / "cpuinfo")
    assert lab.learner.computes_bfloat16() == multiplies
    learner = lab.learner.Learner(small(precision="mixed"))
    policies = {layer.dtype_policy.name for layer in learner.network.layers if layer.weights}
    assert policies == ({"mixed_bfloat16", "float32"} if multiplies else {"float32"})  # the head never is
    assert {str(weight.dtype) for weight in (*learner.network.weights, *learner.averaged.weights)} == {"float32"}
    assert {layer.compute_dtype for layer in learner.averaged.layers} == {"float32"}
    assert lab.keras.config.dtype_policy().name == "float32"
    whole = lab.learner.Learner(small())
    assert {layer.compute_dtype for layer in whole.network.layers} == {"float32"}


def test_a_network_that_computes_in_bfloat16_learns_and_its_average_answers_in_float32(
    lab: SimpleNamespace, data: Path, tmp_path: Path, cached: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text("flags : amx_bf16\n", encoding="ascii")
    monkeypatch.setattr(lab.learner, "PROCESSOR", tmp_path / "cpuinfo")
    lesson, _ = taught(lab, small(precision="mixed"), data, tmp_path / "run")
    losses = [json.loads(line)["loss"] for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert len(losses) == 3 and np.isfinite(losses).all()
    assert all(np.isfinite(weight).all() for weight in lesson.learner.averaged.get_weights())
    assert lesson.scores().dtype == np.float32


def test_a_student_learns_the_mean_answer_of_its_teachers_which_is_asked_once(
    lab: SimpleNamespace, data: Path, tmp_path: Path, cached: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.data.recipe_data import load_recipe_data
    from training.data.splits import select

    runs = []
    for seed in (1, 2):
        run = tmp_path / f"teacher{seed}"
        lab.run_folder.begin_run(run, small(seed=seed), resume=False)
        lab.learner.Learner(small(seed=seed)).averaged.save(run / "weights.keras")
        runs.append(str(run))
    recipe = small(teachers={"runs": runs, "weight": 0.5})
    learning = select(load_recipe_data(recipe.cohorts, [str(data)]), "train", recipe.cohorts)
    soft = lab.teachers.soft_targets(recipe, learning)
    assert soft.shape == (24, 1)
    alone = lab.teachers.soft_targets(small(teachers={"runs": runs[:1], "weight": 0.5}), learning)
    other = lab.teachers.soft_targets(small(teachers={"runs": runs[1:], "weight": 0.5}), learning)
    assert np.allclose(soft, (alone + other) / 2)
    monkeypatch.setattr(lab.keras.models, "load_model", lambda *_, **__: pytest.fail("the teacher was asked again"))
    assert np.array_equal(lab.teachers.soft_targets(recipe, learning), soft)
    os.utime(learning[0].path, (0, 0))  # as if another film lay there now
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        lab.teachers.soft_targets(recipe, learning)
    images = np.zeros((24, 40, 40), np.uint8)
    hard = lab.batches.BatchSource(small(), learning, images).batch(0).targets
    mixed = lab.batches.BatchSource(recipe, learning, images, np.full((24, 1), 0.3, np.float32)).batch(0).targets
    assert np.allclose(mixed, hard / 2 + 0.15)


def test_a_teacher_of_other_findings_is_refused(lab: SimpleNamespace, data: Path, tmp_path: Path, cached: None) -> None:
    other = {"name": "tuberculosis", "concept": {"value": "154283005", "scheme": "SCT", "meaning": "Tuberculosis"}}
    lab.run_folder.begin_run(tmp_path / "other", small(findings=[other]), resume=False)
    recipe = small(teachers={"runs": [str(tmp_path / "other")], "weight": 0.5})
    with pytest.raises(SystemExit, match="knows tuberculosis, not pneumonia"):
        lab.teachers.soft_targets(recipe, [])
