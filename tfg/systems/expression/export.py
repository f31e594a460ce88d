"""`tfg export onnx`: the networks of `expression` as ONNX, and the numbers that the static page (web/) needs.

    expnet.onnx     windows (1, T, 80, 16), neutral (1, 52), lids (1, T) -> offsets (1, T, 52), as `expnet.predict`
    posevae.onnx    windows (1, 32, 80, 16), before (1, 6, 6), noise (1, 64), style (1,) -> chunk (1, 32, 6)
    emotion.onnx    source (T, 52), when (T, 10), emotion (), intensity () -> change (T, 52), the linear model's
    page.json       names, tables and constants of the Python code, and where each array of page.bin is
    page.bin        the head at its landmarks, the mesh's template, mel filters, drawn codes

T is free. What goes into a network and what is done with its answer is the same as in Python; tests compare both.
With `--hearing speech`: the ear that has heard people, and the ExpNet that hears by it (`onnx_ear`), in the place of
these.
"""
from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tfg.errors import InputError
from tfg.files import atomic, make_folder

NEEDED = ("onnx", "onnxscript")
OPSET = 18
KIND = "onnx"
HEARINGS = ("mel", "speech")
NETWORKS = ("expnet.onnx", "posevae.onnx", "emotion.onnx")
CODES = 128
"""Number of chunks, each .96 s, whose codes are written; the page draws its own beyond them."""


