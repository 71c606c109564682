"""Models scored one after another, each freed before the next; one that fails stops none."""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from spurbench.errors import UserError
from spurbench.scores.stored import Outcome

from .model_list import ListedModel


@dataclass(frozen=True)
class Failure:
    """Why a model could not be scored, in one line; ``traceback`` is None for what is the user's to
    mend."""

    error: str
    traceback: str | None


Ended = tuple[ListedModel, Outcome | Failure]


def one_by_one(
    models: Sequence[ListedModel],
    score: Callable[[ListedModel], Outcome],
    say: Callable[[str], None],
) -> Iterator[Ended]:
    """What became of each model, as it ends. ``score`` loads a model and scores it; whatever it
    raises but for KeyboardInterrupt and SystemExit is a Failure."""
    for i, model in enumerate(models, 1):
        say(f"{i} of {len(models)}: {model.text}")
        ended = _tried(model, score)
        _free()
        yield model, ended


def _tried(model: ListedModel, score: Callable[[ListedModel], Outcome]) -> Outcome | Failure:
    try:
        return score(model)
    except UserError as error:
        return Failure(_one_line(str(error)), None)
    except Exception as error:  # noqa: BLE001 - a fault of one model's stops none of the others
        # As text: the traceback itself would keep the network that its frames hold.
        shown = traceback.format_exc()
        return Failure(_one_line(f"{type(error).__name__}: {error}"), shown)


def _one_line(text: str) -> str:
    return " ".join(text.split("\n")).strip()


def _free() -> None:
    """Give back what a network held: networks whose parts know one another wait for the collector,
    and torch keeps a GPU's memory for its own next use."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
