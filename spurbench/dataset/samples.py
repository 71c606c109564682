"""Pictures of splits by number, as torch's loaders want them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spurbench.errors import UserError
from spurbench.pictures import read_rgb

from .content import opened, unreadable
from .rows import check_picture

if TYPE_CHECKING:
    from pyarrow import ChunkedArray
    from torch.utils.data import Dataset

CACHE_BYTES = 1 << 28
"""Of encoded pictures that a process keeps; files are read a row group at a time."""


@dataclass(frozen=True)
class Sample:
    """Where a picture lies and what is told of it: its file and row there, its class's slug and
    label, its split, index and SHA-256."""

    file: Path
    row: int
    slug: str
    label: int
    split: str
    index: int
    sha256: str


def torch_dataset(
    samples: Sequence[Sample], transform: Callable[[Any], Any] | None
) -> Dataset[tuple[Any, int]]:
    """The samples as a torch map-style ``Dataset`` of (picture, label)."""
    return _dataset_class()(samples, transform)  # type: ignore[no-any-return]


@cache
def _dataset_class() -> Any:
    """Made when it is first asked for: whoever only reads a data set has no use for torch."""
    from torch.utils.data import Dataset

    class Pictures(Dataset):  # type: ignore[type-arg]
        def __init__(
            self, samples: Sequence[Sample], transform: Callable[[Any], Any] | None
        ) -> None:
            self.samples = tuple(samples)
            self.transform = transform
            self._reader = _Reader()

        def __len__(self) -> int:
            return len(self.samples)

        def __getitem__(self, number: int) -> tuple[Any, int]:
            sample = self.samples[number]
            name = f"{sample.slug}/{sample.split} picture {sample.index}"
            picture = read_rgb(self._reader.read(sample), name)
            return (picture if self.transform is None else self.transform(picture)), sample.label

        def __reduce__(self) -> tuple[Any, ...]:  # for workers that are started anew
            return torch_dataset, (self.samples, self.transform)

    return Pictures


class _Reader:
    """Encoded pictures by their place; keeps the row groups that were read last."""

    def __init__(self) -> None:
        self._groups: OrderedDict[tuple[Path, int], ChunkedArray] = OrderedDict()
        self._starts: dict[Path, list[int]] = {}
        self._held = 0

    def read(self, sample: Sample) -> bytes:
        """The picture's bytes; UserError unless they are those of its hash."""
        starts = self._starts_of(sample.file)
        group = max(i for i, start in enumerate(starts) if start <= sample.row)
        stored = self._group(sample.file, group)
        row = sample.row - starts[group]
        if row >= len(stored):
            raise UserError(f"{sample.file}: changed since it was opened; open the data set again")
        return check_picture(sample.file, sample.index, stored[row].as_py(), sample.sha256)

    def _starts_of(self, file: Path) -> list[int]:
        """The first row of each row group."""
        if file not in self._starts:
            told = _read(file, lambda found: found.metadata)
            starts = [0]
            for i in range(told.num_row_groups - 1):
                starts.append(starts[-1] + told.row_group(i).num_rows)
            self._starts[file] = starts
        return self._starts[file]

    def _group(self, file: Path, group: int) -> ChunkedArray:
        """The encoded pictures of a row group."""
        key = (file, group)
        if key not in self._groups:
            table = _read(file, lambda found: found.read_row_group(group, ["image.bytes"]))
            stored = table.flatten().column(0)
            self._groups[key] = stored
            self._held += stored.nbytes
            while self._held > CACHE_BYTES and len(self._groups) > 1:
                self._held -= self._groups.popitem(last=False)[1].nbytes
        self._groups.move_to_end(key)
        return self._groups[key]


def _read(file: Path, take: Callable[[Any], Any]) -> Any:
    import pyarrow as pa

    try:
        with opened(file) as found:
            return take(found)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(file, error) from error
