"""Repositories as a hub keeps them: commits of whole trees, branches, tags and pull requests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

ATTRIBUTES = (
    b"*.parquet filter=lfs diff=lfs merge=lfs -text\n*.png filter=lfs diff=lfs merge=lfs -text\n"
)
LARGE = (".parquet", ".png")


@dataclass(frozen=True)
class Blob:
    """A file's bytes, and whether they lie in the store for large files."""

    data: bytes
    large: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def pointer(self) -> bytes:
        return (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\n"
            f"size {len(self.data)}\n"
        ).encode()

    @property
    def oid(self) -> str:
        """What git calls it: of a large file its pointer's name."""
        held = self.pointer if self.large else self.data
        return hashlib.sha1(b"blob %d\0" % len(held) + held).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.large else self.oid

    def listed(self, path: str) -> dict[str, object]:
        """As the tree of a repository lists it."""
        entry = {"type": "file", "path": path, "size": len(self.data), "oid": self.oid}
        if not self.large:
            return entry
        lfs = {"oid": self.sha256, "size": len(self.data), "pointerSize": len(self.pointer)}
        return entry | {"lfs": lfs}


@dataclass(frozen=True)
class Commit:
    oid: str
    parent: str | None
    title: str
    files: Mapping[str, Blob]


@dataclass
class Repository:
    """``refs`` are branches (`heads/main`), tags (`tags/1.0.0`) and pull requests (`pr/1`)."""

    name: str
    private: bool
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first = {".gitattributes": Blob(ATTRIBUTES, large=False)}
        self.commit("heads/main", "initial commit", first)

    def commit(self, ref: str, title: str, files: Mapping[str, Blob], onto: str = "") -> Commit:
        """A commit of these files at the head of a ref, which may be new and begin ``onto`` one."""
        parent = self.refs.get(ref) or onto or None
        said = [f"{path}\0{blob.oid}" for path, blob in sorted(files.items())]
        named = "\n".join([self.name, str(len(self.commits)), str(parent), title, *said])
        made = Commit(hashlib.sha1(named.encode()).hexdigest(), parent, title, dict(files))
        self.commits[made.oid] = made
        self.refs[ref] = made.oid
        return made

    def find(self, revision: str) -> Commit | None:
        """The commit that a branch, tag, pull request or commit's name stands for."""
        plain = revision.removeprefix("refs/")
        names = (plain, f"heads/{revision}", f"tags/{revision}")
        for name in names:
            if name in self.refs:
                return self.commits[self.refs[name]]
        return self.commits.get(revision)

    def listed(self, kind: str) -> list[dict[str, str]]:
        """Refs of a kind as the hub lists them."""
        return [
            {"name": ref.removeprefix(f"{kind}/"), "ref": f"refs/{ref}", "targetCommit": oid}
            for ref, oid in sorted(self.refs.items())
            if ref.startswith(f"{kind}/")
        ]

    @property
    def main(self) -> Commit:
        return self.commits[self.refs["heads/main"]]

    @property
    def tags(self) -> dict[str, str]:
        return {ref["name"]: ref["targetCommit"] for ref in self.listed("tags")}


def is_large(path: str, size: int) -> bool:
    """Whether a hub keeps a file in its store for large ones."""
    return path.endswith(LARGE) or size > 10 << 20
