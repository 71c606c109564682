"""Plug-ins by entry points: found by name, loaded when asked for, held to what they take."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from spurbench import plugins
from spurbench.errors import UserError

CODE = '''
"""A package that the tests install: loaders, a domain, and a module that must not be imported."""

from spurbench.contracts import LabelSpace, ModelFacts, Transform

CALLS = []


class Made:
    spec = "alpha/x"
    transform = Transform("crop", 4, 4)
    facts = ModelFacts("made", 0, "0" * 64, "made")
    label_space = LabelSpace("made", "made", ("a", "b"))

    def __init__(self, outputs):
        self.outputs = outputs

    def logits(self, images):
        import torch

        return torch.zeros(len(images), self.outputs)


class Alpha:
    packages = ("pyarrow", "made_plain", "no_such_package")

    def load(self, name, *, weights=None, label_space=None):
        CALLS.append((name, weights, label_space))
        return Made(3 if name == "short" else 2)

    def card(self, name, *, label_space=None):
        return ("card of", name, label_space)

    def names(self):
        return ["y", "x/deep"]


class Beta:
    def load(self, name, **options):
        CALLS.append((name, options))
        return Made(2)

    def names(self):
        return []


class Somewhere:
    name = "somewhere"
'''

POINTS = """
[spurbench.evaluators]
beta = made_plugin:Beta
alpha = made_plugin:Alpha
lazy = made_not_there:Nothing
[spurbench.domains]
somewhere = made_plugin:Somewhere
[spurbench.things]
zeta = made_plugin:CALLS
eta = made_plugin:Beta
"""


def install(folder: Path, name: str, version: str, points: str) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(points)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path that holds the package."""
    (tmp_path / "made_plugin.py").write_text(CODE)
    (tmp_path / "made_plain.py").write_text("__version__ = '7.1'\n")
    install(tmp_path, "made-plugin", "3.4", POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("made_plugin", "made_plain"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def calls() -> list[tuple[object, ...]]:
    import made_plugin  # type: ignore[import-not-found]

    found: list[tuple[object, ...]] = made_plugin.CALLS
    return found


def test_a_group_is_listed_by_name_and_nothing_is_imported(made: Path) -> None:
    assert list(plugins.find("things")) == ["eta", "zeta"]
    assert plugins.find("things")["zeta"].value == "made_plugin:CALLS"
    assert {"alpha", "beta", "lazy", "micro"} <= set(plugins.find("evaluators"))
    assert plugins.find("nothings") == {}
    assert "made_plugin" not in sys.modules


def test_two_of_one_name_are_an_error_and_one_found_twice_is_none(made: Path) -> None:
    install(
        made / "again", "made-plugin-again", "3.4", "[spurbench.things]\neta = made_plugin:Beta\n"
    )
    sys.path.insert(0, str(made / "again"))
    try:
        assert list(plugins.find("things")) == ["eta", "zeta"]
        install(made / "again", "rival", "1", "[spurbench.things]\neta = rival:Beta\n")
        sys.path_importer_cache.clear()
        with pytest.raises(UserError) as error:
            plugins.find("things")
    finally:
        sys.path.remove(str(made / "again"))
    said = str(error.value)
    assert said.startswith("two plug-ins are both called 'eta' in spurbench.things: ")
    assert "rival:Beta" in said and "made_plugin:Beta" in said
    assert said.endswith("; uninstall one of them")


def test_what_is_behind_a_name(made: Path) -> None:
    assert plugins.load("things", "eta").__name__ == "Beta"
    assert plugins.domain("somewhere").name == "somewhere"
    with pytest.raises(UserError) as error:
        plugins.load("things", "zta")
    assert str(error.value) == "unknown thing 'zta'; did you mean 'zeta' or 'eta'?"
    with pytest.raises(UserError, match="^unknown domain 'q7'; known: imagenet, micro, somewhere$"):
        plugins.domain("q7")


def test_a_classifier_is_loaded_with_the_options_that_were_given(made: Path) -> None:
    loaded = plugins.classifier("alpha/a/b", weights=None, label_space="mine")
    assert loaded.spec == "alpha/x"
    plugins.classifier("alpha/x", weights=0)
    plugins.classifier("beta/x", anything=1, weights=None)
    assert calls() == [("a/b", None, "mine"), ("x", 0, None), ("x", {"anything": 1})]


def test_a_classifier_is_tested_when_it_is_loaded(made: Path) -> None:
    with pytest.raises(UserError, match=r"alpha/x: gives \(3,\) outputs"):
        plugins.classifier("alpha/short")


def test_options_that_a_loader_does_not_take_are_named_as_they_are_typed(made: Path) -> None:
    with pytest.raises(UserError) as error:
        plugins.classifier("alpha/x", weights="w", other_option=1, more=2, none=None)
    assert str(error.value) == (
        "models of the loader 'alpha' take no --other-option or --more; leave it out"
    )
    assert calls() == []


def test_cards(made: Path) -> None:
    card: object = plugins.card("alpha/z", label_space="s", weights=None)
    assert card == ("card of", "z", "s")
    with pytest.raises(
        UserError, match="^models of the loader 'alpha' take no --weights; leave it"
    ):
        plugins.card("alpha/z", weights="w")
    with pytest.raises(UserError) as error:
        plugins.card("beta/z")
    assert str(error.value) == "beta/z: the loader 'beta' knows a model only once it is loaded"


def test_packages_are_the_plug_ins_own_and_those_it_names(made: Path) -> None:
    import made_plain  # type: ignore[import-not-found]  # noqa: F401

    assert plugins.packages("alpha/x/y") == {
        "made-plugin": "3.4",
        "pyarrow": version("pyarrow"),
        "made_plain": "7.1",
        "no_such_package": "unknown",
    }
    assert plugins.packages("beta/x") == {"made-plugin": "3.4"}
    assert plugins.packages("gamma/x") == {}


def test_specs(made: Path) -> None:
    assert plugins.split_spec("alpha/a/b:C") == ("alpha", "a/b:C")
    assert plugins.model_names("alpha") == ["alpha/y", "alpha/x/deep"]
    known = ", ".join(sorted(plugins.find("evaluators")))
    for spec in ("alpha", "alpha/", ""):
        with pytest.raises(UserError) as error:
            plugins.split_spec(spec)
        assert str(error.value) == f"model spec {spec!r} is not LOADER/NAME; loaders: {known}"
    with pytest.raises(UserError, match="^unknown loader 'alfa'; did you mean 'alpha'"):
        plugins.split_spec("alfa/x")
    with pytest.raises(UserError, match="^unknown loader ''; "):
        plugins.split_spec("/x")
