"""Spurious ImageNet's folders and zips: names, order, depth, and what is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from spurbench.dataset import folders
from spurbench.dataset.folders import SourceClass, find_classes, read_picture
from spurbench.errors import UserError

HEADER = "path,class_full,in1k_index,feature\n"


def fill(root: Path, *names: str) -> Path:
    """Files that hold their own names."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def zipped(root: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*"), reverse=True):
            if file.is_file():
                archive.write(file, file.relative_to(root).as_posix())
    return path


def told(classes: list[SourceClass]) -> list[tuple[str, str, int, str, tuple[str, ...]]]:
    return [(c.slug, c.name, c.label, c.feature, c.origins) for c in classes]


def listed(root: Path, text: str) -> list[SourceClass]:
    root.mkdir(parents=True, exist_ok=True)
    (root / "manifest.csv").write_text(text, encoding="utf-8")
    return find_classes(root)


SPURIOUS = (
    "top/images/spurious_koala_105_2/b.PNG",
    "top/images/spurious_koala_105_2/a.jpeg",
    "top/images/spurious_koala_105_2/._a.jpeg",
    "top/images/spurious_koala_105_2/notes.txt",
    "top/images/spurious_koala_105_2/sub.png/x.png",
    "top/images/spurious_hummingbird_94_1/0.webp",
    "top/images/spurious_koala_105_10/c.png",
    "top/other/readme.txt",
    "top/.hidden/spurious_koala_105_3/h.png",
    "__MACOSX/spurious_koala_105_3/h.png",
)


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_class_folders_below_others(tmp_path: Path, kind: str) -> None:
    """Two folders of one class are one; hidden files, other files and folders are no pictures."""
    root = fill(tmp_path / "si", *SPURIOUS)
    found = find_classes(root if kind == "folder" else zipped(root, tmp_path / "si.zip"))
    at = "top/images/spurious"
    assert told(found) == [
        ("hummingbird", "hummingbird", 94, "red feeder/flower", (f"{at}_hummingbird_94_1/0.webp",)),
        (
            "koala", "koala", 105, "eucalyptus plants",
            (f"{at}_koala_105_10/c.png", f"{at}_koala_105_2/a.jpeg", f"{at}_koala_105_2/b.PNG"),
        ),
    ]  # fmt: skip
    for entry in found:
        contents = [read_picture(place).decode() for place in entry.pictures]
        assert contents == list(entry.origins)


def test_the_first_level_with_class_folders_is_the_one(tmp_path: Path) -> None:
    root = fill(tmp_path, "x_y_94/a.png", "deeper/x_y_105/b.png", "x_y_94/x_y_105/c.png")
    assert [(c.label, c.origins) for c in find_classes(root)] == [(94, ("x_y_94/a.png",))]


def test_how_deep_it_looks(tmp_path: Path) -> None:
    fill(tmp_path, "a/1/2/3/4/5/x_y_94/0.png", "b/1/2/3/4/5/6/x_y_94/0.png")
    (found,) = find_classes(tmp_path / "a")
    assert found.origins == ("1/2/3/4/5/x_y_94/0.png",)
    with pytest.raises(UserError) as error:
        find_classes(tmp_path / "b")
    assert str(error.value) == (
        f"{tmp_path / 'b'}: no class folders as Spurious ImageNet names them (between underscores, "
        "the third part is the ImageNet index) and no manifest.csv"
    )


@pytest.mark.parametrize("name", ["koala_105", "a_b_c", "a_b_-94", "a_b_²", "a_b_", "94_94_x"])
def test_names_of_no_class_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="no class folders"):
        find_classes(fill(tmp_path, f"{name}/0.png"))


def test_the_index_is_the_third_field_whatever_follows(tmp_path: Path) -> None:
    (found,) = find_classes(fill(tmp_path, "1_2_94/0.png"))
    assert found.label == 94
    (tmp_path / "1_2_94").rename(tmp_path / "1_2_105_94_3")
    (found,) = find_classes(tmp_path)
    assert found.label == 105


def test_folders_that_do_not_fit(tmp_path: Path) -> None:
    for folder, said in [
        (tmp_path / "nowhere", "no such folder or zip"),
        (fill(tmp_path / "empty", "x_y_94/a.txt", "x_y_105/b.png"), "no pictures for hummingbird"),
        (
            fill(tmp_path / "both", "x_y_94/a.txt", "x_y_105/b.txt"),
            "no pictures for koala, hummingbird",
        ),
    ]:
        with pytest.raises(UserError) as error:
            find_classes(folder)
        assert str(error.value) == f"{folder}: {said}"
    with pytest.raises(UserError, match=r"x_y_7: 7 is not a class of Spurious ImageNet$"):
        find_classes(fill(tmp_path / "strange", "x_y_7/a.png"))


def test_a_file_that_is_no_zip(tmp_path: Path) -> None:
    file = fill(tmp_path, "x.zip") / "x.zip"
    with pytest.raises(UserError) as error:
        find_classes(file)
    assert str(error.value) == (
        f"{file}: neither a folder nor a zip that can be opened (File is not a zip file)"
    )


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_manifest_says_which_pictures_and_classes(tmp_path: Path, kind: str) -> None:
    """Any class of ImageNet; classes by index, pictures as listed, also with a mark of bytes."""
    root = fill(tmp_path / "m", "p/b.png", "p/a.png", "q/c.png", "spurious_koala_105_2/0.png")
    text = (
        "\ufeffin1k_index,path,more,class_full,feature\n"
        "999,p/b.png,,toilet tissue,paper\n0,q/./c.png,,tench,\n999,p/a.png,,other,other\n"
    )
    (root / "manifest.csv").write_text(text, encoding="utf-8")
    found = find_classes(root if kind == "folder" else zipped(root, tmp_path / "m.zip"))
    assert told(found) == [
        ("tench", "tench", 0, "", ("q/c.png",)),
        ("toilet_tissue", "toilet tissue", 999, "paper", ("p/b.png", "p/a.png")),
    ]
    assert [read_picture(p) for p in found[1].pictures] == [b"p/b.png", b"p/a.png"]


