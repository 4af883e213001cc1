"""python -m training judge: a package of ONNX on drawn films, to JSON of a fixed form, a page, and the card."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.checkout import CHECKOUT
from tests.support.cohorts.drawn_collections import draw_collections
from tests.support.models.tiny_model import TINY, copy_tiny

pytest.importorskip("sklearn", reason="scikit-learn is in the extra [training]")
pytest.importorskip("onnxruntime")
from converter.evaluation import changes
from converter.evaluation.cases import Case
from converter.evaluation.report import Setting, build_report
from converter.package.baseline import told_of
from converter.package.manifest import load_manifest
from training.__main__ import main
from training.data import images
from training.judging import robust_answers
from training.judging.judgement import PARTS
from training.judging.judgement_page import SECTIONS
from training.packaging.card_judgement import METRICS, TABLES, judged_metrics


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_collections(tmp_path_factory.mktemp("data"), of_a_class=12)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny network, whose first finding is called pneumonia; it follows the brightness of the film."""
    monkeypatch.setattr(images, "CACHE", tmp_path / "cache")
    findings = yaml.safe_load((TINY / "manifest.yaml").read_text(encoding="utf-8"))["findings"]
    return copy_tiny(tmp_path / "models", findings=[findings[0] | {"name": "pneumonia"}, findings[1]])


def judge(*arguments: str | int | Path) -> None:
    main(["judge", *map(str, arguments)])


