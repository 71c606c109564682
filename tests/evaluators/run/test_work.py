"""The parts of an unfinished run on the disk: what is kept, what goes on, what is not mixed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from spurbench.contracts import LabelSpace
from spurbench.errors import UserError
from spurbench.results import Unreadable
from spurbench.scores.answers import Seen, answers
from spurbench.scores.predictions import Provenance, rows_table
from spurbench_evaluators.run import work
from spurbench_evaluators.run.runner import Chunk
from spurbench_evaluators.run.work import FOLDER, Work, alike, locked
from tests.core.scores.made import record

SPACE = LabelSpace("three", "micro", ("a", "b", "c"))


def provenance(probe: list[float | None] | None = None, **changes: Any) -> Provenance:
    return record(**changes).model_copy(update={"probe": probe or [0.5, -2.0]})


def seen(start: int, stop: int) -> list[Seen]:
    """Answers that tell a picture from every other."""
    logits = torch.tensor([[float(i), 0.5, -1.0] for i in range(start, stop)])
    said = answers(logits, [i % 3 for i in range(start, stop)], SPACE)
    return [
        Seen(f"{i:064x}", "koala", "koala", i % 3, "si", i, f"made {i}", answer)
        for i, answer in zip(range(start, stop), said, strict=True)
    ]


def unreadable(index: int) -> Unreadable:
    return Unreadable(
        slug="koala", split="si", index=index, origin="x", sha256="0" * 64, reason="cut"
    )


def chunk(start: int, stop: int) -> Chunk:
    return Chunk(start, stop, [], [])


def written(folder: Path, *parts: tuple[int, int], said: Provenance | None = None) -> Work:
    """The work of a run that wrote these parts and was then killed."""
    one = Work(folder, said or provenance())
    for start, stop in parts:
        one.add(chunk(start, stop), seen(start, stop), [])
        one.flush()
    return one


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.parquet"))


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which stands still until a test turns it."""
    time = [100.0]
    monkeypatch.setattr(work, "time", SimpleNamespace(monotonic=lambda: time[0]))
    return time


def test_answers_go_to_the_disk_every_five_seconds(tmp_path: Path, clock: list[float]) -> None:
    one = Work(tmp_path, provenance())
    for at, wanted in [
        (100.0, []),
        (104.9, []),
        (105.0, ["000000000-000000009.parquet"]),
        (109.9, ["000000000-000000009.parquet"]),
        (110.0, ["000000000-000000009.parquet", "000000009-000000015.parquet"]),
    ]:
        clock[0] = at
        one.add(chunk(one.stop, one.stop + 3), seen(one.stop, one.stop + 3), [])
        assert names(tmp_path) == wanted
    assert one.stop == 15
    one.flush()
    assert len(names(tmp_path)) == 2, "nothing waits"


def test_the_folder_is_named_by_all_that_decides_the_predictions(tmp_path: Path) -> None:
    said = provenance()
    folder = tmp_path / FOLDER / said.key()[:16]
    written(tmp_path, (0, 3))
    assert [path.parent for path in tmp_path.rglob("*.parquet")] == [folder]
    assert Work(tmp_path, said).stop == 3
    for other in (
        provenance(weights_sha256="1" * 64),
        provenance(transform={"framing": "squash", "size": 8}),
        provenance(data_fingerprint="2" * 64),
        said.model_copy(update={"environment": {"dtype": "float64", "torch": "2.0"}}),
        said.model_copy(update={"keep_logits": True}),
        said.model_copy(update={"skip_unreadable": True}),
    ):
        assert Work(tmp_path, other).stop == 0


def test_a_run_goes_on_after_its_parts_and_gives_every_row_once(tmp_path: Path) -> None:
    written(tmp_path, (0, 4), (4, 10))
    again = Work(tmp_path, provenance())
    assert again.stop == 10
    again.add(chunk(10, 13), seen(10, 12), [unreadable(12)])
    again.flush()
    last = Work(tmp_path, provenance())
    last.add(chunk(13, 15), seen(13, 15), [])
    table, left_out = last.finished(15)
    expected = rows_table([*seen(0, 12), *seen(13, 15)])
    assert table.to_pylist() == expected.to_pylist()
    assert left_out == [unreadable(12)]
    assert names(tmp_path)[-2:] == ["000000010-000000013.parquet", "000000013-000000015.parquet"]


