"""What keeps a result out, and what does not: honest results, forgeries of every part, copies."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from spurbench.dataset.read import StoredPicture
from spurbench.errors import UserError
from spurbench.files import sha256_bytes, sha256_json
from spurbench.results import Result, Selection, ValidationRecord, read_result
from spurbench.scores.stored import install
from spurbench.scores.summary import result_of
from spurbench_leaderboard.gate import check as gate
from spurbench_leaderboard.gate import numbers
from spurbench_leaderboard.gate.reader import Reader

from .made import Board, altered, edited, predictions_of, record, submitted

Found = list[tuple[str, ...]]
BLIND = "accuracy on validation pictures is 0.0 %, below 40 %: it says little of any picture"
REGISTER = "add it with `spurbench leaderboard register`"


def errors(found: Found) -> list[tuple[str, ...]]:
    return [each[1:] for each in found if each[0] == "error"]


def test_honest_results_have_no_findings(made: Board, reader: Reader) -> None:
    paths = [submitted(made, f"made/{name}", seed) for seed, name in enumerate("abc")]
    report = made.check(reader)
    assert report.findings == () and report.code == 0
    assert len(report.files) == 3 and report.skipped == (gate.UNCHECKED,)
    assert made.check(reader, paths[1]).files == (paths[1].as_posix(),)
    beside, _ = predictions_of(paths[1])
    assert made.check(reader, beside).files == (paths[1].as_posix(),), (
        "predictions are their result's"
    )


def test_parts_and_unreadable_pictures_are_noted(made: Board, reader: Reader) -> None:
    submitted(made, "made/part", 1, data_selection=Selection(limit=2), pictures=_first_two)
    submitted(made, "made/gone", 2, unreadable=2)
    submitted(made, "made/blind", 3, lean=0.0)
    assert made.found(reader) == [
        ("note", "plausible", f"listed, not ranked: {BLIND}"),
        ("note", "plausible", "leaves out 2 pictures as unreadable"),
        ("note", "plausible", "listed, not ranked: only a part of the data set was scored"),
    ]  # fmt: skip


def _first_two(pictures: list[StoredPicture]) -> list[StoredPicture]:
    return [picture for picture in pictures if picture.index < 2]


def _without_validation(pictures: list[StoredPicture]) -> list[StoredPicture]:
    return [picture for picture in pictures if picture.kind != "val"]


def test_without_validation_pictures_the_accuracy_is_not_known(made: Board, reader: Reader) -> None:
    chosen = Selection(splits=["generated", "si"])
    submitted(made, pictures=_without_validation, data_selection=chosen)
    notes = [message for _, _, message in made.found(reader)]
    assert "has no validation pictures: its accuracy is not known" in notes


def test_validation_pictures_from_elsewhere_go_by_their_fingerprint(
    made: Board, reader: Reader
) -> None:
    def other(pictures: list[StoredPicture]) -> list[StoredPicture]:
        from dataclasses import replace

        return [
            replace(p, sha256=sha256_bytes(f"{p.slug}{p.index}".encode())) if p.kind == "val" else p
            for p in pictures
        ]

    pictures = other(list(made.data.pictures()))
    pairs = sorted((p.label, p.sha256) for p in pictures if p.kind == "val")
    right = ValidationRecord(name="v", layout="x", fingerprint=sha256_json(pairs))
    submitted(made, "made/a", pictures=other, data_validation=right)
    assert made.found(reader) == []
    wrong = right.model_copy(update={"fingerprint": "a" * 64})
    submitted(made, "made/b", 2, pictures=other, data_validation=wrong)
    assert errors(made.found(reader)) == [
        ("pictures", "the validation pictures are not those of data.validation.fingerprint")
    ]


def _better(data: dict[str, Any]) -> None:
    score = next(s for s in data["scores"] if s["split"] == "generated")
    score["restricted"]["mean_probability"] = 0.0625


def test_a_forged_number_beside_honest_predictions(made: Board, reader: Reader) -> None:
    path = submitted(made)
    before = next(s for s in read_result(path).scores if s.split == "generated")
    assert before.restricted
    place = "scores.gondola/generated/0.restricted.mean_probability"
    given = before.restricted.mean_probability
    edited(path, _better)
    assert errors(made.found(reader)) == [
        ("numbers", f"{place}: says '0.0625', its predictions give '{given}'")
    ]  # fmt: skip


def _numbers(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where numbers stand in a JSON value."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [found for key, inner in items for found in _numbers(inner, (*place, key))]
    return [place] if isinstance(value, int | float) and not isinstance(value, bool) else []


def test_every_number_of_a_result_is_held_to_the_predictions(made: Board) -> None:
    """Each is moved by one part in a million, or by one where it counts."""
    _, predictions = predictions_of(submitted(made))
    honest = result_of(predictions)
    places, refused = _numbers(honest.model_dump()), 0
    assert len(places) > 150 and not list(numbers.differences(honest, honest))
    for place in places:
        forged = inner = honest.model_dump()
        for key in place[:-1]:
            inner = inner[key]
        old = inner[place[-1]]
        less = old * (1 - 1e-6) if abs(old) > 0.01 else old + 1e-6
        inner[place[-1]] = old + 1 if isinstance(old, int) else less
        try:
            told = list(numbers.differences(Result.model_validate(forged), honest))
        except ValidationError:
            refused += 1
            continue
        assert len(told) == 1 and told[0].startswith(str(place[0])), place
    assert refused < len(places) / 4


def test_honest_numbers_beside_forged_predictions(made: Board, reader: Reader) -> None:
    path = submitted(made, "made/a", 1)
    beside, _ = predictions_of(path)
    other, _ = predictions_of(submitted(made, "made/b", 2))
    shutil.copy(other, beside)
    (said,) = [e for e in errors(made.found(reader, path)) if e[0] == "predictions"]
    assert said[1].startswith(f"{beside.name}: is another file than predictions_sha256 says")
    beside.unlink()
    assert errors(made.found(reader, path)) == [
        ("predictions", f"{beside.name}: no such file beside the result; submit it too")
    ]


def _other_pictures(table: list[dict[str, Any]]) -> None:
    for row in table[:3]:
        row["sha256"] = sha256_bytes(row["sha256"].encode())


def test_predictions_of_other_pictures(made: Board, reader: Reader) -> None:
    altered(made, submitted(made), _other_pictures)
    assert errors(made.found(reader)) == [
        ("pictures", "gondola/generated: 3 of 4 pictures are not the data set's (the first is number 0)")
    ]  # fmt: skip


def test_pictures_that_are_left_out_are_missed(made: Board, reader: Reader) -> None:
    altered(made, submitted(made), lambda table: table.pop(1))
    assert errors(made.found(reader)) == [
        ("pictures", "gondola/generated: 1 of the data set's 4 pictures are missing (the first is number 1)")
    ]  # fmt: skip


def _moved(table: list[dict[str, Any]]) -> None:
    for row in table:
        row["slug"] = {"koala": "gondola", "gondola": "koala"}[row["slug"]]


def _added(table: list[dict[str, Any]]) -> None:
    table.append({**table[0], "index": 99})


def _renamed(table: list[dict[str, Any]]) -> None:
    for row in table:
        row["split"] = f"{row['split']}_2"


@pytest.mark.parametrize("change", [_moved, _added, _renamed])
def test_pictures_filed_otherwise_are_found(
    made: Board, reader: Reader, change: Callable[[list[dict[str, Any]]], object]
) -> None:
    altered(made, submitted(made), change)
    assert {rule for rule, _ in errors(made.found(reader))} == {"pictures"}


def _hits(table: list[dict[str, Any]]) -> None:
    """Every spurious answer is taken back, and nothing else."""
    for row in table:
        if row["split"] != "val" and row["predicted"] == row["label"]:
            row["predicted"] = row["restricted_predicted"] = row["top_labels"][1]
            for name in ("top_labels", "restricted_top_labels", "top_outputs"):
                row[name][:2] = row[name][1::-1]


def _odds(table: list[dict[str, Any]]) -> None:
    for row in table:
        row["class_log_odds"] = row["restricted_class_log_odds"] = -9.0


def _over(table: list[dict[str, Any]]) -> None:
    table[0]["top_probabilities"] = [0.9] * 5


def _beyond(table: list[dict[str, Any]]) -> None:
    table[0]["top_outputs"][4] = table[0]["top_labels"][4] = 12


def _twice(table: list[dict[str, Any]]) -> None:
    table[0]["top_outputs"] = table[0]["top_labels"] = [1] * 5


def _ragged(table: list[dict[str, Any]]) -> None:
    table[0]["top_outputs"] = table[0]["top_outputs"][:2]


def _unseen(table: list[dict[str, Any]]) -> None:
    """A class that is not among the first five outputs, and more probable than the fifth."""
    for row in table:
        if row["label"] not in row["top_labels"]:
            p = row["top_probabilities"][-1] + 0.05
            row["class_log_odds"] = row["restricted_class_log_odds"] = math.log(p / (1 - p))


def _restricted(table: list[dict[str, Any]]) -> None:
    for row in table:
        row["restricted_class_log_odds"] = row["class_log_odds"] - 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_hits, "give the class another probability than their top outputs"),
        (_odds, "give the class another probability than their top outputs"),
        (_unseen, "give the class another probability than their top outputs"),
        (_over, "have top probabilities that no softmax gives"),
        (_beyond, "name outputs that the head does not have"),
        (_twice, "name an output twice"),
        (_ragged, "rows differ in how many outputs they name"),
        (_restricted, "make the class less probable among fewer outputs"),
    ],
)
def test_answers_that_no_network_gives(
    made: Board, reader: Reader, change: Callable[[list[dict[str, Any]]], object], said: str
) -> None:
    altered(made, submitted(made, lean=0.0), change)
    found = [message for rule, message in errors(made.found(reader)) if rule == "predictions"]
    assert any(said in message for message in found), found


def test_a_copy_under_another_name(made: Board, reader: Reader) -> None:
    """Another spec and other weights, in both files; then also with all log odds a little moved."""
    path = submitted(made, "made/theirs")
    own = record(made.data, "made/mine", "e" * 64)

    def little(table: list[dict[str, Any]]) -> None:
        for row in table:
            row["class_log_odds"] += 1e-4
            row["restricted_class_log_odds"] += 1e-4

    for change in (lambda table: None, little):
        spare = made.root / "spare"
        shutil.copytree(made.results, spare)
        copy = altered(made, path, change, model=own.model)
        for file in spare.rglob("*.*"):  # the one that was copied
            shutil.copy(file, made.results / file.relative_to(spare))
        said = f"says of the pictures, one by one, the same as {path.as_posix()}"
        assert errors(made.found(reader, copy)) == [("duplicate", said)]
        shutil.rmtree(spare)
        for file in copy.parent.glob(f"{copy.stem}.*"):
            file.unlink()


def test_one_model_twice_in_a_table(made: Board, reader: Reader) -> None:
    path = submitted(made, "made/a", 1, weights="a" * 64)
    other = submitted(made, "made/b", 2, weights="a" * 64)
    said = f"is of the same weights, in the same table, as {path.as_posix()}"
    assert errors(made.found(reader, other)) == [("duplicate", said)]
    assert errors(made.found(reader)) == [("duplicate", said)], "said of one of them"
    for file in other.parent.glob(f"{other.stem}.*"):
        file.unlink()
    submitted(made, "made/a", 2, weights="a" * 64, framing="squash")
    submitted(made, "made/a", 3, weights="a" * 64, environment={"dtype": "bfloat16"})
    assert made.found(reader) == [], "another framing is another table; a precision is marked there"


def test_the_same_predictions_under_another_file_name(made: Board, reader: Reader) -> None:
    path = submitted(made)
    copy = path.with_name(f"better_{path.name}")
    shutil.copy(path, copy)
    beside, _ = predictions_of(path)
    shutil.copy(beside, beside.with_name(f"better_{beside.name}"))
    found = errors(made.found(reader, copy))
    assert ("duplicate", f"has the predictions of {path.as_posix()}") in found
    place = path.relative_to(made.results).as_posix()
    assert ("name", f"does not lie where its content belongs; move it to {place}") in found


def test_a_data_set_that_is_not_known(made: Board, reader: Reader) -> None:
    submitted(made, "made/a", data_version="c1")
    submitted(made, "made/b", 2, data_fingerprint="f" * 64)
    version = made.data.manifest.version
    assert errors(made.found(reader)) == [
        ("data", f"data set micro/c1 is not known (known: micro/{version}); {REGISTER}"),
        ("data", f"data.fingerprint is not that of micro/{version}"),
    ]  # fmt: skip


def test_old_versions_of_the_format_are_to_be_computed_again(made: Board, reader: Reader) -> None:
    path = submitted(made)
    for version, said in ((2, "lack what is compared"), (4, "made by a newer spurbench")):
        edited(path, lambda data, version=version: data.update(schema_version=version))  # type: ignore[misc]
        (found,) = errors(made.found(reader))
        assert found[0] == "schema" and said in found[1]


def test_what_belongs_to_no_result_is_found(made: Board, reader: Reader) -> None:
    path = submitted(made)
    for name in ("micro/x.py", "x.json.bak", ".hidden/a.json", f"{path.stem}.01234567.parquet"):
        (made.results / name).parent.mkdir(parents=True, exist_ok=True)
        (made.results / name).write_text("{}")
    (path.parent / "folder").symlink_to(made.root)
    found = errors(made.found(reader))
    assert found == [("place", "belongs to no result; remove it")] * 5


def test_links_are_refused(made: Board, reader: Reader) -> None:
    path = submitted(made)
    beside, _ = predictions_of(path)
    for file in (beside, path):
        elsewhere = made.root / f"elsewhere{file.suffix}"
        shutil.move(file, elsewhere)
        file.symlink_to(elsewhere)
        ((rule, message),) = errors(made.found(reader, path))
        assert rule == {".parquet": "predictions", ".json": "place"}[file.suffix]
        assert message.endswith(
            f"{file.name}{':' * (file is beside)} is a link; submit files themselves"
        )


def test_a_linked_folder_is_refused(made: Board, reader: Reader) -> None:
    path = submitted(made)
    elsewhere = made.root / "elsewhere"
    shutil.move(path.parent, elsewhere)
    path.parent.symlink_to(elsewhere)
    ((rule, message),) = errors(made.found(reader, path))
    assert rule == "place" and message == f"{path.parent} is a link; submit files themselves"


def test_what_is_no_plain_file_is_not_waited_for(made: Board, reader: Reader) -> None:
    path = submitted(made)
    path.unlink()
    os.mkfifo(path)
    (found,) = [e for e in errors(made.found(reader, path)) if e[0] == "schema"]
    assert found[1] == "is a FIFO; name a plain file"


def test_sizes_are_bounded(made: Board, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    path = submitted(made)
    beside, _ = predictions_of(path)
    size = beside.stat().st_size
    monkeypatch.setattr(gate, "MOST_BESIDE", size)
    assert made.found(reader) == []
    monkeypatch.setattr(gate, "MOST_BESIDE", size - 1)
    ((_, said),) = errors(made.found(reader))
    assert said.startswith(f"{beside.name}: {size} bytes are more than lie beside a result")
    with path.open("ab") as file:
        file.truncate(1 << 30)
    found = errors(made.found(reader, path))
    assert found == [("schema", "1073741824 bytes are more than it can have (16777216)")]


def test_wrong_calls(made: Board, reader: Reader) -> None:
    path = submitted(made)
    with pytest.raises(UserError, match=r"gone\.json: no such file; name result files"):
        made.check(reader, path.with_name("gone.json"))
    for wrong in (made.data.folder / "manifest.json", path.parent, made.results):
        with pytest.raises(UserError, match="is no file below .*; name the folder with --results"):
            made.check(reader, wrong)
    shutil.rmtree(made.results)
    with pytest.raises(UserError, match="no such folder of results"):
        made.check(reader)
    made.results.mkdir()
    with pytest.raises(
        UserError, match="no result files .*; make one with `spurbench eval --submit`"
    ):
        made.check(reader)


def test_one_that_cannot_be_read_does_not_hide_the_others(made: Board, reader: Reader) -> None:
    paths = [submitted(made, f"made/{name}", seed) for seed, name in enumerate("abc")]
    paths[0].write_text("{")
    edited(paths[1], _better)
    assert [rule for rule, _ in errors(made.found(reader))] == ["schema", "numbers"]


def test_a_result_that_its_own_predictions_give_is_what_install_writes(made: Board) -> None:
    path = submitted(made)
    beside, _ = predictions_of(path)
    again = install(beside.read_bytes(), made.root / "again")
    assert again.path and Result.model_validate_json(again.path.read_text()) == read_result(path)
