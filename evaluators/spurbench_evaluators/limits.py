"""The most that can be asked of a run of a classifier."""

from __future__ import annotations

MOST_BATCH = 65_536
MOST_WORKERS = 1024
