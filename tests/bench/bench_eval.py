"""Pictures a second of `spurbench eval`, against the bare network and two scripts people use.

python -m tests.bench.bench_eval --pictures DIR [--timm-validate FILE] [--si-repository DIR]
    [--record docs/runs/bench-eval.json]

DIR holds JPEGs; FILE is validate.py of pytorch-image-models, the repository that of Spurious
ImageNet. None of their code is kept here: validate.py is imported from where it lies, and of Spurious
ImageNet, whose modules want ImageNet itself when imported, the loop, the loader and the
transform are taken out of their files. All run in this process on the same pictures, weights,
threads and batch size, interleaved. Wall time is what a user waits; processor time (workers'
included) says what a way costs where other work shares the machine.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import ImageOps
from safetensors.torch import save_file

from spurbench import plugins
from spurbench.contracts import Classifier
from spurbench.parallel import cores
from spurbench.pictures import read_rgb
from spurbench.prediction import framed, to_tensor
from spurbench_evaluators.data.sources import open_source
from spurbench_evaluators.run.framing import framing_of
from spurbench_evaluators.run.placement import choose
from spurbench_evaluators.run.session import evaluate_all
from spurbench_evaluators.run.settings import Settings
from tests.bench.clock import Cost, Stopwatch

SIDE = 420  # Spurious ImageNet's pictures are squares of about this many pixels
LAYOUTS = {"bare": torch.channels_last, "contiguous": torch.contiguous_format}
MODELS = ["timm/mobilenetv3_large_100", "timm/resnet18", "timm/resnet50"]
CLASSES = {94: "hummingbird", 105: "koala", 565: "freight-car", 557: "flagpole"}


@dataclass(frozen=True)
class Setting:
    """What all ways share."""

    pictures: Path
    count: int
    batch: int
    workers: int


def write_pictures(source: Path, out: Path, count: int) -> None:
    """Real JPEGs as squares, in folders that Spurious ImageNet and torchvision's layout both know."""
    files = sorted(p for p in source.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg"})
    if not files:
        raise SystemExit(f"{source}: holds no JPEGs")
    for i in range(count):
        label, name = list(CLASSES.items())[i % len(CLASSES)]
        folder = out / f"spurious_{name}_{label}_0"
        folder.mkdir(parents=True, exist_ok=True)
        square = ImageOps.fit(read_rgb(files[i % len(files)]), (SIDE, SIDE))
        square.save(folder / f"{i:05}.jpg", quality=92)


def bare(classifier: Classifier, setting: Setting, layout: torch.memory_format) -> Cost:
    """The network alone, on tensors that are ready; both lie as ``layout`` says."""
    transform = framing_of(classifier.transform, "si").pictures
    files = sorted(setting.pictures.rglob("*.jpg"))
    ready = [to_tensor(framed(read_rgb(file), transform)) for file in files]
    batches = [
        torch.stack(ready[i : i + setting.batch]).contiguous(memory_format=layout)
        for i in range(0, len(ready), setting.batch)
    ]
    classifier.network.to(memory_format=layout)  # type: ignore[attr-defined]
    with Stopwatch() as watch, torch.inference_mode():
        for batch in batches:
            classifier.logits(batch)
    return watch.cost()


def ours(classifiers: list[Classifier], setting: Setting) -> Cost:
    """`spurbench eval` from opening the folder to the written result, models loaded."""
    settings = Settings(choose("cpu"), "si", setting.batch, setting.workers, fresh=True)
    with tempfile.TemporaryDirectory() as results, Stopwatch() as watch:
        source = open_source(setting.pictures)
        outcomes = evaluate_all(classifiers, source, Path(results), settings)
    assert all(o.predictions.table.num_rows == setting.count for o in outcomes)
    return watch.cost()


def timms(script: Path, spec: str, size: int, weights: Path, setting: Setting) -> Cost:
    """timm's validate.py, from the first to the last batch of its loop."""
    module = _imported(script)
    watch = Stopwatch()
    real = module.create_loader

    class Timed:
        def __init__(self, loader: Any) -> None:
            self.loader = loader

        def __len__(self) -> int:
            return len(self.loader)

        def __iter__(self) -> Iterator[Any]:
            with watch:
                yield from self.loader

    module.create_loader = lambda *args, **kw: Timed(real(*args, **kw))
    words = ["--data-dir", setting.pictures, "--model", spec.removeprefix("timm/")]
    words += ["--checkpoint", weights, "--batch-size", setting.batch, "--device", "cpu"]
    words += ["--workers", setting.workers, "--crop-pct", "1.0", "--img-size", size]
    args = module.parser.parse_args([str(word) for word in words])
    args.prefetcher = not args.no_prefetcher
    module.validate(args)
    return watch.cost()


def spurious_imagenets(repository: Path, classifier: Classifier, setting: Setting) -> Cost:
    """The loop that Spurious ImageNet's evaluate_model.py runs over its pictures."""
    classifier.network.to(memory_format=torch.contiguous_format)  # type: ignore[attr-defined]
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms
    from torchvision.datasets.folder import default_loader
    from torchvision.transforms.functional import InterpolationMode

    scope: dict[str, Any] = {
        "torch": torch,
        "os": os,
        "np": np,
        "Dataset": Dataset,
        "default_loader": default_loader,
        "transforms": transforms,
        "InterpolationMode": InterpolationMode,
        "default_interpolation": InterpolationMode.BICUBIC,
    }
    augmentation = repository / "utils/datasets/augmentations/imagenet_augmentation.py"
    _take(augmentation, "get_imageNet_augmentation", scope)
    _take(repository / "dataset/spurious_dataset.py", "SpuriousDataset", scope)
    _take(repository / "dataset/spurious_score.py", "get_probabilities_targets", scope)
    transform = scope["get_imageNet_augmentation"](
        type="no_crop", out_size=classifier.transform.size
    )
    dataset = scope["SpuriousDataset"](str(setting.pictures), transform)
    loader = DataLoader(
        dataset, batch_size=setting.batch, shuffle=False, num_workers=setting.workers
    )
    with Stopwatch() as watch:
        scope["get_probabilities_targets"](loader, classifier.logits, "cpu")
    return watch.cost()


def _imported(script: Path) -> Any:
    spec = importlib.util.spec_from_file_location("validate", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _take(file: Path, name: str, scope: dict[str, Any]) -> None:
    """Define one function or class of a file in ``scope``, without importing the file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    wanted = [node for node in tree.body if getattr(node, "name", None) == name]
    exec(compile(ast.Module(wanted, []), str(file), "exec"), scope)  # noqa: S102 - the file the user named


def loaded(spec: str, folder: Path) -> tuple[Classifier, Path]:
    """A timm network with random weights, and the file that holds them."""
    import timm

    torch.manual_seed(0)
    weights = folder / f"{spec.replace('/', '-')}.safetensors"
    save_file(timm.create_model(spec.removeprefix("timm/")).state_dict(), weights)
    return plugins.classifier(spec, weights=weights), weights


def measure(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Every way, ``rounds`` times, interleaved."""
    pictures = scratch / "pictures"
    write_pictures(options.pictures, pictures, options.count)
    setting = Setting(pictures, options.count, options.batch, options.workers)
    models = {spec: loaded(spec, scratch) for spec in options.models}
    ways: dict[str, Callable[[], Cost]] = {}
    for spec, (classifier, weights) in models.items():
        for name, layout in LAYOUTS.items():
            ways[f"{name} {spec}"] = lambda c=classifier, at=layout: bare(  # type: ignore[misc]
                c, setting, at
            )
        ways[f"eval {spec}"] = lambda c=classifier: ours([c], setting)  # type: ignore[misc]
        if options.timm_validate:
            size = classifier.transform.size
            ways[f"timm {spec}"] = lambda s=spec, n=size, w=weights: timms(  # type: ignore[misc]
                options.timm_validate, s, n, w, setting
            )
        if options.si_repository:
            ways[f"si {spec}"] = lambda c=classifier: spurious_imagenets(  # type: ignore[misc]
                options.si_repository, c, setting
            )
    ways["eval all"] = lambda: ours([c for c, _ in models.values()], setting)
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    load = []
    for round_ in range(options.rounds + 1):  # the first warms up
        for name, way in ways.items():
            cost = way()
            if round_:
                costs[name].append(cost)
                print(
                    f"{name:40} {cost.wall:7.2f} s, processor {cost.processor:7.2f} s", flush=True
                )
        load.append(os.getloadavg()[0])
    return {
        "count": options.count,
        "side": SIDE,
        "batch": options.batch,
        "workers": options.workers,
        "rounds": options.rounds,
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "load": load,
        "models": list(models),
        "wall": {name: [c.wall for c in found] for name, found in costs.items()},
        "processor": {name: [c.processor for c in found] for name, found in costs.items()},
    }


def ratios(found: dict[str, Any], clock: str) -> dict[str, float]:
    """Medians over rounds of speeds relative to one another; for all models: of times."""
    times: dict[str, list[float]] = found[clock]

    def ratio(above: list[float], below: list[float]) -> float:
        return statistics.median(a / b for a, b in zip(above, below, strict=True))

    named = {}
    for spec in found["models"]:
        for other in (*LAYOUTS, "timm", "si"):
            if f"{other} {spec}" in times:
                named[f"{spec}: eval / {other}"] = ratio(
                    times[f"{other} {spec}"], times[f"eval {spec}"]
                )
    together = [
        sum(each) for each in zip(*(times[f"bare {s}"] for s in found["models"]), strict=True)
    ]
    named["all in one call: time / sum of bare times"] = ratio(times["eval all"], together)
    return named


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--timm-validate", type=Path)
    parser.add_argument("--si-repository", type=Path)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(cores())
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(options, Path(scratch))
    for clock in ("wall", "processor"):
        for name, value in ratios(found, clock).items():
            print(f"{clock:9} {name:60} {value:.3f}")
    if options.record:
        options.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