def test_only_parts_that_follow_one_another_from_the_start_count(tmp_path: Path) -> None:
    one = written(tmp_path, (0, 4), (4, 7), (7, 9))
    parts = {name[7:9]: one.folder / name for name in names(tmp_path)}
    parts["04"].unlink()
    again = Work(tmp_path, provenance())
    assert again.stop == 4
    again.add(chunk(4, 8), seen(4, 8), [])
    table, _ = again.finished(8)
    assert table["index"].to_pylist() == list(range(8))
    (one.folder / "000000000-000000004.parquet").unlink()
    assert Work(tmp_path, provenance()).stop == 0


def test_a_picture_that_is_answered_twice_or_never_is_no_result(tmp_path: Path) -> None:
    one = Work(tmp_path, provenance())
    one.add(chunk(0, 4), [*seen(0, 3), *seen(1, 2)], [])
    with pytest.raises(UserError) as said:
        one.finished(4)
    assert str(said.value) == (
        "made/x: 4 answers for 4 pictures; koala/si/1 is there twice; check the data set, then "
        "score again with --fresh"
    )
    for rows, left_out, expected in [
        (seen(0, 3), [], 4),
        (seen(0, 3), [unreadable(2)], 4),
        (seen(0, 4), [], 3),
    ]:
        one = Work(tmp_path, provenance(weights_sha256=f"{expected}{len(left_out)}" * 32))
        one.add(chunk(0, 4), rows, left_out)
        with pytest.raises(UserError, match=f"made/x: . answers for {expected} pictures"):
            one.finished(expected)


def test_where_the_number_is_not_known_it_is_what_was_drawn(tmp_path: Path) -> None:
    one = Work(tmp_path, provenance())
    one.add(chunk(0, 4), seen(0, 3), [unreadable(3)])
    table, left_out = one.finished(None)
    assert (table.num_rows, left_out) == (3, [unreadable(3)])
    one = Work(tmp_path, provenance(spec="made/y"))
    one.add(chunk(0, 5), seen(0, 4), [])
    with pytest.raises(UserError, match="made/y: 4 answers for 5 pictures; check the data set"):
        one.finished(None)


def test_a_run_without_a_picture_has_no_rows(tmp_path: Path) -> None:
    table, left_out = Work(tmp_path, provenance()).finished(0)
    assert (table.num_rows, left_out) == (0, []) and table.schema == rows_table([]).schema


def test_what_is_cleared_begins_afresh(tmp_path: Path) -> None:
    one = written(tmp_path, (0, 4))
    one.add(chunk(4, 6), seen(4, 6), [unreadable(9)])
    one.clear()
    assert one.stop == 0 and not one.folder.exists()
    one.flush()
    assert not one.folder.exists(), "what waited is forgotten too"
    one.add(chunk(0, 2), seen(0, 2), [])
    table, left_out = one.finished(2)
    assert table["index"].to_pylist() == [0, 1] and left_out == []


def test_parts_of_another_network_under_the_same_records_are_dropped(tmp_path: Path) -> None:
    written(tmp_path, (0, 4))
    other = provenance([0.6, -2.0])
    assert other.key() == provenance().key()
    again = Work(tmp_path, other)
    assert again.stop == 0
    again.add(chunk(0, 2), seen(0, 2), [])
    again.flush()
    assert names(tmp_path) == ["000000000-000000002.parquet"]
    assert Work(tmp_path, provenance()).stop == 0
    assert Work(tmp_path, other).stop == 2


def test_a_second_part_keeps_the_first(tmp_path: Path) -> None:
    written(tmp_path, (0, 4), said=provenance([1000.0]))
    rounded = provenance([1000.5])
    again = Work(tmp_path, rounded)
    assert again.stop == 4
    again.add(chunk(4, 6), seen(4, 6), [])
    again.flush()
    assert Work(tmp_path, rounded).stop == 6


