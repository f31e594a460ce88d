"""Blocks of networks, and their files: checkpoints and cards."""