def test_slugs_are_never_shared_nor_reserved(tmp_path: Path) -> None:
    rows = "x,crane,134,\nx,Crane,517,\nx,Default,3,\nx,鶴,4,\nx,bee,5,\n"
    found = listed(tmp_path, HEADER + rows)
    assert [(c.slug, c.name) for c in found] == [
        ("default_3", "Default"),
        ("class_4", "鶴"),
        ("bee", "bee"),
        ("crane_134", "crane"),
        ("crane_517", "Crane"),
    ]


def test_short_lines(tmp_path: Path) -> None:
    """Fields that lack are empty."""
    (found,) = listed(tmp_path, HEADER + "a.png,bee,5\nb.png,bee,5\n")
    assert (found.feature, found.origins) == ("", ("a.png", "b.png"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,label\n", ": lacks the columns class_full, in1k_index"),
        ("", ": lacks the columns path, class_full, in1k_index"),
        (HEADER, ": lists no pictures"),
        (HEADER + "a,bee,0,\na,bee,x,\n", ", line 3: in1k_index 'x' is not 0 to 999"),
        (HEADER + "a,bee,1000,\n", ", line 2: in1k_index '1000' is not 0 to 999"),
        (HEADER + "a,bee,²,\n", ", line 2: in1k_index '²' is not 0 to 999"),
        (HEADER + "a,bee\n", ", line 2: in1k_index '' is not 0 to 999"),
        (HEADER + "a,bee,1,f,g\n", ", line 2: has more cells than there are columns"),
        (HEADER + "a,bee,1,\na,bee,1,\n", ", line 3: lists 'a' of class 1 again"),
        (HEADER + ",bee,1,\n", ", line 2: names no file"),
        (HEADER + "a\0,bee,1,\n", ", line 2: holds a NUL character; remove it"),
        (HEADER + "../x,bee,1,\n", ": names a file outside its folder: '../x'"),
        (HEADER + "/etc/x,bee,1,\n", ": names a file outside its folder: '/etc/x'"),
    ],
)
def test_manifests_that_do_not_fit(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        listed(tmp_path, text)
    assert str(error.value) == f"{tmp_path}/manifest.csv{said}"


def test_a_manifest_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(HEADER.encode() + b"a,\xff,1,\n")
    with pytest.raises(UserError, match=r"manifest\.csv: not text in UTF-8 \(byte "):
        find_classes(tmp_path)


def test_a_picture_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    for name, reason in (
        ("gone.png", "cannot be read (no such file or directory); mend that, or name another"),
        ("folder.png", "is a folder; name a plain file"),
    ):
        with pytest.raises(UserError) as error:
            read_picture(tmp_path / name)
        assert str(error.value) == f"{tmp_path / name}: {reason}"
    archive = zipfile.Path(zipped(fill(tmp_path / "z", "a.png"), tmp_path / "z.zip"))
    assert read_picture(archive / "a.png") == b"a.png"
    with pytest.raises(UserError, match=r"b\.png: cannot be read \(.*b\.png.*\); mend"):
        read_picture(archive / "b.png")


def test_a_broken_member_of_a_zip(tmp_path: Path) -> None:
    path = zipped(fill(tmp_path / "z", "a.png"), tmp_path / "z.zip")
    data = path.read_bytes()
    at = data.index(b"a.png", data.index(b"a.png") + 1)
    path.write_bytes(data[:at] + b"A.png" + data[at + 5 :])
    with pytest.raises(UserError, match=r"a\.png: cannot be read \(Bad CRC-32 .*\); mend"):
        read_picture(zipfile.Path(path) / "a.png")


def test_an_encrypted_member_of_a_zip(tmp_path: Path) -> None:
    path = zipped(fill(tmp_path / "z", "a.png"), tmp_path / "z.zip")
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag of the member's own header
    data[data.index(b"PK\1\2") + 8] |= 1  # and of the directory's
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match=r"a\.png: cannot be unpacked \(.*encrypted.*\); unpack"):
        read_picture(zipfile.Path(path) / "a.png")


def test_a_member_that_is_too_big_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folders.MAX_BYTES == 2**28
    place = zipfile.Path(zipped(fill(tmp_path / "z", "a.png"), tmp_path / "z.zip")) / "a.png"
    monkeypatch.setattr(folders, "MAX_BYTES", 5)
    assert read_picture(place) == b"a.png"
    monkeypatch.setattr(folders, "MAX_BYTES", 4)
    with pytest.raises(UserError) as error:
        read_picture(place)
    assert str(error.value) == f"{place}: 5 bytes is no picture nor list; remove it from the zip"


def test_a_link_that_leads_outside_is_outside(tmp_path: Path) -> None:
    fill(tmp_path, "secret.png")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(UserError, match="outside its folder: 'a.png'"):
        listed(tmp_path / "in", HEADER + "a.png,bee,1,\n")
