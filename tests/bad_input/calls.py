"""Good calls of every command: where paths stand in them, and which files they read that are spoiled."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from . import spoiled, spoiled_kinds
from .spoiled import Spoil

ONNX = ("m.onnx", "m.onnx.json")
BUILD = "build --classes koala --recipe tiny.yaml --images 1 --out o"
EVAL = "eval --model python/mod:make --data ds --limit 1"
ABLATE = (
    "ablate --recipe tiny.yaml --classes koala --images 1 --contexts 0 --seeds 1 --readings attract "
    "--kappas 1 --out o"
)
REPORT = "report scored/r.json"
MISSING = "leaderboard missing --models specs.txt --results results --data known"
EXPORT_HF = "leaderboard export-hf --data-repo some/set --out o"
BASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "list": ("list classes", ()),
    "build": (BUILD, ("tiny.yaml",)),
    "merge": ("merge ds --out o", ("ds",)),
    "import-si": ("import-si si --out o", ("si",)),
    "eval": (EVAL, ("ds", "mod.py")),
    "score": ("score p.parquet", ("p.parquet",)),
    "compare": ("compare p.parquet q.parquet", ("p.parquet", "q.parquet")),
    "ablate": (ABLATE, ("tiny.yaml",)),
    "export": ("export ds --to imagefolder --out o", ("ds",)),
    "show": ("show ds --out o.html", ("ds",)),
    "leaderboard check": ("leaderboard check --results results --data known", ("results", "known")),
    "leaderboard register": ("leaderboard register ds --data o", ("ds",)),
    "leaderboard missing": (MISSING, ("specs.txt", "results", "known")),
    "leaderboard changes": ("leaderboard changes --base HEAD --results results", ("results",)),
    "leaderboard export-hf": (f"{EXPORT_HF} r.json", ("r.json",)),
    "leaderboard render": ("leaderboard render --results results", ("results", "README.md")),
    "report": (f"{REPORT} --out o.html", ("scored",)),
    "verify": ("verify ds", ("ds",)),
    "diff": ("diff ds ds2", ("ds", "ds2")),
    "publish": ("publish ds --repo-id some/set --dry-run", ("ds",)),  # which end at the hub's door:
    "pull": ("pull some/set --out o", ()),  # there is none
}
"""A good call of every command, and what it reads; options are put behind it."""


@dataclass(frozen=True)
class Slot:
    """A place of a command line where a path stands: ``words`` before it, a good path, what else is
    read; ``output``: what is not there yet is fine; ``empty``: nothing in it is fine."""

    words: str
    path: str
    also: tuple[str, ...] = ()
    output: bool = False
    empty: bool = False

    def line(self, path: str) -> list[str]:
        words = shlex.split(self.words)
        if self.words.endswith("onnx/"):
            return [*words[:-1], words[-1] + path]
        return [*words, path]


_ONNX_EVAL = "eval --model onnx/m.onnx --limit 1 --data"
SLOTS = (
    Slot("eval --model micro/vit --limit 1 --data", "ds"),
    *(Slot(_ONNX_EVAL, path, ONNX) for path in ("si", "si.zip", "listed")),
    *(
        Slot(f"{_ONNX_EVAL} dsi --splits si,val --val", path, (*ONNX, "dsi"))
        for path in ("val", "kaggle", "hf")
    ),
    Slot("eval --data ds --limit 1 --models", "models.txt", ("ds",)),
    *(
        Slot("eval --model micro/vit --data ds --limit 1 --weights", path, ("ds",))
        for path in ("w.pt", "w.safetensors")
    ),
    Slot(f"{_ONNX_EVAL} dsi --label-space", "labels.txt", (*ONNX, "dsi")),
    Slot("eval --data dsi --limit 1 --model onnx/", "m.onnx", ("dsi", "m.onnx.json")),
    Slot(f"{EVAL} --results", "made", ("ds", "mod.py"), output=True),
    Slot("score", "p.parquet"),
    Slot("score p.parquet --results", "made", ("p.parquet",), output=True),
    Slot("compare q.parquet", "p.parquet", ("q.parquet",)),
    Slot("merge --out o", "ds"),
    Slot("merge ds --out", "made", ("ds",), output=True),
    *(Slot("import-si --out o", path) for path in ("si", "si.zip", "listed")),
    Slot("import-si si --out", "made", ("si",), output=True),
    *(
        Slot(f"{BUILD} --references", path, ("tiny.yaml",))
        for path in ("own", "sub", "ds", "listed")
    ),
    Slot("build --classes koala --images 1 --out o --recipe", "tiny.yaml"),
    Slot(f"{BUILD} --out", "made", ("tiny.yaml",), output=True),
    Slot("ablate --classes koala --images 1 --seeds 1 --out o --recipe", "tiny.yaml"),
    Slot(f"{ABLATE} --out", "made", ("tiny.yaml",), output=True),
    Slot("export --to csv --out o.csv", "ds"),
    Slot("export ds --to imagefolder --out", "made", ("ds",), output=True),
    Slot("show --out o.html", "ds"),
    Slot("show ds --out", "made", ("ds",), output=True),
    Slot("leaderboard check --data known --results", "results", ("known",)),
    Slot("leaderboard check --results results --data", "known", ("results",)),
    Slot("leaderboard register --data o", "ds"),
    Slot("leaderboard register ds --data", "made", ("ds",), output=True),
    Slot("leaderboard render --results", "results", ("README.md",)),
    Slot("report --out o.html", "r.json"),
    Slot("report r.json --out o.html --against", "s.json", ("r.json",)),
    Slot(f"{REPORT} --out o.html --pictures", "ds", ("scored",)),
    *(
        Slot(f"{REPORT} {option}", "made", ("scored",), output=True)
        for option in ("--out", "--out o.html --latex", "--out o.html --csv")
    ),
    Slot("verify", "ds"),
    Slot("diff ds", "ds2", ("ds",)),
    Slot("publish --repo-id some/set", "ds"),
    Slot("pull some/set --out", "made", output=True),
    Slot("leaderboard render --results results --readme", "README.md", ("results",)),
    Slot("leaderboard missing --data known --models", "specs.txt", ("known",)),
    Slot("leaderboard missing --models specs.txt --data", "known", ("specs.txt",)),
    Slot(
        "leaderboard missing --models specs.txt --data known --pictures",
        "ds",
        ("specs.txt", "known"),
    ),
    Slot("leaderboard changes --base HEAD --results", "results"),
    Slot(EXPORT_HF, "r.json"),
    Slot("leaderboard export-hf r.json --data-repo a/b --out", "made", ("r.json",), output=True),
    Slot(
        "leaderboard render --results results --data", "known", ("results", "README.md"), empty=True
    ),
    Slot(
        "leaderboard render --results results --site", "made", ("results", "README.md"), output=True
    ),
    Slot(
        "leaderboard render --results results --site o --pictures", "ds", ("results", "README.md")
    ),
)
TEXT = (
    spoiled.flipped,
    spoiled.cut,
    spoiled.grown,
    spoiled.written_otherwise,
    spoiled_kinds.of_another_format,
)
JSON = (*([spoiled.json_value] * 4), spoiled.json_text, spoiled.json_doubled, *TEXT[:3])
BYTES = (spoiled.flipped, spoiled.cut, spoiled.grown, spoiled_kinds.of_another_format)
PICTURE = (*BYTES, spoiled_kinds.picture_kind, spoiled_kinds.picture_kind)
SPLIT = (
    spoiled_kinds.rehashed(spoiled_kinds.parquet),
    spoiled_kinds.rehashed(spoiled.flipped),
    spoiled_kinds.rehashed(spoiled.cut),
)
YAML = (*([spoiled.yaml_value] * 3), *([spoiled.yaml_text] * 3), spoiled.json_text, *TEXT[:3])
PREDICTIONS = (spoiled_kinds.parquet, spoiled_kinds.parquet, spoiled_kinds.metadata, *BYTES)
_REFERENCES = f"{BUILD} --references"
_CHECK = "leaderboard check --results results --data known"
_IMPORT = "import-si --out o"
FILES: tuple[tuple[str, tuple[str, ...], str, tuple[Spoil, ...], int], ...] = (
    ("eval --model python/mod:make --data ds", ("ds", "mod.py"), "ds/manifest.json", JSON, 24),
    ("merge ds --out o", ("ds",), "ds/manifest.json", JSON, 12),
    ("verify ds", ("ds",), "ds/manifest.json", JSON, 16),
    ("verify ds --json", ("ds",), "ds/data/*/*.parquet", (*SPLIT, *BYTES), 24),
    ("verify ds", ("ds",), "ds/README.md", (spoiled.text_line, *TEXT), 16),
    ("diff ds ds2", ("ds", "ds2"), "ds2/manifest.json", JSON, 12),
    ("diff ds ds2", ("ds", "ds2"), "ds2/data/*/*.parquet", (*SPLIT, *BYTES), 12),
    ("merge ds2 --out ds", ("ds", "ds2"), "ds/manifest.json", JSON, 8),
    (f"{_REFERENCES} ds", ("ds", "tiny.yaml"), "ds/manifest.json", JSON, 8),
    ("publish ds --repo-id some/set", ("ds",), "ds/manifest.json", JSON, 12),
    ("publish ds --repo-id some/set --json", ("ds",), "ds/data/*/*.parquet", SPLIT, 8),
    ("eval --model python/mod:make --data ds", ("ds", "mod.py"), "ds/data/*/*.parquet", SPLIT, 24),
    ("merge ds --out o", ("ds",), "ds/data/*/*.parquet", (*SPLIT, *BYTES), 16),
    ("export ds --to csv --out o.csv", ("ds",), "ds/data/*/*.parquet", SPLIT, 12),
    ("export ds --to webdataset --out o", ("ds",), "ds/data/*/*.parquet", SPLIT, 12),
    ("show ds --out o.html", ("ds",), "ds/data/*/*.parquet", SPLIT, 16),
    ("show ds --out o.html", ("ds",), "ds/manifest.json", JSON, 12),
    (
        "leaderboard render --results results",
        ("results", "README.md"),
        "results/**/*.json",
        JSON,
        32,
    ),
    ("leaderboard render --results results", ("results", "README.md"), "README.md", TEXT, 12),
    (
        "leaderboard render --results results --data known",
        ("results", "README.md", "known"),
        "known/**/*.json",
        JSON,
        12,
    ),
    (_CHECK, ("results", "known"), "results/**/*.json", JSON, 32),
    (_CHECK, ("results", "known"), "results/**/*.parquet", PREDICTIONS, 32),
    (_CHECK, ("results", "known"), "known/**/*.json", JSON, 24),
    ("leaderboard register ds --data o", ("ds",), "ds/manifest.json", JSON, 12),
    (
        "report r.json --against s.json --out o.html --csv o.csv --latex o.tex",
        ("r.json", "s.json"),
        "s.json",
        JSON,
        16,
    ),
    (f"{REPORT} --out o.html --csv o.csv --latex o.tex", ("scored",), "scored/r.json", JSON, 24),
    (f"{REPORT} --out o.html --csv o.csv", ("scored",), "scored/r.*.parquet", PREDICTIONS, 24),
    (f"{REPORT} --out o.html --pictures ds", ("scored", "ds"), "ds/data/*/*.parquet", SPLIT, 12),
    (MISSING, ("specs.txt", "results", "known"), "specs.txt", (spoiled.text_line, *TEXT), 12),
    (MISSING, ("specs.txt", "results", "known"), "results/**/*.json", JSON, 12),
    (MISSING, ("specs.txt", "results", "known"), "known/**/*.json", JSON, 12),
    (f"{EXPORT_HF} r.json", ("r.json",), "r.json", JSON, 24),
    ("score p.parquet", ("p.parquet",), "p.parquet", PREDICTIONS, 36),
    ("score p.parquet --results made --json", ("p.parquet",), "p.parquet", PREDICTIONS, 12),
    ("compare p.parquet q.parquet", ("p.parquet", "q.parquet"), "q.parquet", PREDICTIONS, 20),
    (
        "build --classes koala --images 1 --out o --recipe tiny.yaml",
        ("tiny.yaml",),
        "tiny.yaml",
        YAML,
        60,
    ),
    (ABLATE, ("tiny.yaml",), "tiny.yaml", YAML[3:], 12),
    (
        f"{_IMPORT} listed",
        ("listed",),
        "listed/manifest.csv",
        (spoiled.csv_cells, spoiled.csv_cells, *TEXT),
        24,
    ),
    (
        f"{_ONNX_EVAL} listed",
        ("listed", *ONNX),
        "listed/manifest.csv",
        (spoiled.csv_cells, *TEXT),
        12,
    ),
    (
        f"{_ONNX_EVAL} dsi --val kaggle",
        ("dsi", "kaggle", *ONNX),
        "kaggle/*.csv",
        (spoiled.csv_cells, *TEXT),
        12,
    ),
    (
        f"{_ONNX_EVAL} dsi --val hf",
        ("dsi", "hf", *ONNX),
        "hf/*.parquet",
        (spoiled_kinds.parquet, *BYTES),
        16,
    ),
    (f"{_ONNX_EVAL} dsi --val val", ("dsi", "val", *ONNX), "val/*/*.png", PICTURE, 12),
    (
        "eval --data ds --limit 1 --models models.txt",
        ("ds", "models.txt"),
        "models.txt",
        (spoiled.text_line, *TEXT),
        16,
    ),
    (
        f"{_ONNX_EVAL} dsi --label-space labels.txt",
        ("dsi", "labels.txt", *ONNX),
        "labels.txt",
        (spoiled.text_line, *TEXT),
        16,
    ),
    (
        "eval --model micro/vit --data ds --limit 1 --weights w.pt",
        ("ds", "w.pt"),
        "w.pt",
        (spoiled_kinds.checkpoint, spoiled_kinds.checkpoint, *BYTES),
        20,
    ),
    (
        "eval --model micro/vit --data ds --limit 1 --weights w.safetensors",
        ("ds", "w.safetensors"),
        "w.safetensors",
        BYTES,
        10,
    ),
    ("eval --data dsi --limit 1 --model onnx/m.onnx", ("dsi", *ONNX), "m.onnx", BYTES, 14),
    ("eval --data dsi --limit 1 --model onnx/m.onnx", ("dsi", *ONNX), "m.onnx.json", JSON, 20),
    (
        f"{_IMPORT} si.zip",
        ("si.zip",),
        "si.zip",
        (spoiled_kinds.zipped_oddly, spoiled_kinds.zipped_oddly, *BYTES),
        24,
    ),
    (f"{_ONNX_EVAL} si.zip", ("si.zip", *ONNX), "si.zip", (spoiled_kinds.zipped_oddly, *BYTES), 12),
    (f"{_IMPORT} si", ("si",), "si/*/*.png", PICTURE, 24),
    (f"{_ONNX_EVAL} si", ("si", *ONNX), "si/*/0.png", PICTURE, 16),
    (f"{_ONNX_EVAL} si --skip-unreadable", ("si", *ONNX), "si/*/0.png", PICTURE, 12),
    (f"{_REFERENCES} own", ("own", "tiny.yaml"), "own/*.png", PICTURE, 12),
    (
        "eval --model python/mod:make --data ds --batch-size 1",
        ("ds", "mod.py", "unfinished"),
        "results/.unfinished/*/*",
        (*BYTES, spoiled.written_otherwise),
        20,
    ),
    (
        "build --classes koala --recipe tiny.yaml --images 2 --out built",
        ("tiny.yaml", "built.work"),
        "built.work/**/*",
        BYTES,
        24,
    ),
)
"""Command, what it reads, the file that is spoiled, how, and how often."""
