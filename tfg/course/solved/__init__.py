"""The solved exercises, one module for each chapter: written by `python -m tools.solved`; do not edit."""