def test_every_part_is_measured_and_written(
    package: Path,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = changes.CHANGES[:1] + changes.CHANGES[-1:]  # each of the others costs seconds, and is tested by itself
    monkeypatch.setattr(robust_answers, "CHANGES", some)
    judge(package, "--data", data, "--json", tmp_path / "j.json", "--html", tmp_path / "j.html", "--films", 24)
    made = json.loads((tmp_path / "j.json").read_text(encoding="utf-8"))
    assert (made["kind"], made["format"], made["finding"]["name"]) == ("judgement", 1, "pneumonia")
    assert {*made["parts"]} == {*PARTS} == {*SECTIONS} == {*TABLES} == {*METRICS}
    assert not any("not_measured" in part for part in made["parts"].values())
    children, adults = made["parts"]["robustness"]["populations"]
    for population in (children, adults):
        assert (population["films"], population["positives"]) == (24, 12)
        assert [change["name"] for change in population["changes"]] == [one.name for one in some]
    page = (tmp_path / "j.html").read_text(encoding="utf-8")
    for heading in ("Adults of mixed sources", "Changed films", "Evidence in the lungs", "Drawn opacities", "Gaps"):
        assert heading in page
    assert str(data) not in page + json.dumps(made) and "<script" not in page and "src=" not in page
    assert "adults against healthy of all: auc" in capsys.readouterr().out


def test_one_part_alone_is_measured_where_others_are_not_asked_for(package: Path, data: Path, tmp_path: Path) -> None:
    judge(package, "--data", data, "--json", tmp_path / "j.json", "--films", 20, "--only", "pointing")
    assert [*json.loads((tmp_path / "j.json").read_text(encoding="utf-8"))["parts"]] == ["pointing"]


def test_a_part_that_cannot_be_measured_says_why_and_ends_no_other(
    package: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(data, tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / "lungmasks224")
    given = ("--data", tmp_path / "data", "--json", tmp_path / "j.json", "--html", tmp_path / "j.html")
    judge(package, *given, "--films", 20, "--only", "gaps", "pointing")
    parts = json.loads((tmp_path / "j.json").read_text(encoding="utf-8"))["parts"]
    assert (
        "no film of kermany224 in devtest has an outline" in parts["pointing"]["not_measured"]
        and parts["gaps"]["populations"]
    )
    assert "Not measured" in (tmp_path / "j.html").read_text(encoding="utf-8")
    assert "pointing: not measured" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give --json, --html or both"),
        (["--json", "j.json", "--films", "3"], "3 is not between 20 and 2000"),
        (["--json", "j.json", "--only", "all"], "invalid choice: 'all'"),
    ],
)
def test_wrong_usage_is_told(
    package: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        judge(package, *options)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--finding", "dark"],
            "the films at hand are labelled for pneumonia, bacterial-pneumonia, viral-pneumonia, not for dark",
        ),
        (["--finding", "gout"], "has no finding gout; it has pneumonia, dark"),
    ],
)
def test_a_finding_without_films_is_told(
    package: Path, data: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    with pytest.raises(SystemExit, match=message):
        judge(package, "--data", data, "--json", tmp_path / "j.json", *options)


def figures_of(package: Path, file: Path) -> Path:
    """What `evaluate` would have written of the package."""
    manifest = load_manifest(package / "manifest.yaml")
    names = [finding.name for finding in manifest.findings]
    cases = [
        Case(f"{n}.png", f"p{n}", "kermany224", dict.fromkeys(names, n % 2 == 0), dict.fromkeys(names, 0.4 + n % 3 / 5))
        for n in range(40)
    ]
    report = build_report(manifest, cases, Setting("t", "2026-01-01", {"kermany224": "devtest"}), [])
    file.write_text(json.dumps(report), encoding="utf-8")
    return file


def test_the_card_and_the_manifest_state_what_was_judged(package: Path, data: Path, tmp_path: Path) -> None:
    judge(package, "--data", data, "--json", tmp_path / "j.json", "--films", 20, "--only", "mixed-sources", "pointing")
    figures = figures_of(package, tmp_path / "r.json")
    main(["card", str(package), str(figures), "--judged", str(tmp_path / "j.json")])
    made = json.loads((tmp_path / "j.json").read_text(encoding="utf-8"))
    text = (package / "CARD.md").read_text(encoding="utf-8")
    metrics = {metric.name: metric for metric in load_manifest(package / "manifest.yaml").metrics}
    against = made["parts"]["mixed-sources"]["finding_against"][2]
    found = metrics["auc, nih512 v healthy rsna256"]
    assert found.value == against["auc"]["value"] and found.split == "val + devtest"
    assert metrics["baseline auc, nih512 v healthy rsna256"].value == against["probe"]["value"]
    assert f"| with the finding v healthy rsna256 | {against['images']} | {found.value:.3f} (" in text
    for caution in made["cautions"]:
        assert f"- **Warning.** {caution['text']}" in text
    assert json.loads((package / "report" / "judgement.json").read_text(encoding="utf-8")) == made
    assert any("nih512 v healthy" in told for told in told_of(metrics.values()))


def test_a_package_that_is_not_for_adults_is_not_warned_of_for_them(package: Path, data: Path, tmp_path: Path) -> None:
    judge(package, "--data", data, "--json", tmp_path / "j.json", "--films", 20, "--only", "mixed-sources")
    made = json.loads((tmp_path / "j.json").read_text(encoding="utf-8"))
    manifest = load_manifest(package / "manifest.yaml")
    ages = manifest.intended_use.ages.model_copy(update={"max_years": 5})
    children = manifest.model_copy(update={"intended_use": manifest.intended_use.model_copy(update={"ages": ages})})
    names = {metric.name for metric in judged_metrics(made, children)}
    assert "auc, nih512 v healthy rsna256" in names and not any("baseline" in name for name in names)


def test_a_judgement_of_another_graph_and_other_json_are_refused(package: Path, tmp_path: Path) -> None:
    figures = figures_of(package, tmp_path / "r.json")
    before = (package / "manifest.yaml").read_bytes()
    other = {"kind": "judgement", "format": 1, "package": {"onnx_sha256": "0" * 64}, "parts": {}}
    for content, message in ((other, "was measured on another model.onnx"), ({"format": 1}, "is not the JSON of")):
        (tmp_path / "j.json").write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(SystemExit, match=message):
            main(["card", str(package), str(figures), "--judged", str(tmp_path / "j.json")])
    assert (package / "manifest.yaml").read_bytes() == before


def test_no_part_loads_tensorflow() -> None:
    modules = ["training.commands.judge", *(f"training.judging.{module}" for module in PARTS.values())]
    code = f"import importlib, sys; [importlib.import_module(one) for one in {modules}]; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "onnxruntime" in loaded and not {"tensorflow", "keras", "tf2onnx"} & loaded
