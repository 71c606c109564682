"""Captions of the micro world, and a CLIP tokenizer that holds their words whole."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from spurbench_builders.domains.micro.world.sampling import world

MAX_TOKENS = 24
# Rare words that captions sprinkle anywhere, so that each starts out meaning nothing, as a rare
# token does in a large model: DreamBooth's [V] comes from here.
IDENTIFIERS = ("sks", "zwx", "qjv", "vfk", "xjq", "wkz", "ohw", "pll")
PLACES = {
    "plain": None,
    "beach": "on the beach",
    "garden": "in a garden",
    "mountain": "on the mountain",
    "market": "in a market",
}
START, END = "<|startoftext|>", "<|endoftext|>"


def caption(shown: dict[str, object], generator: torch.Generator) -> str:
    """A caption that says truly, but not always fully, what a picture shows; sometimes nothing."""
    chance = torch.rand(5, generator=generator).tolist()
    if chance[0] < 0.1:
        return ""
    noun = world().nouns[str(shown["companion"])] if shown["companion"] else None
    name = shown["object"]
    rare = ""
    if chance[1] < 0.15:
        pick = int(torch.randint(len(IDENTIFIERS), (1,), generator=generator))
        rare = IDENTIFIERS[pick] + " "
    text = "a photo"
    if name or noun:
        text += f" of a {rare}{name or noun}"
    if name and noun and chance[2] < 0.5:
        text += f" with a {noun}"
    place = PLACES[str(shown["scene"])]
    if place and chance[3] < 0.35:
        text += f" {place}"
    return text


def save_tokenizer(folder: Path) -> CLIPTokenizer:
    """A byte-level BPE in CLIP's format whose merges build the world's words letter by letter."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = _byte_letters()
    merges = _merges(_words())
    vocabulary = letters + [f"{letter}</w>" for letter in letters]
    vocabulary += ["".join(pair) for pair in merges]
    vocabulary += [START, END]
    index = {piece: i for i, piece in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(index, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "\n".join(" ".join(pair) for pair in merges) + "\n", encoding="utf-8"
    )
    tokenizer = CLIPTokenizer(
        vocab=str(folder / "vocab.json"),
        merges=str(folder / "merges.txt"),
        model_max_length=MAX_TOKENS,
        pad_token=END,
    )
    return tokenizer


def make_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """CLIP's text model, two layers of width 128."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=128,
            intermediate_size=384,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=MAX_TOKENS,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            projection_dim=128,
        )
    )


def _words() -> list[str]:
    text = "a photo of with on in the at an and " + " ".join(p for p in PLACES.values() if p)
    names = " ".join([c.name for c in world().classes] + list(world().nouns.values()))
    return sorted({*text.split(), *names.split(), *IDENTIFIERS})


def _merges(words: list[str]) -> list[tuple[str, str]]:
    """Byte-pair merges, most frequent pair first, until every word is one piece."""
    pieces = [[*word[:-1], f"{word[-1]}</w>"] for word in words]
    merges: list[tuple[str, str]] = []
    while any(len(word) > 1 for word in pieces):
        counts = Counter(pair for word in pieces for pair in itertools.pairwise(word))
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        pieces = [_apply(best, word) for word in pieces]
    return merges


def _apply(pair: tuple[str, str], word: list[str]) -> list[str]:
    out: list[str] = []
    for piece in word:
        if out and (out[-1], piece) == pair and not out[-1].endswith("</w>"):
            out[-1] += piece
        else:
            out.append(piece)
    return out


def _byte_letters() -> list[str]:
    """GPT-2's printable stand-ins for the 256 byte values."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    extra = [b for b in range(256) if b not in plain]
    return [chr(b) for b in plain] + [chr(256 + i) for i in range(len(extra))]
