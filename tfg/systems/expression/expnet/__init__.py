"""ExpNet: network from sound to the expression of a whole face, without emotion."""
