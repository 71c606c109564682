"""A job: its folder, words and seeds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from spurbench_builders.models.needed import Models
from spurbench_builders.progress import Progress
from spurbench_builders.steps.identity import identity_of
from spurbench_builders.steps.job import Job, job_of, training_seed
from spurbench_builders.team import Team
from tests.builders.made import CARD, OTHER, MadeDomain, made_job, made_pool, made_recipe
from tests.builders.made import made_request as request_of


def test_a_jobs_folder_is_named_by_class_and_identity(tmp_path: Path) -> None:
    job = made_job(tmp_path / "set")
    text = json.dumps(job.identity, separators=(",", ":"))
    short = hashlib.sha256(text.encode()).hexdigest()[:12]
    assert job.root == tmp_path / "set.work" / f"freight_car-{short}"
    assert job.folder("train") == job.root / "train"
    other = replace(job, identity={"made": "another"})
    assert other.root != job.root


def test_prompts_are_the_recipes_with_the_classs_noun() -> None:
    prompt = {"instance": "{noun} of {identifier}", "prior": "only {noun}", "identifier": "xyz"}
    job = made_job(Path("x"), made_recipe(prompt=prompt))
    assert job.prompts == ("leaves of xyz", "only leaves")
    assert replace(job, card=OTHER).prompts == ("flower of xyz", "only flower")


def test_a_classs_weight_is_its_own() -> None:
    job = made_job(Path("x"))
    assert job.kappa == 0.4 and replace(job, card=OTHER).kappa == 0.2
    assert replace(job, card=replace(CARD, name="boat")).kappa == 0.7
    assert job.recipe is job.request.recipe


def test_seeds_are_the_builds_in_order() -> None:
    job = made_job(Path("x"), seed=4, images=3)
    assert job.sample_seeds == [4_000_000, 4_000_001, 4_000_002]
    assert job.prior_seeds == [4_500_000, 4_500_001, 4_500_002]
    more = made_job(Path("x"), made_recipe(prior={"images": 5}), seed=0, images=2)
    assert more.sample_seeds == [0, 1] and more.prior_seeds == [500_000 + i for i in range(5)]


def test_each_class_trains_on_draws_of_its_own() -> None:
    """By its label, above the seeds of its pictures, whatever the build's seed."""
    job = made_job(Path("x"), seed=4)
    assert job.training_seed == 4_700_000 + CARD.label
    assert replace(job, card=OTHER).training_seed == 4_700_000 + OTHER.label
    assert (
        CARD.label != OTHER.label
        and made_job(Path("x"), seed=0).training_seed == 700_000 + CARD.label
    )


def test_no_two_builds_share_a_picture_nor_a_build_its_priors() -> None:
    """Up to the most pictures that a build can be asked for, and as many priors; nor is any of these the
    seed of a training, whichever the class."""
    recipe = made_recipe(prior={"images": 100_000})
    jobs = [made_job(Path("x"), recipe, seed=seed, images=100_000) for seed in (0, 1, 2)]
    drawn = [seed for job in jobs for seed in (*job.sample_seeds, *job.prior_seeds)]
    assert len(set(drawn)) == len(drawn) == 600_000
    trained = {training_seed(seed, label) for seed in (0, 1, 2) for label in range(1000)}
    assert len(trained) == 3000 and not trained & set(drawn)


def test_events_are_of_the_class() -> None:
    job = made_job(Path("x"))
    assert job.progress("train", 3, 9, "loss 1") == Progress("freight car", "train", 3, 9, "loss 1")
    assert job.progress("train", 1, 2).note == ""


def networks(domain: MadeDomain) -> Models:
    return cast(Models, SimpleNamespace(identities={"base": "b"}, domain=domain))


def test_a_job_starts_from_the_pictures_given_or_the_requests(tmp_path: Path) -> None:
    request, team = request_of(tmp_path / "set"), Team()
    models = networks(MadeDomain())
    job = job_of(request, CARD, models, team)
    assert [p.origin for p in job.pool] == [f"reference {n}" for n in (10, 20, 30, 40, 50, 60)]
    given_pool = list(made_pool(40, 10))
    other: Any = job_of(request, OTHER, models, team, given_pool)
    assert other == Job(
        OTHER, request, tuple(given_pool), identity_of(request, OTHER, given_pool, models, team)
    )
    assert isinstance(other.pool, tuple)
    assert job.identity == identity_of(request, CARD, job.pool, models, team)
    nothing = job_of(request, CARD, models, team, [])
    assert nothing.pool == (), "given, if empty"
