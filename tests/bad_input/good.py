"""A folder with one good thing of every kind that a command reads; cases spoil copies of it."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from spurbench.pictures import png_bytes
from tests.builders.inputs.spurious_imagenet import write_folders, write_listed, zipped
from tests.conftest import make_class, picture

SMALL = {
    "extends": "micro",
    "name": "small",
    "references": {"pool": 24, "count": 3, "validation": 2},
    "prior": {"images": 2},
    "training": {"steps": 2, "checkpoint_every": 1},
    "sampling": {"steps": 2, "batch": 4},
    "prompt": {"contexts": ["on the beach"]},
}
TINY = {**SMALL, "extends": "small.yaml", "name": "tiny"}
"""Whatever is taken out of it, it is still small."""
KOALA = 105
WNID = "n01882714"
README = """# Board

<!-- spurbench:leaderboard:begin -->
<!-- spurbench:leaderboard:end -->
"""
MODULE = """
from types import SimpleNamespace
import torch
from spurbench.contracts import LabelSpace, ModelFacts, Normalisation, Transform

class Mean:
    def __init__(self):
        torch.manual_seed(0)
        self.spec = "python/mod:make"
        self.label_space = LabelSpace("micro", "micro", tuple(map(str, range(12))))
        self.transform = Transform("crop", 16, 16)
        self.facts = ModelFacts("mean colour", 48, "0" * 64, "made")
        self.normalisation = Normalisation((0.5,) * 3, (0.25,) * 3)
        self.network = torch.nn.Sequential(
            torch.nn.Conv2d(3, 12, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()).eval()

    def logits(self, images):
        return self.network((images - 0.5) / 0.25)

def make(weights=None):
    return Mean()
"""


def make(root: Path) -> None:
    """Put everything below ``root``; takes half a minute."""
    root.mkdir(parents=True)
    _data_sets(root)
    _pictures(root)
    _texts(root)
    _models(root)
    with contextlib.chdir(root), contextlib.redirect_stdout(io.StringIO()):
        _call("eval", "--model", "micro/vit", "--model", "micro/resnet_v1", "--data", "ds")
        _call(
            "build",
            "--classes",
            "koala",
            "--recipe",
            "tiny.yaml",
            "--images",
            "2",
            "--out",
            "built",
        )
        _call("leaderboard", "register", "ds", "--data", "known")
        (predictions,) = Path("results").rglob("micro_vit*.parquet")
        Path("p.parquet").write_bytes(predictions.read_bytes())
        (other,) = Path("results").rglob("micro_resnet*.parquet")
        Path("q.parquet").write_bytes(other.read_bytes())
        _reported(predictions, other)
        _stopped()


def _reported(predictions: Path, other: Path) -> None:
    """``scored/r.json`` beside its predictions; ``r.json`` and ``s.json`` without."""
    Path("scored").mkdir()
    for name, file in (("r", predictions), ("s", other)):
        stem, digest, _ = file.name.rsplit(".", 2)
        result = file.with_name(f"{stem}.json").read_bytes()
        Path(f"{name}.json").write_bytes(result)
        Path(f"scored/{name}.json").write_bytes(result)
        Path(f"scored/{name}.{digest}.parquet").write_bytes(file.read_bytes())


class _StoppedError(Exception):
    pass


def _stopped() -> None:
    """The work of a run that was stopped after some pictures, in ``unfinished``."""
    from spurbench_evaluators import api
    from spurbench_evaluators.run import work

    def watch(steps: Iterable[int], total: int | None) -> Iterator[int]:
        for done in steps:
            if done > 3:
                raise _StoppedError
            yield done

    before, work.FLUSH_SECONDS = work.FLUSH_SECONDS, -1.0
    sys.path.insert(0, str(Path.cwd()))
    try:
        api.evaluate("python/mod:make", "ds", results="unfinished", batch_size=1, watch=watch)
    except _StoppedError:
        pass
    finally:
        work.FLUSH_SECONDS = before


def _call(*words: str) -> None:
    from spurbench.cli import main

    before = sys.argv
    sys.argv = ["spurbench", *words]
    try:
        with unmounted():
            main()
    except SystemExit as end:
        if end.code:
            raise
    finally:
        sys.argv = before


@contextlib.contextmanager
def unmounted() -> Iterator[None]:
    """Within, commands of plug-ins are to be mounted, as in a fresh process, whatever was before."""
    from spurbench.cli import app

    before = list(app.registered_commands), list(app.registered_groups)
    app.registered_commands[:] = [c for c in app.registered_commands if c.name == "list"]
    app.registered_groups.clear()
    try:
        yield
    finally:
        app.registered_commands[:], app.registered_groups[:] = before


def _data_sets(root: Path) -> None:
    aside = root.with_name(f"{root.name}-aside")
    for name, domain, classes in (
        ("ds", "micro", {"koala": 5, "hummingbird": 0}),
        ("ds2", "micro", {"koala": 5}),
        ("dsi", "imagenet", {"koala": KOALA}),
    ):
        for seed, (slug, label) in enumerate(classes.items()):
            seed += 50 * (name == "ds2")  # other pictures of the same class
            make_class(root / name, aside / name / slug, slug, label, 2, seed, domain=domain)


def _pictures(root: Path) -> None:
    write_folders(root / "si", {94: 2, KOALA: 2})
    zipped(root / "si")
    write_listed(root / "listed", {94: 2, KOALA: 2})
    for place in ("own", "sub/koala", f"val/{WNID}", "kaggle/flat"):
        (root / place).mkdir(parents=True)
        for i in range(2):
            (root / place / f"{i}.png").write_bytes(png_bytes(picture(i, (40, 32))))
    rows = "".join(f"{i},{WNID} 1 2 3 4\n" for i in range(2))
    (root / "kaggle" / "LOC_val_solution.csv").write_text(f"ImageId,PredictionString\n{rows}")
    (root / "hf").mkdir()
    images = [{"bytes": png_bytes(picture(i, (16, 16))), "path": f"{i}.png"} for i in range(2)]
    table = pa.table({"image": images, "label": pa.array([KOALA] * 2, pa.int64())})
    pq.write_table(table, root / "hf" / "validation-00000-of-00001.parquet")


def _texts(root: Path) -> None:
    (root / "small.yaml").write_text(yaml.safe_dump(SMALL))
    (root / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    (root / "README.md").write_text(README)
    (root / "specs.txt").write_text("micro/vit\nmicro/robust  # none yet\n")
    (root / "models.txt").write_text("micro/vit --framing si  # one\nmicro/robust --batch-size 2\n")
    (root / "labels.txt").write_text("".join(f"{i}\n" for i in range(1000)))
    (root / "mod.py").write_text(MODULE)


def _models(root: Path) -> None:
    import torch
    from safetensors.torch import load_file

    from spurbench_evaluators.loaders.micro import weights_folder
    from tests.evaluators.loaders.test_onnx import BATCH, CARD, Small, export, write_card

    (weights,) = (weights_folder() / "vit").glob("*.safetensors")
    (root / "w.safetensors").write_bytes(weights.read_bytes())
    torch.save(load_file(weights), root / "w.pt")
    export(Small(), root / "m.onnx", (2, 3, 32, 32), BATCH)
    write_card(root / "m.onnx", **CARD)
