"""What is scored: for each score its name in tables, which way is better, who judges, and what to know about it."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """title: as in tables.  better: 1 more, -1 less, 0 neither.  digits: after the point.  judge: "" or the network or
    meter that it needs.  about: one line under the tables.  group: which table.  undefined: rows that it says nothing
    about, shown as such."""

    title: str
    better: int
    digits: int
    judge: str
    about: str
    group: str
    undefined: tuple[str, ...] = ()


SCORES: dict[str, Score] = {
    "psnr": Score("PSNR, dB", 1, 2, "", "of the whole crop, on floats; mean of frames, of clips, of actors; frames "
                  "equal to the truth (infinite) are left out", "pictures", ("true",)),
    "ssim": Score("SSIM", 1, 3, "", "of the whole crop; Gaussian window of 11 px (Wang et al. 2004)", "pictures",
                  ("true",)),
    "psnr_mask": Score("PSNR face, dB", 1, 2, "", "the same, pixels weighted by the mask of what is drawn", "pictures",
                       ("true",)),
    "ssim_mask": Score("SSIM face", 1, 3, "", "the same, windows weighted by that mask", "pictures", ("true",)),
    "face_lpips": Score("face-LPIPS", -1, 4, "judge_encoder", "LPIPS' formula on our own face encoder: not comparable "
                        "with published LPIPS", "pictures", ("true",)),
    "csim": Score("CSIM", 1, 3, "identity", "cosine of identity embeddings of drawn and true frames", "pictures",
                  ("true",)),
    "lmd_mouth": Score("LMD mouth", -1, 4, "landmarks", "mean distance of 20 points in outer-eye distances; landmarks "
                       "measured on drawn and on true frames", "lips", ("true",)),
    "lmd_face": Score("LMD face", -1, 4, "landmarks", "the same of all 68 points", "lips", ("true",)),
    "aperture_r": Score("lip-aperture r", 1, 3, "landmarks", "Pearson's r of the measured inner-lip gaps; not defined "
                        "for lips that do not move, which count as 0 in paired differences", "lips", ("true",)),
    "lse_d": Score("LSE-D", -1, 3, "judge_sync", "smallest mean distance over shifts of -15 to 15 frames; own judge: "
                   "not comparable with published LSE", "sync"),
    "lse_c": Score("LSE-C", 1, 3, "judge_sync", "median of those distances less the smallest", "sync"),
    "offset": Score("offset, frames", 0, 2, "judge_sync", "the shift of the smallest distance; positive: the sound is "
                    "late", "sync"),
    "in_sync": Score("offset within 1", 1, 3, "judge_sync", "share of clips", "sync"),
    "d0": Score("D(0)", -1, 3, "judge_sync", "the distance without any shift, which forgives no lag", "sync"),
    "accuracy": Score("emotion accuracy", 1, 3, "judge_emotion", "share of clips of which the judge names the emotion "
                     "asked for; chance is 1/6", "emotion"),
    "probability": Score("probability", 1, 3, "judge_emotion", "that the judge gives to the emotion asked for",
                         "emotion"),
    "found": Score("face found", 1, 3, "landmarks", "share of frames in which the meter finds a face", "lips"),
}
BESIDE = ("true", "copy", "still", "shuffled")
"""Rows beside the system's own, in the order of the tables."""
ABOUT = {"true": "the clips themselves", "copy": "the reference as it is: another take of the actor, another emotion",
         "still": "the clip's own first frame, held", "shuffled": "the system, given another clip's sound; scored "
         "against this clip's truth and sound"}
