"""Every option of every command changes what a test sees; an option without a row here fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from spurbench import __version__, cli
from spurbench.results import write_result
from tests.core.test_results import made_result
from tests.evaluators.test_cli import call
from tests.rows import mentions, source_of

HERE = "core/test_options.py"
BUILD = "builders/test_options.py::test_a_build_is_what_its_options_say"
OWN = "builders/test_options.py::test_own_references_go_through_the_panel_only_when_filtered"
SHARD = "builders/test_options.py::test_a_shard_has_a_folder_and_classes_of_its_own"
MERGE = "builders/test_options.py::test_merge_and_import_write_where_they_are_told"
ABLATE = "builders/test_options.py::test_an_ablation_is_what_its_options_say"
EVAL = "evaluators/test_options.py"
STORED = "evaluators/test_cli.py::test_one_json_object_and_stored_answers"
EXPORT = "publishing/export/test_export.py"
SHOW = "publishing/show/test_command.py"
RESCORE = "leaderboard/gate/test_rescore.py"
WRITTEN = "leaderboard/report/test_command.py::test_what_is_written_and_told"
MISSING = "leaderboard/test_missing.py"
SITE = "leaderboard/site/test_making.py"
GATE = "leaderboard/gate/test_findings.py"
COMPARED = "evaluators/test_cli.py::test_several_models_are_compared"
PUBLISH = "publishing/hub/test_publish.py"
PULL = "publishing/hub/test_pull.py"
ROWS = {
    "spurbench --version": f"{HERE}::test_the_version",
    "list --domain": f"{HERE}::test_classes_of_a_domain",
    "list --loader": f"{EVAL}::test_list_models_of_a_loader",
    **{
        f"build --{name}": BUILD
        for name in ("classes", "recipe", "images", "seed", "out", "fresh", "json")
    },
    "build --domain": "builders/test_options.py::test_a_domain_that_the_recipe_is_not_of_is_refused",
    "build --deterministic": "builders/test_options.py::test_deterministic_arithmetic_is_for_the_build_alone",
    "build --jobs": "builders/test_options.py::test_jobs_are_the_processes_of_a_build",
    "build --references": OWN,
    "build --filter-references": OWN,
    "build --shard": SHARD,
    "merge --out": MERGE,
    "merge --replace": "builders/run/test_merge.py::test_the_commands_option",
    "import-si --out": MERGE,
    **{
        f"ablate --{name}": ABLATE
        for name in ("classes", "seeds", "recipe", "readings", "kappas", "also", "images")
    },
    **{f"ablate --{name}": ABLATE for name in ("contexts", "out", "json")},
    "eval --model": f"{EVAL}::test_model_decides_who_is_scored",
    "eval --models": "evaluators/test_cli_list.py::test_each_line_is_scored_as_eval_does_it_alone",
    "eval --data": f"{EVAL}::test_data_and_results_are_places",
    "eval --revision": "evaluators/data/test_hub.py::test_a_hub_id_is_scored_at_its_revision",
    "eval --weights": f"{EVAL}::test_weights_replace_the_shipped_ones",
    "eval --label-space": f"{EVAL}::test_label_space_says_what_outputs_mean",
    "eval --framing": f"{EVAL}::test_framing_changes_what_the_network_sees",
    "eval --val": f"{EVAL}::test_val_adds_validation_pictures",
    "eval --classes": f"{EVAL}::test_classes_splits_and_limit_choose_pictures",
    "eval --splits": f"{EVAL}::test_classes_splits_and_limit_choose_pictures",
    "eval --limit": f"{EVAL}::test_classes_splits_and_limit_choose_pictures",
    "eval --results": f"{EVAL}::test_data_and_results_are_places",
    "eval --device": f"{EVAL}::test_batch_size_workers_and_device_are_told_and_kept_to",
    "eval --dtype": f"{EVAL}::test_dtype_moves_the_last_digits",
    "eval --batch-size": f"{EVAL}::test_batch_size_workers_and_device_are_told_and_kept_to",
    "eval --workers": f"{EVAL}::test_batch_size_workers_and_device_are_told_and_kept_to",
    "eval --skip-unreadable": f"{EVAL}::test_skip_unreadable_leaves_out_and_records",
    "eval --keep-logits": f"{EVAL}::test_keep_logits_keeps_them",
    "eval --fresh": f"{EVAL}::test_fresh_scores_again",
    "eval --submit": "evaluators/test_submission.py::test_what_was_scored_is_submitted_and_passes_the_gate",
    "eval --json": STORED,
    **{
        f"publish --{name}": f"{PUBLISH}::{test}"
        for name, test in {
            "repo-id": "test_what_is_no_repository",
            "version": "test_the_same_again_is_no_work",
            "private": "test_a_private_one_is_not_asked_for_and_stays_private",
            "create-pr": "test_a_pull_request_is_opened_once_and_changes_no_version",
            "dry-run": "test_a_dry_run_changes_nothing",
            "yes": "test_a_first_public_upload_is_asked_for",
            "json": "test_one_json_object_says_it_all",
        }.items()
    },
    **{
        f"pull --{name}": f"{PULL}::{test}"
        for name, test in {
            "version": "test_some_classes_come_with_a_manifest_and_card_of_their_own",
            "classes": "test_some_classes_come_with_a_manifest_and_card_of_their_own",
            "out": "test_a_folder_that_is_not_ours_is_refused",
            "json": "test_one_json_object_says_it_all",
        }.items()
    },
    "score --results": STORED,
    "score --json": STORED,
    "compare --json": COMPARED,
    "export --to": f"{EXPORT}::test_what_is_refused_changes_nothing",
    "export --out": f"{EXPORT}::test_what_is_refused_changes_nothing",
    **{
        f"export --{name}": f"{EXPORT}::test_classes_and_splits_choose"
        for name in ("classes", "splits", "json")
    },
    "show --class": f"{SHOW}::test_one_page_beside_you_or_where_out_says",
    "show --out": f"{SHOW}::test_one_page_beside_you_or_where_out_says",
    "show --json": f"{SHOW}::test_one_page_beside_you_or_where_out_says",
    "show --open": f"{SHOW}::test_open_starts_a_browser_or_says_that_it_could_not",
    "verify --json": "publishing/verify/test_command.py::test_one_json_object",
    "diff --json": "publishing/diff/test_command.py::test_one_json_object_with_scores",
    "diff --scores": "publishing/diff/test_command.py::test_one_json_object_with_scores",
    "diff --exit-code": "publishing/diff/test_command.py::test_exit_codes",
    **{f"report --{name}": WRITTEN for name in ("out", "against", "latex", "csv", "json")},
    "report --pictures": "leaderboard/report/test_command.py::test_pictures_are_shown_from_the_data_set_that_was_scored",
    "leaderboard check --results": f"{GATE}::test_places_and_base_are_told",
    "leaderboard check --data": f"{GATE}::test_places_and_base_are_told",
    "leaderboard check --base": f"{GATE}::test_places_and_base_are_told",
    "leaderboard check --rescore": f"{RESCORE}::test_a_result_that_no_model_gave_is_found",
    "leaderboard check --pictures": f"{RESCORE}::test_a_result_that_no_model_gave_is_found",
    "leaderboard check --github": f"{GATE}::test_the_command_in_its_three_forms",
    "leaderboard check --json": f"{GATE}::test_the_command_in_its_three_forms",
    "leaderboard register --data": "leaderboard/test_known.py::test_a_folder_as_it_is_known",
    **{
        f"leaderboard missing --{name}": f"{MISSING}::test_what_is_missing_is_a_list_for_eval"
        for name in ("models", "results", "data", "domain", "json")
    },
    **{
        f"leaderboard missing --{name}": f"{MISSING}::test_the_newest_version_is_the_one_that_none_supersedes"
        for name in ("version", "pictures")
    },
    **{
        f"leaderboard changes --{name}": "leaderboard/test_changes.py::test_ranks_that_move_are_told"
        for name in ("base", "results", "data")
    },
    **{
        f"leaderboard export-hf --{name}": "leaderboard/hub/test_write.py::test_the_numbers_of_the_result_file_as_the_hub_reads_them"
        for name in ("out", "data-repo")
    },
    "leaderboard render --site": f"{SITE}::test_the_command",
    "leaderboard render --pictures": f"{SITE}::test_the_command",
    "leaderboard render --serve": f"{SITE}::test_a_port_that_is_taken_is_one_line",
    "leaderboard render --port": f"{SITE}::test_a_port_that_is_taken_is_one_line",
    "leaderboard render --results": f"{HERE}::test_the_leaderboards_places_and_check",
    "leaderboard render --readme": f"{HERE}::test_the_leaderboards_places_and_check",
    "leaderboard render --data": "leaderboard/test_tables.py::test_the_command_finds_the_panel_in_the_data_sets_file",
    "leaderboard render --without-panel": "leaderboard/test_tables.py::test_the_command_finds_the_panel_in_the_data_sets_file",
    "leaderboard render --check": f"{HERE}::test_the_leaderboards_places_and_check",
}


def options(command: Any, name: str = "") -> Iterator[str]:
    """Every option of the command and those below it, after the words that lead to it."""
    for parameter in command.params:
        names = [word for word in parameter.opts if word.startswith("--")]
        if parameter.param_type_name == "option":
            yield f"{name or command.name} {max(names, key=len)}"
    for word, below in getattr(command, "commands", {}).items():
        yield from options(below, f"{name} {word}".strip())


def test_every_option_has_a_row_that_names_a_test_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):  # mounts the commands
        monkeypatch.setattr("sys.argv", ["spurbench", "--version"])
        own = [command for command in cli.app.registered_commands if command.name == "list"]
        monkeypatch.setattr(cli.app, "registered_commands", own)
        monkeypatch.setattr(cli.app, "registered_groups", [])
        cli.main()
    assert sorted(options(typer.main.get_command(cli.app))) == sorted(ROWS)
    for option, node in ROWS.items():
        assert mentions(source_of(node), option.split()[-1]), f"{option}: {node}"


def test_a_row_that_names_no_test_is_seen() -> None:
    assert mentions('("--val", x)', "--val") and not mentions("--values --re-val", "--val")
    for node in (f"{HERE}::test_none", f"{HERE}::options", "core/scores/made.py::made"):
        with pytest.raises(LookupError, match="no such test"):
            source_of(node)
    slow = "builders/run/test_build.py::test_killed_at_every_turn_it_ends_in_the_same_bytes"
    with pytest.raises(LookupError, match="is not run by default"):
        source_of(slow)


def test_the_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"spurbench {__version__}\n"


def test_classes_of_a_domain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    for domain in ("micro", "imagenet"):
        assert call(monkeypatch, "list", "classes", "--domain", domain) == 0
        found.append(capsys.readouterr().out)
    assert ["great white shark" in names for names in found] == [False, True]
    assert all("hummingbird" in names for names in found)


def test_the_leaderboards_places_and_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from spurbench_leaderboard.markdown import BEGIN, END

    page, result = tmp_path / "page.md", made_result()
    page.write_text(f"{BEGIN}\n{END}\n")
    write_result(result, result.path_under(tmp_path / "found"))
    words = ("leaderboard", "render", "--results", tmp_path / "found", "--readme", page)
    assert call(monkeypatch, *words, "--check") == 2
    assert "out of date" in capsys.readouterr().err and page.read_text() == f"{BEGIN}\n{END}\n"
    assert call(monkeypatch, *words) == 0
    assert result.model.spec in page.read_text()
    assert call(monkeypatch, *words, "--check") == 0
    assert "page.md: table of 1 results is up to date" in capsys.readouterr().out
