"""transformers' classifiers from a folder: labels, processors as data, safetensors only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import ViTConfig, ViTForImageClassification

from spurbench import plugins
from spurbench.errors import UserError
from spurbench.prediction import framed, to_tensor
from spurbench_evaluators.labels.spaces import named
from spurbench_evaluators.loaders.hf_transform import processor_transform
from tests.conftest import picture


def vit(folder: Path, labels: list[str]) -> ViTForImageClassification:
    """A small ViT with random weights, saved with its image processor."""
    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
        patch_size=8,
        id2label=dict(enumerate(labels)),
        label2id={f"{label} {i}": i for i, label in enumerate(labels)},
    )
    network = ViTForImageClassification(config)
    network.save_pretrained(folder)
    processor = transformers.ViTImageProcessor(size={"height": 32, "width": 32})
    processor.save_pretrained(folder)
    return network.eval()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    vit(tmp_path / "vit", list(named("imagenet-1k").names))
    return tmp_path / "vit"


def test_a_folder_gives_transformers_own_logits(tmp_path: Path) -> None:
    network = vit(tmp_path / "vit", list(named("imagenet-1k").names))
    classifier = plugins.classifier(f"hf/{tmp_path / 'vit'}")
    assert classifier.label_space.name == "imagenet-1k"
    pixels = to_tensor(framed(picture(1, (50, 40)), classifier.transform))[None]
    with torch.inference_mode():
        theirs = network(pixel_values=(pixels - 0.5) / 0.5).logits
        torch.testing.assert_close(classifier.logits(pixels), theirs)
    again = plugins.classifier(
        f"hf/{tmp_path / 'vit'}", weights=tmp_path / "vit" / "model.safetensors"
    )
    with torch.inference_mode():
        torch.testing.assert_close(again.logits(pixels), theirs)


def test_weights_of_another_architecture_are_refused(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "model.safetensors")
    wider = {**state, "classifier.weight": torch.zeros(1001, 16)}
    for foreign in ({"conv.weight": torch.zeros(3, 3)}, {**state, "extra": torch.zeros(1)}, wider):
        save_file(foreign, tmp_path / "w.safetensors")
        with pytest.raises(UserError, match=r"w\.safetensors: does not fit hf/.*") as error:
            plugins.classifier(f"hf/{folder}", weights=tmp_path / "w.safetensors")
        assert "\n" not in str(error.value)


def test_a_folder_whose_weights_have_another_shape_is_one_line(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "model.safetensors")
    state["classifier.weight"] = torch.zeros(1001, 16)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"its checkpoint does not fit its config\.json") as error:
        plugins.classifier(f"hf/{folder}")
    assert "\n" not in str(error.value)


def test_the_card_needs_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    card = plugins.card(f"hf/{folder}")
    assert (card.label_space.name, card.transform.framing) == ("imagenet-1k", "squash")
    with pytest.raises(UserError, match="cannot be had .*safetensors"):
        plugins.classifier(f"hf/{folder}")


@pytest.mark.parametrize("order", ["unnamed", "permuted"])
def test_labels_that_are_not_imagenets_are_refused(tmp_path: Path, order: str) -> None:
    known = named("imagenet-1k").names
    labels = [f"LABEL_{i}" for i in range(1000)] if order == "unnamed" else [*known[1:], known[0]]
    vit(tmp_path, labels)
    with pytest.raises(UserError, match=r"are not those of imagenet-1k; name one with --label-sp"):
        plugins.classifier(f"hf/{tmp_path}")
    chosen = plugins.classifier(f"hf/{tmp_path}", label_space="imagenet-1k")
    assert chosen.label_space.name == "imagenet-1k"


def test_a_head_with_background_is_known(tmp_path: Path) -> None:
    vit(tmp_path, ["background", *named("imagenet-1k").names])
    space = plugins.classifier(f"hf/{tmp_path}").label_space
    assert space.name == "imagenet-1k-background" and space.column(0) == 1


def test_pickles_and_half_checkpoints_are_refused(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["classifier.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UserError, match=r"does not fill the classifier: 1 missing keys \(classif"):
        plugins.classifier(f"hf/{folder}")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="cannot be had .*safetensors"):
        plugins.classifier(f"hf/{folder}")


def test_code_in_a_folder_is_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"model_type": "made", "auto_map": {"AutoConfig": "evil.Config"}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "evil.py").write_text("open('hacked', 'w')", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be had"):
        plugins.classifier(f"hf/{folder}")
    assert not (folder / "hacked").exists()


def test_absent_repositories_are_one_line() -> None:
    with pytest.raises(UserError, match="hf/spurbench/none: cannot be had") as error:
        plugins.classifier("hf/spurbench/none")
    assert "\n" not in str(error.value)


PROCESSORS: list[tuple[str, dict[str, Any]]] = [
    ("ViTImageProcessor", {"size": {"height": 48, "width": 48}}),
    ("DeiTImageProcessor", {"size": {"height": 64, "width": 64}, "crop_size": 48}),
    ("CLIPImageProcessor", {"size": {"shortest_edge": 48}, "crop_size": 48}),
    ("BitImageProcessor", {"size": {"shortest_edge": 64}, "crop_size": 48}),
    ("ConvNextImageProcessor", {"size": {"shortest_edge": 48}}),
    ("ConvNextImageProcessor", {"size": {"shortest_edge": 384}}),
    ("LevitImageProcessor", {"size": {"shortest_edge": 48}, "crop_size": 48}),
    ("MobileNetV2ImageProcessor", {"size": {"shortest_edge": 64}, "crop_size": 48}),
    ("PoolFormerImageProcessor", {"size": {"shortest_edge": 48}, "crop_size": 48}),
]


@pytest.mark.parametrize(("kind", "options"), PROCESSORS)
def test_processors_as_data_make_the_processors_own_input(
    kind: str, options: dict[str, Any]
) -> None:
    processor = getattr(transformers, kind)(**options)
    transform, normalisation = processor_transform("hf/x", kind, processor.to_dict())
    # Smooth, so that resizing 8 bit by Pillow and by torch agree to a level or two.
    image = picture(5, (9, 7)).resize((180, 140), 3)
    theirs = processor(image, return_tensors="pt")["pixel_values"][0]
    pixels = to_tensor(framed(image, transform))
    mean, std = torch.tensor(normalisation.mean), torch.tensor(normalisation.std)
    ours = (pixels - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    assert ours.shape == theirs.shape
    assert float(((ours - theirs) * std.view(3, 1, 1)).abs().max()) <= 3 / 255


@pytest.mark.parametrize(
    ("kind", "options", "why"),
    [
        ("MobileViTImageProcessor", {}, "MobileViTImageProcessor is not among"),
        ("ViTImageProcessor", {"do_rescale": False}, "does not scale pixels"),
        ("ViTImageProcessor", {"rescale_factor": 1 / 127.5}, "it scales pixels by 0.0078"),
        ("ViTImageProcessor", {"size": {"height": 32, "width": 64}}, "its size is"),
        ("ViTImageProcessor", {"resample": 4}, "it resizes by box"),
    ],
)
def test_processors_that_cannot_be_followed(kind: str, options: dict[str, Any], why: str) -> None:
    data = getattr(transformers, kind)(**options).to_dict()
    with pytest.raises(UserError, match=why):
        processor_transform("hf/x", kind, data)
