"""Runs a module of this folder in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence


def run_child(module: str, words: Sequence[str], device: str) -> None:
    """Offline, on the device; its last words are shown if it fails."""
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    if device == "cpu":
        env["ACCELERATE_USE_CPU"] = "true"
    command = [sys.executable, "-m", f"tests.bench.{module}", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{module} failed ({done.returncode}):\n{done.stderr[-4000:]}")
