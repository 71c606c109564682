"""Puts a data set folder on the hub: one commit, tagged with its version, or a pull request.

A commit holds everything or is not there, so whatever cuts an upload off leaves the repository as it
was; large files that have arrived by then are not sent again. That is why `upload_folder` is not
used, which splits a large folder into several commits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spurbench.dataset.hub import is_hub_id
from spurbench.dataset.manifest import Manifest, read_manifest
from spurbench.dataset.read import DataSet, open_data_set
from spurbench.errors import UserError, short
from spurbench_publishing.verify.checks import verify

from .errors import AGAIN, check_hub, hub_errors
from .plan import LocalFile, Plan, left_out, local_files, planned
from .remote import Remote, files_at, held_at, look, pull_request
from .versions import check_version, following, highest

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete


@dataclass(frozen=True)
class Request:
    """What is asked for; ``version`` None stands for the next one."""

    folder: Path
    name: str
    version: str | None = None
    private: bool = False
    create_pr: bool = False


@dataclass(frozen=True)
class Proposal:
    """What publishing would do. ``published``: this version is there already, with these very files.
    ``left_out`` are names at the folder's top that do not belong to the data set."""

    request: Request
    manifest: Manifest
    files: Mapping[str, LocalFile]
    remote: Remote
    plan: Plan
    version: str
    published: bool
    left_out: tuple[str, ...]

    @property
    def title(self) -> str:
        """Of its commit or pull request."""
        return f"spurbench {self.version} (content {self.manifest.version})"

    @property
    def first_in_public(self) -> bool:
        """Whether everybody would see a data set where there was none."""
        remote, private = self.remote, self.request.private
        return remote.held is None and not (private if remote.commit is None else remote.private)


@dataclass(frozen=True)
class Published:
    """Where it is now; ``revision`` is what `load_dataset` takes. ``pull_request`` is its address
    where one was opened, and ``again`` says that nothing was left to do."""

    commit: str
    revision: str
    pull_request: str | None = None
    again: bool = False


def verified(folder: Path) -> DataSet:
    """The data set in a folder, checked as `spurbench verify` does before anything leaves this machine;
    UserError where anything is at fault."""
    data = open_data_set(folder)
    if not data.manifest.classes:
        raise UserError(f"{folder}: holds no classes yet; build some first")
    faults = [found for found in verify(folder).findings if found.severity == "fault"]
    if faults:
        first = faults[0].as_data()
        of = "/".join(str(first[key]) for key in ("class", "split", "file") if first[key])
        raise UserError(
            f"{folder}: has {len(faults)} fault{'s' if faults[1:] else ''}, the first: "
            f"{of}{': ' if of else ''}{first['title']}; `spurbench verify` lists all, with the way out"
        )
    return data


def propose(request: Request) -> Proposal:
    """Look at the folder and at the repository; changes nothing. UserError where the folder is not
    sound, or must not go there: another data set, other rights, a version that is taken."""
    _check(request)
    data = verified(request.folder)
    files = local_files(request.folder, data.manifest)
    if read_manifest(request.folder) != data.manifest:
        raise UserError(f"{request.folder}: another spurbench writes there; wait, then try again")
    check_hub()
    remote = look(request.name)
    _check_fit(request, data.manifest, remote)
    plan = planned(files, remote.files, remote.held.slugs if remote.held else ())
    version = request.version or _next(data.manifest, remote, plan)
    if version in remote.branches:
        raise UserError(f"--version {version}: is a branch of {request.name}; give another")
    return Proposal(
        request,
        data.manifest,
        files,
        remote,
        plan,
        version,
        version in remote.tags and _same(version, files, remote),
        tuple(left_out(request.folder, files)),
    )


def publish(proposal: Proposal) -> Published:
    """Carry it out: make the repository if it is not there, upload, commit, tag. UserError where the
    hub or the network fails; the same again then goes on."""
    from huggingface_hub import HfApi

    remote, request = proposal.remote, proposal.request
    if proposal.published:
        return Published(remote.tags[proposal.version], proposal.version, again=True)
    api = HfApi()
    head = remote.commit
    if head is None:
        with hub_errors(request.name):
            api.create_repo(
                request.name, repo_type="dataset", private=request.private, exist_ok=False
            )
            head = str(api.dataset_info(request.name).sha)
    if request.create_pr:
        return _proposed(proposal, head)
    commit = head if proposal.plan.empty else _commit(proposal, head).oid
    with hub_errors(request.name):
        api.create_tag(request.name, tag=proposal.version, revision=commit, repo_type="dataset")
    return Published(commit, proposal.version)


