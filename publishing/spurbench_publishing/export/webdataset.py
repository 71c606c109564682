"""WebDataset: tar shards of pictures and what is known of each."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from spurbench.dataset.schema import Row
from spurbench.files import canonical_json
from spurbench.placing import place_folder

from .records import Chosen, as_json, picture_file

KIND = "spurbench export webdataset"
SHARD_BYTES = 256 << 20
"""A shard ends with the picture that reaches this, or the one after MOST_PICTURES."""
MOST_PICTURES = 10_000
Sample = list[tuple[str, bytes]]


def write(chosen: Chosen, out: Path) -> int:
    """Write SPLIT-NUMBER.tar to a folder; UserError where anything is there that is none of ours.

    A sample is SLUG-SPLIT-NUMBER.png (or .jpg ...), .cls (the domain's label) and .json (all
    columns). The same pictures give the same bytes.
    """
    count = 0
    with place_folder(out, KIND) as folder:
        for split in sorted({split for _, split in chosen.groups}):
            part = Chosen(chosen.data_set, tuple(g for g in chosen.groups if g[1] == split))
            count += _write_split(part, folder, split)
    return count


def _write_split(chosen: Chosen, folder: Path, split: str) -> int:
    samples = (_sample(*placed) for placed in chosen.rows(data=True))
    count = number = 0
    while (written := _write_shard(samples, folder / f"{split}-{number:06d}.tar")) > 0:
        count += written
        number += 1
    return count


def _write_shard(samples: Iterator[Sample], path: Path) -> int:
    """Fill one shard; how many samples it took, none where there are no more."""
    with suppress(StopIteration):
        sample = next(samples)
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
            count = size = 0
            while True:
                for name, data in sample:
                    member = tarfile.TarInfo(name)  # of 1970, of nobody
                    member.size, member.mode = len(data), 0o644
                    tar.addfile(member, io.BytesIO(data))
                    size += len(data)
                count += 1
                if size >= SHARD_BYTES or count >= MOST_PICTURES:
                    return count
                following = next(samples, None)
                if following is None:
                    return count
                sample = following
    return 0


def _sample(slug: str, split: str, row: Row) -> Sample:
    key = f"{slug}-{split}-{row.index:05d}"
    suffix, data = picture_file(slug, split, row)
    told = canonical_json(as_json(slug, split, row))
    return [
        (f"{key}{suffix}", data),
        (f"{key}.cls", str(row.label).encode()),
        (f"{key}.json", told.encode()),
    ]
