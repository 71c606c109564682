"""Running: the same numbers however pictures are batched, threaded, ordered and shared."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image

from spurbench import plugins
from spurbench.contracts import Classifier
from spurbench.dataset.read import StoredPicture
from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench.scores.answers import Seen
from spurbench_evaluators.api import score_pictures
from spurbench_evaluators.run.forward import Member
from spurbench_evaluators.run.framing import framing_of
from spurbench_evaluators.run.placement import choose
from spurbench_evaluators.run.runner import run
from tests.evaluators.fakes import Fake, small_network
from tests.evaluators.run.pictures import PICTURES, numbers


def predicted(seen: list[Seen]) -> list[int]:
    return [s.predicted for s in sorted(seen, key=lambda s: s.index)]


MODELS = ["small", "micro/vit", "micro/resnet_v1"]


def load(name: str) -> Classifier:
    return small_network() if name == "small" else plugins.classifier(name)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("framing", ["model", "si"])
def test_float64_gives_the_same_bits_for_every_batch_size(model: str, framing: str) -> None:
    if model == "micro/vit" and framing == "si":
        framing = "squash"  # it takes squares only
    one, seven, many = (
        score_pictures(load(model), PICTURES[:40], n, dtype="float64", framing=framing)
        for n in (1, 7, 64)
    )
    assert numbers(one).tobytes() == numbers(seven).tobytes() == numbers(many).tobytes()
    assert predicted(one) == predicted(seven) == predicted(many)


@pytest.mark.parametrize("model", MODELS)
def test_float32_agrees_for_any_batch_size_workers_and_order(model: str) -> None:
    mixed = random.Random(0).sample(PICTURES[:40], 40)
    first = score_pictures(load(model), PICTURES[:40], 64, workers=1)
    others = [
        score_pictures(load(model), pictures, batch, workers=workers)
        for pictures, batch, workers in [
            (PICTURES[:40], 1, 2),
            (PICTURES[:40], 7, 5),
            (mixed, 7, 3),
        ]
    ]
    for other in others:
        assert np.abs(numbers(first) - numbers(other)).max() < 1e-5
        assert predicted(first) == predicted(other)
    again = score_pictures(load(model), PICTURES[:40], 64, workers=4)
    assert numbers(first).tobytes() == numbers(again).tobytes(), "threads change no bit"


def member(classifier: Classifier, start: int = 0) -> Member:
    framing = framing_of(classifier.transform, "model")
    return Member(classifier, framing, choose("cpu"), start=start)


def test_models_share_decoding_and_equal_transforms(monkeypatch: pytest.MonkeyPatch) -> None:
    from spurbench_evaluators.run import runner

    calls = {"read_rgb": 0, "framed": 0}
    for name in calls:
        real = getattr(runner, name)

        def counted(*args: object, name: str = name, real: object = real) -> object:
            calls[name] += 1
            return real(*args)  # type: ignore[operator]

        monkeypatch.setattr(runner, name, counted)
    members = [member(Fake()), member(small_network(seed=1)), member(small_network(seed=2))]
    chunks = list(run(members, PICTURES[:12], batch_size=5, workers=2))
    assert calls == {"read_rgb": 12, "framed": 24}, "three models, two transforms"
    alone = score_pictures(small_network(seed=2), PICTURES[:12], 5)
    together = [s for chunk in chunks for s in chunk.seen[2] or []]
    assert numbers(together).tobytes() == numbers(alone).tobytes()


def test_a_member_that_is_ahead_waits_for_the_others() -> None:
    ahead, behind = Fake(1), Fake(2)
    members = [member(ahead, start=10), member(behind, start=5)]
    chunks = list(run(members, PICTURES[:15], batch_size=5, workers=2))
    assert [(c.start, c.stop) for c in chunks] == [(5, 10), (10, 15)]
    assert [c.seen[0] is None for c in chunks] == [True, False]
    assert sum(ahead.batches) == 5
    assert sum(behind.batches) == 10


def test_a_member_that_stopped_inside_a_chunk_answers_the_rest_of_it_only() -> None:
    ahead = member(Fake(1), start=7)
    broken = StoredPicture(b"no picture", "koala", "koala", 5, "si", 5, "made 5", "")
    pictures = [*PICTURES[:5], broken, *PICTURES[6:12]]
    members = [ahead, member(Fake(2))]
    chunks = list(run(members, pictures, batch_size=10, workers=2, skip_unreadable=True))
    said = [[s.index for c in chunks for s in c.seen[i] or []] for i in (0, 1)]
    assert said == [[7, 8, 9, 10, 11], [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]]
    assert [[len(u) for u in c.unreadable] for c in chunks] == [[0, 1], [0, 0]]


def test_one_models_transform_does_not_decide_what_the_others_are_shown() -> None:
    thin = png_bytes(Image.new("RGB", (2, 400)))
    pictures = [
        PICTURES[0],
        StoredPicture(thin, "koala", "koala", 5, "si", 1, "made 1", ""),
        PICTURES[2],
    ]
    squashed = Member(Fake(1), framing_of(Fake().transform, "squash"), choose("cpu"))
    (chunk,) = run(
        [member(Fake(2)), squashed], pictures, batch_size=9, workers=2, skip_unreadable=True
    )
    assert [[s.index for s in seen or []] for seen in chunk.seen] == [[0, 2], [0, 1, 2]]
    assert [[u.index for u in left_out] for left_out in chunk.unreadable] == [[1], []]


def test_unreadable_pictures_are_named_or_left_out() -> None:
    broken = StoredPicture(b"no picture", "koala", "koala", 5, "si", 2, "made 2", "")
    thin = png_bytes(Image.new("RGB", (2, 400)))
    endless = StoredPicture(thin, "koala", "koala", 5, "si", 3, "made 3", "")
    pictures = [*PICTURES[:2], broken, endless, PICTURES[4]]
    with pytest.raises(UserError, match=r"koala/si/2 \(made 2\): cannot be read as a picture"):
        score_pictures(Fake(), pictures)
    with pytest.raises(UserError, match=r"koala/si/3 \(made 3\): a picture of 2 x 400"):
        score_pictures(Fake(), pictures[3:])
    (chunk,) = run([member(Fake())], pictures, batch_size=9, workers=2, skip_unreadable=True)
    assert [s.index for s in chunk.seen[0] or []] == [0, 1, 4]
    assert [(u.index, u.origin) for u in chunk.unreadable[0]] == [(2, "made 2"), (3, "made 3")]
    assert all(len(u.sha256) == 64 for u in chunk.unreadable[0])
