"""A data set as rows with every column, as a torch Dataset and as a pandas frame."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from spurbench.dataset import samples
from spurbench.dataset.read import DataSet, open_data_set
from spurbench.errors import UserError
from tests.conftest import ROOT
from tests.core.dataset.made import png, put, rehashed, spoiled
from tests.core.dataset.made_rows import generated, put_koala, put_other, references


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """Two classes; the references of one lie in three files."""
    folder = tmp_path_factory.mktemp("uses") / "set"
    put(folder, "bee", 9, {"si": ("si", [[1, 2], [3], [4, 5]]), "val": ("val", [[6]])})
    put(folder, "freight_car", 2, {"si": ("si", [[7, 8]])}, name="freight car")
    return open_data_set(folder)


def as_tensor(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)  # (3, H, W)


def pixels(seed: int) -> torch.Tensor:
    return as_tensor(Image.open(io.BytesIO(png(seed))))


def test_rows_are_what_was_written(tmp_path: Path) -> None:
    put_koala(tmp_path / "set")
    found = open_data_set(tmp_path / "set")
    rows = list(found.rows("koala", "generated"))
    for row, written in zip(rows, generated(), strict=True):
        for name, value in written.__dict__.items():
            told = getattr(row, name)
            if name == "predictions":
                assert [(p.model, p.label) for p in told] == [(p.model, p.label) for p in value]
            else:
                assert told == (pytest.approx(value) if isinstance(value, float) else value), name
    bare = list(found.rows("koala", "si", data=False))
    assert [row.data for row in bare] == [b""] * 3
    assert [row.credit for row in bare] == [row.credit for row in references()]


def test_rows_of_version_1_lack_what_it_lacked() -> None:
    found = open_data_set(ROOT / "tests/data/version_1")
    rows = [row for slug, split in found.groups() for row in found.rows(slug, split)]
    assert rows and all(row.credit.licence is None for row in rows)
    assert [row.data for row in rows] == [picture.data for picture in found.pictures()]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("seed", pa.array(["x", "y"])),
        ("predictions", pa.array([1, 2])),
        ("degenerate", [["a"], []]),
    ],
)
def test_a_column_of_another_kind_is_told(tmp_path: Path, column: str, values: Any) -> None:
    put(tmp_path / "set", "bee", 9, {"si": ("si", [[1, 2]])})
    file = tmp_path / "set/data/bee/si-00000-of-00001.parquet"
    table = pq.read_table(file)
    place = table.schema.get_field_index(column)
    pq.write_table(table.set_column(place, column, pa.array(values)), file)
    rehashed(file)
    with pytest.raises(UserError, match=rf"picture 0: {column}.*; rebuild the data set"):
        list(open_data_set(tmp_path / "set").rows("bee", "si"))


def test_a_torch_dataset_is_lazy_and_in_order(data: DataSet) -> None:
    found = data.torch()
    assert isinstance(found, torch.utils.data.Dataset)
    assert len(found) == 8  # type: ignore[arg-type]
    image, label = found[0]
    assert isinstance(image, Image.Image) and image.mode == "RGB" and label == 9
    tensors = data.torch(as_tensor)
    expected = [(1, 9), (2, 9), (3, 9), (4, 9), (5, 9), (6, 9), (7, 2), (8, 2)]
    for number in (7, 0, 3, 2, 4, 1, 6, 5):
        seed, label = expected[number]
        assert torch.equal(tensors[number][0], pixels(seed)) and tensors[number][1] == label
    told = [(s.slug, s.split, s.index) for s in found.samples]  # type: ignore[attr-defined]
    assert told == [(p.slug, p.split, p.index) for p in data.pictures()]
    assert len(data.torch(classes=["freight car"], splits=["si"])) == 2  # type: ignore[arg-type]
    with pytest.raises(UserError, match="unknown split of the data set"):
        data.torch(splits=["vla"])
    with pytest.raises(IndexError):
        found[8]


def test_only_row_groups_that_are_asked_for_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of several row groups; what is kept is bounded, and each picture is right all the same."""
    put(tmp_path / "set", "bee", 9, {"si": ("si", [list(range(1, 11))])})
    file = tmp_path / "set/data/bee/si-00000-of-00001.parquet"
    pq.write_table(pq.read_table(file), file, row_group_size=3)
    rehashed(file)
    read: list[int] = []
    taken = pq.ParquetFile.read_row_group

    def watched(self: pq.ParquetFile, i: int, *args: Any) -> pa.Table:
        read.append(i)
        return taken(self, i, *args)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", watched)
    found = open_data_set(tmp_path / "set").torch(as_tensor)
    for number in (4, 3, 9, 5, 0):
        assert torch.equal(found[number][0], pixels(number + 1))
    assert read == [1, 3, 0]
    monkeypatch.setattr(samples, "CACHE_BYTES", 1)
    read.clear()
    small = open_data_set(tmp_path / "set").torch(as_tensor)
    for number in (4, 9, 9, 4):
        assert torch.equal(small[number][0], pixels(number + 1))
    assert read == [1, 3, 1]


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_loaders_with_workers(data: DataSet, context: str) -> None:
    """Also from another working folder than the one that a relative path was meant in."""
    loader = DataLoader(
        data.torch(as_tensor), batch_size=3, num_workers=2, multiprocessing_context=context
    )
    images, labels = zip(*loader, strict=True)
    assert torch.cat(labels).tolist() == [9, 9, 9, 9, 9, 9, 2, 2]
    assert torch.equal(torch.cat(images), torch.stack([pixels(seed) for seed in range(1, 9)]))


