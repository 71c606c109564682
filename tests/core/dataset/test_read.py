"""Opening a data set folder: which pictures come, in which order, and what is checked before."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from spurbench.dataset.manifest import ClassEntry
from spurbench.dataset.read import DataSet, StoredPicture, open_data_set
from spurbench.dataset.schema import Row
from spurbench.dataset.write import install_class, split_entry, write_split
from spurbench.errors import UserError

# More than a batch of the reader's; classes and splits of different counts.
COUNTS = {
    ("bee", "si"): 3,
    ("bee", "val"): 1,
    ("freight_car", "generated"): 2,
    ("freight_car", "si"): 70,
}
CLASSES = {"bee": ("bee", 9), "freight_car": ("freight car", 2)}


def facts(slug: str, split: str, index: int) -> tuple[bytes, str, str]:
    """A made picture's bytes, origin and hash."""
    return f"{slug} {split} {index}".encode(), f"from {split} {index}", f"hash {slug} {index}"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    root = tmp_path_factory.mktemp("read")
    for slug, (name, label) in CLASSES.items():
        files, entries = {}, {}
        for split in (s for c, s in COUNTS if c == slug):
            rows = []
            for i in range(COUNTS[slug, split]):
                png, origin, sha256 = facts(slug, split, i)
                rows.append(Row(png, label, name, split, i, origin, sha256))
            files[split] = root / f"{slug}-{split}.parquet"
            write_split(rows, files[split])
            entries[split] = split_entry(slug, split, files[split], len(rows))
        entry = ClassEntry(name=name, label=label, feature="f", splits=entries, provenance={})
        install_class(root / "data", "made", "micro", slug, entry, files)
    return open_data_set(root / "data")


def test_every_picture_in_order_with_what_is_known_of_it(data: DataSet) -> None:
    expected = []
    for (slug, split), count in COUNTS.items():
        name, label = CLASSES[slug]
        for i in range(count):
            png, origin, sha256 = facts(slug, split, i)
            expected.append(StoredPicture(png, slug, name, label, split, i, origin, sha256))
    assert list(data.pictures()) == expected
    assert data.count() == len(expected) == 76
    assert expected[0].without_data() == StoredPicture(
        b"", "bee", "bee", 9, "si", 0, "from si 0", "hash bee 0"
    )


def test_a_part_of_it(data: DataSet) -> None:
    def keys(*arguments: object, **options: object) -> list[tuple[str, str, int]]:
        found = data.pictures(*arguments, **options)  # type: ignore[arg-type]
        return [(p.slug, p.split, p.index) for p in found]

    assert keys(limit=2) == [
        ("bee", "si", 0),
        ("bee", "si", 1),
        ("bee", "val", 0),
        ("freight_car", "generated", 0),
        ("freight_car", "generated", 1),
        ("freight_car", "si", 0),
        ("freight_car", "si", 1),
    ]
    assert keys(["freight car"], ["generated"], 1) == [("freight_car", "generated", 0)]
    assert len(keys(limit=66)) == 3 + 1 + 2 + 66
    assert keys([], None) == [] and keys(None, []) == []


def test_groups_are_named_by_slug_or_name_once_each(data: DataSet) -> None:
    assert data.groups() == list(COUNTS)
    assert data.groups(["freight car", "bee", "freight_car"], ["val", "si"]) == [
        ("freight_car", "si"),
        ("bee", "si"),
        ("bee", "val"),
    ]
    assert data.groups(["bee"], ["generated"]) == []


def test_names_that_are_not_there(data: DataSet) -> None:
    with pytest.raises(UserError) as error:
        data.groups(["freight cars"])
    assert str(error.value) == (
        "unknown class of the data set 'freight cars'; did you mean 'freight_car'?"
    )
    with pytest.raises(UserError) as error:
        data.groups(None, ["si", "genrated"])
    assert str(error.value) == (
        "unknown split of the data set 'genrated'; did you mean 'generated'?"
    )


def test_altered_or_missing_splits_are_errors(data: DataSet, tmp_path: Path) -> None:
    """The last split of the last class, by one byte."""
    folder = tmp_path / "copy"
    shutil.copytree(data.folder, folder)
    assert open_data_set(folder).manifest == data.manifest
    assert open_data_set(str(folder)).folder == folder
    file = folder / data.manifest.classes["freight_car"].splits["si"].path
    whole = file.read_bytes()
    file.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    with pytest.raises(UserError) as error:
        open_data_set(folder)
    assert str(error.value) == (
        f"{file}: differs from what manifest.json records; rebuild the data set"
    )
    file.unlink()
    with pytest.raises(UserError) as error:
        open_data_set(folder)
    assert str(error.value) == f"{file}: missing; run the build again, or remove the data set"
