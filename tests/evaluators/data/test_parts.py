"""Parts of what is to be scored: which pictures, how many, under whose name and label."""

from __future__ import annotations

from pathlib import Path

import pytest

from spurbench.dataset import part
from spurbench.dataset.read import StoredPicture, open_data_set
from spurbench.errors import UserError
from spurbench.files import sha256_bytes, sha256_json
from spurbench.results import Selection
from spurbench_evaluators.data.sources import Source, open_source
from spurbench_evaluators.data.wnids import wnids
from tests.conftest import make_class
from tests.core.dataset.made import put
from tests.evaluators.data.layouts import png, write

SPLITS = ("generated", "si", "val")
COUNTS = {"fireboat": 2, "gondola": 5, "koala": 4}
WNIDS = wnids()
LABELS = {"fireboat": 554, "gondola": 576, "koala": 105}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes with different counts, none of whose labels is its place; only read."""
    root = tmp_path_factory.mktemp("parts")
    for at, (name, count) in enumerate(COUNTS.items()):
        folder, aside = root / "data", root / "aside"
        make_class(folder, aside, name, LABELS[name], count, 1000 * at, SPLITS, "imagenet")
    return root / "data"


@pytest.fixture
def val(tmp_path: Path) -> Path:
    """Six validation pictures of a koala, three of a gondola, four of a fireboat, two of a tench."""
    for label, count in [(105, 6), (576, 3), (554, 4), (0, 2)]:
        for i in range(count):
            write(tmp_path / "val" / WNIDS[label] / f"{label}-{i}.JPEG", 10 * label + i)
    return tmp_path / "val"


def places(source: Source) -> list[tuple[str, str, int]]:
    return [(p.slug, p.split, p.index) for p in source.pictures()]


def first(count: dict[tuple[str, str], int]) -> list[tuple[str, str, int]]:
    return [(slug, split, i) for (slug, split), n in count.items() for i in range(n)]


def everything(limit: int = 100, splits: tuple[str, ...] = SPLITS) -> dict[tuple[str, str], int]:
    return {(slug, split): min(n, limit) for slug, n in COUNTS.items() for split in splits}


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        (None, everything()),
        (Selection(limit=3), everything(3)),
        (Selection(limit=1), everything(1)),
        (Selection(splits=["si"], limit=4), everything(4, ("si",))),
        (Selection(splits=["val", "generated"]), everything(splits=("generated", "val"))),
        (Selection(classes=["koala"]), {("koala", s): 4 for s in SPLITS}),
        (
            Selection(classes=["koala", "fireboat"], splits=["si"], limit=3),
            {("koala", "si"): 3, ("fireboat", "si"): 2},
        ),
    ],
)
def test_a_selection_is_that_of_each_class_and_split(
    data: Path, selection: Selection | None, wanted: dict[tuple[str, str], int]
) -> None:
    for where in (data, str(data), open_data_set(data)):
        source = open_source(where, selection)
        assert places(source) == first(wanted)
        assert source.count == sum(wanted.values())
        assert source.record.selection == selection
        chosen = {slug for slug, _ in wanted}
        assert source.classes == {name: (name, LABELS[name]) for name in chosen}
    assert list(source.pictures()) == list(source.pictures()), "they can be read again"


def test_a_data_set_is_recorded_by_its_manifest_whatever_is_selected(data: Path) -> None:
    manifest = open_data_set(data).manifest
    for selection in (None, Selection(classes=["koala"], limit=1)):
        source = open_source(data, selection)
        assert source.where == str(data)
        record = source.record
        assert (record.name, record.domain, record.version, record.fingerprint) == (
            manifest.name,
            "imagenet",
            manifest.version,
            manifest.fingerprint(),
        )
        assert record.validation is None


def val_of(labels: dict[str, int], limit: int = 100) -> dict[tuple[str, str], int]:
    counts = {105: 6, 576: 3, 554: 4}
    ordered = sorted(labels.items(), key=lambda item: item[1])
    return {(slug, "val"): min(counts[label], limit) for slug, label in ordered}


OTHERS = ("generated", "si")


@pytest.mark.parametrize(
    ("selection", "wanted"),
    [
        (None, everything(splits=OTHERS) | val_of(LABELS)),
        (Selection(limit=2), everything(2, OTHERS) | val_of(LABELS, 2)),
        (Selection(limit=4), everything(4, OTHERS) | val_of(LABELS, 4)),
        (Selection(splits=["val"]), val_of(LABELS)),
        (Selection(splits=["val"], limit=5), val_of(LABELS, 5)),
        (Selection(splits=["si"]), everything(splits=("si",))),
        (Selection(splits=["val", "si"]), everything(splits=("si",)) | val_of(LABELS)),
        (
            Selection(classes=["gondola"], splits=["val", "generated"], limit=4),
            {("gondola", "generated"): 4, ("gondola", "val"): 3},
        ),
    ],
)
def test_validation_pictures_from_elsewhere_stand_for_the_data_sets_own(
    data: Path, val: Path, selection: Selection | None, wanted: dict[tuple[str, str], int]
) -> None:
    source = open_source(data, selection, val)
    assert places(source) == first(wanted) and source.count == sum(wanted.values())
    assert source.record.selection == selection, "as it was asked for, val and all"
    told = selection is None or "val" in (selection.splits or ["val"])
    assert (source.record.validation is not None) == told
    for p in source.pictures():
        assert (p.class_name, p.label) == (p.slug, LABELS[p.slug])
        assert p.sha256 == sha256_bytes(p.data)
        if p.split == "val":
            assert p.data == png(10 * p.label + p.index)
            assert p.origin == f"{WNIDS[p.label]}/{p.label}-{p.index}.JPEG"


def test_validation_pictures_are_known_by_what_is_in_them(data: Path, val: Path) -> None:
    def record() -> str:
        source = open_source(data, Selection(classes=["koala", "gondola"]), str(val))
        assert source.record.validation is not None
        assert (source.record.validation.name, source.record.validation.layout) == (
            "imagenet-val",
            "torchvision",
        )
        return source.record.validation.fingerprint

    before = record()
    known = [
        [label, sha256_bytes(png(10 * label + i))]
        for label, count in [(105, 6), (576, 3)]
        for i in range(count)
    ]
    assert before == sha256_json(sorted(known))
    write(val / WNIDS[0] / "0-0.JPEG", 77)
    assert record() == before, "of a class that is not scored"
    write(val / WNIDS[105] / "105-5.JPEG", 77)
    assert record() != before
    write(val / WNIDS[105] / "105-5.JPEG", 1055)
    assert record() == before
    (val / WNIDS[576] / "576-2.JPEG").rename(val / WNIDS[576] / "576-9.JPEG")
    assert record() == before, "a name is no content"
    (val / WNIDS[576] / "576-9.JPEG").rename(val / WNIDS[105] / "576-9.JPEG")
    assert record() != before, "of another class"


def test_validation_of_another_domain_is_refused(tmp_path: Path, val: Path) -> None:
    make_class(tmp_path / "micro", tmp_path / "aside")
    with pytest.raises(UserError) as said:
        open_source(tmp_path / "micro", None, val)
    assert str(said.value) == (
        f"--val is for ImageNet's validation pictures, but {tmp_path / 'micro'} is of 'micro'; leave "
        "--val out"
    )


def test_a_folders_classes_are_selected_by_slug_or_name_once_and_in_order(tmp_path: Path) -> None:
    lines = ["path,class_full,in1k_index"]
    for label, name, count in [(705, "freight car", 3), (105, "koala", 2), (94, "hummingbird", 4)]:
        for i in range(count):
            write(tmp_path / "si" / f"{label}-{i}.png", 10 * label + i)
            lines.append(f"{label}-{i}.png,{name},{label}")
    (tmp_path / "si" / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    counts = {94: 4, 105: 2, 705: 3}
    names = {94: "hummingbird", 105: "koala", 705: "freight car"}
    slugs = names | {705: "freight_car"}
    for wanted, labels, limit in [
        (None, [94, 105, 705], None),
        (None, [94, 105, 705], 2),
        (["freight car", "hummingbird"], [705, 94], None),
        (["freight_car", "koala", "freight car"], [705, 105], 1),
        (["koala"], [105], 3),
    ]:
        source = open_source(tmp_path / "si", Selection(classes=wanted, limit=limit))
        expected = [
            StoredPicture(
                png(10 * label + i),
                slugs[label],
                names[label],
                label,
                "si",
                i,
                f"{label}-{i}.png",
                sha256_bytes(png(10 * label + i)),
            )
            for label in labels
            for i in range(min(counts[label], limit or 9))
        ]
        assert list(source.pictures()) == expected and source.count == len(expected)
        assert source.classes == {slugs[k]: (names[k], k) for k in labels}
        contents = {
            slugs[label]: {
                "si": sha256_json(
                    {
                        "label": label,
                        "slug": slugs[label],
                        "split": "si",
                        "kind": "si",
                        "pictures": [[i, sha256_bytes(png(10 * label + i))] for i in range(count)],
                    }
                )
            }
            for label, count in counts.items()
        }
        record, fingerprint = source.record, sha256_json(contents)
        assert (record.fingerprint, record.version) == (fingerprint, f"c{fingerprint[:12]}")
        assert (record.name, record.domain, source.where) == (
            "pictures",
            "imagenet",
            str(tmp_path / "si"),
        )
    with pytest.raises(UserError, match="unknown class of the data set 'kola'; did you mean"):
        open_source(tmp_path / "si", Selection(classes=["kola"]))
    with pytest.raises(
        UserError, match="unknown split of Spurious ImageNet 'generated'; known: si"
    ):
        open_source(tmp_path / "si", Selection(splits=["si", "generated"]))
    assert open_source(tmp_path / "si", Selection(splits=["si"])).count == 9


def test_a_folder_takes_validation_pictures_too(tmp_path: Path, val: Path) -> None:
    for i in range(2):
        write(tmp_path / "si" / "spurious_koala_105_2" / f"{i}.png", i)
    for splits, own, theirs in [
        (None, 2, 6),
        (["val"], 0, 6),
        (["si", "val"], 2, 6),
        (["si"], 2, 0),
    ]:
        source = open_source(tmp_path / "si", Selection(splits=splits), val)
        assert places(source) == first({("koala", "si"): own, ("koala", "val"): theirs})
        assert source.count == own + theirs


def test_a_class_of_two_words_has_its_name_and_its_slug_on_validation_pictures_too(
    tmp_path: Path,
) -> None:
    splits = {"si": ("si", [[5, 6]])}
    put(tmp_path / "d", "freight_car", 705, splits, name="freight car", domain="imagenet")
    write(tmp_path / "val" / WNIDS[705] / "0.JPEG", 1)
    source = open_source(tmp_path / "d", None, tmp_path / "val")
    assert source.classes == {"freight_car": ("freight car", 705)}
    said = [(p.split, p.slug, p.class_name) for p in source.pictures()]
    assert said == [(split, "freight_car", "freight car") for split in ("si", "si", "val")]


def test_a_selection_without_pictures_is_said(data: Path) -> None:
    with pytest.raises(UserError) as said:
        open_source(data, Selection(classes=[]))
    assert str(said.value) == f"{data}: the selection holds no pictures to score"


def test_a_hub_id_is_opened_where_no_folder_is_at_its_revision(
    data: Path, val: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str | None, list[str]]] = []

    def snapshot(text: str, revision: str | None, only: list[str]) -> Path:
        asked.append((text, revision, only))
        return data

    monkeypatch.setattr(part, "snapshot", snapshot)
    monkeypatch.chdir(tmp_path)
    selection = Selection(classes=["koala"], limit=2)
    source = open_source("some/one", selection, val, "v2")
    files = [f"data/koala/{split}-00000-of-00001.parquet" for split in OTHERS]
    assert asked == [
        ("some/one", "v2", ["manifest.json"]),
        ("some/one", "v2", ["manifest.json", *files]),
    ]
    assert places(source) == first(dict.fromkeys([("koala", s) for s in SPLITS], 2))
    assert next(p for p in source.pictures() if p.split == "val").data == png(1050)
    (tmp_path / "some" / "one").mkdir(parents=True)
    with pytest.raises(UserError, match="not a spurbench data set"):
        open_source("some/one")
    assert len(asked) == 2
