"""A classifier that tries to tell frames of portrait actors from photos, at 128 px."""
from __future__ import annotations

import numpy as np

from tfg.vocabulary import EMOTIONS, SENTENCES
from tools.bench.common import real_clips

SIZE, FRAMES, ROUNDS = 128, 3, 6       # px; frames of an actor; times that the people are divided anew
RIDGE = 300.0


def run() -> dict:
    """Divide people into actors and photos to train on, and actors and photos to test on; print the classifier's
    accuracy.

    All are faces of SFHQ, framed and brought to 128 px by the same code, so that neither camera nor crop gives the
    answer away; a photo of a smile counts as a photo. The accuracy is that of a linear classifier on fine detail for
    unseen people (small CNNs, which have too few people to train on here, do worse); its answers for frames of the ten
    real clips are printed, too.
    """
    from tfg.actors.portrait import suitable
    from tfg.corpora import sfhq

    photos = {t.id: crop for t in sfhq.tiles() if (crop := _photo(t)) is not None}
    played = {t.id: _played(t, k) for k, t in enumerate(sfhq.tiles()) if t.id in photos and suitable(t)}
    real = _real_frames()
    called, by_real = [], []
    for r in range(ROUNDS):
        rng = np.random.default_rng([5, r])
        actors = list(rng.permutation(sorted(played)))[:len(played) // 2]
        rest = [p for p in rng.permutation(sorted(photos)) if p not in set(actors)]
        model = _learn(*_set(actors[0::2], rest[0::2], played, photos))
        x, y = _set(actors[1::2], rest[1::2], played, photos)
        said = _says(model, x)
        called.append((said[y].mean(), 1 - said[~y].mean()))
        by_real.append(_says(model, real).mean() if len(real) else np.nan)
    both, (actor, photo) = np.mean(called, 1), np.mean(called, 0)
    print(f"\n'portrait actor or real photo?' (128 px, unseen people, {ROUNDS} divisions): right in {both.mean():.1%} "
          f"({both.min():.1%} to {both.max():.1%}; 50 % is guessing);\n  actors recognised {actor:.1%}, "
          f"photos {photo:.1%}; of {len(real)} frames of the ten real clips it calls {np.mean(by_real):.1%} actors")
    return dict(accuracy=float(both.mean()), actors=float(actor), photos=float(photo),
                real_clips_called_actor=float(np.mean(by_real)))


def _photo(tile):
    from tfg.errors import InputError
    from tfg.faces.landmarks import one_face
    from tfg.head.framing import frame
    from tools.bench.actors import photo

    image = photo(tile)
    try:
        points = one_face(image).points
    except InputError:
        return None
    texture, (x, y, w, h), _, _ = frame(image, points.astype(float), SIZE, "crop")
    return texture[y:y + h, x:x + w]


def _played(tile, k):
    """Frames of this person's takes, each of another emotion: (FRAMES, SIZE, SIZE, 3)."""
    from tfg.actors.portrait import PortraitActor
    from tfg.actors.take import make_take
    from tools.bench.actors import photo

    actor, out = PortraitActor.from_image(photo(tile), name=tile.id, seed=k), []
    rng = np.random.default_rng([6, k])
    for j in range(FRAMES):
        take = make_take("V001", k, sentence=list(SENTENCES)[(k + 5 * j) % 12], emotion=EMOTIONS[(k + j) % 6],
                         level="MD", recorded=False)
        t = int(rng.integers(5, len(take.motion.pose)))
        out.append(actor.render(actor.personal(take.motion.expression[t]), take.motion.pose[t]))
    return np.stack(out)


def _real_frames():
    """Four frames of each real clip, cropped like a photo: (N, SIZE, SIZE, 3). For testing only."""
    from tfg.faces.landmarks import detect
    from tfg.head.framing import frame
    from tfg.media.video import FrameReader

    out = []
    for paths in real_clips().values():
        for path in paths:
            reader = FrameReader(path)
            for t in np.linspace(0, len(reader) - 1, 6).astype(int)[1:5]:
                image = np.asarray(reader[int(t)])
                faces = detect(image)
                if faces:
                    texture, (x, y, w, h), _, _ = frame(image, faces[0].points.astype(float), SIZE, "crop")
                    out.append(texture[y:y + h, x:x + w])
    return np.stack(out) if out else np.zeros((0, SIZE, SIZE, 3), np.uint8)


def _set(actors, people, played, photos):
    x = np.concatenate([np.concatenate([played[a] for a in actors]), np.stack([photos[p] for p in people])])
    return x, np.arange(len(x)) < FRAMES * len(actors)


def _features(x):
    """Features (N, F) of pictures: strength of fine detail in 6 x 6 blocks (edges, curvature, share of flat pixels),
    and the picture at 16 px."""
    grey = x.astype(np.float32) @ np.float32([0.299, 0.587, 0.114])
    laplace = (4 * grey[:, 1:-1, 1:-1] - grey[:, :-2, 1:-1] - grey[:, 2:, 1:-1] - grey[:, 1:-1, :-2]
               - grey[:, 1:-1, 2:])
    out = []
    for axis in (1, 2):
        out += [np.abs(np.diff(grey, n, axis)) for n in (1, 2)]
    cells = []
    for plane in (*out, np.abs(laplace)):
        for rows in np.array_split(plane, 6, axis=1):
            for block in np.array_split(rows, 6, axis=2):
                b = block.reshape(len(x), -1)
                cells += [np.log1p(b.mean(1)), np.log1p(np.percentile(b, 95, axis=1)), (b < 1).mean(1)]
    small = x.reshape(len(x), 16, SIZE // 16, 16, SIZE // 16, 3).mean((2, 4, 5)).reshape(len(x), -1) / 64
    return np.concatenate([np.stack(cells, 1), small], 1)


def _learn(x, y):
    """A linear classifier: ridge regression to +1 and -1, both classes of the same weight. Mean, spread, weights."""
    x = _features(x)
    mean, spread = x.mean(0), x.std(0) + 1e-6
    x = (x - mean) / spread
    share = np.sqrt(np.where(y, 0.5 / y.mean(), 0.5 / (1 - y.mean())))[:, None]
    x = np.concatenate([x, np.ones((len(x), 1), np.float32)], 1) * share
    kernel = x @ x.T
    kernel[np.diag_indices(len(x))] += RIDGE
    return mean, spread, x.T @ np.linalg.solve(kernel, share[:, 0] * np.where(y, 1.0, -1.0))


def _says(model, x):
    """Answers of the classifier, (N,) bool: True for an actor."""
    if not len(x):
        return np.zeros(0, bool)
    mean, spread, weights = model
    return (_features(x) - mean) / spread @ weights[:-1] + weights[-1] > 0
