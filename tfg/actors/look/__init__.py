"""How a virtual actor looks: what is painted once per person, the geometry of hair and clothes, and light.

`people` and `scene` draw the numbers of `tfg.actors.identity`; `actions` turns coefficients into weights; `chart`,
`skin`, `brows`, `wrinkles`, `eyes` paint; `teeth`, `clothes`, `hair` (with `hair_style`, `cuts`, `strands`, `scalp`,
`beard`) make `piece`s and `part`s that `mesh` joins; `bake` finds soft shadows once; `draw` and `shade` are the
kernels of a frame.
"""