def test_a_network_whose_probe_is_not_finite_leaves_nothing_to_go_on_from(tmp_path: Path) -> None:
    said = provenance([0.5, None])
    written(tmp_path, (0, 4), said=said)
    assert Work(tmp_path, said).stop == 0


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ([1000.0, 0.0], [1000.9, 0.0], True),
        ([1000.0, 0.0], [1001.5, 0.0], False),
        ([1000.0, 0.0], [1000.0, 0.9], True),
        ([0.0, 0.5], [0.0009, 0.5], True),
        ([0.0, 0.5], [0.0011, 0.5], False),
        ([0.0, 0.0], [0.0, -0.0011], False),
        ([-2000.0, 1.0], [-2001.9, 1.0], True),
        ([1.0], [1.0, 1.0], False),
        ([1.0, None], [1.0, None], False),
        ([1.0, None], [1.0, 1.0], False),
        ([1.0, 1.0], [None, 1.0], False),
        ([], [], True),
    ],
)
def test_probes_of_one_network_are_equal_but_for_rounding(
    first: list[float | None], second: list[float | None], same: bool
) -> None:
    assert alike(first, second) is same


def test_the_parts_are_files_of_their_own_kind(tmp_path: Path) -> None:
    one = written(tmp_path, (0, 4))
    (file,) = tmp_path.rglob("*.parquet")
    assert pq.read_table(file).num_rows == 4
    assert sorted(p.name for p in one.folder.iterdir()) == [file.name, "probe"]


def test_one_run_of_a_kind_at_a_time_and_no_empty_folder_behind_it(tmp_path: Path) -> None:
    results, said = tmp_path / "r", provenance()
    lock = results / FOLDER / f"{said.key()[:16]}.lock"
    with locked(results, said):
        assert lock.is_file()
        with (
            pytest.raises(UserError) as error,
            locked(results, said.model_copy(update={"probe": [9.0]})),
        ):
            raise AssertionError("it is held")
        assert str(error.value) == (
            f"{results}: another `spurbench eval` of made/x on this data is running; wait for it, or "
            "stop it first"
        )
        with locked(results, provenance(spec="made/y")):
            pass
        assert lock.is_file()
    assert not results.exists()
    written(results, (0, 4))
    with pytest.raises(KeyError), locked(results, said):
        raise KeyError
    assert names(results) and not list(results.rglob("*.lock"))


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"PAR1....PAR1", b"no parquet at all"])
def test_a_part_that_is_damaged_is_answered_again(tmp_path: Path, damage: bytes) -> None:
    one = written(tmp_path, (0, 4), (4, 7), (7, 9))
    (one.folder / "000000004-000000007.parquet").write_bytes(damage)
    again = Work(tmp_path, provenance())
    assert again.stop == 4
    again.add(chunk(4, 9), seen(4, 9), [])
    table, _ = again.finished(9)
    assert table["index"].to_pylist() == list(range(9))


def test_a_part_of_other_columns_or_a_strange_name_is_no_part(tmp_path: Path) -> None:
    one = written(tmp_path, (0, 4), (4, 7))
    part = one.folder / "000000004-000000007.parquet"
    table = pq.read_table(part)
    pq.write_table(table.drop_columns(["slug"]), part)
    assert Work(tmp_path, provenance()).stop == 4
    pq.write_table(table.replace_schema_metadata({"spurbench": "[{}]"}), part)
    assert Work(tmp_path, provenance()).stop == 4
    pq.write_table(table, part)
    assert Work(tmp_path, provenance()).stop == 7
    (one.folder / "x-y.parquet").write_bytes(b"")
    (one.folder / f"000000007-{'9' * 40}.parquet").write_bytes(b"")
    assert Work(tmp_path, provenance()).stop == 7


@pytest.mark.parametrize(
    "probe", [b"", b"{", b"{}", b"[]", b"[null, 1]", b'["a", 2]', b"\xff", b"[" * 5000]
)
def test_a_damaged_probe_is_that_of_another_network(tmp_path: Path, probe: bytes) -> None:
    one = written(tmp_path, (0, 4))
    (one.folder / "probe").write_bytes(probe)
    again = Work(tmp_path, provenance())
    assert again.stop == 0
    again.add(chunk(0, 2), seen(0, 2), [])
    assert again.finished(2)[0].num_rows == 2
