"""From pixels to measurements: faces, landmarks, expression coefficients, pose, Action Units, alignment.

The most used names can be imported from here; each loads its libraries only when it is called. `tfg.faces.measure` is
a module; its function `measure` measures a video.
"""
from __future__ import annotations

from tfg.faces.au_readers import measure_aus
from tfg.faces.aus import action_units
from tfg.faces.geometry import brow_height, eye_aperture, lip_gap, mouth_width
from tfg.faces.landmarks import Face, Landmarker, detect, one_face
from tfg.faces.measure import best_frontal_frame, track
from tfg.faces.points68 import to_68

__all__ = ["Face", "Landmarker", "action_units", "best_frontal_frame", "brow_height", "detect", "eye_aperture",
           "lip_gap", "measure_aus", "mouth_width", "one_face", "to_68", "track"]
