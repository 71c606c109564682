"""What to score: a data set folder or hub id, Spurious ImageNet as handed out, validation pictures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path

from spurbench.dataset.content import content_of, fingerprint_of, version_of
from spurbench.dataset.folders import SourceClass, find_classes, read_picture
from spurbench.dataset.hub import commit_of, is_hub_id, split_id
from spurbench.dataset.manifest import NAME
from spurbench.dataset.part import open_part
from spurbench.dataset.read import DataSet, StoredPicture, open_data_set
from spurbench.errors import UserError, unknown
from spurbench.files import sha256_bytes
from spurbench.reading import is_file, is_folder, members
from spurbench.results import DataRecord, Selection

from .validation import find_validation


@dataclass(frozen=True)
class Source:
    """Pictures to score. ``classes`` has the name and label of every class by its slug; ``count``
    is None where only reading on would tell."""

    where: str
    record: DataRecord
    classes: dict[str, tuple[str, int]]
    count: int | None
    pictures: Callable[[], Iterator[StoredPicture]]


def open_source(
    data: Path | str | DataSet,
    selection: Selection | None = None,
    validation: Path | str | None = None,
    revision: str | None = None,
) -> Source:
    """Open what ``data`` names (or is, opened already), take the selected part, and add validation pictures from elsewhere
    (they replace the data set's own). UserError where nothing is left to score."""
    chosen = selection or Selection()
    wanted = chosen.splits or []
    if validation is not None:
        kept = [split for split in wanted if split != "val"] or None
        own = chosen.model_copy(update={"splits": kept})
    else:
        own = chosen
    only_validation = validation is not None and wanted == ["val"]
    source = _open(data, own, revision, drop_val=validation is not None)
    if only_validation:
        source = replace(source, count=0, pictures=lambda: iter(()))
    if validation is not None and (not wanted or "val" in wanted):
        source = _with_validation(source, validation, chosen.limit)
    unselected = chosen == Selection()
    record = source.record.model_copy(update={"selection": None if unselected else chosen})
    if source.count == 0:
        raise UserError(f"{source.where}: the selection holds no pictures to score")
    return replace(source, record=record)


def from_data_set(data: DataSet, selection: Selection, *, drop_val: bool = False) -> Source:
    """The selected part of an opened data set folder; ``drop_val`` leaves the splits of validation
    pictures out."""
    manifest, limit = data.manifest, selection.limit
    groups = _groups(data, selection, drop_val=drop_val)
    sizes = {(slug, t): manifest.classes[slug].splits[t].pictures for slug, t in groups}
    empty = [f"{slug}/{split}" for (slug, split), size in sizes.items() if size == 0]
    if empty:
        raise UserError(
            f"{data.folder}: the split {empty[0]} holds no pictures; build it again, or leave it "
            "out with --classes or --splits"
        )
    return Source(
        str(data.folder),
        DataRecord(
            name=manifest.name,
            domain=manifest.domain,
            version=manifest.version,
            fingerprint=manifest.fingerprint(),
        ),
        {s: (manifest.classes[s].name, manifest.classes[s].label) for s, _ in groups},
        sum(min(size, limit or size) for size in sizes.values()),
        lambda: chain.from_iterable(data.pictures([s], [t], limit) for s, t in groups),
    )


def _open(
    data: Path | str | DataSet, selection: Selection, revision: str | None, *, drop_val: bool
) -> Source:
    if isinstance(data, DataSet):
        return from_data_set(data, selection, drop_val=drop_val)
    path = Path(data)
    folder = is_folder(path)
    if folder and is_file(path / NAME):
        return from_data_set(open_data_set(path), selection, drop_val=drop_val)
    if (folder and members(path)) or is_file(path):
        return _from_folders(path, selection)
    if not folder and not path.exists() and is_hub_id(str(data)):
        return _from_hub(str(data), selection, revision, drop_val=drop_val)
    return from_data_set(open_data_set(path), selection)  # which says what is wrong


def _groups(data: DataSet, selection: Selection, *, drop_val: bool) -> list[tuple[str, str]]:
    """Slugs and splits of a data set that are selected."""
    classes = data.manifest.classes
    return [
        (slug, split)
        for slug, split in data.groups(selection.classes, selection.splits)
        if not (drop_val and classes[slug].splits[split].kind == "val")
    ]


def _from_hub(text: str, selection: Selection, revision: str | None, *, drop_val: bool) -> Source:
    chosen = partial(_groups, selection=selection, drop_val=drop_val)
    data = open_part(text, revision, chosen, selection.limit)
    source = from_data_set(data, selection, drop_val=drop_val)
    where = {"hub_id": split_id(text)[0], "revision": commit_of(data.folder)}
    return replace(source, record=source.record.model_copy(update=where))


def _from_folders(root: Path, selection: Selection) -> Source:
    """Spurious ImageNet's own folder or zip: every class has the split ``si`` only. The fingerprint
    is that of the data set that `spurbench import-si` makes of it, whatever is selected."""
    classes = find_classes(root)
    for split in selection.splits or []:
        if split != "si":
            raise unknown("split of Spurious ImageNet", split, ["si"])
    hashes = {
        entry.slug: [sha256_bytes(read_picture(p)) for p in entry.pictures] for entry in classes
    }
    contents = {
        entry.slug: content_of(
            entry.label, entry.slug, "si", "si", list(enumerate(hashes[entry.slug]))
        )
        for entry in classes
    }
    fingerprint = fingerprint_of({slug: {"si": content} for slug, content in contents.items()})
    chosen = _chosen(classes, selection.classes)

    def pictures() -> Iterator[StoredPicture]:
        for entry in chosen:
            files = zip(entry.pictures, entry.origins, entry.credits, strict=True)
            for i, (place, origin, credit) in enumerate(islice(files, selection.limit)):
                yield StoredPicture(
                    read_picture(place),
                    entry.slug,
                    entry.name,
                    entry.label,
                    "si",
                    i,
                    origin,
                    hashes[entry.slug][i],
                    credit=credit,
                )

    return Source(
        str(root),
        DataRecord(
            name=classes[0].collection,
            domain="imagenet",
            version=version_of(fingerprint),
            fingerprint=fingerprint,
        ),
        {entry.slug: (entry.name, entry.label) for entry in chosen},
        sum(len(entry.pictures[: selection.limit]) for entry in chosen),
        pictures,
    )


def _chosen(classes: list[SourceClass], names: list[str] | None) -> list[SourceClass]:
    if names is None:
        return classes
    known = {entry.slug: entry for entry in classes} | {entry.name: entry for entry in classes}
    for name in names:
        if name not in known:
            raise unknown("class of the data set", name, known)
    return list({known[name].slug: known[name] for name in names}.values())


def _with_validation(source: Source, where: Path | str, limit: int | None) -> Source:
    if source.record.domain != "imagenet":
        raise UserError(
            f"--val is for ImageNet's validation pictures, but {source.where} is of "
            f"{source.record.domain!r}; leave --val out"
        )
    slugs: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for slug, (name, label) in source.classes.items():
        slugs[label].append((slug, name))  # several where a class has several features
    validation = find_validation(where, set(slugs), limit)

    def pictures() -> Iterator[StoredPicture]:
        yield from source.pictures()
        for item in validation.pictures():
            for slug, name in slugs[item.label]:
                yield replace(item, slug=slug, class_name=name)

    more = sum(len(slugs[label]) * count for label, count in validation.counts.items())
    return replace(
        source,
        record=source.record.model_copy(update={"validation": validation.record}),
        count=None if source.count is None else source.count + more,
        pictures=pictures,
    )
