"""torchvision's models with checkpoints from disk: what torchvision does on fetching is done here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision import models

from spurbench import plugins
from spurbench.errors import UserError
from spurbench.prediction import framed, to_tensor
from spurbench_evaluators.loaders import torchvision as torchvision_loader
from spurbench_evaluators.network.classifier import NetworkClassifier
from tests.conftest import picture


def saved(tmp_path: Path, name: str, **options: Any) -> tuple[torch.nn.Module, Path]:
    torch.manual_seed(0)
    network = models.get_model(name, weights=None, **options).eval()
    torch.save(network.state_dict(), tmp_path / f"{name}.pth")
    return network, tmp_path / f"{name}.pth"


def loaded(spec: str, path: Path, **options: Any) -> NetworkClassifier:
    classifier = plugins.classifier(spec, weights=path, **options)
    assert isinstance(classifier, NetworkClassifier)
    return classifier


@pytest.mark.parametrize(
    ("name", "weights", "options"),
    [
        ("resnet18", "IMAGENET1K_V1", {}),
        ("googlenet", "IMAGENET1K_V1", {"transform_input": True, "init_weights": False}),
        ("inception_v3", "IMAGENET1K_V1", {"transform_input": True, "init_weights": False}),
        pytest.param(
            "vit_b_16", "IMAGENET1K_SWAG_E2E_V1", {"image_size": 384}, marks=pytest.mark.slow
        ),
    ],
)
def test_logits_are_torchvisions_own(
    tmp_path: Path, name: str, weights: str, options: dict[str, Any]
) -> None:
    network, path = saved(tmp_path, name, **options)
    classifier = loaded(f"torchvision/{name}:{weights}", path)
    image = picture(2, (500, 400))
    with torch.inference_mode():
        theirs = network(models.get_model_weights(name)[weights].transforms()(image)[None])
        ours = classifier.logits(to_tensor(framed(image, classifier.transform))[None])
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


def test_old_densenet_keys_load(tmp_path: Path) -> None:
    network, path = saved(tmp_path, "densenet121")
    old = {
        key.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): value
        for key, value in network.state_dict().items()
    }
    assert old.keys() != network.state_dict().keys()
    torch.save(old, path)
    loaded("torchvision/densenet121", path)


def test_features_and_head_of_a_resnet(tmp_path: Path) -> None:
    _, path = saved(tmp_path, "resnet18")
    classifier = loaded("torchvision/resnet18", path)
    images = torch.rand(2, 3, 64, 64, requires_grad=True)
    weight, bias = classifier.head
    features = classifier.features(images)
    assert features.shape == (2, 512)
    torch.testing.assert_close(features @ weight.T + bias, classifier.logits(images))
    features.sum().backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None and images.grad.abs().sum() > 0


def test_a_head_of_another_width_chooses_its_label_space_or_asks(tmp_path: Path) -> None:
    _, path = saved(tmp_path, "squeezenet1_1", num_classes=11821)
    assert loaded("torchvision/squeezenet1_1", path).label_space.name == "imagenet-12k"
    _, path = saved(tmp_path, "squeezenet1_1", num_classes=3)
    with pytest.raises(UserError, match=r"its head of 3 outputs fits no known label space"):
        loaded("torchvision/squeezenet1_1", path)
    labels = tmp_path / "labels.txt"
    labels.write_text("koala\n-\nhummingbird\n", encoding="utf-8")
    space = loaded("torchvision/squeezenet1_1", path, label_space=labels).label_space
    assert space.labels == (105, -1, 94)
    labels.write_text("koala\n-\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"labels\.txt has 2 outputs, but .* has 3"):
        loaded("torchvision/squeezenet1_1", path, label_space=labels)


def test_fetched_weights_are_held_to_the_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, _ = saved(tmp_path, "squeezenet1_1")
    state = dict(network.state_dict())
    monkeypatch.setattr(torchvision_loader, "_check_host", lambda url: None)
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url", lambda *_, **__: dict(state)
    )
    assert plugins.classifier("torchvision/squeezenet1_1").facts.weights_source.startswith("torchv")
    del state["features.0.weight"]
    with pytest.raises(UserError, match=r"do not fit its architecture: 1 missing \(features.0.we"):
        plugins.classifier("torchvision/squeezenet1_1")


def test_another_architecture_and_no_network_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, path = saved(tmp_path, "squeezenet1_1")
    with pytest.raises(UserError, match="does not fit the architecture: .* missing") as error:
        loaded("torchvision/resnet18", path)
    assert "\n" not in str(error.value)

    def offline(*args: object, **kwargs: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torchvision_loader, "_check_host", lambda url: None)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(UserError, match=r"cannot be had \(no network\); .*--weights FILE"):
        plugins.classifier("torchvision/resnet18")
