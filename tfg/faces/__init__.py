"""Pixels to measurements: faces, landmarks, expression coefficients, pose, Action Units, alignment."""
