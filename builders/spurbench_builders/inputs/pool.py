"""The pictures a build starts from: the domain's references, or the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from PIL import Image

from spurbench.contracts import ClassCard, Domain
from spurbench.dataset.folders import Place, find_classes, read_picture
from spurbench.dataset.read import open_data_set
from spurbench.dataset.schema import UNKNOWN, Credit
from spurbench.errors import UserError
from spurbench.files import sha256_bytes, sha256_json
from spurbench.pictures import png_bytes, read_folder, read_rgb
from spurbench.reading import is_folder, read_bytes, storable

from .request import BuildRequest, kind_of

MINIMUM_OWN = 2


@dataclass(frozen=True)
class PoolPicture:
    """A reference: its picture's own bytes, where it comes from, and whose it is."""

    data: bytes
    origin: str
    credit: Credit = UNKNOWN

    def image(self) -> Image.Image:
        return read_rgb(self.data, self.origin)


def pool_of(request: BuildRequest, domain: Domain, card: ClassCard) -> tuple[PoolPicture, ...]:
    """The pictures that the request starts a class from: the domain's, a data set's or the user's."""
    own, count = request.own_references, request.recipe.references.pool
    if own is None:
        return tuple(domain_pool(domain, card, count))
    kind = kind_of(own)
    if kind == "data set":
        return tuple(data_set_pool(own, card.slug, count))
    if kind == "Spurious ImageNet":
        return tuple(spurious_imagenet_pool(own, domain, card, count))
    return tuple(own_pool(own, card.slug, flat=len(request.classes) == 1))


def check_pools(request: BuildRequest, domain: Domain) -> None:
    """UserError where a class has no references, or one of them cannot be read."""
    for card in request.classes:
        if request.own_references is None:
            domain_pool(domain, card, 1)
        else:
            pool_of(request, domain, card)


def domain_pool(domain: Domain, card: ClassCard, count: int) -> list[PoolPicture]:
    """The first ``count`` references of the class in its domain."""
    return [PoolPicture(png_bytes(p.image), p.origin) for p in domain.references(card, count)]


def data_set_pool(folder: Path, slug: str, count: int) -> list[PoolPicture]:
    """The first ``count`` pictures of a class's split `si` in a data set folder."""
    data = open_data_set(folder)
    splits = data.manifest.classes[slug].splits if slug in data.manifest.classes else {}
    names = sorted(name for name, split in splits.items() if split.kind == "si")
    if not names:
        raise UserError(f"{folder}: holds no reference pictures (split si) of class {slug}")
    return [
        PoolPicture(p.data, p.origin, p.credit) for p in islice(data.pictures([slug], names), count)
    ]


def spurious_imagenet_pool(
    root: Path, domain: Domain, card: ClassCard, count: int
) -> list[PoolPicture]:
    """The first ``count`` pictures of a class of Spurious ImageNet: found by its ImageNet label, or
    where the domain has other labels by its name."""
    by_label = domain.name == "imagenet"
    for found in find_classes(root):
        if found.label == card.label if by_label else found.slug == card.slug:
            files = zip(found.pictures, found.origins, found.credits, strict=True)
            return [_whole(*file) for file in islice(files, count)]
    raise UserError(f"{root}: holds no pictures of class {card.name}; choose others with --classes")


def _whole(place: Place, origin: str, credit: Credit) -> PoolPicture:
    """A file's own bytes, which can be read as a picture."""
    data = read_picture(place)
    read_rgb(data, str(place))
    return PoolPicture(data, origin, sourced(credit, data))


def sourced(credit: Credit, data: bytes) -> Credit:
    """The credit with the source's hash: that of the bytes, unless it says another."""
    return credit if credit.source_sha256 else replace(credit, source_sha256=sha256_bytes(data))


def own_pool(folder: Path, slug: str, *, flat: bool = True) -> list[PoolPicture]:
    """Pictures of a folder of the user's; with a subfolder named as the class, that one's.

    Unless ``flat``, there must be that subfolder: loose pictures would serve several classes.
    """
    place = folder / slug if is_folder(folder / slug) or not flat else folder
    pictures = [
        _own(read_bytes(path), storable(path.name))
        for path, _ in read_folder(place)  # each can be read as a picture
    ]
    if len(pictures) < MINIMUM_OWN:
        raise UserError(
            f"{place}: holds {len(pictures)} picture; at least {MINIMUM_OWN} are needed"
        )
    return pictures


def _own(data: bytes, name: str) -> PoolPicture:
    return PoolPicture(data, name, Credit(source_sha256=sha256_bytes(data)))


def pool_fingerprint(pool: Sequence[PoolPicture]) -> str:
    """SHA-256 over the pictures' bytes and origins, in order."""
    return sha256_json([[p.origin, sha256_bytes(p.data)] for p in pool])


def validation_pool(domain: Domain, card: ClassCard, count: int) -> list[PoolPicture]:
    """The first ``count`` validation pictures of the class in its domain."""
    return [PoolPicture(png_bytes(p.image), p.origin) for p in domain.validation(card, count)]
