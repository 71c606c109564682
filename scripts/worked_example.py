"""docs/worked-example.md: real ImageNet classifiers on real Spurious ImageNet pictures, through the leaderboard.

    python -m scripts.worked_example --data FOLDER     # scores (minutes), keeps the results in docs/runs, writes
    python -m scripts.worked_example                   # writes the page from the kept results

FOLDER holds si_tiles/ (manifest.csv and pictures) and weights/ (safetensors), as tests/evaluators/test_real_data.py uses them.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from spurbench.files import write_text
from spurbench.results import Result, read_results, write_result
from spurbench_leaderboard.markdown import leaderboard

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "docs" / "runs" / "worked-example"
PAGE = ROOT / "docs" / "worked-example.md"
MODELS = {
    "efficientnet_lite0": "efficientnet_lite0",
    "mobilenet_v2_100_qat": "mobilenet_v2",
    "mobilenet_v1_050_qat": "mobilenet_v1_050",
    "squeezenet1_1_caffe": "squeezenet",
}
"""Weights' file, and what makes the network in tests/evaluators/real_models.py."""


def score(data: Path) -> list[Result]:
    """Score all four on the tiles, in Spurious ImageNet's framing."""
    from spurbench import plugins
    from spurbench_evaluators.data.sources import open_source
    from spurbench_evaluators.run.placement import choose
    from spurbench_evaluators.run.session import evaluate_all
    from spurbench_evaluators.run.settings import Settings

    found = []
    with tempfile.TemporaryDirectory() as aside:
        for file, name in MODELS.items():
            classifier = plugins.classifier(
                f"python/tests.evaluators.real_models:{name}",
                weights=data / "weights" / f"{file}.safetensors",
            )
            source = open_source(data / "si_tiles")
            (outcome,) = evaluate_all(
                [classifier], source, Path(aside), Settings(choose("cpu"), "si")
            )
            found.append(outcome.result)
    return found


def page(results: list[Result]) -> str:
    """The page's text."""
    (classes,) = {len(result.scores) for result in results}
    (pictures,) = {sum(score.n for score in result.scores) for result in results}
    return f"""# A worked example: real classifiers

Four small ImageNet classifiers (EfficientNet-Lite0, MobileNet V2 and V1 at half width, SqueezeNet 1.1) on {pictures} real pictures of
{classes} classes of *Spurious ImageNet*, cut from its published figure sheets at about 120 pixels, {pictures // classes} a class.

This is an example of how a board reads, **not the Spurious ImageNet benchmark**: that has 100 classes of 75 pictures at full size. So
few and so small pictures say nothing exact of these networks, and their results are not on the leaderboard. Each network's
answer to every picture was compared with predictions that were computed independently of this project, and agrees
(`tests/evaluators/test_real_data.py`).

```sh
spurbench import-si si_tiles --out tiles
spurbench eval --model MODEL --weights FILE --data tiles --framing si --results results
spurbench leaderboard render --results results --readme BOARD.md
```

{leaderboard(results)}

How to read it: one network in such a table stands ahead of another only where their differences, class by class, are more than chance
explains for all pairs at once; the numbers in brackets behind a rank say which ranks the classes leave open
([How the leaderboard ranks](leaderboard.md)). The intervals under the shares are over classes. There are no generated pictures
and no validation pictures here, so that neither "generated - SI" nor a floor of accuracy can be told: a network that names hardly any
object would have few spurious answers, too. SqueezeNet, the weakest of the four on ImageNet, shows why a board needs that floor beside it.

Written by `scripts/worked_example.py` from `docs/runs/worked-example/`.
"""


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of pictures and weights")
    options = parser.parse_args()
    if options.data:
        for result in score(options.data):
            write_result(result, result.path_under(KEPT))
    write_text(PAGE, page(read_results(KEPT)))


if __name__ == "__main__":
    main()
