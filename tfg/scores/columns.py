"""Definitions of the scores: name in tables, direction that is better, judge, and a note for each."""
from __future__ import annotations

from dataclasses import dataclass

FILM = ("film",)
TASKS = {"film": "dubbing: the face of a film is drawn anew, head and surroundings stay as filmed",
         "portrait": "one photo: the head moves by itself, so pixels and places do not correspond to the true film's",
         "redub": "dubbing of another take: a film in which the person says another sentence, or with another emotion, "
                  "gets this clip's sound and emotion; head and eyes stay as filmed there, so pixels and places do not "
                  "correspond"}
"""The tasks of systems (`task` of `tfg.systems.base.System`), as tables explain them."""


@dataclass(frozen=True)
class Score:
    """One score.

    title: its name in tables.  better: 1 where more is better, -1 where less is, 0 for neither.  digits: after the
    point.  judge: the network or meter that it needs, "" for none.  about: one line under the tables.  group: its
    table.  undefined: rows for which it is not defined, which show a dash.  tasks: tasks for which it is defined; for
    others it is a dash in every row.
    """

    title: str
    better: int
    digits: int
    judge: str
    about: str
    group: str
    undefined: tuple[str, ...] = ()
    tasks: tuple[str, ...] = tuple(TASKS)

    def defined(self, row: str, task: str) -> bool:
        """Whether the score is defined for a row of a system of that task."""
        return row not in self.undefined and task in self.tasks


SCORES: dict[str, Score] = {
    "psnr": Score("PSNR, dB", 1, 2, "", "of the whole crop, on floats; mean of frames, of clips, of actors; frames "
                  "equal to the truth (infinite) are left out", "pictures", ("true",), FILM),
    "ssim": Score("SSIM", 1, 3, "", "of the whole crop; Gaussian window of 11 px (Wang et al. 2004)", "pictures",
                  ("true",), FILM),
    "psnr_mask": Score("PSNR face, dB", 1, 2, "", "the same, pixels weighted by how far they are of the face, which is "
                       "one region for all systems", "pictures", ("true",), FILM),
    "ssim_mask": Score("SSIM face", 1, 3, "", "the same, windows weighted by that region", "pictures", ("true",), FILM),
    "psnr_drawn": Score("PSNR drawn, dB", 1, 2, "", "the same, pixels weighted by the mask of what this system draws",
                        "pictures", ("true",), FILM),
    "ssim_drawn": Score("SSIM drawn", 1, 3, "", "the same, windows weighted by that mask", "pictures", ("true",), FILM),
    "face_lpips": Score("face-LPIPS", -1, 4, "judge_encoder", "LPIPS' formula on our own face encoder: not comparable "
                        "with published LPIPS", "pictures", ("true",), FILM),
    "csim": Score("CSIM", 1, 3, "identity", "cosine of identity embeddings of drawn and true frames", "pictures",
                  ("true",)),
    "lmd_mouth": Score("LMD mouth", -1, 4, "landmarks", "mean distance of 20 points in outer-eye distances; landmarks "
                       "measured on drawn and on true frames", "lips", ("true",), FILM),
    "lmd_face": Score("LMD face", -1, 4, "landmarks", "the same of all 68 points", "lips", ("true",), FILM),
    "aperture_r": Score("lip-aperture r", 1, 3, "landmarks", "Pearson's r of the measured inner-lip gaps; not defined "
                        "for lips that do not move, which count as 0 in paired differences", "lips", ("true",)),
    "lse_d": Score("LSE-D", -1, 3, "judge_sync", "smallest mean distance over shifts of -15 to 15 frames; own judge: "
                   "not comparable with published LSE", "sync"),
    "lse_c": Score("LSE-C", 1, 3, "judge_sync", "median of those distances minus the smallest", "sync"),
    "offset": Score("offset, frames", 0, 2, "judge_sync", "the shift of the smallest distance; positive: the sound is "
                    "late", "sync"),
    "in_sync": Score("offset within 1", 1, 3, "judge_sync", "share of clips", "sync"),
    "d0": Score("D(0)", -1, 3, "judge_sync", "the distance without any shift, which forgives no lag", "sync"),
    "accuracy": Score("emotion accuracy", 1, 3, "judge_emotion", "share of clips of which the judge names the emotion "
                     "asked for; chance is 1/6", "emotion"),
    "probability": Score("probability", 1, 3, "judge_emotion", "that the judge gives to the emotion asked for",
                         "emotion"),
    "accuracy_published": Score("emotion accuracy, published judge", 1, 3, "mini_xception", "the same by a network "
                                "that others trained on photographs (mini-XCEPTION, pixels); compare it with the true "
                                "clips' row", "emotion"),
    "probability_published": Score("probability, published judge", 1, 3, "mini_xception", "that it gives to the "
                                   "emotion asked for, mean of frames; surprise is left out, the other six sum to 1",
                                   "emotion"),
    "found": Score("face found", 1, 3, "landmarks", "share of frames in which the meter finds a face", "lips"),
}
DRAWN = ("psnr_drawn", "ssim_drawn")
"""Extra columns of systems that give a mask of the part they draw (`System.drawn_mask`)."""
BESIDE = ("true", "copy", "still", "shuffled")
"""Rows beside the system's own, in the order of the tables."""
ABOUT = {"true": "the clips themselves", "copy": "the reference as it is: another take of the actor, another emotion",
         "shuffled": "the system, given another clip's sound; scored against this clip's truth and sound"}
STILL = {"film": "the clip's own first frame, held", "portrait": "the photo, held",
         "redub": "the first frame of the film that is dubbed, held"}


def about(row: str, task: str) -> str:
    """Description of a row, for a system of that task."""
    return STILL[task] if row == "still" else ABOUT.get(row, "the system")
