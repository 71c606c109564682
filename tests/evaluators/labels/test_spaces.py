"""Label spaces: timm's synset lists against ImageNet-1k, heads that do not say, users' files."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import pytest
from timm.data import ImageNetInfo

from spurbench.errors import UserError
from spurbench_evaluators.labels.spaces import for_head, from_file, imagenet_words, named, names

# Outputs, and how many of them are one of ImageNet-1k's classes.
SIZES = {
    "imagenet-1k": (1000, 1000),
    "imagenet-1k-background": (1001, 1000),
    "imagenet-12k": (11821, 993),
    "imagenet-21k-goog": (21843, 999),
    "imagenet-21k-miil": (11221, 991),
    "imagenet-21k-miil-w21": (10450, 991),
    "imagenet-22k": (21841, 999),
    "imagenet-22k-ms": (21842, 1000),
}
TEDDY, KOALA = 850, 105


def test_the_known_label_spaces_and_their_sizes() -> None:
    sizes = {n: (len(named(n).names), len(named(n).domain_columns())) for n in names()}
    assert sizes == SIZES


@pytest.mark.parametrize("name", ["imagenet-12k", "imagenet-21k-goog", "imagenet-22k-ms"])
def test_outputs_mean_the_label_of_the_same_synset(name: str) -> None:
    one, wide = ImageNetInfo("imagenet-1k").label_names(), ImageNetInfo(name).label_names()
    space = named(name)
    for output in space.domain_columns():
        assert one[space.domain_label(output)] == wide[output]
    assert space.names[space.column(KOALA) or 0] == "koala"
    assert {one[i] for i in range(1000) if space.column(i) is None} == set(one) - set(wide)


def test_only_the_teddy_lacks_in_22k() -> None:
    for name in ("imagenet-22k", "imagenet-21k-goog"):
        assert [i for i in range(1000) if named(name).column(i) is None] == [TEDDY]


def test_a_head_chooses_by_its_size_or_says_what_can_be_done() -> None:
    for name, (outputs, _) in SIZES.items():
        assert for_head("timm/x", outputs).name == name
    with pytest.raises(
        UserError, match=r"timm/x: its head of 512 .*--label-space.*imagenet-22k 21841"
    ):
        for_head("timm/x", 512)
    with pytest.raises(UserError, match="timm/x: has no classifier head"):
        for_head("timm/x", 0)
    with pytest.raises(UserError, match="imagenet-12k has 11821 outputs, but timm/x has 1000"):
        for_head("timm/x", 1000, "imagenet-12k")
    with pytest.raises(UserError, match="unknown label space 'imagnet-1k'; did you mean"):
        for_head("timm/x", 1000, "imagnet-1k")


KNOWN = ", ".join(f"{name} {outputs}" for name, (outputs, _) in SIZES.items())


def test_what_a_user_can_do_is_said_with_the_head_and_all_that_is_known(tmp_path: Path) -> None:
    way_out = "name one with --label-space NAME, or give a file with a line an output (512 of them)"
    with pytest.raises(UserError) as said:
        for_head("timm/x", 512)
    assert str(said.value) == (
        f"timm/x: its head of 512 outputs fits no known label space; {way_out}; known: {KNOWN}"
    )
    with pytest.raises(UserError) as said:
        for_head("timm/x", 512, "imagenet-12k")
    assert str(said.value) == (
        f"label space imagenet-12k has 11821 outputs, but timm/x has 512; {way_out}; known: {KNOWN}"
    )
    with pytest.raises(UserError) as said:
        for_head("timm/x", 1000, tmp_path / "zzz")
    assert str(said.value).endswith("(nor is there such a file)")


@pytest.mark.parametrize("name", SIZES)
def test_every_output_that_means_a_label_has_its_synsets_words(name: str) -> None:
    """Held to the lists as timm's files have them, not to its classes."""
    info = resources.files("timm") / "data" / "_info"
    file = {
        "imagenet-1k": "imagenet_synsets.txt",
        "imagenet-1k-background": "imagenet_synsets.txt",
        "imagenet-12k": "imagenet12k_synsets.txt",
        "imagenet-21k-goog": "imagenet21k_goog_synsets.txt",
        "imagenet-21k-miil": "imagenet21k_miil_synsets.txt",
        "imagenet-21k-miil-w21": "imagenet21k_miil_w21_synsets.txt",
        "imagenet-22k": "imagenet22k_synsets.txt",
        "imagenet-22k-ms": "imagenet22k_ms_synsets.txt",
    }[name]
    one = (info / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
    synsets = (info / file).read_text(encoding="utf-8").split()
    if name == "imagenet-1k-background":
        synsets = ["-", *synsets]
    place = {synset: label for label, synset in enumerate(one)}
    space = named(name)
    meant = [space.domain_label(output) for output in range(len(space.names))]
    assert meant == [place.get(synset, -1) for synset in synsets]
    assert (space.name, space.domain) == (name, "imagenet")
    assert space.column(KOALA) == synsets.index("n01882714")
    assert space.names[synsets.index("n01882714")] == "koala"
    if name == "imagenet-1k-background":
        assert space.names[:2] == ("-", "tench")


def test_a_head_of_two_known_sizes_is_ambiguous(monkeypatch: pytest.MonkeyPatch) -> None:
    from spurbench_evaluators.labels import spaces as label_spaces

    monkeypatch.setattr(label_spaces, "names", lambda: ["imagenet-22k", "imagenet-22k"])
    with pytest.raises(UserError, match="could be imagenet-22k or imagenet-22k; name one with"):
        for_head("timm/x", 21841)


def test_a_file_says_an_output_a_line(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("n01882714\nHummingbird\n-\n0\nn00004475\n", encoding="utf-8")
    space = for_head("timm/x", 5, path)
    assert [space.domain_label(i) for i in range(5)] == [KOALA, 94, -1, 0, -1]
    assert space.names == ("koala", "hummingbird", "-", "tench", "organism")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (space.domain, space.name) == ("imagenet", f"labels.txt:{digest[:8]}")
    with pytest.raises(UserError, match=r"labels\.txt has 5 outputs, but timm/x has 4"):
        for_head("timm/x", 4, path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("koala\nkoalla", r"unknown ImageNet-1k class 'koalla'; did you mean 'koala'.*line 2"),
        ("105\nkoala", "line 2: says ImageNet-1k label 105 again, after line 1"),
        ("1000", "line 1: '1000' is no ImageNet-1k index"),
        ("crane", r"line 1: 'crane' names the labels \[134, 517\]; say which"),
        ("koala\n\n0", "line 2"),
        ("", "is empty"),
        ("\x80", "not text in UTF-8"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=said) as error:
        from_file(path)
    assert "\n" not in str(error.value)


def test_a_synset_that_nobody_knows_keeps_its_id(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("n99999999\nn00004475\n", encoding="utf-8")
    space = from_file(path)
    assert space.names == ("n99999999", "organism") and space.labels == (-1, -1)


def test_a_label_goes_by_its_words_in_lower_case_and_its_synset() -> None:
    words = imagenet_words()
    assert len(words) == 1000
    assert words[KOALA] == {
        "koala",
        "koala bear",
        "kangaroo bear",
        "native bear",
        "phascolarctos cinereus",
        "n01882714",
    }
