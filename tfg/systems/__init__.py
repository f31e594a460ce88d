"""The systems that make a face speak, a folder each, and what they share; `tfg.registry` lists them."""
