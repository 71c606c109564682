"""Architectures of many families, with random weights through a file, at their own input size.

Loading runs the self-test on each: strict weights, the head's width against the label space, finite
logits, and the normalisation that reaches the first layer.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from spurbench import plugins
from spurbench.selftest import measured_normalisation
from spurbench_evaluators.loaders.torchvision import TorchvisionEvaluator, _build, _weights
from spurbench_evaluators.network.classifier import NetworkClassifier

SMALL = (
    "timm/convnext_atto",
    "timm/mobilenetv4_conv_small",
    "timm/resnet18",
    "timm/vit_tiny_patch16_224",
    "torchvision/mobilenet_v3_small",
)
MORE = (
    "timm/beit_base_patch16_224",
    "timm/cait_xxs24_224",
    "timm/coat_tiny",
    "timm/convnextv2_atto",
    "timm/deit_tiny_distilled_patch16_224",
    "timm/densenet121",
    "timm/dm_nfnet_f0",
    "timm/dpn68",
    "timm/edgenext_xx_small",
    "timm/efficientvit_b0",
    "timm/fastvit_t8",
    "timm/focalnet_tiny_srf",
    "timm/ghostnet_100",
    "timm/gmlp_s16_224",
    "timm/hiera_tiny_224",
    "timm/hrnet_w18_small",
    "timm/inception_v4",
    "timm/levit_128s",
    "timm/maxvit_tiny_tf_224",
    "timm/mixer_b16_224.miil_in21k",
    "timm/mobilevit_xxs",
    "timm/poolformer_s12",
    "timm/pvt_v2_b0",
    "timm/regnety_002",
    "timm/repvgg_a0",
    "timm/resmlp_12_224",
    "timm/swin_tiny_patch4_window7_224.ms_in22k",
    "timm/tf_efficientnetv2_b0",
    "timm/tiny_vit_5m_224",
    "timm/tresnet_m",
    "timm/vit_base_patch16_224.augreg_in21k",
    "timm/volo_d1_224",
    "timm/xception41",
    "timm/xcit_nano_12_p16_224",
    "torchvision/alexnet",
    "torchvision/efficientnet_b0",
    "torchvision/maxvit_t",
    "torchvision/mnasnet0_5",
    "torchvision/regnet_y_400mf",
    "torchvision/shufflenet_v2_x0_5",
    "torchvision/squeezenet1_0",
    "torchvision/swin_t",
    "torchvision/vgg11",
    "torchvision/vit_b_32",
)


def made(spec: str) -> torch.nn.Module:
    """The network of a spec with random weights."""
    loader, _, name = spec.partition("/")
    torch.manual_seed(0)
    if loader == "torchvision":
        return _build(_weights(name)[0], TorchvisionEvaluator().card(name), 1000)
    import timm

    network: torch.nn.Module = timm.create_model(name, pretrained=False)
    return network


@pytest.mark.parametrize(
    "spec", [*SMALL, *(pytest.param(spec, marks=pytest.mark.slow) for spec in MORE)]
)
def test_an_architecture_runs_at_its_own_size(tmp_path: Path, spec: str) -> None:
    state = {key: value.contiguous() for key, value in made(spec).state_dict().items()}
    save_file({key: value.clone() for key, value in state.items()}, tmp_path / "w.safetensors")
    classifier = plugins.classifier(spec, weights=tmp_path / "w.safetensors")
    card = plugins.card(spec)
    assert isinstance(classifier, NetworkClassifier)
    assert classifier.label_space == card.label_space
    assert classifier.transform == card.transform
    found, size = measured_normalisation(classifier), card.transform.size
    assert found is not None and card.normalisation is not None
    assert found.mean == pytest.approx(card.normalisation.mean, abs=1e-3)
    assert found.std == pytest.approx(card.normalisation.std, abs=1e-3)
    with torch.inference_mode():
        logits = classifier.logits(torch.full((1, 3, size, size), 0.5))
    assert logits.shape == (1, len(card.label_space.names))
