"""`tfg train PART`: one command for each training that experts and systems register (`tfg.registry.trainings`)."""
from __future__ import annotations

import sys
import time
from collections.abc import Iterator

from tfg import registry
from tfg.options import add_arguments
from tfg.training.part import Training

WORDS = {"accuracy": "{:.1%} right", "of_identity": "{:.0%} of the error of doing nothing",
         "offset_1": "{:.1%} of known shifts of the sound found within a frame"}
"""Formats of some scores; others are printed as name and number."""


def add(commands, command, parser_class) -> None:
    """Add the commands. command, parser_class: `tfg.cli`'s own."""
    p = commands.add_parser("train", help="Train one of the parts.", description="Train one of the parts.")
    parts = p.add_subparsers(dest="part", metavar="PART", required=True, parser_class=parser_class)
    for training in registry.trainings().values():
        part = command(parts, training.name, training.about, run_training,
                       epilog=f"examples:\n{training.examples}" if training.examples else None)
        add_arguments(part, training.Options)
        part.set_defaults(training=training)


def run_training(given: dict) -> None:
    """Train, then print one sentence, in the first of several processes: the written files, the minutes, and the card's
    scores without those in `Training.quiet`."""
    from tfg.training.setup import is_first

    training: Training = given.pop("training")
    chosen = training.Options(**given)                # refuses values out of range
    given = {name: getattr(chosen, name) for name in given}
    started = time.perf_counter()
    card = registry.function(training.run)(**given, progress=sys.stderr.isatty())
    card = card[1] if isinstance(card, tuple) else card
    if not is_first():
        return
    scores = {k: {n: v for n, v in s.items() if n not in training.quiet} if isinstance(s, dict) else s
              for k, s in (card.get("scores") or {}).items() if k not in training.quiet}
    weights = next((file for option, value, file in training.writes if given.get(option) == value),
                   f"{training.name.replace('-', '_')}.safetensors")
    print(f"wrote {given['out']}/{weights} and {weights.partition('.')[0]}.json in "
          f"{(time.perf_counter() - started) / 60:.1f} min; "
          f"{in_words(scores)}", flush=True)


def in_words(scores: dict) -> str:
    """A card's scores in words. Lists and texts are left out.

    >>> in_words({"test": {"accuracy": .8125, "HI": {"accuracy": .95}}, "lse_d": 6.5})
    'test: 81.2% right; test HI: 95.0% right; lse_d 6.5'
    """
    groups: dict[str, list[str]] = {}
    for path, name, value in _numbers(scores):
        groups.setdefault(path, []).append(WORDS[name].format(value) if name in WORDS else f"{name} {value:.3g}")
    return "; ".join(f"{path}: {', '.join(words)}" if path else ", ".join(words) for path, words in groups.items()) \
        or "no scores"


def _numbers(scores: dict, path: str = "") -> Iterator[tuple[str, str, float]]:
    for name, value in scores.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{path} {name}".strip())
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield path, name, value
