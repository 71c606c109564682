"""Running: the same numbers however pictures are batched, threaded, ordered and shared."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from spurbench import plugins
from spurbench.contracts import Classifier
from spurbench.dataset.read import StoredPicture
from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench.prediction import framed, to_tensor
from spurbench.scores.answers import Seen
from spurbench.scores.predictions import rows_table
from spurbench_evaluators.api import score_pictures
from spurbench_evaluators.run.forward import Member, forward
from spurbench_evaluators.run.framing import framing_of
from spurbench_evaluators.run.placement import choose, inputs, place
from spurbench_evaluators.run.runner import run
from tests.conftest import picture
from tests.evaluators.fakes import Fake, Hungry, small_network

SIZES = [(40, 40), (52, 40), (40, 60), (40, 40), (36, 36)]


def stored(i: int, split: str = "si") -> StoredPicture:
    image = picture(i, SIZES[i % len(SIZES)])
    return StoredPicture(png_bytes(image), "koala", "koala", 5, split, i, f"made {i}", "")


PICTURES = [stored(i) for i in range(80)]


def numbers(seen: list[Seen]) -> np.ndarray:
    """The stored numbers, (N, 2), in order of index."""
    rows = sorted(seen, key=lambda s: s.index)
    table = rows_table(rows)
    names = ["class_probability", "class_log_odds", "restricted_class_log_odds", "probability"]
    return np.stack([table[name].to_numpy() for name in names], axis=1)


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


def test_inputs_are_those_of_to_tensor() -> None:
    image = framed(picture(3, (50, 40)), small_network().transform)
    pixels = torch.from_numpy(np.array(image))[None]
    for dtype in ("float32", "float64", "bfloat16"):
        got = inputs(small_network(), pixels, choose("cpu", dtype))
        assert got.dtype == getattr(torch, dtype)
        if dtype != "bfloat16":
            assert torch.allclose(got[0].float(), to_tensor(image), rtol=0, atol=1e-7)
    assert torch.equal(inputs(small_network(), pixels, choose("cpu"))[0], to_tensor(image))


def test_bfloat16_runs_and_is_close() -> None:
    full = score_pictures(small_network(), PICTURES[:10], 5)
    half = score_pictures(small_network(), PICTURES[:10], 5, dtype="bfloat16")
    assert 0 < np.abs(numbers(full) - numbers(half)).max() < 0.05


def test_other_precisions_need_a_network() -> None:
    with pytest.raises(UserError, match="no torch network that could run in float64"):
        place(Fake(), choose("cpu", "float64"))


@pytest.mark.parametrize(
    ("device", "dtype", "said"),
    [
        ("gpu", "float32", "unknown device 'gpu'"),
        ("cpu:x", "float32", "unknown device"),
        ("cpu", "float16", "unknown dtype 'float16'; did you mean"),
        ("cuda:99", "float32", "this machine has none"),
    ],
)
def test_placements_that_are_not_there(device: str, dtype: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        choose(device, dtype)


def member(classifier: Classifier, start: int = 0) -> Member:
    framing = framing_of(classifier.transform, "model")
    return Member(classifier, framing, choose("cpu"), start=start)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"
        ),
    ],
)
def test_out_of_memory_halves_the_batch_and_goes_on(error: Exception) -> None:
    hungry = Hungry(3, error)
    runner = member(hungry)
    (chunk,) = run([runner], PICTURES[:20], batch_size=20, workers=2)
    assert runner.limit == 2 and hungry.batches == [2] * 10, "20, 10 and 5 did not fit"
    assert chunk.seen[0] is not None
    assert (
        numbers(chunk.seen[0]).tobytes()
        == numbers(score_pictures(Fake(), PICTURES[:20], 2)).tobytes()
    )


def test_one_picture_too_many_and_other_errors_are_said() -> None:
    pixels = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(UserError, match="has not the memory for one picture"):
        forward(member(Hungry(0)), pixels)
    with pytest.raises(RuntimeError, match="shapes"):
        forward(member(Hungry(0, RuntimeError("shapes do not match"))), pixels)


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


def test_pictures_that_a_network_of_fixed_size_cannot_take_are_said_in_one_line() -> None:
    said = r"micro/vit: takes 64 x 64 pixels, not 83 x 64 .*; use --framing model or squash"
    with pytest.raises(UserError, match=said):
        score_pictures(load("micro/vit"), PICTURES[:2], 2, framing="si")
    faulty = small_network()
    faulty.logits = lambda images: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(ZeroDivisionError):
        score_pictures(faulty, PICTURES[:2], 2, framing="si")


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


def test_validation_pictures_have_spurious_imagenets_own_framing() -> None:
    own = small_network().transform
    si = framing_of(own, "si")
    assert (si.pictures.framing, si.pictures.size) == ("shortest", 32)
    assert (si.validation.framing, si.validation.resize, si.validation.size) == ("crop", 36, 32)
    assert si.of("generated") == si.pictures and si.of("val") == si.validation
    assert framing_of(own, "model").of("val") == own
    with pytest.raises(UserError, match="unknown framing 'sii'; did you mean 'si'"):
        framing_of(own, "sii")


def test_si_framing_is_that_of_torchvision(tmp_path: Path) -> None:
    from torchvision.transforms import v2

    bicubic = v2.InterpolationMode.BICUBIC
    framing = framing_of(small_network().transform, "si")
    image = picture(1, (100, 60))
    assert framed(image, framing.pictures).tobytes() == v2.Resize(32, bicubic)(image).tobytes()
    centre = v2.Compose([v2.Resize(int(256 / 224 * 32), bicubic), v2.CenterCrop(32)])
    assert framed(image, framing.validation).tobytes() == centre(image).tobytes()
