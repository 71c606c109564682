"""What a repository on the hub holds now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spurbench.dataset.manifest import NAME, VERSION, read_manifest
from spurbench.errors import UserError
from spurbench.reading import read_json

from .errors import hub_errors
from .plan import RemoteFile, foreign
from .versions import Contents


@dataclass(frozen=True)
class Held:
    """The data set in a repository, as its manifest tells. ``contents`` is empty where that is of
    version 1, which has none."""

    domain: str
    slugs: tuple[str, ...]
    contents: Contents


@dataclass(frozen=True)
class Remote:
    """A repository: ``commit`` is None where there is none; ``held`` where it has no data set yet."""

    name: str
    commit: str | None = None
    private: bool = False
    files: Mapping[str, RemoteFile] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    branches: tuple[str, ...] = ()
    held: Held | None = None


def look(name: str) -> Remote:
    """The repository's main branch now. UserError where the hub refuses, or what it holds is no
    spurbench data set of a version that this one knows."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    api = HfApi()
    with hub_errors(name):
        try:
            info = api.dataset_info(name)
        except RepositoryNotFoundError:
            return Remote(name)
        commit = str(info.sha)
        files = files_at(name, commit)
        refs = api.list_repo_refs(name, repo_type="dataset")
    if NAME not in files:
        others = foreign(files)
        if others:
            raise UserError(
                f"{name}: holds other files ({', '.join(others[:3])}{', ...' * (len(others) > 3)}) and "
                f"no {NAME}: not a spurbench data set; name another with --repo-id"
            )
    return Remote(
        name,
        commit,
        bool(info.private),
        files,
        {tag.name: tag.target_commit for tag in refs.tags},
        tuple(branch.name for branch in refs.branches),
        held_at(name, commit) if NAME in files else None,
    )


def files_at(name: str, revision: str) -> dict[str, RemoteFile]:
    """Files of a repository at a revision, by path."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    with hub_errors(name):
        entries = HfApi().list_repo_tree(
            name, repo_type="dataset", revision=revision, recursive=True
        )
        return {
            entry.path: RemoteFile(entry.lfs.size, entry.lfs.sha256, large=True)
            if entry.lfs
            else RemoteFile(entry.size, entry.blob_id, large=False)
            for entry in entries
            if isinstance(entry, RepoFile)
        }


def held_at(name: str, revision: str) -> Held:
    """What a repository's manifest tells at a revision; UserError where it is not ours."""
    from huggingface_hub import hf_hub_download

    with hub_errors(name):
        file = Path(hf_hub_download(name, NAME, repo_type="dataset", revision=revision))
    try:
        data = read_json(file, "a spurbench manifest")
        if data["schema_version"] == 1:  # whose contents are in its files alone
            return Held(str(data["domain"]), tuple(map(str, data["classes"])), {})
        manifest = read_manifest(file.parent)
    except UserError as error:
        raise UserError(f"{name}: {_without_place(error, file)}") from error
    except (TypeError, LookupError) as error:
        raise UserError(
            f"{name}: its {NAME} is not a spurbench data set's (up to version {VERSION}); name another "
            "with --repo-id"
        ) from error
    contents = {
        slug: {split: part.content for split, part in entry.splits.items()}
        for slug, entry in manifest.classes.items()
    }
    return Held(manifest.domain, tuple(manifest.classes), contents)


def _without_place(error: UserError, file: Path) -> str:
    """What is wrong, without the place in the cache."""
    return str(error).replace(str(file), NAME)


def pull_request(name: str, title: str) -> Any:
    """An open pull request of that title; None where there is none."""
    from huggingface_hub import HfApi

    with hub_errors(name):
        found = HfApi().get_repo_discussions(
            name,
            repo_type="dataset",
            discussion_type="pull_request",
            discussion_status="open",
        )
        return next((one for one in found if one.is_pull_request and one.title == title), None)
