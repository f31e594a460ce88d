"""Looks of the virtual actors: textures painted once per person, geometry of hair and clothes, and light.

`phenotypes` and `scene` draw the numbers of `tfg.actors.identity` at random; `actions` turns coefficients into weights
of the head's shapes; `chart`, `skin`, `brows`, `wrinkles` and `eyes` paint textures; `teeth`, `clothes` and `hair`
(with `hair_style`, `haircuts`, `strands`, `scalp`, `skull`, `beard`) make `piece`s and `part`s, which `mesh` joins;
`bake` computes soft shadows once; `draw` and `shade` are the kernels that draw a frame.
"""
