"""Figures, explorers and self-checks for the notebooks of the course."""
