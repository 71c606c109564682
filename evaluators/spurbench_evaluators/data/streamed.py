"""A data set of Hugging Face's kind with the columns image and label, read as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spurbench.dataset.hub import split_id
from spurbench.errors import UserError, short, unknown
from spurbench.hub import quiet_logger, unanswered
from spurbench.reading import is_folder, read_bytes, real, why

from .wnids import WNID, wnids

if TYPE_CHECKING:
    from datasets import IterableDataset

HF_SPLITS = ("validation", "val")


@dataclass(frozen=True)
class Stream:
    """A split of a data set; ``revision`` is the commit of one on the hub. ``rows`` gives of each
    picture its ImageNet-1k label (-1: none), its encoded bytes and where it comes from."""

    name: str
    split: str
    revision: str | None
    rows: Callable[[], Iterator[tuple[int, bytes, str]]]


def open_stream(where: str, wanted: str) -> Stream:
    """The split ``wanted``, or the validation split where that is empty, of a folder or hub id.
    UserError where it cannot be read so, or its labels are not ImageNet-1k's."""
    local = is_folder(Path(where))
    name, revision = (where, None) if local else split_id(where)
    with _one_line(where):
        revision = None if local else _commit(name, revision)
        # Absolute: the reader takes a folder called "~" for the home.
        splits = _splits(str(Path(where).absolute()) if local else name, revision)
    split = _chosen_split(wanted, list(splits), where)
    stream = splits[split]
    columns = stream.features or {}
    if not {"image", "label"} <= set(columns):
        raise UserError(
            f"{where}: has the columns {', '.join(columns)}; image and label are needed"
        )
    meaning = _meaning(columns["label"], where)

    def rows() -> Iterator[tuple[int, bytes, str]]:
        for row in _rows(stream, where):
            if not isinstance(row["image"], dict) or not isinstance(row["label"], int):
                raise UserError(f"{where}: has a row without an image or a label; remove it")
            label = meaning(row["label"])
            data, origin = row["image"]["bytes"], row["image"]["path"] or f"label {label}"
            yield label, _beside(where, origin) if data is None else data, origin

    return Stream(name, split, revision, rows)


def _chosen_split(wanted: str, known: list[str], where: str) -> str:
    if wanted:
        if wanted not in known:
            raise unknown(f"split of {where}", wanted, known)
        return wanted
    fitting = [split for split in HF_SPLITS if split in known]
    if not fitting:
        raise UserError(
            f"{where}: has no split {' or '.join(HF_SPLITS)}, only {', '.join(known)}; say which has "
            f"validation pictures: --val {where}:SPLIT"
        )
    return fitting[0]


def _commit(name: str, revision: str | None) -> str:
    """The commit that a revision of a hub repository is now."""
    from huggingface_hub import HfApi, constants

    why = "" if constants.HF_HUB_OFFLINE else unanswered(constants.ENDPOINT)
    if why:
        raise OSError(why)
    return str(HfApi().dataset_info(name, revision=revision).sha)


def _splits(name: str, revision: str | None) -> dict[str, IterableDataset]:
    from datasets import Image, load_dataset

    splits = load_dataset(name, revision=revision, streaming=True)
    return {
        str(split): stream.cast_column("image", Image(decode=False))
        if "image" in (stream.features or {})
        else stream
        for split, stream in splits.items()
    }


def _rows(stream: IterableDataset, where: str) -> Iterator[dict[str, Any]]:
    rows = iter(stream)
    while True:
        with _one_line(where):
            row = next(rows, None)
        if row is None:
            return
        yield row


@contextmanager
def _one_line(where: str) -> Iterator[None]:
    """Within, whatever a hub or a folder of other files makes the reader raise is a UserError."""
    try:
        with quiet_logger("datasets"):
            yield
    except Exception as error:
        raise UserError(
            f"{where}: cannot be read as a data set with the columns image and label ({why(error)})"
        ) from error


def _beside(where: str, origin: str) -> bytes:
    """A picture that lies beside the table that names it: never one from elsewhere on the disk."""
    path = Path(origin)
    if not is_folder(Path(where)) or not real(path).is_relative_to(real(Path(where))):
        raise UserError(f"{where}: names a picture outside: {short(origin)}")
    return read_bytes(path)


def _meaning(feature: Any, where: str) -> Callable[[int], int]:
    """What a stored label means: the 1,000 labels themselves, or class names that are wnids."""
    names = getattr(feature, "names", None)
    if names and all(WNID.fullmatch(str(name)) for name in names):
        order = {wnid: label for label, wnid in enumerate(wnids())}
        known = [order.get(str(name), -1) for name in names]
        return lambda stored: known[stored] if 0 <= stored < len(known) else -1
    if names and len(names) != 1000:
        raise UserError(
            f"{where}: its {len(names)} classes are neither the 1,000 of ImageNet nor named by wnid"
        )
    return int
