"""The most that can be asked of a build."""

from __future__ import annotations

MOST_IMAGES = 100_000
MOST_SEED = 1_000_000
MOST_SEEDS = 1000
MOST_JOBS = 1024
MOST_THREADS = 1024
