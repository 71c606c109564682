"""Which recipe `auto` takes, and that it takes the same with and without a GPU."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import torch

from spurbench import plugins
from spurbench.errors import UserError
from spurbench.pictures import png_bytes
from spurbench_builders import api
from spurbench_builders.inputs.importing import import_folder
from spurbench_builders.recipes.files import load_recipe
from spurbench_builders.team import Team
from tests.builders.inputs.spurious_imagenet import write_folders, write_listed, zipped
from tests.builders.run.test_build import digests, tiny_recipe
from tests.conftest import make_class, picture


@pytest.fixture(params=["with a GPU", "without"])
def _gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param == "with a GPU")


@pytest.mark.usefixtures("_gpu")
def test_it_is_micro_on_the_cpu_unless_real_pictures_are_asked_for(tmp_path: Path) -> None:
    """README's first command; nothing of it asks for a GPU or for what is not here."""
    asked = api.build("hummingbird,koala", out=tmp_path / "x")
    assert asked.request.recipe == load_recipe("micro")
    assert asked.why.startswith("auto: no real pictures are asked for")
    assert "--references" in asked.why and "--domain imagenet" in asked.why
    assert asked.why.endswith("choose another with --recipe")
    assert Team(device=asked.request.recipe.device).device == torch.device("cpu")
    assert plugins.domain("micro").base_model(asked.request.recipe.base) is not None


def test_a_pretended_gpu_changes_no_byte_and_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("nothing may be fetched")

    monkeypatch.setattr(socket.socket, "connect", never)
    build: dict[str, Any] = {"recipe": tiny_recipe(), "images": 2}
    without = api.build("hummingbird", **build, out=tmp_path / "one")
    without.run()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    # torch's own optimiser would ask the device that is not there whether it records a graph.
    check = "_accelerator_graph_capture_health_check"
    monkeypatch.setattr(torch.optim.Optimizer, check, lambda _: None, raising=False)
    pretended = api.build("hummingbird", **build, out=tmp_path / "two")
    made = pretended.run()
    assert digests(pretended.out) == digests(without.out)
    assert made.manifest.classes["hummingbird"].provenance["device"] == "cpu"


@pytest.mark.usefixtures("_gpu")
def test_pictures_choose_the_recipe(tmp_path: Path) -> None:
    """Spurious ImageNet in its three forms and plain pictures are real; a micro data set is not."""
    folders, listed = tmp_path / "si", tmp_path / "listed"
    write_folders(folders, {94: 2})
    write_listed(listed, {94: 2})
    imported, plain, micro = tmp_path / "imported", tmp_path / "plain", tmp_path / "micro"
    list(import_folder(folders, imported))
    plain.mkdir()
    (plain / "a.png").write_bytes(png_bytes(picture(0)))
    make_class(micro, tmp_path / "aside", "hummingbird", 0)
    for where in (folders, listed, zipped(folders), imported, plain):
        asked = api.build("hummingbird", references=where)
        assert asked.request.recipe.name == "sd15" and str(where) in asked.why, where
        assert asked.request.classes[0].label == 94
        # Only plain pictures are trained on as they are.
        assert asked.request.asks_panel == (where != plain), where
    asked = api.build("hummingbird", references=micro)
    assert asked.request.recipe.name == "micro" and "a data set of domain micro" in asked.why
    chosen = api.build("hummingbird", references=plain, domain="micro")
    assert chosen.request.recipe.name == "micro"
    assert api.build("hummingbird", references=plain, recipe="micro").why == "as asked"


def test_a_domain_is_a_wish_too(tmp_path: Path) -> None:
    asked = api.build("great white shark", domain="imagenet")
    assert asked.request.recipe.name == "sd15" and "the domain is imagenet" in asked.why
    with pytest.raises(UserError, match="recipe 'micro' is of domain 'micro', not 'imagenet'"):
        api.build("koala", recipe="micro", domain="imagenet")
    with pytest.raises(UserError, match="unknown domain 'imagnet'; did you mean 'imagenet'"):
        api.build("koala", domain="imagnet")
    with pytest.raises(UserError, match="a class of domain imagenet: choose it with --domain"):
        api.build("great white shark")
    with pytest.raises(UserError, match="no such folder or zip; name your pictures"):
        api.build("koala", references=tmp_path / "nowhere")
