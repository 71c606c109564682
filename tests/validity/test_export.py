"""What the training script exports is what its later stages, and users, see."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scripts.train_micro import __main__ as script
from scripts.train_micro.autoencoder import make_autoencoder
from scripts.train_micro.export import export_autoencoder, exported_autoencoder


def test_the_autoencoder_comes_back_as_it_ships(tmp_path: Path) -> None:
    """Rounded to half precision, in single precision, with its latent scale; the trained one is left alone."""
    made = make_autoencoder()
    made.register_to_config(scaling_factor=0.4321)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    export_autoencoder(made, tmp_path)
    found = exported_autoencoder(tmp_path)
    assert found.config.scaling_factor == 0.4321 and not found.training
    for name, value in made.state_dict().items():
        assert torch.equal(value, before[name]) and value.dtype == torch.float32
        assert torch.equal(found.state_dict()[name], value.half().float()), name
    size = sum(file.stat().st_size for file in tmp_path.rglob("*.safetensors"))
    assert size < 2.1 * sum(value.numel() for value in before.values()) + 40_000


def test_measuring_looks_at_the_packages_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train_micro", "--work", str(tmp_path), "--into", str(tmp_path / "other")]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as stopped:
        script.main()
    assert stopped.value.code == 2 and "leave --into out" in capsys.readouterr().err
