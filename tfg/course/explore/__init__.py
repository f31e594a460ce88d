"""Figures and sliders for the notebooks.

`draw_*` functions are pure: they take values and return a Matplotlib Figure. The functions without the prefix put
sliders in front of one of them. Everything is imported on first use, so that `import tfg.course.explore` costs nothing.
"""
from __future__ import annotations

import importlib

_WHERE = {
    "widgets": ("sliders", "listen"),
    "sound": ("draw_wave", "draw_slice", "draw_spectrogram", "draw_filterbank", "draw_mel", "draw_frame_map",
              "draw_offset", "lag_curve", "draw_lag_curve", "wave", "resolution", "frame_map", "offset"),
    "landmarks": ("draw_points", "draw_68", "draw_backends", "draw_alignment", "draw_jitter", "draw_smoothing",
                  "draw_faces", "draw_pairs", "points", "alignment", "smoothing"),
    "heads": ("UNIT_COEFFICIENTS", "coefficients", "draw_head", "draw_units", "draw_people", "draw_fit", "draw_fits",
              "draw_curves", "draw_changes", "draw_emotions", "head", "face_units", "fit_strength", "curves"),
    "photo": ("window_xy", "mouth_box", "draw_mesh", "draw_triangle", "draw_arrows", "draw_close", "draw_stretch",
              "draw_turned_too_far", "photo_moves"),
    "actors": ("draw_actor", "draw_speech", "draw_blend", "draw_envelopes", "draw_overlap", "draw_layers", "direct",
               "blending"),
    "networks": ("draw_network", "draw_pipeline"),
    "meter": ("METER", "agreement", "draw_true_and_seen", "draw_meter", "draw_spectra"),
    "corpora": ("film", "draw_clocks", "draw_boxes", "draw_crop", "draw_sizes", "draw_window", "draw_starts",
                "draw_scores", "draw_ranges", "window_parts", "source_frames", "clocks",
                "windows"),
    "syncnet": ("clip_parts", "draw_learning", "draw_sync", "draw_diagonals", "draw_found", "draw_slide", "slide"),
    "emotion": ("emotion_shares", "judge_shares", "played", "sliding", "confusion_matrix", "rater_confusion",
                "occlusion", "mixture", "close_up", "draw_fold", "draw_named", "draw_loss", "draw_progress",
                "draw_confusion", "draw_levels", "draw_occlusion", "draw_course", "draw_mix", "mix_emotions",
                "loss_of_share"),
    "emogen": ("asked", "dub_crops", "draw_grid", "draw_breathing", "draw_copy", "draw_wishes", "draw_feelings",
               "breathing_crop", "draw_duel", "feel"),
    "scores": ("SPOILS", "Lab", "clearest", "blurred", "shifted", "brighter", "late", "held", "other_mouth", "draw_lab",
               "draw_spoiled", "draw_films", "draw_values", "draw_structure", "draw_masks", "draw_gaps", "draw_bias",
               "draw_by_actor", "studies", "draw_studies", "spoil", "interval"),
    "lab": ("Bench", "bench", "lab_result", "draw_matrix", "draw_dose", "draw_broken", "break_one"),
    "doses": ("lab_values", "values_of", "draw_clips", "draw_told", "draw_shares", "draw_lengths", "draw_infinite"),
    "vectors": ("blink_signal", "with_blinks", "separate_chunks", "draw_against", "draw_agreements",
                "draw_bars", "draw_heads", "draw_reachable", "draw_parts", "draw_style", "one_coefficient", "styles"),
    "expression": ("along", "face_of", "draw_added", "draw_along", "draw_faces_row", "draw_feelings_of", "draw_errors",
                   "draw_own_table", "draw_added_emotion", "add_emotion"),
    "ietafs": ("cut", "quick_editor", "moved_by", "draw_edit_units", "draw_spread", "draw_critics", "draw_edit",
               "draw_attention", "draw_mask_means", "draw_frame_window", "draw_unit_curves", "draw_heard", "draw_voice",
               "unit_sliders", "attention_of", "voices"),
    "speaking": ("jaws", "acted", "face_crop", "told_of", "drawn_film", "looked"),
    "deformable": ("draw_reach", "draw_taps", "draw_padding", "draw_falls", "draw_phases", "draw_deformable",
                   "draw_following", "draw_noise", "draw_mismatch", "draw_truths", "offset_field", "noises",
                   "mismatches"),
    "turning": ("Sitter", "sitter", "sitter_of_photo", "look_around", "lent", "lip_gap", "drawn_frames", "shots_of",
                "moment_of", "face_area", "with_coefficients", "pitch_by"),
    "rhythmic": ("draw_turned", "draw_poses", "draw_canonical", "draw_best_guess", "draw_nods", "draw_lips",
                 "draw_swap", "draw_generator", "draw_over_shots", "draw_shots", "origins", "painted_origins",
                 "draw_origins", "draw_turn", "swap", "shots", "turn"),
    "board": ("people_of", "draw_board", "draw_by_person", "draw_differences", "draw_ranks", "ranks_of", "draw_cost",
              "draw_preferences", "other_people"),
    "start": ("draw_sheet", "draw_strip", "draw_motion", "emotion_face", "speak"),
}
_MODULE = {name: f"tfg.course.explore.{module}" for module, names in _WHERE.items() for name in names}
_MODULE |= dict.fromkeys(("COLOURS", "EMOTION_COLOURS"), "tfg.plot_style")
__all__ = sorted(_MODULE)


def __getattr__(name: str):
    """Import a name's module on first use. Not by lazy-loader, whose error does not list the names there are."""
    if name not in _MODULE:
        raise AttributeError(f"tfg.course.explore has no {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(_MODULE[name]), name)
    globals()[name] = value        # later accesses find it, and not a submodule of the same name
    return value


def __dir__():
    return __all__
