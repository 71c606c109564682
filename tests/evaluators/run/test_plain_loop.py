"""A run held to a plain loop: Pillow and torchvision, one picture at a time, softmax in numpy."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from spurbench.contracts import LabelSpace, Transform
from spurbench.dataset.read import StoredPicture
from spurbench.files import sha256_bytes
from spurbench.pictures import png_bytes, read_rgb
from spurbench.scores.answers import Seen
from spurbench_evaluators.api import score_pictures
from spurbench_evaluators.network.classifier import NetworkClassifier
from spurbench_evaluators.run import runner
from spurbench_evaluators.run.forward import Member
from spurbench_evaluators.run.framing import framing_of
from spurbench_evaluators.run.placement import choose, place
from tests.evaluators.fakes import small_network

# Nine outputs; the labels 0 to 4 lie at the outputs 7, 2, 8, 0 and 4.
LABELS = (3, -1, 1, -1, 4, -1, -1, 0, 2)
OUTPUT_OF = {0: 7, 1: 2, 2: 8, 3: 0, 4: 4}
CLASSES = {"ant": 2, "bee": 0, "cow": 4}
COUNTS = {("ant", "si"): 5, ("ant", "val"): 4, ("bee", "generated"): 3, ("cow", "si"): 6}
SIZES = [(40, 40), (61, 40), (40, 60), (28, 28), (30, 75)]
MEAN, STD = (0.6, 0.4, 0.2), (0.2, 0.3, 0.4)
BICUBIC, BILINEAR = v2.InterpolationMode.BICUBIC, v2.InterpolationMode.BILINEAR
OWN = v2.Compose([v2.Resize(45, BILINEAR), v2.CenterCrop(28)])
SQUARE = v2.Resize((28, 28), BICUBIC)
Shown = Callable[[Image.Image], Image.Image]
THEIRS: dict[str, tuple[Shown, Shown]] = {
    "model": (OWN, OWN),
    "si": (v2.Resize(28, BICUBIC), v2.Compose([v2.Resize(32, BICUBIC), v2.CenterCrop(28)])),
    "squash": (SQUARE, SQUARE),
}


def drawn(i: int) -> Image.Image:
    """A picture of its own colour with a bright stroke at a place of its own."""
    rng = np.random.default_rng(i)
    width, height = SIZES[i % len(SIZES)]
    pixels = rng.integers(0, 60, (height, width, 3)) + rng.integers(0, 190, 3)
    pixels[:, rng.integers(width) :] //= 2
    return Image.fromarray(pixels.astype(np.uint8))


IMAGES: dict[str, Image.Image] = {}
STORED: list[StoredPicture] = []
for (name, split), count in COUNTS.items():
    for index in range(count):
        image, origin = drawn(len(STORED)), f"{name}-{split}-{index}.png"
        IMAGES[origin], label = image, CLASSES[name]
        data = png_bytes(image)
        STORED.append(StoredPicture(data, name, f"the {name}", label, split, index, origin, ""))
# So that the neighbours of a picture are of other classes.
STORED.sort(key=lambda item: (item.index, item.origin))


def network() -> NetworkClassifier:
    made = small_network(9)
    head = made.network[-1]  # type: ignore[index]
    with torch.no_grad():  # so that every picture is another's
        head.weight.mul_(30)
        head.bias.sub_(made.network(torch.full((1, 3, 28, 28), -0.3))[0])
    return NetworkClassifier(
        "made/x",
        made.network,
        LabelSpace("turned", "micro", tuple("abcdefghi"), LABELS),
        Transform("crop", 28, 45, "bilinear"),
        made.facts,
        MEAN,
        STD,
    )


def plain(framing: str, rounded: torch.dtype | None = None) -> dict[str, np.ndarray]:
    """The logits (9,) of every picture by its origin; ``rounded`` runs it in another precision."""
    own = deepcopy(network().network).eval().to(rounded or torch.float64)
    logits = {}
    for item in STORED:
        pixels = np.asarray(THEIRS[framing][item.split == "val"](IMAGES[item.origin]))
        images = torch.from_numpy(pixels / 255).permute(2, 0, 1)[None]
        mean, std = (torch.tensor(v, dtype=torch.float64).view(1, 3, 1, 1) for v in (MEAN, STD))
        if rounded:
            images, mean, std = (each.to(rounded) for each in (images, mean, std))
        with torch.no_grad():
            logits[item.origin] = own((images - mean) / std)[0].double().numpy()
    return logits


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    shares: np.ndarray = powers / powers.sum()
    return shares


def check(seen: list[Seen], expected: dict[str, np.ndarray], within: float) -> None:
    """Every picture, in order, has the plain loop's answer under its own name and label."""
    assert [(s.slug, s.class_name, s.label, s.split, s.index, s.origin) for s in seen] == [
        (p.slug, p.class_name, p.label, p.split, p.index, p.origin) for p in STORED
    ]
    for said, item in zip(seen, STORED, strict=True):
        values = expected[item.origin]
        assert said.sha256 == sha256_bytes(item.data)
        for head, outputs in [
            (said.answer.full, list(range(9))),
            (said.answer.restricted, sorted(OUTPUT_OF.values())),
        ]:
            shares = softmax(values[outputs])
            best = outputs[int(shares.argmax())]
            assert head.top_outputs[0] == best, item.origin
            assert head.predicted == LABELS[best] and head.predicted_name == "abcdefghi"[best]
            assert abs(head.probability - shares.max()) < within
            own = shares[outputs.index(OUTPUT_OF[item.label])]
            assert abs(head.class_probability - own) < within


