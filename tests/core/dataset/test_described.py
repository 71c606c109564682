"""What a data set says of itself beside its pictures: the card's text, Croissant, summaries."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from spurbench.dataset.card import dataset_card
from spurbench.dataset.croissant import croissant_text
from spurbench.dataset.manifest import Manifest, read_manifest
from spurbench.dataset.panel import table1
from spurbench.dataset.schema import Credit
from spurbench.dataset.summary import summarised
from spurbench.pictures import read_rgb
from tests.publishing.made import put, sound, sound_imagenet


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound(tmp_path_factory.mktemp("described") / "spurbench")


def card(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def test_a_summary_counts_what_the_rows_say() -> None:
    said = [{"model": "b", "label": 5}, {"model": "a", "label": 5}]
    rows: list[dict[str, Any]] = [
        {"label": 5, "predictions": said, "consistently_spurious": True, "licence": "CC0"},
        {"label": 5, "predictions": [said[0], {"model": "a", "label": 3}], "licence": ""},
        {"label": 5, "predictions": None, "consistently_spurious": False, "source_sha256": "0"},
    ]
    assert summarised(rows).model_dump() == {
        "panel": {"a": 1, "b": 2},
        "consistently_spurious": 1,
        "safety_flagged": None,
        "licences": {"CC0": 1},
        "unlicensed": 1,
    }
    assert summarised([]).panel == {} and summarised([]).consistently_spurious is None


def test_table_1_is_that_of_the_rows(folder: Path) -> None:
    """Of four references the second member takes two; of three generated pictures it misses one."""
    assert table1(read_manifest(folder)).splitlines() == [
        "| | `micro/robust` | `micro/vit` | mean |",
        "|---|---|---|---|",
        "| `hummingbird` | 50.0 / 66.7 | 100.0 / 100.0 | 75.0 / 83.3 |",
        "| `koala` | 50.0 / 66.7 | 100.0 / 100.0 | 75.0 / 83.3 |",
        "| mean | 50.0 / 66.7 | 100.0 / 100.0 | 75.0 / 83.3 |",
    ]
    assert table1(read_manifest(folder)) in card(folder)


def test_a_manifest_without_summaries_has_a_card_without_table_1(
    folder: Path, tmp_path: Path
) -> None:
    manifest = read_manifest(folder)
    old = json.loads(manifest.model_dump_json())
    for entry in old["classes"].values():
        for split in entry["splits"].values():
            del split["summary"]
    older = Manifest.model_validate(old)
    assert older.fingerprint() == manifest.fingerprint()
    text = dataset_card(older)
    assert "## What the panel says" not in text and "## Licences" in text
    assert older.model_dump() == old, "written back as it was"


def test_the_card_says_how_the_pictures_were_made(folder: Path) -> None:
    text = card(folder)
    made = text[text.index("## How the pictures were made") : text.index("## What the panel")]
    recipe = read_manifest(folder).classes["koala"].splits["generated"].recipe
    assert f"Of `koala`:\n\n- recipe: `{recipe}`\n- base model: `made-base`\n" in made
    assert "- panel: `micro/vit`, `micro/robust`\n- seeds: 3\n- versions: `torch 2.0`" in made
    assert "Of `hummingbird`:" in made and "- seeds: 3, 4" in made
    for title in ("Load it", "Intended use", "Out of scope", "Known limits", "Citation"):
        assert f"\n## {title}\n" in text
    for word in ("safety checker", "memorise", "One seed says little"):
        assert word in text
    assert "people may be recognisable" not in text, "the micro world has none"


def test_licences_of_each_kind_are_told(tmp_path: Path) -> None:
    text = card(sound_imagenet(tmp_path / "d"))
    assert "| `si` | `CC BY 2.0` | 4 |" in text and "| `val` | `CC BY 2.0` | 2 |" in text
    assert "| `generated` | `made by a model; the terms of its base model apply` | 3 |" in text
    assert "people may be recognisable" in text
    put(tmp_path / "m", "koala", 5, 100, credit=Credit(source_sha256="0" * 64))
    own = card(tmp_path / "m")
    assert "| `si` | not stated | 4 |" in own, "pictures of the user's own are not the project's"
    assert "| `generated` | `the data set's own, apache-2.0` | 3 |" in own


def test_contact_sheets_are_shown_and_go_with_their_class(tmp_path: Path) -> None:
    from spurbench.dataset.write import install_class
    from spurbench.pictures import png_bytes
    from tests.conftest import picture

    manifest = put(tmp_path / "d", "koala", 5, 100)
    entry = manifest.classes["koala"]
    files = {name: [tmp_path / "d" / f.path for f in s.files] for name, s in entry.splits.items()}
    sheet = tmp_path / "sheet.png"
    sheet.write_bytes(png_bytes(picture(1)))
    assert "## Contact sheets" not in card(tmp_path / "d")
    install_class(tmp_path / "d", "made", "micro", "koala", entry, files, sheet)
    assert "(contact/koala.png)" in card(tmp_path / "d")
    assert read_rgb(tmp_path / "d" / "contact" / "koala.png").size == (8, 8)
    put(tmp_path / "d", "hummingbird", 0, 200)
    assert card(tmp_path / "d").count("](contact/") == 1
    install_class(tmp_path / "d", "made", "micro", "koala", entry, files)
    assert "## Contact sheets" not in card(tmp_path / "d")


HOSTILE = ["<script>alert(1)</script>", "a | b\n# c", "`x` [y](https://example.org)", "\u202e|``"]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_manifest_is_live_in_the_card(folder: Path, text: str) -> None:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("gfm-like", {"html": True, "linkify": False}).enable("table")

    def kinds(manifest: Manifest) -> list[str]:
        body = re.sub(r"\A---\n.*?\n---\n", "", dataset_card(manifest), flags=re.DOTALL)
        tokens = parser.parse(body)
        inner = [child for token in tokens for child in token.children or []]
        assert not [c for c in inner if c.type in ("link_open", "image", "html_inline")]
        return [token.type for token in tokens]

    def of(said: str) -> Manifest:
        data = json.loads(read_manifest(folder).model_dump_json())
        for entry in data["classes"].values():
            entry["name"] = entry["feature"] = said
            entry["provenance"] = {
                "imported_from": said,
                "device": said,
                "recipe": {
                    "base": said,
                    "base_revision": said,
                    "panel": [said],
                    "prompt": {"instance": said},
                },
                "versions": {"torch": said},
            }
            for split in entry["splits"].values():
                split["recipe"] = said
                split["summary"] |= {"panel": {said: 1}, "licences": {said: 1}}
        return Manifest.model_validate(data)

    assert kinds(of(text)) == kinds(of("words"))


def test_odd_provenance_is_no_reason_to_fail(folder: Path) -> None:
    for odd in ({"recipe": 3}, {"recipe": {"panel": 4, "prompt": [], "base": 5}, "versions": []}):
        data = json.loads(read_manifest(folder).model_dump_json())
        for entry in data["classes"].values():
            entry["provenance"] = odd
        manifest = Manifest.model_validate(data)
        assert "## Citation" in dataset_card(manifest) and croissant_text(manifest)


def test_the_hub_takes_the_cards_data(folder: Path) -> None:
    from huggingface_hub import DatasetCard

    data = DatasetCard(card(folder)).data
    assert data["size_categories"] == ["n<1K"] and data["license"] == "apache-2.0"
    yaml.safe_load(data.to_yaml())


def test_croissant_is_valid_and_its_readers_find_the_pictures(folder: Path) -> None:
    """By MLCommons' own validator and reader, offline, in a process of its own."""
    code = (
        "import json, logging, sys, warnings; warnings.simplefilter('ignore')\n"
        "import mlcroissant\n"
        "found = mlcroissant.Dataset(jsonld=sys.argv[1])\n"
        "issues = found.metadata.ctx.issues\n"
        "rows = [\n"
        "    [r['generated/class_name'].decode(), r['generated/index'], r['generated/image'].size]\n"
        "    for r in found.records('generated')\n"
        "]\n"
        "print(json.dumps({'errors': sorted(issues.errors), 'rows': sorted(rows)}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / "croissant.json")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["errors"] == []
    assert said["rows"] == [
        [name, index, [8, 8]] for name in ("hummingbird", "koala") for index in range(3)
    ]


def test_croissant_has_responsible_ai_fields_hashes_and_no_times(folder: Path) -> None:
    manifest = read_manifest(folder)
    text = (folder / "croissant.json").read_text(encoding="utf-8")
    assert text == croissant_text(manifest) == croissant_text(read_manifest(folder))
    found = json.loads(text)
    assert found["license"] == "apache-2.0" and manifest.fingerprint() in found["description"]
    for field in ("dataCollection", "dataLimitations", "dataUseCases", "dataSocialImpact"):
        assert found[f"rai:{field}"]
    assert found["rai:personalSensitiveInformation"]
    assert found["rai:machineAnnotationTools"] == ["micro/robust", "micro/vit"]
    hashes = {file["@id"]: file["sha256"] for file in found["distribution"] if "sha256" in file}
    assert hashes == {
        file.path: file.sha256
        for entry in manifest.classes.values()
        for split in entry.splits.values()
        for file in split.files
    }


def test_writing_croissant_does_not_need_its_validator() -> None:
    code = "import sys, spurbench.dataset.write; assert 'mlcroissant' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_card_of_a_hundred_classes_is_written_fast(folder: Path) -> None:
    """Time of one card and description in seconds: a build of a hundred classes writes a hundred."""
    import time

    manifest = read_manifest(folder)
    koala = manifest.classes["koala"]
    many = manifest.model_copy(update={"classes": {f"class_{i}": koala for i in range(100)}})
    start = time.process_time()
    assert len(dataset_card(many)) + len(croissant_text(many)) > 50_000
    assert time.process_time() - start < 3.0
