"""Data sets of Hugging Face's kind as streams: what their labels mean, and which pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Image, Value

from spurbench.errors import UserError
from spurbench.files import sha256_bytes, sha256_json
from spurbench_evaluators.data.streamed import Stream, open_stream
from spurbench_evaluators.data.validation import find_validation
from spurbench_evaluators.data.wnids import wnids
from tests.evaluators.data.layouts import KOALA, TENCH, png

HEN = 8


def folder(
    root: Path, stored: list[int], label: Any = None, split: str = "validation", **more: Any
) -> Path:
    """A data set of pictures with the stored labels; ``label`` is the kind of their column."""
    images = [{"bytes": png(i), "path": f"in/{i}.JPEG"} for i in range(len(stored))]
    features = Features({"image": Image(decode=False), "label": label or Value("int64")})
    made = Dataset.from_dict({"image": images, "label": stored}, features=features)
    (root / "data").mkdir(parents=True, exist_ok=True)
    made.to_parquet(root / "data" / f"{split}-00000-of-00001.parquet")
    return root


def labels(stream: Stream) -> list[int]:
    return [label for label, _, _ in stream.rows()]


def test_numbers_are_imagenets_own_labels(tmp_path: Path) -> None:
    stream = open_stream(str(folder(tmp_path / "d", [KOALA, TENCH, 999])), "")
    assert (stream.name, stream.split, stream.revision) == (str(tmp_path / "d"), "validation", None)
    rows = list(stream.rows())
    assert rows == [(k, png(i), f"in/{i}.JPEG") for i, k in enumerate([KOALA, TENCH, 999])]
    assert list(stream.rows()) == rows, "it can be read again"


def test_a_folder_called_as_the_home_is_written_is_read_and_not_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = folder(tmp_path / "home", [9, 9])
    assert labels(open_stream(str(home), "")) == [9, 9]
    folder(tmp_path / "~", [3, 105])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(home))
    assert labels(open_stream("~", "")) == [3, 105]


def test_classes_named_by_wnid_mean_their_synset_wherever_they_stand(tmp_path: Path) -> None:
    names = ["n99999999", wnids()[KOALA], wnids()[TENCH], wnids()[HEN]]
    where = folder(tmp_path / "d", [3, 1, 0, 2, 1], ClassLabel(names=names))
    assert labels(open_stream(str(where), "")) == [HEN, KOALA, -1, TENCH, KOALA]


def test_a_thousand_classes_of_other_names_are_the_thousand_labels(tmp_path: Path) -> None:
    names = [f"class {i}" for i in range(1000)]
    where = folder(tmp_path / "d", [KOALA, TENCH], ClassLabel(names=names))
    assert labels(open_stream(str(where), "")) == [KOALA, TENCH]


@pytest.mark.parametrize("names", [[f"class {i}" for i in range(10)], [*wnids()[:9], "other"]])
def test_other_classes_are_no_imagenet(tmp_path: Path, names: list[str]) -> None:
    where = folder(tmp_path / "d", [1], ClassLabel(names=names))
    with pytest.raises(UserError) as said:
        open_stream(str(where), "")
    assert str(said.value).endswith(
        "d: its 10 classes are neither the 1,000 of ImageNet nor named by wnid"
    )


def test_a_label_beyond_the_named_classes_means_none(tmp_path: Path) -> None:
    names = [wnids()[HEN], wnids()[KOALA]]
    where = folder(tmp_path / "d", [1, -1, 0], ClassLabel(names=names))
    assert labels(open_stream(str(where), "")) == [KOALA, -1, HEN]


def test_the_split_is_the_one_asked_for_or_the_validation_split(tmp_path: Path) -> None:
    where = folder(tmp_path / "d", [1], split="train")
    folder(where, [2], split="validation")
    folder(where, [3], split="test")
    assert [labels(open_stream(str(where), s)) for s in ("", "train", "test")] == [[2], [1], [3]]
    with pytest.raises(UserError, match=r"unknown split of .*d 'tests'; did you mean 'test'"):
        open_stream(str(where), "tests")
    (where / "data" / "validation-00000-of-00001.parquet").unlink()
    with pytest.raises(UserError, match="has no split validation or val, only train, test; say"):
        open_stream(str(where), "")


def test_other_columns_are_named(tmp_path: Path) -> None:
    for columns, shown in [
        ({"image": [{"bytes": png(0), "path": "a"}], "class": [1]}, "image, class"),
        ({"picture": ["a"], "label": [1]}, "picture, label"),
    ]:
        where = tmp_path / shown.replace(", ", "-")
        where.mkdir()
        pq.write_table(pa.table(columns), where / "validation.parquet")
        with pytest.raises(UserError) as said:
            open_stream(str(where), "")
        assert str(said.value) == f"{where}: has the columns {shown}; image and label are needed"


def test_pictures_may_lie_beside_the_table_or_have_no_name(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "beside.png").write_bytes(png(7))
    images = [
        {"bytes": None, "path": str(tmp_path / "d" / "beside.png")},
        {"bytes": png(8), "path": None},
    ]
    table = pa.table({"image": images, "label": [KOALA, TENCH]})
    pq.write_table(table, tmp_path / "d" / "validation.parquet")
    assert list(open_stream(str(tmp_path / "d"), "").rows()) == [
        (KOALA, png(7), str(tmp_path / "d" / "beside.png")),
        (TENCH, png(8), "label 0"),
    ]


def test_a_stream_gives_the_first_pictures_of_each_class_in_its_order(tmp_path: Path) -> None:
    stored = [KOALA, 5, TENCH, KOALA, KOALA, TENCH, 5, KOALA, TENCH]
    where = folder(tmp_path / "d", stored)
    for limit, wanted in [(None, [0, 2, 3, 4, 5, 7, 8]), (2, [0, 2, 3, 5]), (1, [0, 2])]:
        found = find_validation(where, {KOALA, TENCH}, limit)
        pictures = list(found.pictures())
        assert [p.origin for p in pictures] == [f"{i}.JPEG" for i in wanted]
        assert found.count == (2 * limit if limit else 7)
        for p, i in zip(pictures, wanted, strict=True):
            place = [k for k in wanted[: wanted.index(i)] if stored[k] == stored[i]]
            assert (p.label, p.index, p.split, p.slug, p.class_name) == (
                stored[i],
                len(place),
                "val",
                "",
                "",
            )
            assert p.data == png(i) and p.sha256 == sha256_bytes(png(i))


def test_a_class_that_is_not_in_the_stream_is_named(tmp_path: Path) -> None:
    where = folder(tmp_path / "d", [KOALA, KOALA])
    for limit in (None, 1):
        with pytest.raises(UserError, match=r"d: has no validation pictures for label 0$"):
            list(find_validation(where, {KOALA, TENCH, 7}, limit).pictures())


def test_reading_ends_once_every_class_has_enough(tmp_path: Path) -> None:
    where = folder(tmp_path / "d", [KOALA, TENCH, KOALA])
    (where / "data" / "validation-00000-of-00001.parquet").rename(where / "data" / "val-0.parquet")
    (tmp_path / "gone.png").write_bytes(png(9))
    images = [{"bytes": png(0), "path": "0"}, {"bytes": None, "path": str(where / "none.png")}]
    pq.write_table(
        pa.table({"image": images, "label": [KOALA, KOALA]}), where / "data" / "val-0.parquet"
    )
    assert len(list(find_validation(where, {KOALA}, 1).pictures())) == 1
    with pytest.raises(UserError, match=r"none.png: cannot be read .no such file"):
        find_validation(where, {KOALA}, 2)


def test_a_local_stream_is_known_by_its_pictures_and_tells_its_split(tmp_path: Path) -> None:
    """Other classes' pictures, the file and its name play no part."""
    where = folder(tmp_path / "d", [KOALA, TENCH])
    folder(where, [3, KOALA], split="train")
    for wanted, split, seed in [(str(where), "validation", 0), (f"{where}:train", "train", 1)]:
        record = find_validation(wanted, {KOALA}).record
        assert record.fingerprint == sha256_json([[KOALA, sha256_bytes(png(seed))]])
        assert (record.name, record.layout, record.split, record.revision) == (
            "imagenet-val",
            "hf",
            split,
            None,
        )
    before = find_validation(where, {KOALA}).record.fingerprint
    folder(where, [KOALA, 3])
    assert find_validation(where, {KOALA}).record.fingerprint == before
    folder(where, [3, KOALA])
    assert find_validation(where, {KOALA}).record.fingerprint != before
