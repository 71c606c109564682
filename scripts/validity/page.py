"""docs/validity.md and its plot, from the recorded zoo and its scores."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from . import analysis
from .analysis import Interval
from .tables import SCORES, TRUTHS, Tables

Array = NDArray[np.float64]
MAIN_TRUTH = "companion"
WORDS = {
    "companion": "companion (Shapley)",
    "object": "object (Shapley)",
    "needed": "companion taken away",
    "enough": "companion alone against the empty scene",
    "swapped": "companion swapped",
    "restyled": "companion in the other style",
}
BAD = ("any picture", "with the object")
DESIGNS = ((3, 1), (6, 1), (6, 3), (12, 1), (12, 3), (12, 5), (25, 1), (50, 1), (100, 1))
PICTURES = (10, 25, 50, 75)


@dataclass(frozen=True)
class Page:
    """Everything the page says is computed here from the tables."""

    tables: Tables

    @property
    def zoo(self) -> list[str]:
        return list(self.tables.zoo)

    @property
    def seeds(self) -> list[str]:
        """The main data set's names, a seed each."""
        names = next(iter(self.tables.scores.values()))
        return [name for name in names if name.startswith("main ")]

    @property
    def variants(self) -> list[str]:
        names = next(iter(self.tables.scores.values()))
        return [n for n in names if n not in (*self.seeds, "si", *BAD)]

    def scores(self, kind: str, benchmark: str, networks: list[str] | None = None) -> Array:
        """(S, M, K): of the generated sets all seeds, of others one."""
        names = self.seeds if benchmark == "generated" else [benchmark]
        return np.array([self.tables.score(kind, n, networks or self.zoo) for n in names])

    def truth(self, kind: str = MAIN_TRUTH, networks: list[str] | None = None) -> Array:
        return self.tables.truth(kind, networks or self.zoo)

    def validity(self, kind: str, benchmark: str, truth: str = MAIN_TRUTH) -> Interval:
        """The rank correlation of a score with reliance."""
        return analysis.crossed_interval(
            analysis.rank_correlation, self.scores(kind, benchmark), self.truth(truth)
        )

    def text(self) -> str:
        """The page."""
        parts = [
            self._head(),
            self._validity(),
            self._other_truths(),
            self._calibration(),
            self._board(),
            self._design(),
            self._sensitivity(),
            self._zoo(),
        ]
        return "\n\n".join(parts) + "\n"

    def _head(self) -> str:
        si = self.validity(SCORES[0], "si")
        generated = self.validity(SCORES[0], "generated")
        bad = self.validity(SCORES[0], BAD[0])
        return f"""# Does spurious accuracy measure reliance?

Written by `python -m scripts.validity` from `docs/runs/zoo.json` and `docs/runs/zoo-scores.json`.

In the micro world the truth can be had: the renderer takes the companion or the object out of a picture, swaps or
restyles it, and leaves every other pixel as it was. {len(self.zoo)} classifiers were trained that differ in architecture,
recipe and above all in how often their training pictures showed the class's companion. What each truly relies on was
measured by such interventions ({len(self.tables.classes)} classes of 100 pictures each), what a benchmark says of it by its spurious accuracy.

**Rank correlation (Spearman) of spurious accuracy with reliance on the companion: {_pm(si)} on the reference pictures
(`si`), {_pm(generated)} on generated ones.** Pictures drawn without regard to the class give {_pm(bad)}. Brackets are 95 %
intervals over networks, classes and build seeds, each drawn anew."""

    def _validity(self) -> str:
        rows = [
            f"| {name} | " + " | ".join(_pm(self.validity(kind, name)) for kind in SCORES) + " |"
            for name in ("si", "generated", *BAD)
        ]
        head = " | ".join(SCORES)
        return f"""## Which score, on which pictures

Rank correlation with reliance on the companion: half of what taking the companion away costs the class, with the object
and without it (its Shapley value for the share of answers). The last two rows are planted: pictures that cannot measure it.

| pictures | {head} |
|---|{"---|" * len(SCORES)}
{chr(10).join(rows)}

*Consistent share*: pictures that fool the network and the whole panel. *1 - AUC*: how badly p(class) tells validation
pictures from these."""

    def _other_truths(self) -> str:
        rows = [
            f"| {WORDS[truth]} | {100 * self.truth(truth).mean():.0f} | "
            + " | ".join(_pm(self.validity(SCORES[0], name, truth)) for name in ("si", "generated"))
            + " |"
            for truth in TRUTHS
        ]
        return f"""## Against other readings of reliance

Rank correlation of spurious accuracy with what else can be asked by intervention; the mean over the zoo in points of the
share of answers.

| the share of answers lost when | zoo's mean | `si` | generated |
|---|---|---|---|
{chr(10).join(rows)}"""

    def _calibration(self) -> str:
        rows = []
        for name in ("si", "generated", *BAD):
            _, _, error = analysis.calibration(self.scores(SCORES[0], name), self.truth())
            rows.append(f"| {name} | {100 * error:.1f} |")
        spread = 100 * float(self.truth().mean(axis=1).std())
        return f"""## Calibration

![Spurious accuracy against reliance](images/validity.png)

How far off reliance is when it is read from a network's score by the curve (isotonic regression) of the others, root mean
square in points; without any score it is {spread:.1f}, the zoo's own spread.

| pictures | points |
|---|---|
{chr(10).join(rows)}"""

    def _board(self) -> str:
        rows = []
        for name in ("si", "generated"):
            scores = self.scores(SCORES[0], name)
            edge = analysis.saturation(scores)
            names = self.seeds if name == "generated" else ["si"]
            hits = np.array([self.tables.hits(n, self.zoo) for n in names])
            apart = " / ".join(f"{100 * analysis.told_apart(hits, n):.0f}" for n in PICTURES)
            again = analysis.reliability(scores) if len(names) > 1 else None
            lean = analysis.lean(
                scores,
                self.truth(),
                self.scores(SCORES[0], name, self.tables.panel),
                self.truth(MAIN_TRUTH, self.tables.panel),
            )
            rows.append(
                f"| {name} | {100 * edge['networks low']:.0f} / {100 * edge['networks high']:.0f} | "
                f"{100 * edge['cells low']:.0f} / {100 * edge['cells high']:.0f} | {apart} | "
                f"{f'{again.value:.2f} ({again.low:.2f} to {again.high:.2f})' if again else '-'} | "
                f"{_points(lean)} |"
            )
        return f"""## What a board can do with it

- *Saturated*: networks, and cells of network, class and seed, within 2.5 points of 0 or of 100 %.
- *Told apart*: pairs of networks whose difference is significant at 5 % (sign-flips over {len(self.tables.classes)} classes), with {", ".join(map(str, PICTURES[:-1]))} and
  {PICTURES[-1]} pictures a class; not corrected for their number.
- *Same order*: rank correlation between two build seeds (lowest and highest pair).
- *Panel's lean*: how many points higher the four panel networks, which selected the references, score than networks
  of the zoo with the same reliance.

| pictures | networks at 0 / 100, % | cells at 0 / 100, % | told apart, % | same order | panel's lean |
|---|---|---|---|---|---|
{chr(10).join(rows)}"""

    def _design(self) -> str:
        found = analysis.components(self.scores(SCORES[0], "generated"))
        rows = [
            f"| {k} | {s} | {100 * found.error(k, s):.1f} | {found.reliability(k, s):.2f} |"
            for k, s in DESIGNS
        ]
        return f"""## How many classes and seeds

Spread of a network's spurious accuracy on generated pictures (75 a class and seed), standard deviations in points: between
networks {100 * found.network**0.5:.1f}; of a network between classes {100 * found.by_class**0.5:.1f}, between seeds {100 * found.by_seed**0.5:.1f}, beyond that {100 * found.rest**0.5:.1f}. What moves all
networks alike is left out: it changes no order. From these follow the standard error of a network's mean beside the
others', and the share of the spread of means that is the networks' own (generalizability coefficient).

| classes | seeds | standard error, points | coefficient |
|---|---|---|---|
{chr(10).join(rows)}"""

    def _sensitivity(self) -> str:
        base = self.scores(SCORES[0], self.seeds[0])
        rows = []
        for name in [self.seeds[0], *self.variants]:
            scores = self.scores(SCORES[0], name)
            order = analysis.rank_correlation(scores, base[0])
            rows.append(
                f"| {name.rsplit(' ', 1)[0]} | {100 * scores.mean():.0f} | {order:.2f} | "
                f"{_pm(self.validity(SCORES[0], name))} |"
            )
        return f"""## Recipe and guidance

Seed 0 alone. *Order*: rank correlation of the zoo's spurious accuracy with that on the default recipe's set.

| set | zoo's mean, % | order | validity |
|---|---|---|---|
{chr(10).join(rows)}"""

    def _zoo(self) -> str:
        networks = [*self.zoo, *self.tables.panel]
        truth, things = self.truth(MAIN_TRUTH, networks), self.truth("object", networks)
        columns = [
            self.scores(SCORES[0], n, networks).mean(axis=(0, 2)) for n in ("si", "generated")
        ]
        classes = truth.shape[1]
        half = 100 * stats.t.ppf(0.975, classes - 1) * stats.sem(truth, axis=1)
        top1 = {**self.tables.zoo, **self.tables.panel_facts}
        rows = [
            f"| `{name}` | {100 * top1[name]['top1']:.1f} | {100 * truth[i].mean():.1f} ± {half[i]:.1f} | "
            f"{100 * things[i].mean():.1f} | {100 * columns[0][i]:.1f} | {100 * columns[1][i]:.1f} |"
            for i, name in enumerate(networks)
        ]
        return f"""## The zoo

The name says architecture, recipe and the share of training pictures with the companion (`scripts/validity/zoo.yaml`); the
panel's networks are last. Top-1 on the world's validation pictures; reliance in points, with 95 % intervals over classes.

| network | top-1, % | companion | object | `si`, % | generated, % |
|---|---|---|---|---|---|
{chr(10).join(rows)}"""


def plot(page: Page) -> bytes:
    """Score against reliance, a dot a network, for references and generated pictures; PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, name in zip(axes, ("si", "generated"), strict=True):
        scores, truth = page.scores(SCORES[0], name), page.truth()
        x, fitted, _ = analysis.calibration(scores, truth)
        axis.plot(100 * x, 100 * fitted, color="0.6", drawstyle="default", zorder=1)
        axis.scatter(100 * scores.mean(axis=(0, 2)), 100 * truth.mean(axis=1), s=18, label="zoo")
        panel = page.tables.panel
        axis.scatter(
            100 * page.scores(SCORES[0], name, panel).mean(axis=(0, 2)),
            100 * page.truth(MAIN_TRUTH, panel).mean(axis=1),
            s=30,
            marker="^",
            label="panel",
        )
        axis.set_xlabel(f"spurious accuracy, {name}, %")
        axis.set_title(f"Spearman {_pm(page.validity(SCORES[0], name))}", fontsize=10)
    axes[0].set_ylabel("reliance on the companion, points")
    axes[0].legend()
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110, metadata={"Software": None})
    return data.getvalue()


def _pm(found: Interval) -> str:
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _points(found: Interval) -> str:
    return f"{100 * found.value:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"
