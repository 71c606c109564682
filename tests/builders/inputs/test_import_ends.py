"""However an import ends, and whoever works beside it: the data set is there whole, or not at all."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench_builders.inputs import importing
from spurbench_builders.inputs.importing import import_folder
from tests.conftest import ROOT, picture


@pytest.fixture
def si(tmp_path: Path) -> Path:
    folder = tmp_path / "si" / "spurious_koala_105_2"
    folder.mkdir(parents=True)
    for i in range(3):
        (folder / f"{i}.png").write_bytes(png_bytes(picture(i)))
    return tmp_path / "si"


def leftovers(tmp_path: Path) -> list[str]:
    return sorted(p.name for p in tmp_path.iterdir() if p.name != "si")


class Stopped(BaseException):
    """Any way to be interrupted."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, Stopped, ValueError, UserError])
@pytest.mark.parametrize("place", ["write_split", "split_entry", "install_class"])
def test_whatever_stops_an_import_leaves_nothing(
    si: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
    place: str,
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise error("now")

    with monkeypatch.context() as patched:
        patched.setattr(importing, place, stop)
        with pytest.raises(error):
            list(import_folder(si, tmp_path / "out"))
    assert leftovers(tmp_path) == []
    list(import_folder(si, tmp_path / "out"))
    assert leftovers(tmp_path) == ["out"]


def test_an_import_that_is_left_off_leaves_nothing(si: Path, tmp_path: Path) -> None:
    events = import_folder(si, tmp_path / "out")
    next(events)
    next(events, None)
    events.close()
    assert leftovers(tmp_path) in ([], ["out"])
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    events = import_folder(si, tmp_path / "out")
    next(events)
    assert leftovers(tmp_path) == [".out.lock"]
    events.close()
    assert leftovers(tmp_path) == []


def big(root: Path, classes: int = 3, each: int = 4) -> Path:
    """Enough classes that an import of them can be caught at work."""
    lines = ["path,class_full,in1k_index"]
    root.mkdir()
    for k in range(classes):
        for i in range(each):
            (root / f"{k}-{i}.png").write_bytes(png_bytes(picture(10 * k + i)))
            lines.append(f"{k}-{i}.png,class {k},{k}")
    (root / "manifest.csv").write_text("\n".join(lines) + "\n")
    return root


WAITING = (
    "import sys; from pathlib import Path\n"
    "from spurbench_builders.inputs.importing import import_folder\n"
    "for event in import_folder(Path(sys.argv[1]), Path(sys.argv[2])):\n"
    "    print(event.done, flush=True)\n"
    "    if event.done == 1: sys.stdin.read()\n"
)


def at_work(source: Path, out: Path) -> subprocess.Popen[str]:
    """Another process in the middle of an import."""
    words = [sys.executable, "-c", WAITING, str(source), str(out)]
    other = subprocess.Popen(words, stdin=-1, stdout=-1, stderr=-1, text=True)
    assert other.stdout is not None
    assert [other.stdout.readline() for _ in range(2)] == ["0\n", "1\n"]
    return other


def test_of_two_imports_at_once_one_says_so_and_the_other_is_whole(tmp_path: Path) -> None:
    source, out = big(tmp_path / "si"), tmp_path / "out"
    with at_work(source, out) as other:
        with pytest.raises(UserError) as said:
            list(import_folder(source, out))
        assert str(said.value) == (
            f"{out}: another spurbench is writing there; wait for it, or name another folder"
        )
        assert other.communicate("") and other.returncode == 0
    assert len(open_data_set(out).manifest.classes) == 3
    assert leftovers(tmp_path) == ["out"]


def test_after_a_killed_import_the_next_one_begins_afresh(tmp_path: Path) -> None:
    source, out = big(tmp_path / "si"), tmp_path / "out"
    with at_work(source, out) as other:
        other.send_signal(signal.SIGKILL)
    assert leftovers(tmp_path) == [".out.import", ".out.lock"]
    list(import_folder(source, out))
    assert leftovers(tmp_path) == ["out"]
    assert len(list(open_data_set(out).pictures())) == 12


def test_ctrl_c_at_the_command_leaves_nothing(tmp_path: Path) -> None:
    source, out = big(tmp_path / "si", classes=40, each=3), tmp_path / "out"
    words = [sys.executable, "-m", "spurbench", "import-si", str(source), "--out", str(out)]
    with subprocess.Popen(words, cwd=ROOT, stdout=-1, stderr=-1, text=True) as child:
        while not (tmp_path / ".out.import").exists() and child.poll() is None:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        out_text, err_text = child.communicate()
    assert child.returncode != 0, (out_text, err_text)
    assert leftovers(tmp_path) == [] and "Traceback" not in err_text


@pytest.mark.parametrize("state", ["there", "hidden", "dangling", "full"])
def test_a_link_as_the_place(si: Path, tmp_path: Path, state: str) -> None:
    place = tmp_path / "si" / "elsewhere" / "deep"
    if state != "dangling":
        place.mkdir(parents=True)
    if state in ("hidden", "full"):
        (place / {"hidden": ".keep", "full": "thesis.txt"}[state]).write_text("mine")
    out = tmp_path / "out"
    out.symlink_to(place)
    refused = {
        "full": "holds other files and no manifest.json",
        "dangling": "a link that leads nowhere",
    }
    if state in refused:
        with pytest.raises(UserError, match=f"out: .*{refused[state]}"):
            list(import_folder(si, out))
        assert place.exists() == (state == "full")
        return
    list(import_folder(si, out))
    assert out.is_symlink() and (place / "manifest.json").is_file()
    assert open_data_set(out).count() == 3
    hidden = sorted(p.name for p in place.iterdir() if p.name.startswith("."))
    assert hidden == ([".keep"] if state == "hidden" else [])
    assert sorted(p.name for p in place.parent.iterdir()) == ["deep"]


def test_a_link_that_leads_to_itself(si: Path, tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "out")
    with pytest.raises(UserError, match="out: cannot be read .too many levels of symbolic links"):
        list(import_folder(si, tmp_path / "out"))


OTHER = """
import json, os, sys
from pathlib import Path
from types import SimpleNamespace
import datasets, huggingface_hub, pyarrow.parquet
from PIL import Image
from spurbench import plugins
from spurbench.dataset.read import open_data_set
from spurbench.errors import UserError
from spurbench_builders.inputs.importing import import_folder
Image.init()
# Once with all rights: everything is loaded then, wherever it lies and whoever may read it there.
source, aside = (Path(word) for word in sys.argv[1:])
list(import_folder(source, aside))
open_data_set(aside)
cards = plugins.domain("imagenet").cards()
plugins.domain = lambda name: SimpleNamespace(name=name, cards=lambda: cards)
if os.getuid() == 0:  # whom no permission is denied
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print("ready", flush=True)
for line in sys.stdin:
    words = [Path(word) for word in json.loads(line)]
    try:
        list(import_folder(*words)) if len(words) == 2 else open_data_set(*words)
        said = "nothing"
    except UserError as error:
        said = str(error)
    except BaseException as error:
        said = f"not a UserError: {error!r}"
    print(json.dumps(said), flush=True)
"""


@contextmanager
def someone_else(source: Path, aside: Path) -> Iterator[subprocess.Popen[str]]:
    """A process without root's rights that imports to a folder or opens one, as it is told; before it
    gives them up it imports the source once, to a folder aside."""
    words = [sys.executable, "-c", OTHER, str(source), str(aside)]
    with subprocess.Popen(words, stdin=-1, stdout=-1, text=True) as child:
        assert child.stdin is not None and child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        yield child
        child.stdin.close()


def told(child: subprocess.Popen[str], *words: Path) -> str:
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(json.dumps([str(word) for word in words]) + "\n")
    child.stdin.flush()
    said: str = json.loads(child.stdout.readline())
    return said


@pytest.fixture
def seen() -> Iterator[Path]:
    """A folder that anyone may look into: pytest's own are their owner's alone."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_places_without_permission_are_one_line(si: Path, seen: Path, tmp_path: Path) -> None:
    shutil.copytree(si, seen / "si")
    si, data, archive, free = seen / "si", seen / "data", seen / "si.zip", seen / "free"
    aside = tmp_path / "aside"
    list(import_folder(si, data))
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("spurious_koala_105_2/a.png", png_bytes(picture(1)))
    free.mkdir()
    for path in seen.rglob("*"):
        path.chmod(0o777 if path == free else 0o755)
    koala, table = si / "spurious_koala_105_2", data / "data" / "koala"
    shut = [
        (si, (si, free / "new")),
        (koala, (si, free / "new")),
        (koala / "2.png", (si, free / "new")),
        (archive, (archive, free / "new")),
        (data, (data,)),
        (data, (si, data)),
        (data / "manifest.json", (data,)),
        (table, (data,)),
        (table / "si-00000-of-00001.parquet", (data,)),
    ]
    with someone_else(si, aside) as child:
        assert told(child, si, free / "new") == "nothing" == told(child, data)
        shutil.rmtree(free / "new")
        for path, words in shut:
            path.chmod(0)
            said = told(child, *words)
            path.chmod(0o755)
            assert "ermi" in said and "\n" not in said and "UserError" not in said, (path, said)
        said = told(child, si, seen / "new")
        assert said.startswith("cannot write") and "writing is not permitted" in said
    assert not list(free.iterdir())
