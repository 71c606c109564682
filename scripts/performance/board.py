"""The page's section on the leaderboard: what many models cost."""

from __future__ import annotations

from typing import Any


def board_section(record: dict[str, Any]) -> str:
    """Seconds by the number of models."""
    rows = "\n".join(
        f"| {r['models']:,} | {r['read_seconds']:.1f} | {r['rank_seconds']:.2f} "
        f"| {r['whole_table_seconds']:.2f} | {r['peak_gib']:.2f} | {r['told_apart']:.0%} "
        f"| {r['mean_span']:.1f} | {r['site_seconds']:.1f} | {r['page_mb']:.2f} | {r['drawn_ms']:.0f} "
        f"| {r['longest_sort_ms']:.0f} | {r['longest_search_ms']:.0f} |"
        for r in record["rows"]
    )
    return f"""## A leaderboard of many models

`tests/bench/bench_board.py`: made results of {record["classes"]} classes of {record["pictures"]} pictures in three splits. Ranking takes time
in proportion to the square of the number of models and to the patterns of signs ({record["patterns"]:,}); it is a part of writing the table. Memory is the
process's peak, most of it results. Beside the cost, what the ranks then say: how many pairs can be told apart, and how many ranks an
interval spans. Last the page: seconds to write it, its size without pictures, and in headless Chromium the time until it is drawn and the
longest that sorting or a search (table, chart and all) kept it busy.

| models | reading, s | ranking, s | ranking and writing the table, s | peak GiB | pairs told apart | ranks in an interval | page, s | page, MB | drawn, ms | longest sort, ms | longest search, ms |
|---|---|---|---|---|---|---|---|---|---|---|---|
{rows}
"""
