"""The training loop and its parts: batches, augmentation, log, states, warm starts. Importing the room is light."""