def export(out: str | os.PathLike, hearing: str = "mel") -> list[Path]:
    """Write the files that this module's docstring lists into a folder, which is made if it is not there.

    hearing: "mel", what the page needs; "speech", the ear for whole sounds, see `onnx_ear`.
    Returns their paths.  Raises InputError where the extra `export` is missing or the folder cannot be written.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise InputError(f"the export needs {' and '.join(missing)}, which {'are' if missing[1:] else 'is'} not "
                         'installed: pip install "tfg[export]".')
    if hearing not in HEARINGS:
        raise InputError(f"there is no export that hears {hearing!r}; choose {' or '.join(HEARINGS)}.")
    from tfg.systems.expression import onnx_ear

    folder, written = make_folder(out), []
    for name, (network, inputs, free, answer) in (_networks() if hearing == "mel" else onnx_ear.networks()).items():
        written.append(folder / name)
        _write_network(written[-1], network, inputs, free, answer)
    if hearing == "mel":
        table, blob = pack(page_arrays())
        rest = {"page.bin": blob, "page.json": json.dumps({**page_constants(), "arrays": table}).encode()}
    else:
        rest = {onnx_ear.CONSTANTS: json.dumps(onnx_ear.constants()).encode()}
    for name, content in rest.items():
        written.append(folder / name)
        with atomic(written[-1]) as part:
            part.write_bytes(content)
    return written


# ---- networks -----------------------------------------------------------------------------------------------
def _networks() -> dict[str, tuple]:
    """File name -> the network, example inputs by name, the inputs' axes whose length is free, the answer's name."""
    import torch

    from tfg.systems.expression.emotion import linear
    from tfg.systems.expression.emotion.files import load_arrays
    from tfg.systems.expression.expnet import network as expnet
    from tfg.systems.expression.onnx_parts import Feel, Speak, Turn
    from tfg.systems.expression.posevae import network as posevae
    from tfg.vocabulary import EXPRESSION

    n, frames = len(EXPRESSION), torch.export.Dim("T", min=2, max=100_000)
    heads = posevae.load()[0]
    weight = load_arrays("linear", None, shapes={"weight": linear.SHAPE})[0]["weight"]
    return {
        "expnet.onnx": (Speak(expnet.load_expnet()[0]), {
            "windows": torch.zeros(1, 70, expnet.N_MELS, expnet.WIDTH), "neutral": torch.zeros(1, n),
            "lids": torch.zeros(1, 70)}, {"windows": {1: frames}, "neutral": None, "lids": {1: frames}}, "offsets"),
        "posevae.onnx": (Turn(heads), {
            "windows": torch.zeros(1, posevae.CHUNK, expnet.N_MELS, expnet.WIDTH),
            "before": torch.zeros(1, heads.config.context, posevae.N), "noise": torch.zeros(1, heads.config.latent),
            "style": torch.zeros(1, dtype=torch.long)}, None, "chunk"),
        "emotion.onnx": (Feel(torch.from_numpy(np.asarray(weight, np.float32))), {
            "source": torch.zeros(70, n), "when": torch.zeros(70, linear.N_TIMES),
            "emotion": torch.tensor(0), "intensity": torch.tensor(1.0)},
            {"source": {0: frames}, "when": {0: frames}, "emotion": None, "intensity": None}, "change"),
    }


def _write_network(path: Path, network, inputs: Mapping, free: Mapping | None, answer: str) -> None:
    """Write one network. Its weights are inside the file."""
    import contextlib
    import io

    import torch

    with atomic(path) as part, warnings.catch_warnings(), torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")                     # the exporter's own notes on itself
        program = torch.onnx.export(network.eval(), tuple(inputs.values()), input_names=list(inputs),
                                    output_names=[answer], dynamic_shapes=free, dynamo=True, opset_version=OPSET,
                                    verbose=False)
        program.save(str(part), external_data=False)


# ---- numbers ------------------------------------------------------------------------------------------------
def pack(arrays: Mapping[str, np.ndarray]) -> tuple[dict, bytes]:
    """Arrays one after the other, little-endian, each at a multiple of 8 bytes.

    Returns the table, name -> {dtype, shape, offset}, and the bytes.
    """
    table, blob = {}, bytearray()
    for name, array in arrays.items():
        array = np.ascontiguousarray(array)
        table[name] = {"dtype": str(array.dtype), "shape": list(array.shape), "offset": len(blob)}
        blob += array.astype(array.dtype.newbyteorder("<")).tobytes()
        blob += bytes(-len(blob) % 8)
    return table, bytes(blob)


def page_arrays() -> dict[str, np.ndarray]:
    """Arrays of page.bin: head, template, mel filters, codes of head motion."""
    from tfg.head import template as tp
    from tfg.head.model import Head
    from tfg.media.audio import mel_filters
    from tfg.speech import features
    from tfg.systems.expression.posevae import network as posevae

    head, template, heads = Head.load(), tp.load(), posevae.load()[0]
    skin, triangles = np.unique(head.triangles[head.part_mask("skin")], return_inverse=True)
    lower = np.unique(head.triangles[head.part_mask("teeth_lower")])
    identity = head.identity[:, skin]
    step = np.abs(identity).max((1, 2)) / 127               # metres per unit of the rough basis of the skin
    rows, columns = np.nonzero(template.landmarks)
    codes = [np.random.default_rng([0, 46, k]).standard_normal(heads.config.latent) for k in range(CODES)]
    out = {
        "known_mean": features.known_mean()[0][:, 0],
        "mean": head.at_landmarks(head.mean), "identity": head.at_landmarks(head.identity),
        "expression": head.at_landmarks(head.expression), "identity_std": head.identity_std,
        "jaw": head.expression[:, lower].mean(1), "skin_mean": head.mean[skin],
        "skin_identity": np.round(identity / step[:, None, None]).astype(np.int8), "skin_step": step,
        "skin_triangles": triangles.reshape(-1, 3).astype(np.int32),
        "template_rows": rows.astype(np.int32), "template_columns": columns.astype(np.int32),
        "template_weights": template.landmarks[rows, columns], "template_layout": template.layout,
        "mel_filters": mel_filters(), "pose_scale": heads.scale.numpy(), "pose_codes": np.array(codes),
    }
    for name in tp.OPENINGS:
        out[f"upper_{name}"], out[f"lower_{name}"] = (side[name].astype(np.int32)
                                                      for side in (template.upper, template.lower))
    return {name: a.astype(np.float32) if a.dtype.kind == "f" else a for name, a in out.items()}


def page_constants() -> dict:
    """Names and numbers of the Python code that the page's code uses, so that each is written once."""
    from dataclasses import asdict

    from tfg.acting import emotion as emotions
    from tfg.acting import performance
    from tfg.head import fit, framing, mesh, model, mouth_interior, openings, paint, portrait, render
    from tfg.head import template as tp
    from tfg.media import audio
    from tfg.speech import features, voiced
    from tfg.systems.expression import act
    from tfg.systems.expression.emotion.features import FADES_S, FELT
    from tfg.systems.expression.expnet import network as expnet
    from tfg.systems.expression.options import ALPHA
    from tfg.systems.expression.posevae import network as posevae
    from tfg.systems.expression.posevae.parts import SMOOTH
    from tfg.vocabulary import EMOTION_NAMES, EMOTIONS, EXPRESSION, POSE, POSE_STYLES, SENTENCES, index

    gain = np.ones(len(EXPRESSION))
    for name, value in portrait.GAIN.items():
        gain[index(name)] = value
    return {
        "expression": EXPRESSION, "pose": POSE, "emotions": EMOTIONS, "emotion_names": EMOTION_NAMES, "felt": FELT,
        "sentences": SENTENCES,
        "styles": POSE_STYLES, "fades_s": FADES_S, "alpha": ALPHA, "counter": act.COUNTER, "codes": CODES,
        "eye_range_deg": performance.EYE_RANGE_DEG, "blink": performance.BLINK.tolist(),
        "manners": {code: asdict(m) for code, m in emotions.MANNERS.items()},
        "onset_s": emotions.ONSET_S, "decay_s": emotions.DECAY_S, "start": emotions.START, "end": emotions.END,
        "audio": {name.lower(): getattr(audio, name) for name in
                  ("SR", "FPS", "SAMPLES_PER_FRAME", "HOP_LENGTH", "N_FFT", "N_MELS", "PREEMPHASIS", "MEL_FLOOR",
                   "MIN_SECONDS")},
        "column_db": features.COLUMN_DB, "known_top": features.known_mean()[1],
        "reach": expnet.load_expnet()[0].config.reach,
        "voiced": {"ahead": voiced.AHEAD, "around": voiced.AROUND, "ease": voiced.EASE, "n": voiced.N,
                   "lags": [voiced.LAGS.start, voiced.LAGS.stop], "pitched": voiced.PITCHED,
                   "swing_db": voiced.SWING_DB, "swing_frames": voiced.SWING_FRAMES, "quiet_db": voiced.QUIET_DB,
                   "under_db": voiced.UNDER_DB, "forget_db": voiced.FORGET_DB},
        "posevae": {"context": posevae.load()[0].config.context, "chunk": posevae.CHUNK, "overlap": posevae.OVERLAP,
                    "start": posevae.START, "smooth": SMOOTH},
        "gain": gain.tolist(), "upper_face": portrait.UPPER_FACE, "lids": index(*openings.LID_ACTIONS),
        "model": {"camera_m": model.CAMERA_M, "head_width_m": model.HEAD_WIDTH_M, "neck": model.NECK_PIVOT.tolist()},
        "fit": {"face_oval": fit.FACE_OVAL, "outer_eyes": fit.OUTER_EYES, "pixel_std": fit.PIXEL_STD,
                "depth_std": fit.DEPTH_STD, "expression_std": fit.EXPRESSION_STD},
        "framing": {"crop": framing.CROP, "margin": framing.MARGIN, "near": framing.NEAR},
        "template": {"grid_m": tp.GRID_M, "openings": list(tp.OPENINGS)},
        "mesh": {"edge_m": mesh.EDGE_M, "edge_room_m": mesh.EDGE_ROOM_M, "turns": mesh.TURNS,
                 "closed_m": openings.CLOSED_M},
        "openings": {"spread_m": openings.SPREAD_M, "lid_m": openings.LID_M, "lower_lid_m": openings.LOWER_LID_M,
                     "brow_m": openings.BROW_M, "brows": openings.BROWS, "cheeks": openings.CHEEKS,
                     "upper_share": openings.UPPER_SHARE, "forget": openings.FORGET, "lid_pad_m": openings.LID_PAD_M,
                     "mouth_actions": openings.MOUTH_ACTIONS, "blink": openings.BLINK, "iris": openings.IRIS,
                     "bite_m": mouth_interior.BITE_M},
        "skin": render.SKIN.tolist(),
        "mouth": {name.lower(): np.asarray(getattr(mouth_interior, name)).tolist() for name in
                  ("UPPER_EDGES", "LOWER_EDGES", "UPPER_LENGTH", "LOWER_LENGTH", "LOWER_DOWN", "CAVITY", "TONGUE",
                   "GUM", "LOWER_ROW", "TOOTH", "SLIT_M")},
        "paint": {"lip_m": paint.LIP_M, "lip_dark": paint.LIP_DARK, "lash_m": paint.LASH_M,
                  "lash_dark": paint.LASH_DARK},
    }


# ---- command line -------------------------------------------------------------------------------------------
def add(commands, command, parser_class) -> None:
    """Add `tfg export` to the command line."""
    p = command(commands, "export", "Write the networks of `expression` for other programs (needs the extra: export).",
                run, epilog="examples:\n  tfg export onnx --out build/onnx\n"
                     "  tfg export onnx --hearing speech --out build/onnx_ear    whole sounds to faces")
    p.add_argument("kind", choices=(KIND,), help="onnx: ExpNet, PoseVAE and the linear emotion model, and the tables "
                                                 "that the static page reads")
    p.add_argument("--hearing", choices=HEARINGS, help="mel (default): what streams and the page use; speech: the "
                   "network for whole sounds with its ear, as `tfg animate` uses it")
    p.add_argument("--out", required=True, metavar="DIR", help="folder to write into; made if it is not there")


def run(given: dict) -> None:
    """Run `tfg export`."""
    total = 0
    for path in export(given["out"], given.get("hearing") or HEARINGS[0]):
        total += (size := path.stat().st_size)
        print(f"{path}  {size / 1e6:.2f} MB")
    print(f"{total / 1e6:.2f} MB in all")
