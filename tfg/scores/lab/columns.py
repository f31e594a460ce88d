"""The scores of the lab, and what each of them should see: declared here, before anything is measured.

Those of `tfg.scores.columns` are there under their own names. The others close holes: pictures by region, size of the
lips' opening, closures, motion of the head, flicker, and the padding of LSE as it is usual elsewhere.
"""
from __future__ import annotations

from dataclasses import dataclass, field

from tfg.scores.columns import SCORES

PICTURE = ("blur", "flicker", "codec")
FACE = ("lips_small", "lips_large", "closures", "emotion", "head", "identity")


@dataclass(frozen=True)
class LabScore:
    """A score of the lab.

    title: its name.  digits: after the point.  sees: defect that it should see -> 1 if the score rises with the dose,
    -1 if it falls.  may: defects that it may follow or not, which are no fault either way; all others must leave it
    alone.  group: its part of the table.  about: one line for a score that is not in `tfg.scores.columns.SCORES`.
    """

    title: str
    digits: int
    sees: dict[str, int]
    may: tuple[str, ...] = ()
    group: str = "pictures"
    about: str = field(default="", compare=False)

    @property
    def own(self) -> tuple[str, ...]:
        """Defects that it should see."""
        return tuple(self.sees)


def _known(key: str, own: tuple[str, ...], may: tuple[str, ...] = (), sign: int | None = None) -> LabScore:
    """A score of SCORES: it gets worse with the dose of its own defects, or moves by `sign`."""
    s = SCORES[key]
    return LabScore(s.title, s.digits + (s.better != 0), dict.fromkeys(own, sign or -s.better), may, s.group, s.about)


def _more(title: str, digits: int, own: dict[str, int], may: tuple[str, ...], group: str, about: str) -> LabScore:
    return LabScore(title, digits, own, may, group, about)


LAB_SCORES: dict[str, LabScore] = {
    "psnr": _known("psnr", (*PICTURE, "background", "identity", "head", "emotion"), FACE),
    "ssim": _known("ssim", (*PICTURE, "background", "identity", "head", "emotion"), FACE),
    "psnr_mask": _known("psnr_mask", (*PICTURE, "identity", "head", "emotion", "lips_small"), FACE),
    "ssim_mask": _known("ssim_mask", (*PICTURE, "identity", "head", "emotion", "lips_small"), FACE),
    "psnr_mouth": _more("PSNR mouth, dB", 2, dict.fromkeys((*PICTURE, "lips_small", "lips_large", "emotion"), -1),
                        FACE, "pictures", "PSNR, pixels weighted by a soft oval around the mouth, fixed in the crop"),
    "ssim_mouth": _more("SSIM mouth", 4, dict.fromkeys((*PICTURE, "lips_small", "lips_large", "emotion"), -1),
                        FACE, "pictures", "SSIM, windows weighted by that oval"),
    "psnr_around": _more("PSNR around, dB", 2, dict.fromkeys((*PICTURE, "background"), -1), ("head", "identity"),
                         "pictures", "PSNR of what is around the face (outside the wide oval of `face_region`)"),
    "ssim_around": _more("SSIM around", 4, dict.fromkeys((*PICTURE, "background"), -1), ("head", "identity"),
                         "pictures", "SSIM of the same region"),
    "flicker": _more("flicker", 3, {"flicker": 1}, (), "pictures", "the median over 16 tiles of the rms second "
                     "difference in time of the tile's brightness, of 255; it needs no true film"),
    "face_lpips": _known("face_lpips", ("blur", "identity", "head", "emotion"), (*FACE, *PICTURE, "background")),
    "face_fid": _more("face-FID", 4, {"blur": 1, "identity": 1, "emotion": 1}, (*FACE, *PICTURE), "pictures",
                      "Fréchet distance of all clips' frames to the true ones, on our own face "
                      "encoder; its interval is a jackknife over actors"),
    "csim": _known("csim", ("identity",), ()),
    "lmd_mouth": _known("lmd_mouth", ("lips_small", "lips_large", "emotion", "head"), ("identity", "closures")),
    "lmd_face": _known("lmd_face", ("emotion", "head"), FACE),
    "aperture_r": _known("aperture_r", ("lips_small", "lips_large", "closures"), ("emotion",)),
    "lip_range": _more("lip range", 3, {"lips_small": -1, "lips_large": 1}, ("emotion", "closures"), "lips",
                       "range of the measured lip gap (5th to 95th percentile) over that of the true film; 1 is right, "
                       "r is blind to it"),
    "closed": _more("closures kept", 3, {"closures": -1}, ("emotion", "lips_small", "lips_large"), "lips",
                    "share of p, b, m in which the measured gap falls as low as in the true film, up to 15 % of its "
                    "range"),
    "found": _known("found", (), ()),
    "head_error": _more("head error, degrees", 3, {"head": 1}, ("identity",), "motion",
                        "mean distance of measured yaw, pitch and roll from those of the true film"),
    "head_range": _more("head-motion diversity", 3, {"head": -1}, ("identity",), "motion",
                        "mean standard deviation of measured yaw, pitch and roll, degrees; it needs no true film"),
    "beats": _more("beat alignment", 3, {"late": -1, "head": -1}, (), "motion", "closeness of the measured head's "
                   "beats to the sound's onsets (Li et al. 2021)"),
    "blinks": _more("blinks per minute", 2, {}, ("emotion", "identity"), "motion", "dips of the measured lids' "
                    "aperture; no defect of the lab touches blinks"),
    "lse_d": _known("lse_d", ("late", "lips_small"), ("lips_large", "closures")),
    "lse_c": _known("lse_c", ("late", "lips_small"), ("lips_large", "closures")),
    "lse_c_padded": _more("LSE-C, zero-padded", 4, {"late": -1, "lips_small": -1}, ("lips_large", "closures"), "sync",
                          "LSE-C with zeros beyond the clip's ends, as the usual script computes it"),
    "d0": _known("d0", ("late", "lips_small"), ("lips_large", "closures")),
    "offset": _known("offset", ("late",), (), 1),
    "in_sync": _known("in_sync", ("late",), ()),
    "accuracy": _known("accuracy", ("emotion",), ("lips_small", "lips_large")),
    "probability": _known("probability", ("emotion",), ("lips_small", "lips_large")),
}
"""Score -> declaration, in the order of tables."""
