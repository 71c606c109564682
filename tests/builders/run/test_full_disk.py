"""A disk that fills up while a class is built: one clear line, and nothing that was done is lost."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spurbench.errors import UserError
from spurbench_builders.run.build import build
from tests.builders.run.test_build import digests, request


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("build") / "spurbench"
    list(build(request(out)))
    return digests(out)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """The disk takes so many bytes more, and then no file in whole."""
    real, left = os.fsync, size

    def fsync(handle: int) -> None:
        nonlocal left
        left -= os.fstat(handle).st_size
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        yield


def test_wherever_it_fills_up_the_same_command_goes_on(
    undisturbed: dict[str, str], tmp_path: Path
) -> None:
    """At the first file, among the prior pictures, in the training, and before the end."""
    out = tmp_path / "spurbench"
    reached = []
    for size in (0, 40_000, 3_000_000, 45_000_000):
        with room_for(size), pytest.raises(UserError, match=r"cannot write .*: the disk is full;"):
            for event in build(request(out)):
                reached.append(event.step)
        assert not out.exists()
    assert set(reached) >= {"references", "prior", "train"}
    list(build(request(out)))
    assert digests(out) == undisturbed


@pytest.mark.mount
def test_on_a_real_small_file_system(undisturbed: dict[str, str], tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=True)
    try:
        out = disk / "spurbench"
        with pytest.raises(UserError, match=r"the disk is full; mend that"):
            list(build(request(out)))
        assert not out.exists()
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        list(build(request(out)))
        assert digests(out) == undisturbed
    finally:
        subprocess.run(["umount", str(disk)], check=True)