def _check(request: Request) -> None:
    if "@" in request.name or not is_hub_id(request.name):
        raise UserError(
            f"--repo-id {short(request.name)}: is no name of a data set on the hub; give OWNER/NAME"
        )
    if request.version is not None:
        check_version(request.version)


def _check_fit(request: Request, manifest: Manifest, remote: Remote) -> None:
    """UserError where the folder must not go to that repository."""
    name, held = request.name, remote.held
    if held is not None and held.domain != manifest.domain:
        raise UserError(
            f"{name}: holds a data set of {held.domain!r}, and {request.folder} is of "
            f"{manifest.domain!r}; name another with --repo-id"
        )
    if remote.commit is None and request.create_pr:
        raise UserError(
            f"{name}: no such data set on the hub, or none that this token may see, so nothing to "
            "propose to; leave --create-pr out to make it"
        )
    if remote.commit is not None and request.private and not remote.private:
        raise UserError(
            f"{name}: is public, and --private would not hide it; make it private on its page, or name "
            "another with --repo-id"
        )


def _next(manifest: Manifest, remote: Remote, plan: Plan) -> str:
    """The version that the folder has there already, else the one after the highest."""
    if plan.empty:
        same = highest(tag for tag, commit in remote.tags.items() if commit == remote.commit)
        if same is not None:
            return same
    last = highest(remote.tags)
    before = held_at(remote.name, remote.tags[last]).contents if last else {}
    if last and not before:  # of version 1 of the format: its pictures are not known from here
        before = {"": {"": ""}}
    return following(last, before, _contents(manifest))


def _contents(manifest: Manifest) -> dict[str, dict[str, str]]:
    return {
        slug: {split: part.content for split, part in entry.splits.items()}
        for slug, entry in manifest.classes.items()
    }


def _same(version: str, files: Mapping[str, LocalFile], remote: Remote) -> bool:
    """True where the version's tag holds these very files; UserError where it holds others."""
    there = files_at(remote.name, remote.tags[version])
    plan = planned(files, there, remote.held.slugs if remote.held else ())
    if plan.empty:
        return True
    other = [*plan.new, *plan.changed, *plan.removed]
    raise UserError(
        f"{remote.name}: version {version} exists with other content ({len(other)} files differ, "
        f"{short(other[0])} for one); published versions stay as they are: give another with --version, "
        "or leave it out for the next one"
    )


def _commit(proposal: Proposal, parent: str, *, create_pr: bool = False) -> CommitInfo:
    """Upload what is new and make one commit of it."""
    from huggingface_hub import CommitOperationAdd, HfApi

    api, name = HfApi(), proposal.request.name
    operations = _operations(proposal)
    additions = [one for one in operations if isinstance(one, CommitOperationAdd)]
    with hub_errors(name):
        api.preupload_lfs_files(
            name, additions, repo_type="dataset", create_pr=create_pr, free_memory=False
        )
        _check_sent(proposal, additions)
        return api.create_commit(
            name,
            operations,
            commit_message=proposal.title,
            repo_type="dataset",
            parent_commit=parent,
            create_pr=create_pr,
        )


def _operations(proposal: Proposal) -> list[CommitOperationAdd | CommitOperationDelete]:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    plan, files = proposal.plan, proposal.files
    return [
        *(CommitOperationDelete(path) for path in plan.removed),
        *(CommitOperationAdd(path, files[path].source) for path in plan.uploaded),
    ]


def _check_sent(proposal: Proposal, additions: list[CommitOperationAdd]) -> None:
    """UserError where a file is no longer the one that was checked."""
    for addition in additions:
        path = addition.path_in_repo
        if addition.upload_info.sha256.hex() != proposal.files[path].sha256:
            raise UserError(f"{proposal.request.folder}: {path} changed during the upload; {AGAIN}")


def _proposed(proposal: Proposal, head: str) -> Published:
    """Open a pull request, unless main or one that is open holds it all."""
    name = proposal.request.name
    if proposal.plan.empty:
        return Published(head, head, again=True)
    known = pull_request(name, proposal.title)
    if known is not None:
        reference = f"refs/pr/{known.num}"
        there = planned(proposal.files, files_at(name, reference), ())
        if there.empty:
            return Published(head, reference, known.url, again=True)
    made = _commit(proposal, head, create_pr=True)
    return Published(made.oid, str(made.pr_revision), made.pr_url)
