"""The counts and the exceptions in docs/models.md: which model names resolve without weights.

    python scripts/models_page.py

Needs timm, torchvision and RobustBench (docs/models.md says how); no network, no weights.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from spurbench import plugins
from spurbench.contracts import LabelSpace
from spurbench.errors import UserError
from spurbench.files import write_text

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
BEGIN, END = "<!-- models:begin -->", "<!-- models:end -->"
LOADERS = ("timm", "torchvision", "robustbench")


@dataclass
class Survey:
    """What became of a loader's names: models by label space, and names by why they have no card."""

    loader: str
    spaces: dict[str, LabelSpace] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    exceptions: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def survey(loader: str) -> Survey:
    """Resolve the card of every model that the loader knows by name."""
    found = Survey(loader)
    for spec in plugins.model_names(loader):
        try:
            space = plugins.card(spec).label_space
        except UserError as error:
            reason = str(error).removeprefix(f"{spec}: ").partition(";")[0]
            found.exceptions[reason].append(spec)
        else:
            found.spaces[space.name] = space
            found.counts[space.name] += 1
    return found


def section(found: Survey) -> list[str]:
    """The page's lines on one loader."""
    resolved, lacking = found.counts.total(), sum(map(len, found.exceptions.values()))
    lines = [
        f"### {found.loader} {version(found.loader)}",
        "",
        f"{resolved + lacking} names, of which {resolved} resolve and {lacking} do not.",
        "",
        "| label space | outputs | of them ImageNet-1k classes | models |",
        "|---|---|---|---|",
    ]
    for name, count in found.counts.most_common():
        space = found.spaces[name]
        lines.append(f"| `{name}` | {len(space.names)} | {len(space.domain_columns())} | {count} |")
    for reason, specs in sorted(found.exceptions.items(), key=lambda item: -len(item[1])):
        names = ", ".join(f"`{spec}`" for spec in specs)
        lines += ["", f"- {reason} ({len(specs)}): {names}"]
    return [*lines, ""]


def main() -> None:
    """Write the page's part between the markers."""
    lines = [line for loader in LOADERS for line in section(survey(loader))]
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    write_text(PAGE, f"{before}{BEGIN}\n" + "\n".join(lines) + f"{END}{after}")


if __name__ == "__main__":
    main()
