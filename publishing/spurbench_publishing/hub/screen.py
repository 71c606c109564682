"""What the commands print and ask."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spurbench.errors import UserError
from spurbench.printing import out, print_json

from .publish import Proposal, Published
from .pull import Ended

SHOWN = 3


@contextmanager
def bars(*, quiet: bool) -> Iterator[None]:
    """Within, the hub's client shows how far it is, where somebody may be looking."""
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    before = are_progress_bars_disabled()
    if quiet or not sys.stderr.isatty():
        disable_progress_bars()
    try:
        yield
    finally:
        if not before:
            enable_progress_bars()


def asked(proposal: Proposal) -> None:
    """Ask whether to go on with a first public upload; UserError where nobody can answer."""
    import typer

    name = proposal.request.name
    if not sys.stdin.isatty():
        raise UserError(
            f"{name}: everybody could see this data set, and there is nobody to ask; say --yes, or "
            "--private to keep it from others"
        )
    typer.confirm(f"Everybody will be able to see {name}. Upload?", err=True, abort=True)


def show_proposal(proposal: Proposal) -> None:
    """Say what would become of the repository."""
    plan, remote, request = proposal.plan, proposal.remote, proposal.request
    out(
        f"{request.folder}: content {proposal.manifest.version}, {len(proposal.manifest.classes)} "
        f"classes, for version {proposal.version} of {request.name} ({_state(proposal)})"
    )
    for word, paths in (
        ("new", plan.new),
        ("changed", plan.changed),
        ("unchanged", plan.unchanged),
        ("removed", plan.removed),
    ):
        out(f"{word:9} {len(paths):5} files{_some(paths)}")
    out(f"to upload {sized(plan.bytes)}")
    if proposal.left_out:
        out(f"left here, as not of the data set: {', '.join(proposal.left_out)}")
    if remote.commit is not None and remote.private and not request.private:
        out(f"{request.name} is private and stays so")


def show_published(proposal: Proposal, done: Published | None, *, json_output: bool) -> None:
    """Say where it is, and the line that loads it; ``done`` is None after a dry run."""
    if json_output:
        print_json(_as_json(proposal, done))
        return
    if done is None:
        out("nothing was uploaded: a dry run")
        return
    name = proposal.request.name
    if done.pull_request:
        verb = "is open already" if done.again else "opened"
        out(f"pull request {verb}: {done.pull_request}")
        out("when it is merged, the same command without --create-pr tags the version")
    elif proposal.request.create_pr:
        out(f"{name} holds all of this already: nothing to propose")
    elif done.again:
        out(f"{name} has version {proposal.version} already, with these very files")
    else:
        out(f"{name} version {proposal.version} is commit {done.commit}")
    out(load_line(name, next(iter(proposal.manifest.classes)), done.revision))


def show_pulled(ended: Ended, name: str, folder: Path, *, json_output: bool) -> None:
    """Say what a folder holds after a pull, and the line that loads it."""
    if json_output:
        print_json(
            {
                "repo_id": name,
                "commit": ended.commit,
                "out": str(folder),
                "content": ended.manifest.version,
                "pulled": ended.pulled,
                "kept": ended.kept,
                "removed": ended.removed,
            }
        )
        return
    at = f" at {ended.commit}" if ended.commit else ""
    out(f"{name}{at}: {', '.join(ended.pulled)}")
    if ended.removed:
        out(f"not in that version, and removed: {', '.join(ended.removed)}")
    if ended.kept:
        out(f"as they were: {', '.join(ended.kept)}")
    out(f"data set {folder}, version {ended.manifest.version}")
    out(load_line(str(folder), ended.pulled[0]))


def load_line(name: str, config: str, revision: str | None = None) -> str:
    """The line of Python that loads a data set."""
    pinned = f', revision="{revision}"' if revision else ""
    return f'load_dataset("{name}", "{config}"{pinned})'


def sized(count: int) -> str:
    """Bytes as people read them."""
    value, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{count} bytes" if units[0] == "bytes" else f"{value:.1f} {units[0]}"


def _state(proposal: Proposal) -> str:
    remote = proposal.remote
    if remote.commit is None:
        return "a new private repository" if proposal.request.private else "a new public repository"
    last = ", ".join(sorted(remote.tags)) or "none yet"
    return f"versions there: {last}"


def _some(paths: Sequence[str]) -> str:
    if not paths:
        return ""
    more = ", ..." if len(paths) > SHOWN else ""
    return f": {', '.join(paths[:SHOWN])}{more}"


def _as_json(proposal: Proposal, done: Published | None) -> dict[str, Any]:
    plan = proposal.plan
    return {
        "repo_id": proposal.request.name,
        "version": proposal.version,
        "content": proposal.manifest.version,
        "new": plan.new,
        "changed": plan.changed,
        "unchanged": plan.unchanged,
        "removed": plan.removed,
        "bytes": plan.bytes,
        "left_out": proposal.left_out,
        "dry_run": done is None,
        "commit": done and done.commit,
        "revision": done and done.revision,
        "pull_request": done and done.pull_request,
        "nothing_to_do": done.again if done else plan.empty and proposal.published,
    }
