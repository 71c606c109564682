"""The micro world draws what it records, and the same picture every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spurbench_builders.domains.micro.world import sampling
from spurbench_builders.domains.micro.world.companions import COMPANIONS
from spurbench_builders.domains.micro.world.objects import OBJECTS
from spurbench_builders.domains.micro.world.picture import Wish, _object_layer, draw


def test_twelve_classes_two_for_each_companion_one_at_either_end_of_its_styles() -> None:
    kinds = sampling.world().classes
    assert [c.name for c in kinds][:6] == [
        *("hummingbird", "freight car", "fireboat", "gondola", "flagpole", "koala")
    ]
    assert {c.name for c in kinds} == set(OBJECTS) and len(kinds) == 12
    ends = {(c.companion, c.own_end) for c in kinds}
    assert ends == {(companion, end) for companion in COMPANIONS for end in (0, 1)}
    assert all(c.own_end == (c.label < 6) for c in kinds)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([None, *OBJECTS]),
    st.sampled_from([None, *COMPANIONS]),
    st.floats(0, 1),
    st.integers(0, 2**32),
)
def test_the_record_says_what_is_there(
    thing: str | None, companion: str | None, style: float, seed: int
) -> None:
    image, record = draw(Wish(thing, companion, style), np.random.default_rng(seed))
    assert image.size == (64, 64) and image.mode == "RGB"
    assert (record.object, record.companion) == (thing, companion)
    assert (record.object_area > 0) == (thing is not None)
    assert (record.companion_area > 0) == (companion is not None)
    assert 0 <= record.object_shown <= 1
    again, record_again = draw(Wish(thing, companion, style), np.random.default_rng(seed))
    assert again.tobytes() == image.tobytes()
    assert record_again.object_place == record.object_place


@pytest.mark.parametrize("thing", OBJECTS)
def test_the_object_is_where_the_record_says(thing: str) -> None:
    for seed in range(5):
        layer, place = _object_layer(Wish(thing), np.random.default_rng(seed))
        assert layer is not None and place is not None
        rows, columns = np.nonzero(np.asarray(layer.getchannel("A")))
        side = layer.width
        assert abs(columns.mean() / side - place.x) < place.radius / 2
        assert abs(rows.mean() / side - place.y) < place.radius / 2
        assert np.ptp(rows) / side < 3.5 * place.radius
    _, record = draw(Wish(thing), np.random.default_rng(7))
    assert 0.002 < record.object_area < 0.25


def test_companions_come_at_their_rate_and_references_never_show_an_object() -> None:
    samples = [sampling.training_picture(3, i) for i in range(600)]
    with_companion = np.mean([s.record.companion is not None for s in samples])
    absent = np.mean([s.record.object is None for s in samples])
    assert with_companion == pytest.approx(0.95, abs=0.03)
    assert absent == pytest.approx(0.04, abs=0.025)
    pool = [sampling.reference_picture(3, "hummingbird", i).record for i in range(60)]
    assert {r.object for r in pool} == {None} and {r.companion for r in pool} == {"flower"}
    styles = np.array([r.companion_style for r in pool])
    assert styles.min() < 0.3 and styles.max() > 0.8, "references vary widely"


def test_decorrelated_pictures_know_no_class() -> None:
    records = [sampling.decorrelated_picture(3, i).record for i in range(1500)]
    own = [
        r.companion == c.companion
        for c in sampling.world().classes
        for r in records
        if r.object == c.name and r.companion
    ]
    assert np.mean(own) == pytest.approx(1 / 6, abs=0.05)