def test_it_is_sent_without_the_pictures_that_it_keeps(data: DataSet) -> None:
    found = data.torch(as_tensor)
    before = len(pickle.dumps(found))
    assert torch.equal(found[2][0], pixels(3))
    assert len(pickle.dumps(found)) == before
    again = pickle.loads(pickle.dumps(found))
    assert torch.equal(again[2][0], pixels(3)) and len(again) == 8


def test_an_altered_picture_is_told_when_it_is_asked_for(tmp_path: Path) -> None:
    put(tmp_path / "set", "bee", 9, {"si": ("si", [[1, 2, 3]])})
    file = tmp_path / "set/data/bee/si-00000-of-00001.parquet"
    found = open_data_set(tmp_path / "set").torch()

    def swap(rows: list[dict[str, Any]]) -> None:
        rows[1]["image"] = rows[0]["image"]

    spoiled(file, swap)
    assert found[0][1] == 9
    with pytest.raises(UserError, match="the bytes of picture 1 are not those of its sha256"):
        found[1]
    fewer = open_data_set(tmp_path / "set").torch()
    pq.write_table(pq.read_table(file).slice(0, 1), file)
    with pytest.raises(UserError, match="changed since it was opened"):
        fewer[2]
    file.unlink()
    with pytest.raises(UserError, match="cannot be read as a split"):
        open_again = fewer.__reduce__()[0](*fewer.__reduce__()[1])  # type: ignore[operator]
        open_again[0]


def test_a_frame_of_pictures(tmp_path: Path) -> None:
    put_koala(tmp_path / "set")
    put_other(tmp_path / "set")
    frame = open_data_set(tmp_path / "set").to_pandas()
    assert len(frame) == 12 and "image" not in frame and frame.index.tolist() == list(range(12))
    made = frame[frame.split == "generated"]
    assert made.seed.tolist() == [40, 41, 42, 43] and str(made.seed.dtype) == "Int64"
    assert made.object_probability.isna().tolist() == [False, False, False, True]
    assert made.consistently_spurious.mean() == 0.75
    assert (made["predicted.made/two"] == made.label).tolist() == [True, True, False, True]
    assert made["probability.made/one"].tolist() == pytest.approx([0.95, 0.95, 0.65, 0.95])
    assert frame.loc[frame.split == "val", "predicted.made/one"].isna().all()
    assert frame.licence.dropna().unique().tolist() == ["CC BY 2.0"]
    assert "text" not in {str(kind) for kind in frame.dtypes} and "object" not in {
        str(kind) for kind in frame.dtypes
    }


def test_a_frame_of_predictions_gives_the_spurious_accuracies(tmp_path: Path) -> None:
    put_koala(tmp_path / "set")
    found = open_data_set(tmp_path / "set")
    frame = found.to_pandas("prediction")
    assert len(frame) == 2 * 7  # val has none
    fooled = (frame.predicted == frame.label).groupby([frame.split, frame.model]).mean()
    assert fooled.to_dict() == {
        ("generated", "made/one"): 1.0,
        ("generated", "made/two"): 0.75,
        ("si", "made/one"): pytest.approx(2 / 3),
        ("si", "made/two"): pytest.approx(1 / 3),
    }
    assert len(found.to_pandas("prediction", splits=["val"])) == 0
    assert len(found.to_pandas(classes=["koala"], splits=["si"])) == 3
    with pytest.raises(UserError, match="unknown kind of row 'row'"):
        found.to_pandas("row")  # type: ignore[arg-type]


def test_opening_needs_neither_torch_nor_pandas(data: DataSet) -> None:
    code = f"""
import sys
from spurbench import open_data_set
found = open_data_set({str(data.folder)!r})
assert len(list(found.pictures())) == 8
heavy = {{"torch", "pandas", "datasets"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
