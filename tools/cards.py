"""Score the shipped networks on people that they were not trained on, and write the scores into their cards.

    python -m tools.cards --test build/dub --real build/dub_real [NAME ...]
    python -m tools.cards --score build/score emogen           from the scores that tfg score wrote for the generator

For maintainers.  test: a store with test actors.  real: a store of real clips, which are for testing only: their scores
stand in the card and select nothing.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tfg import paths
from tfg.corpora.store import Store
from tfg.files import atomic

NAMES = ("syncnet", "judge_sync", "emotion", "judge_emotion", "encoder", "judge_encoder")


def scores_of(name: str, store: Store, real: bool) -> dict:
    """Scores of one network on the split test of a store, for its card."""
    network, _ = load(name)
    if name in ("syncnet", "judge_sync"):
        from tfg.experts.syncnet.train import score_syncnet, windows_of

        return score_syncnet(network, windows_of(store, None, "test", network.config.size, purpose="evaluate"))
    if name in ("emotion", "judge_emotion"):
        from tfg.experts.emotion.train import evaluate_emotion, real_clips

        return real_clips(network, store) if real else evaluate_emotion(network, store)
    from tfg.experts.encoder.train import score_encoder, windows_of

    return score_encoder(network, windows_of(store, None, "test", network.config.size, purpose="evaluate"), 4000)


def load(name: str):
    """The shipped network and its card."""
    from tfg.experts.emotion import judge as judge_emotion
    from tfg.experts.emotion import network as emotion
    from tfg.experts.encoder import network as encoder
    from tfg.experts.syncnet import judge as judge_sync
    from tfg.experts.syncnet import network as syncnet
    from tfg.networks import checkpoint

    classes = {"syncnet": (syncnet.SyncNet, syncnet.SyncNetConfig),
               "judge_sync": (judge_sync.SyncJudge, judge_sync.SyncJudgeConfig),
               "emotion": (emotion.EmotionNet, emotion.EmotionConfig),
               "judge_emotion": (judge_emotion.EmotionJudge, judge_emotion.EmotionJudgeConfig),
               "encoder": (encoder.FaceEncoder, encoder.EncoderConfig),
               "judge_encoder": (encoder.FaceEncoder, encoder.EncoderConfig)}
    return checkpoint.load(name, *classes[name])


def of_system(name: str, folder: Path) -> dict:
    """The means of the system's own row in `tfg score`'s scores.json, by group.  Raises SystemExit if another network
    was scored."""
    told = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    card = json.loads((Path(paths.data(name)) / f"{name}.json").read_text(encoding="utf-8"))
    if told["card"]["networks"][name]["sha256"] != card["sha256"]:
        raise SystemExit(f"{folder} holds the scores of another network than data/{name}: run tfg score again")
    out = {}
    for group, found in told["groups"].items():
        means = {score: mean["value"] for score, mean in found["rows"][name].items() if mean}
        levels = {f"accuracy_{level}": mean["value"] for level, mean in found["levels"].get(name, {}).items() if mean}
        out["test" if group == "all" else group] = {"clips": found["clips"], "actors": found["actors"], **means,
                                                    **levels}
    return out


def main(argv: list[str]) -> int:
    """Score the networks, write the cards, print the scores."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--test", help="store with test actors")
    parser.add_argument("--real", help="store of real clips")
    parser.add_argument("--score", type=Path, help="folder that tfg score wrote, for emogen")
    given = parser.parse_args(argv)
    if not given.test and not given.score:
        parser.error("give --test, or --score")
    for name in given.names:
        path = Path(paths.data(name)) / f"{name}.json"
        card = json.loads(path.read_text(encoding="utf-8"))
        if given.score:
            card["scores"] |= of_system(name, given.score)
        else:
            card["scores"]["test"] = scores_of(name, Store.open(given.test), False)
        if given.real and name not in ("encoder", "judge_encoder"):          # their truth is not known on real faces
            card["scores"]["real"] = scores_of(name, Store.open(given.real), True)
        with atomic(path) as part:
            part.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
        print(name, json.dumps({k: v for k, v in card["scores"].items() if k != "val"}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
