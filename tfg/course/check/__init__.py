"""Self-checks for the exercises: `check.count_frames(count_frames)` compares yours with the reference.

A check prints one line: "✓", "✗" with the likely mistake, or "○ not done". TFG_STRICT=1 makes failures errors.
Each check is named after the function it tests; `judge(check, answer)` gives mark and message without printing.
A check returns the function that later cells should use: yours once it is right, the solution's until then.

    core     an exercise, its mark, comparing with the reference
    watch    what no answer may do: write into its arguments, cut the gradient, return nothing, take other arguments
    layers   a network that the learner wrote beside the reference: layers, settings, output
    steps    a training step that the learner wrote: what it moves, what it returns, in which order
    likely   mistakes named from the right result alone: sign, unit, off by one, transposed, sum for mean ...
    stopped  what an error in the learner's function likely means
"""
from __future__ import annotations

import importlib

_WHERE = {
    "core": ("judge", "Wrong", "exercise", "same", "solution"),
    "start": ("frame_at", "at_intensity", "mix"),
    "sound": ("count_frames", "hz_to_mel", "mel_window", "shift_sound", "find_offset"),
    "faces": ("resample", "head_tilt", "invert_similarity", "lip_gap", "jitter", "moving_average"),
    "heads": ("action_unit", "move", "project", "fit_loss", "emotion_change"),
    "photo": ("barycentric", "fill_map", "spread", "between_lips", "stretch"),
    "actors": ("dominance_blend", "envelope", "landmark_error", "pearson"),
    "windows": ("source_frames", "crop_matrix", "negative_starts", "leaks"),
    "emotion": ("fold_frames", "FrameNet", "soft_cross_entropy", "split_by_actor", "emotion_step", "confusion",
                "occlusion_map"),
    "dubbed": ("hide_face", "feelings", "may_refer"),
    "emogen": ("at_bottleneck", "FaceUnet", "weighted_l1", "gan_losses", "whole_loss", "train_step"),
    "expression": ("to_25fps", "TimeBlock", "VoiceToFace", "shut_lids", "code_and_price", "ToyVAE", "join_chunks",
                   "five_frames", "orthogonal"),
    "looks": ("DeformConv", "look_step"),
    "deformable": ("bilinear", "deform_conv", "remember", "right_truth", "emotion_losses"),
    "edits": ("AttentionGenerator", "critic_step"),
    "ietafs": ("unit_loss", "gradient_penalty", "compose", "cycle_loss", "frame_units"),
    "steer": ("Spade", "SpadeBlock", "paint_step"),
    "rhythmic": ("rigid_fit", "in_pose_of", "attend", "lay_over"),
    "lab": ("rank_correlation", "effect_sizes", "smallest_told", "specificity", "lse_c", "fid_infinite"),
    "board": ("sign_flip", "holm", "rank_ranges", "bradley_terry"),
    "scores": ("psnr", "window_ssim", "lmd", "frechet", "bootstrap", "paired_difference"),
    "syncnet": ("lower_half", "moments", "Tower", "sync_loss", "choice_loss", "sync_step", "sync_curve", "sync_scores"),
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names}
__all__ = sorted(_MODULE)


def __getattr__(name: str):
    """Import a name's module on first use. Not by lazy-loader, whose error does not list the names there are."""
    if name not in _MODULE:
        raise AttributeError(f"tfg.course.check has no {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(f"tfg.course.check.{_MODULE[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return __all__
