"""Results for the hub, as the hub's own library reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import EvalResultEntry, parse_eval_result_entries

from spurbench.errors import UserError
from spurbench.files import write_text
from spurbench.results import Result
from spurbench_leaderboard.hub.write import write_files
from tests.evaluators.test_cli import call
from tests.leaderboard.own import panel_files, panel_results

REPO = "you/spurbench"
SHA = "0123456789abcdef0123456789abcdef01234567"


def own(spec: str = "micro/vit") -> Result:
    (found,) = [each for each in panel_results() if each.model.spec == spec]
    return found


def changed(result: Result, **parts: dict[str, Any]) -> Result:
    raw = result.model_dump()
    for part, fields in parts.items():
        raw[part] |= fields
    return Result.model_validate(raw)


def parsed(path: Path) -> list[EvalResultEntry]:
    return parse_eval_result_entries(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_numbers_of_the_result_file_as_the_hub_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every entry is of a task that eval.yaml declares, of the restricted reading; --out and
    --data-repo say where."""
    files = panel_files()
    words = ("leaderboard", "export-hf", *files, "--data-repo", REPO, "--out", tmp_path / "hf")
    assert call(monkeypatch, *words) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == f"{tmp_path / 'hf' / 'eval.yaml'}: written" and len(said) == len(files) + 1
    benchmark = yaml.safe_load((tmp_path / "hf" / "eval.yaml").read_text())
    assert set(benchmark) == {"name", "description", "evaluation_framework", "tasks"}
    declared = {task["id"]: task for task in benchmark["tasks"]}
    for file in files:
        data = json.loads(file.read_text())
        path = tmp_path / "hf" / file.stem / ".eval_results" / "spurbench.yaml"
        entries = {entry.task_id: entry for entry in parsed(path)}
        restricted = {split: means["restricted"] for split, means in data["means"].items()}
        expected = {
            "generated_spurious_accuracy": restricted["generated"]["top1"],
            "generated_roc_auc": restricted["generated"]["roc_auc"],
            "si_spurious_accuracy": restricted["si"]["top1"],
            "si_roc_auc": restricted["si"]["roc_auc"],
            "val_accuracy": restricted["val"]["top1"],
        }
        assert set(entries) == set(expected) == set(declared)
        for name, interval in expected.items():
            entry = entries[name]
            assert entry.value == interval["value"] and entry.dataset_id == REPO
            assert entry.dataset_revision is None and entry.date is None
            way = "lower" if "spurious" in name else "higher"
            assert entry.notes and f", {way} is better, a share in [0, 1], 95 %" in entry.notes
            assert f"{interval['low']:.4f} to {interval['high']:.4f}" in entry.notes
            assert f"weights {data['model']['weights_sha256'][:8]}" in entry.notes
            assert "mean over 6 classes, restricted to the domain's labels" in entry.notes
            assert declared[name]["config"] == "default"
            assert name.startswith(declared[name]["split"] + "_")
    assert (
        "Lower is better for: generated_spurious_accuracy, si_spurious_accuracy"
        in benchmark["description"]
    )


def test_the_reading_is_the_one_that_ranks(tmp_path: Path) -> None:
    """Of a head whose answers over all its outputs are others."""
    raw = own().model_dump()
    raw["means"]["si"]["restricted"]["top1"] = {"value": 0.25, "low": 0.2, "high": 0.3}
    (path, _) = write_files([Result.model_validate(raw)], REPO, tmp_path)
    values = {entry.task_id: entry.value for entry in parsed(path)}
    assert values["si_spurious_accuracy"] == 0.25 != raw["means"]["si"]["top1"]["value"]


def test_where_the_data_set_came_from_is_where_it_lies(tmp_path: Path) -> None:
    """With its commit; but a repository that is named is another one, whose commit nobody knows."""
    result = changed(own(), data={"hub_id": REPO, "revision": SHA})
    (path, _) = write_files([result], None, tmp_path / "a")
    assert {(e.dataset_id, e.dataset_revision) for e in parsed(path)} == {(REPO, SHA)}
    (path, _) = write_files([result], "else/where", tmp_path / "b")
    assert {(e.dataset_id, e.dataset_revision) for e in parsed(path)} == {("else/where", None)}


def test_foreign_text_is_text(tmp_path: Path) -> None:
    hostile = "micro/x\n- dataset: {id: a/b}\n  value: !!python/object/apply:os.system [true] # '\"<b>\x1b"
    (path, _) = write_files([changed(own(), model={"spec": hostile})], REPO, tmp_path)
    entries = parsed(path)
    assert len(entries) == 5 and {e.dataset_id for e in entries} == {REPO}
    for entry in entries:
        assert entry.notes and "\n" not in entry.notes and "\x1b" not in entry.notes
        assert "value: !!python/object/apply:os.system [true] # '\"<b>" in entry.notes


def test_an_older_result_says_which_reading_it_has(tmp_path: Path) -> None:
    raw = own().model_dump()
    for means in raw["means"].values():
        means |= {"restricted": None, "roc_auc": None}
    (path, benchmark) = write_files([Result.model_validate(raw)], REPO, tmp_path)
    assert all("over the full head" in (entry.notes or "") for entry in parsed(path))
    tasks = [task["id"] for task in yaml.safe_load(benchmark.read_text())["tasks"]]
    assert tasks == ["generated_spurious_accuracy", "si_spurious_accuracy", "val_accuracy"]


@pytest.mark.parametrize(
    ("results", "repo", "said"),
    [
        ([own()], None, "no result says where the data set lies on the hub; give --data-repo"),
        ([own()], "you", "--data-repo: 'you' is not ORG/NAME"),
        ([own()], "../x", "--data-repo: '../x' is not ORG/NAME"),
        ([own()], "you/a\n- b", "is not ORG/NAME"),
        ([own(), own()], REPO, "'micro/vit': two results are of the same run; leave one out"),
        (
            [own(), changed(own("micro/robust"), data={"fingerprint": "0" * 64, "version": "c0"})],
            REPO,
            f"results are of micro/{own().data.version} and of micro/c0; export those of one data set",
        ),
        ([changed(own(), data={"selection": {"limit": 1}})], REPO, "only a part of the data set"),
        (
            [changed(own(), data={"hub_id": name}) for name in ("a/b", "c/d")],
            None,
            "results name 2: 'a/b', 'c/d' where the data set lies",
        ),
        ([changed(own(), data={"hub_id": "<script>"})], None, "'<script>' is not ORG/NAME"),
    ],
)
def test_what_is_refused_writes_nothing(
    tmp_path: Path, results: list[Result], repo: str | None, said: str
) -> None:
    with pytest.raises(UserError) as error:
        write_files(results, repo, tmp_path / "hf")
    assert said in str(error.value) and not (tmp_path / "hf").exists()


@pytest.mark.parametrize("there", [False, True])
def test_a_full_disk_leaves_nothing_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """What was in the folder before stays; the last file is the one that has no room."""
    if there:
        write_files([own()], REPO, tmp_path / "hf")
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}

    def full(path: Path, text: str) -> None:
        if path.name == "eval.yaml":
            raise OSError(28, "no space")
        write_text(path, text)

    monkeypatch.setattr("spurbench_leaderboard.hub.write.write_text", full)
    with pytest.raises(OSError, match="no space"):
        write_files([own(), own("micro/robust")], REPO, tmp_path / "hf")
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")} == before