@pytest.mark.parametrize("framing", THEIRS)
@pytest.mark.parametrize("batch", [1, 4, 64])
def test_every_picture_gets_the_answer_of_a_plain_loop(framing: str, batch: int) -> None:
    expected = plain(framing)
    best = {int(values.argmax()) for values in expected.values()}
    assert len(best) >= 3 and any(LABELS[b] == -1 for b in best), "values that tell"
    said = score_pictures(network(), STORED, batch, framing=framing, workers=3, dtype="float64")
    check(said, expected, 1e-6)
    check(score_pictures(network(), STORED, batch, framing=framing), expected, 1e-3)


def test_framings_give_other_answers() -> None:
    one, two, three = (np.stack(list(plain(framing).values())) for framing in THEIRS)
    assert min(np.abs(a - b).max() for a, b in [(one, two), (two, three), (one, three)]) > 0.1


def test_bfloat16_is_bfloat16_inside_and_read_in_full_precision() -> None:
    expected = plain("model", torch.bfloat16)
    said = score_pictures(network(), STORED, 1, dtype="bfloat16")
    check(said, expected, 1e-6)
    full = plain("model")
    apart = max(float(np.abs(full[name] - expected[name]).max()) for name in full)
    assert apart > 0.01, "another precision is another result"


def test_pictures_decoded_out_of_order_keep_their_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    real = read_rgb

    def late(data: bytes, name: str) -> Image.Image:
        """The first of every three takes longest."""
        at = [item.data for item in STORED].index(data)
        time.sleep(0.02 * (2 - at % 3))
        return real(data, name)

    monkeypatch.setattr(runner, "read_rgb", late)
    check(score_pictures(network(), STORED, 5, workers=6, dtype="float64"), plain("model"), 1e-6)


def chunks(
    pictures: list[StoredPicture], framing: str = "model", **options: Any
) -> list[runner.Chunk]:
    classifier = network()
    place(classifier, choose("cpu", "float64"))
    member = Member(classifier, framing_of(classifier.transform, framing), choose("cpu", "float64"))
    return list(runner.run([member], pictures, **({"batch_size": 5, "workers": 3} | options)))


@pytest.mark.parametrize("at", [0, 4, 9, 17])
def test_the_neighbours_of_a_picture_that_is_left_out_keep_their_own_labels(at: int) -> None:
    pictures = list(STORED)
    pictures[at] = replace(STORED[at], data=b"no picture")
    whole = {s.origin: s for s in score_pictures(network(), STORED, 5, dtype="float64")}
    found = chunks(pictures, skip_unreadable=True)
    seen = [s for chunk in found for s in (chunk.seen[0] or [])]
    assert [s.origin for s in seen] == [p.origin for p in STORED if p is not STORED[at]]
    for said in seen:
        other = whole[said.origin]
        assert replace(said, answer=other.answer) == other
        assert said.answer.full.top_outputs == other.answer.full.top_outputs
        assert said.class_probability == pytest.approx(other.class_probability, abs=1e-12)
    (left_out,) = (u for chunk in found for u in chunk.unreadable[0])
    wanted = STORED[at]
    assert (left_out.slug, left_out.split, left_out.index, left_out.origin, left_out.sha256) == (
        wanted.slug,
        wanted.split,
        wanted.index,
        wanted.origin,
        sha256_bytes(b"no picture"),
    )
    name = f"{wanted.slug}/{wanted.split}/{wanted.index} ({wanted.origin})"
    assert left_out.reason.startswith(f"{name}: cannot be read as a picture (")
    assert [(chunk.start, chunk.stop) for chunk in found] == [(0, 5), (5, 10), (10, 15), (15, 18)]
    assert [len(chunk.unreadable[0]) for chunk in found] == [
        int(chunk.start <= at < chunk.stop) for chunk in found
    ]


def test_a_hash_that_is_stored_is_the_hash_that_is_told() -> None:
    pictures = [replace(STORED[0], sha256="a" * 64), STORED[1]]
    (chunk,) = chunks(pictures)
    assert [s.sha256 for s in chunk.seen[0] or []] == ["a" * 64, sha256_bytes(STORED[1].data)]


def test_pictures_are_drawn_two_batches_ahead_and_no_further() -> None:
    taken: list[int] = []

    def endless() -> Any:
        for i in range(1000):
            taken.append(i)
            yield STORED[i % len(STORED)]

    classifier = network()
    member = Member(classifier, framing_of(classifier.transform, "model"), choose("cpu"))
    running = runner.run([member], endless(), batch_size=5, workers=2)
    first = next(running)
    running.close()
    assert (first.start, first.stop) == (0, 5)
    # Five were given out, 2 * 5 + 2 may wait, and one is in the feeder's hand.
    assert len(taken) <= 5 + 12 + 1 + 1
