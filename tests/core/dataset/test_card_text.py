"""What a card says is text wherever it is shown: nothing in a name or a feature is live."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from spurbench.dataset.card import dataset_card
from spurbench.dataset.manifest import ClassEntry, FileEntry, Manifest, SplitEntry
from spurbench.files import sha256_json
from tests.core.dataset.made import put

TABLES = MarkdownIt("gfm-like", {"html": True, "linkify": False}).enable("table")


def manifest(feature: str, name: str = "koala", split: str = "si") -> Manifest:
    file = FileEntry(path="data/koala/x.parquet", sha256="0" * 64, pictures=3)
    entry = SplitEntry(kind="si", files=[file], content="1" * 64)
    koala = ClassEntry(name=name, label=5, feature=feature, splits={split: entry}, provenance={})
    return Manifest(name=name, domain="micro", classes={"koala": koala})


def parts(card: str) -> tuple[dict[str, object], str]:
    head, body = re.fullmatch(r"---\n(.*?)\n---\n(.*)", card, re.DOTALL).groups()  # type: ignore[union-attr]
    return yaml.safe_load(head), body


HOSTILE = [
    "<script>alert(1)</script>",
    "![x](https://example.org/a.png)",
    "[x](https://example.org)",
    "https://example.org www.example.org someone@example.org",
    "a | b \\| c \\",
    "`` a ` b ```",
    "`<b>`|`<i>",
    "new\nline\n\n# title\r\n---\n| x |",
    "a\u2028b\x1b[31mc\0d",
    "*a* _b_ __c__ ~~d~~ $e$ &lt;b&gt; <!-- c",
    "&#60;script&#62;",
    "",
    "  ",
    "|",
    "`",
]


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(st.characters(codec="utf-8"), max_size=30) | st.text("`|\\<>[]()!*_~ \n&#;:/.aw")
)
def test_no_feature_is_more_than_text(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_features_that_want_to_be_more(text: str) -> None:
    check(text)


def check(text: str) -> None:
    """Read by another's parser of GitHub's Markdown, the body has the same elements as one whose
    feature is a plain word, but for one piece of code."""
    head, body = parts(dataset_card(manifest(text, name=text)))
    assert head == parts(dataset_card(manifest("leaves")))[0]
    tokens, usual = (TABLES.parse(b) for b in (body, parts(dataset_card(manifest("leaves")))[1]))
    assert [t.type for t in tokens] == [t.type for t in usual]
    for mine, plain in zip(tokens, usual, strict=True):
        mine_in, plain_in = ([c.type for c in t.children or []] for t in (mine, plain))
        assert mine_in == plain_in or mine_in in (["code_inline"], [])
    links = [c for t in tokens for c in t.children or [] if c.type in ("link_open", "image")]
    assert not links


def test_plain_words_stay_as_they_are_and_markup_can_be_read() -> None:
    for text in ("red flower", "canal houses, old", "Flügel (aile d'oiseau)"):
        assert f"| `koala` | 5 | {text} | 3 |" in dataset_card(manifest(text))
    assert "| `koala` | 5 | `<b>x</b>` | 3 |" in dataset_card(manifest("<b>x</b>"))
    assert "| `koala` | 5 | `a ¦ b ' c` | 3 |" in dataset_card(manifest("a | b ` c"))


def test_configs_follow_files_splits_and_kinds(tmp_path: Path) -> None:
    splits = {
        "val": ("val", [[1]]),
        "generated_seed1": ("generated", [[2], [3]]),
        "generated": ("generated", [[4]]),
        "si": ("si", [[5, 6]]),
    }
    put(tmp_path / "d", "koala", 5, splits)
    made = put(tmp_path / "d", "bee", 2, {"extra": ("si", [[7]]), "si": ("si", [[8]])})
    head, body = parts((tmp_path / "d" / "README.md").read_text(encoding="utf-8"))
    told = {
        config["config_name"]: [(f["split"], f["path"]) for f in config["data_files"]]
        for config in head["configs"]  # type: ignore[attr-defined]
    }
    assert told == {
        "default": [
            (split, f"data/*/{split}-*.parquet")
            for split in ("extra", "si", "generated", "generated_seed1", "val")
        ],
        "bee": [(split, f"data/bee/{split}-*.parquet") for split in ("extra", "si")],
        "koala": [
            (split, f"data/koala/{split}-*.parquet")
            for split in ("si", "generated", "generated_seed1", "val")
        ],
    }
    infos = {info["config_name"]: info for info in head["dataset_info"]}  # type: ignore[attr-defined]
    held = {
        slug: {name: [file.sha256 for file in split.files] for name, split in entry.splits.items()}
        for slug, entry in made.classes.items()
    }
    assert infos["default"]["description"] == (
        f"content {made.fingerprint()}, files {sha256_json(held)[:12]}"
    )
    assert len({info["description"] for info in infos.values()}) == 3
    assert "| `bee` | 2 | leaves | 1 | 1 |  |  |  |" in body
    assert "| `koala` | 5 | leaves |  | 2 | 1 | 2 | 1 |" in body
    assert f"Version `{made.version}`." in body
