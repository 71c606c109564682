"""What a hub knows and answers, by what it is asked; its repositories lie in memory."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from .repository import Blob, Commit, Repository, is_large

WRITER, READER, STRANGER = "hf_writes", "hf_reads", "hf_elsewhere"
OWNERS = {WRITER: "org", READER: "reader", STRANGER: "stranger"}
"""Tokens, and whose they are: only the first may write, and only below ``org``."""


class HungUp(Exception):  # noqa: N818
    """The connection ends without an answer."""


class HalfSent(Exception):  # noqa: N818
    """The connection ends in the middle of the answer."""


class Refused(Exception):  # noqa: N818
    """An answer that is no success."""

    def __init__(self, status: int, code: str = "", said: str = "") -> None:
        super().__init__(said)
        self.status, self.code, self.said = status, code, said or code


class Hub:
    """``requests`` are those that came, ``served`` the bytes of files that went out by path; ``orders``
    are called with the number of a request (from 1), whether it has been carried out and what it was,
    and may raise HungUp, HalfSent or Refused."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.served: dict[str, int] = {}
        self.orders: Callable[[int, bool, str], None] = lambda number, done, what: None
        self.lock = threading.RLock()
        self.url = ""

    @contextmanager
    def told(self, orders: Callable[[int, bool, str], None]) -> Iterator[None]:
        """Within, requests are counted from 1 and the orders hold."""
        self.requests.clear()
        before, self.orders = self.orders, orders
        try:
            yield
        finally:
            self.orders = before

    def find(self, name: str, owner: str | None) -> Repository:
        found = self.repositories.get(name)
        if found is None or (found.private and name.partition("/")[0] != owner):
            raise Refused(404 if owner else 401, "RepoNotFound", "Repository not found")
        return found

    def at(self, name: str, revision: str, owner: str | None) -> tuple[Repository, Commit]:
        found = self.find(name, owner)
        commit = found.find(revision)
        if commit is None:
            raise Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return found, commit

    # What is asked for, by the words of its path.

    def create(self, asked: Any, owner: str | None) -> Any:
        name = f"{asked.get('organization') or owner}/{asked['name']}"
        may_write(name, owner)
        url = {"url": f"{self.url}/datasets/{name}"}
        if name in self.repositories:
            raise Refused(409, "", "You already created this dataset repo")
        self.repositories[name] = Repository(name, asked.get("visibility") == "private")
        return url

    def preupload(self, name: str, revision: str, asked: Any) -> Any:
        _, commit = self.at(name, revision, _owner_of(name))
        files = []
        for file in asked["files"]:
            large = is_large(file["path"], file["size"])
            held = commit.files.get(file["path"])
            mode = "lfs" if large else "regular"
            entry = {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}
            files.append(entry | {"oid": held.etag if held and held.large == large else None})
        return {"files": files}

    def batch(self, asked: Any) -> Any:
        objects = []
        for wanted in asked["objects"]:
            entry = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in self.objects:
                entry["actions"] = {"upload": {"href": f"{self.url}/store/{wanted['oid']}"}}
            objects.append(entry)
        return {"transfer": "basic", "objects": objects}

    def store(self, oid: str, data: bytes) -> Any:
        if hashlib.sha256(data).hexdigest() != oid:
            raise Refused(400, "", "the bytes are not those of the object")
        self.objects[oid] = data
        return {}

    def commit(self, name: str, revision: str, lines: list[Any], *, pull_request: bool) -> Any:
        repository, parent = self.at(name, revision, _owner_of(name))
        head, *operations = lines
        stated = head["value"].get("parentCommit")
        if stated and stated != parent.oid:
            raise Refused(412, "", "A commit has happened since. Please refresh and try again.")
        files = dict(parent.files)
        for operation in operations:
            self._carry_out(files, operation["key"], operation["value"])
        ref, url = f"heads/{revision}", None
        if revision.startswith("refs/pr/"):
            ref = revision.removeprefix("refs/")
        if pull_request:
            number = 1 + len(repository.listed("pr"))
            ref, url = f"pr/{number}", f"{self.url}/datasets/{name}/discussions/{number}"
        made = repository.commit(ref, head["value"]["summary"], files, parent.oid)
        where = f"{self.url}/datasets/{name}/commit/{made.oid}"
        return {"commitOid": made.oid, "commitUrl": where, "pullRequestUrl": url}

    def _carry_out(self, files: dict[str, Blob], key: str, value: Any) -> None:
        path = value["path"]
        if key == "file":
            files[path] = Blob(base64.b64decode(value["content"]), large=False)
        elif key == "lfsFile":
            if value["oid"] not in self.objects:
                raise Refused(400, "", f"{path}: its object was never uploaded")
            files[path] = Blob(self.objects[value["oid"]], large=True)
        elif key == "deletedFile":
            if path not in files:
                raise Refused(404, "EntryNotFound", "A file with this name doesn't exist")
            del files[path]
        else:
            for below in [p for p in files if p.startswith(path.rstrip("/") + "/")]:
                del files[below]

    def tag(self, name: str, revision: str, asked: Any) -> Any:
        repository, commit = self.at(name, revision, _owner_of(name))
        ref = f"tags/{asked['tag']}"
        if ref in repository.refs:
            raise Refused(409, "", f"Tag reference exists already: {asked['tag']}")
        repository.refs[ref] = commit.oid
        return {}

    def info(self, name: str, revision: str, owner: str | None) -> Any:
        repository, commit = self.at(name, revision, owner)
        return {
            "id": name,
            "sha": commit.oid,
            "private": repository.private,
            "tags": [],
            "siblings": [{"rfilename": path} for path in sorted(commit.files)],
        }

    def tree(self, name: str, revision: str, below: str, owner: str | None, *, deep: bool) -> Any:
        _, commit = self.at(name, revision, owner)
        start = f"{below}/" if below else ""
        found = {p: blob for p, blob in sorted(commit.files.items()) if p.startswith(start)}
        if below and not found:
            raise Refused(404, "EntryNotFound", f"{below} does not exist on {revision}")
        folders = {
            path[: len(start) + at]
            for path in found
            for at, sign in enumerate(path[len(start) :])
            if sign == "/"
        }
        entries: list[dict[str, object]] = [
            {"type": "directory", "path": path, "size": 0, "oid": "0" * 40} for path in folders
        ]
        entries += [blob.listed(path) for path, blob in found.items()]
        shown = (e for e in entries if deep or "/" not in str(e["path"])[len(start) :])
        return sorted(shown, key=lambda entry: str(entry["path"]))

    def paths(self, name: str, revision: str, asked: Any, owner: str | None) -> Any:
        wanted = set(asked["paths"])
        every = self.tree(name, revision, "", owner, deep=True)
        return [entry for entry in every if entry["path"] in wanted]

    def refs(self, name: str, owner: str | None) -> Any:
        repository = self.find(name, owner)
        kinds = {"branches": "heads", "tags": "tags", "pullRequests": "pr"}
        return {key: repository.listed(kind) for key, kind in kinds.items()} | {"converts": []}

    def discussions(self, name: str, owner: str | None) -> Any:
        repository = self.find(name, owner)
        found = [
            {
                "num": int(ref["name"]),
                "title": repository.commits[ref["targetCommit"]].title,
                "status": "open",
                "isPullRequest": True,
                "author": {"name": "somebody"},
                "createdAt": "2026-01-01T00:00:00.000Z",
                "repo": {"name": name, "type": "dataset"},
            }
            for ref in repository.listed("pr")
        ]
        return {"discussions": found, "count": len(found), "start": 0}

    def file(self, name: str, revision: str, path: str, owner: str | None) -> tuple[Commit, Blob]:
        _, commit = self.at(name, revision, owner)
        if path not in commit.files:
            raise Missing(commit.oid)
        return commit, commit.files[path]


class Missing(Refused):
    def __init__(self, commit: str) -> None:
        super().__init__(404, "EntryNotFound", "Entry not found")
        self.commit = commit


def _owner_of(name: str) -> str:
    return name.partition("/")[0]


def may_write(name: str, owner: str | None) -> None:
    if owner is None:
        raise Refused(401, "", "Invalid username or password.")
    if owner != OWNERS[WRITER] or _owner_of(name) != owner:
        raise Refused(403, "", f"You don't have the rights to write to {name}")


def validated(asked: Any) -> Any:
    """What a hub says of the YAML before a README's text."""
    text = asked["content"]
    front = text.split("---\n")[1] if text.startswith("---\n") else ""
    try:
        held = yaml.safe_load(front)
    except yaml.YAMLError as error:
        raise Refused(400, "", f"invalid YAML: {error}") from error
    if not isinstance(held, dict):
        raise Refused(400, "", "no metadata")
    return {"errors": [], "warnings": []}
