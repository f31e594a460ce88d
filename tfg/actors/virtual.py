"""A person who does not exist: the head of an `Identity`, painted, dressed and lit, in any expression and pose.

The constructor computes everything that is the same in all frames (about a second). A frame is then a matrix product, a
rasteriser and a shader (tfg.actors.look.draw, shade), drawn at twice its size and averaged.
"""
from __future__ import annotations

import numpy as np

from tfg.actors.actor import LAYER, Layers, check_size, mediapipe_z
from tfg.actors.identity import Identity
from tfg.actors.look import actions, bake, clothes, draw, eyes, mesh, scene, shade, skin, wrinkles
from tfg.actors.look.colour import linear
from tfg.errors import InputError
from tfg.head.model import HEAD_WIDTH_M, IRIS_M, NECK_PIVOT, Head, rotation
from tfg.vocabulary import EXPRESSION, index

SUPER = 2                   # samples of a pixel in each direction
CLOSED_LIPS_M = 0.0022      # distance of the landmarks of the inner lips while the lips touch
_INNER_LIPS = np.array([82, 13, 312, 87, 14, 317])
_BLINK = index("eyeBlink")
_JAW = index("jawOpen", "mouthClose", "mouthLowerDown", "mouthUpperUp", "mouthFunnel")


class VirtualActor:
    """The actor of an `Identity`. Its methods are those of tfg.actors.actor.Actor."""

    kind = "virtual"

    def __init__(self, identity: Identity, *, name: str = "V001", size: int = 128):
        """Build the face of an identity, which takes about a second.

        name: the actor's name in file names.  size: side of the square frames in px, even, 32 to 1024.
        Raises InputError for another size.
        """
        size = check_size(size)
        self.identity, self.name, self.seed, self.size = identity, name, identity.seed, (int(size), int(size))
        self.shape = np.array(identity.shape, np.float32)
        self.neutral = np.array(identity.neutral, np.float32)
        self.head = head = Head.load()
        rest = head.vertices(self.shape).astype(np.float32)
        offsets = head.expression * actions.gains()[:, None, None]
        rest = rest + actions.seal(head, rest, offsets) * offsets[index("mouthClose")[0]]
        under = clothes.under_neckline(identity.clothes)
        from tfg.head.render import vertex_normals

        n = vertex_normals(rest, head.triangles)
        rest = rest + n * (np.clip(under / 0.010, 0, 1) * 0.004)[:, None].astype(np.float32)
        still = np.clip(1 - under / 0.004, 0, 1)[None, :, None]                 # expressions do not move the clothes
        offsets = offsets * still
        pieces = mesh.pieces(head, identity, rest, offsets, self.neutral)
        pieces += clothes.collar(identity.clothes, under, rest, n, mesh.neck_turn())
        self.mesh = m = mesh.build(head, rest, offsets, under, pieces)
        w = size * SUPER
        cam = identity.camera
        self._scale = w * cam.head / HEAD_WIDTH_M
        self._shift = np.array([w * cam.x, w * cam.y], np.float32)
        self._rc = rotation(cam.yaw, cam.pitch, cam.roll).astype(np.float32)
        self.camera = {"scale_px_per_m": float(self._scale / SUPER), "distance_m": float(cam.distance_m),
                       "shift_px": [float((s + 0.5) / SUPER - 0.5) for s in self._shift],
                       "turned_deg": [cam.yaw, cam.pitch, cam.roll], "size_px": int(size)}
        self._lids = [actions.lid_gap(rest, offsets, eye) for eye in skin.margin_points()[::-1]]         # left, right
        self._bake()
        self._skin, self._detail = skin.paint(identity)
        self._folds = wrinkles.relief_map(skin.SIZE)
        self._eye = eyes.paint(identity)
        self._cloth = np.stack([linear(identity.clothes.colour), linear(identity.clothes.second)])
        self._background = self._backdrop = scene.background(identity.background, identity.light, w)
        self._grain, self._vignette = scene.film(identity.camera, size)
        self._curve = scene.curve(identity.light)
        k = len(m.base)
        self._v, self._q, self._n, self._t = (np.zeros((k, 3), np.float32) for _ in range(4))
        self._xy = np.zeros((k, 2), np.float32)
        self._attr = np.zeros((k, shade.N_ATTR), np.float32)
        self._z = np.zeros((w, w), np.float32)
        self._face, self._bary = np.zeros((w, w), np.int32), np.zeros((w, w, 2), np.float32)
        self._small = np.zeros((size, size, 3), np.float32)
        self._state = self._drawn = None

    @property
    def about(self) -> dict:
        """Description of the person's looks: sex, age, melanin, ancestry, hair, beard, background, clothes."""
        i = self.identity
        return {"sex": "male" if i.sex > 0.5 else "female", "age": i.age, "melanin": i.skin.melanin,
                "ancestry": dict(zip(("african", "asian", "caucasian"), i.ancestry, strict=True)),
                "hair": i.hair.style, "beard": i.beard.style, "background": i.background.kind,
                "clothes": i.clothes.kind}

    def personal(self, expression: np.ndarray) -> np.ndarray:
        """Translate asked expressions (..., 52) into absolute ones: neutral + (1 - neutral) * asked."""
        asked = np.asarray(expression, np.float32)
        return self.neutral + (1 - self.neutral) * asked

    def render(self, expression: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """Draw a frame of absolute coefficients (52,) and a pose (6,): (h, w, 3) uint8 RGB."""
        self._rasterise(expression, pose)
        m, light = self.mesh, self.identity.light
        direction, key = scene.key(light)
        scene_light = self._arriving(direction)
        shade.fill_attributes(self._n, scene_light, m.uv, m.aux, m.inside, self._attr)
        room, big = scene.room(light), self._background.copy()
        folds = wrinkles.depths(np.asarray(expression, np.float32), self.identity.skin.lines)
        shade.shade(self._face, self._bary, m.triangles, m.material, m.place, m.gloss, self._attr, self._t,
                    self._skin, self._detail, *self._folds, folds, self._eye, m.atlas, key, direction, room,
                    self._mouth_light(room), np.float32(1 / self._scale), np.ascontiguousarray(self._rc @ self._r),
                    self._cloth, clothes.PATTERNS.index(self.identity.clothes.pattern), big)
        out = np.empty((*self.size, 3), np.uint8)
        shade.resolve(big, self._grain, self._vignette, np.float32(0.12 * self.identity.camera.blur),
                      np.float32(light.exposure), self._curve, self._small, out)
        return out

    def move_background(self, px: float) -> None:
        """Move the background, and nothing else, to the right by px of the frame; its left edge is repeated."""
        at = np.maximum(np.arange(self._backdrop.shape[1]) - round(px * SUPER), 0)
        self._background = np.ascontiguousarray(self._backdrop[:, at])

    def landmarks(self, expression: np.ndarray, pose: np.ndarray | None = None) -> np.ndarray:
        """Landmarks of the frame: (478, 3) float32 px, see `tfg.actors.actor.Actor.landmarks`."""
        self._pose(expression, pose)
        v = len(self.head.mean)
        q = self.head.at_landmarks(self._q[:v])
        iris = q[468:].reshape(2, 5, 3)
        iris[:, 1:] = iris[:, :1] + (iris[:, 1:] - iris[:, :1]) * (self.identity.iris.size_m / IRIS_M)
        f = self._scale / (1 - q[:, 2] / self.identity.camera.distance_m)
        xy = np.stack([q[:, 0] * f, -q[:, 1] * f], 1) + self._shift
        xy = (xy + 0.5) / SUPER - 0.5
        return np.concatenate([xy, mediapipe_z(-q[:, 2], self._scale / SUPER)[:, None]], 1).astype(np.float32)

    def layers(self, expression: np.ndarray, pose: np.ndarray | None = None) -> Layers:
        """Labels and depth of the frame: the majority label of a pixel's four samples, and the depth of the nearest."""
        self._rasterise(expression, pose)
        m = self.mesh
        h, w = self.size
        face = np.ascontiguousarray(self._face)
        b = self._bary
        bary = np.concatenate([b, 1 - b.sum(-1, keepdims=True)], -1)
        tri = m.triangles[face]
        lut = np.array([LAYER[n] for n in ("skin", "eyes", "teeth", "mouth", "clothes", "hair", "eyes")], np.uint8)
        label = lut[m.material[face]]
        on_skin = label == LAYER["skin"]
        at = {k: (x[tri] * bary).sum(-1) for k, x in (("aux", m.aux), ("inside", m.inside), ("lips", self._lips()))}
        label[on_skin & (at["lips"] > 0.5)] = LAYER["lips"]
        label[on_skin & (at["inside"] > 0.5)] = LAYER["mouth"]
        label[on_skin & (at["aux"] > 0)] = LAYER["clothes"]
        label[face < 0] = LAYER["background"]
        four = label.reshape(h, SUPER, w, SUPER).swapaxes(1, 2).reshape(h, w, SUPER**2)
        votes = np.stack([(four == k).sum(-1) for k in range(len(LAYER))], -1)
        depth = np.where(face < 0, np.inf, self.identity.camera.distance_m - self._z)
        depth = depth.reshape(h, SUPER, w, SUPER).min((1, 3)).astype(np.float32)
        votes[..., 0] = 9 * (votes[..., 0] > 1)                                     # half or more: background
        labels = votes.argmax(-1).astype(np.uint8)
        depth[labels == LAYER["background"]] = np.inf
        return Layers(labels, depth)

    def flow(self, a: tuple, b: tuple) -> np.ndarray:
        """Optical flow from state a = (expression, pose) to state b: (h, w, 2) float32 px.

        It is the movement of the surface point seen at each pixel (the nearest of its four samples), also where
        something else hides that point in b; NaN where more than one sample is background.
        """
        h, w = self.size
        self._pose(*b)
        there = self._xy.copy()
        self._rasterise(*a)
        tri = self.mesh.triangles[self._face]
        bary = np.concatenate([self._bary, 1 - self._bary.sum(-1, keepdims=True)], -1)
        step = ((there - self._xy)[tri] * bary[..., None]).sum(-2) / SUPER

        def four(x):
            return x.reshape(h, SUPER, w, SUPER, -1).swapaxes(1, 2).reshape(h, w, SUPER**2, -1)

        nearest = four(self._z)[..., 0].argmax(-1)
        out = np.take_along_axis(four(step), nearest[..., None, None], 2)[:, :, 0].astype(np.float32)
        out[(four(self._face)[..., 0] < 0).sum(-1) > 1] = np.nan
        return out

    # ---- the parts of a frame ---------------------------------------------------------------------------------
    def _lips(self):
        """Weight of the lips at each vertex of the mesh: (N,) float32 in [0, 1]."""
        out = np.zeros(len(self.mesh.base), np.float32)
        out[:len(self.head.mean)] = self.head.masks["lips"]
        return out

    def _mouth_light(self, room):
        """Linear colour of the light inside the mouth, and the opening of the lips (1 from about 6 mm on): (4,)."""
        tri, weight = self.head.landmark_triangles[_INNER_LIPS], self.head.landmark_weights[_INNER_LIPS]
        upper, lower = (self._v[tri, 1] * weight).sum(-1).reshape(2, -1)
        opened = np.clip(0.06 + ((upper - lower).max() - CLOSED_LIPS_M) / 0.006, 0.06, 1)
        return np.append(room * opened, opened).astype(np.float32)

    def _bake(self):
        """Compute the soft light of the resting face, and its change on lids and lips when eyes close and lips open."""
        m = self.mesh
        rest = m.base.copy()
        rest[:m.offsets.shape[1]] += np.tensordot(self.neutral, m.offsets, 1)
        n = np.empty_like(rest)
        draw.normals(rest[:m.first], m.triangles[:m.opaque], n[:m.first])
        n[m.first:] = m.normal
        seen = bake.visibility(rest, n, m.triangles[m.solid])
        self._open_rows, seen_open, n_open = actions.opened(self.head, m)
        if len(m.light):        # hairs let light through: mix the visibility with and without hair as an obstacle
            bare = bake.visibility(rest, n, m.triangles[:m.opaque])
            seen[m.first:] = (0.4 * seen + 0.6 * bare)[m.first:] * m.light[:, None]
        self._seen, self._transfer = seen, bake.transfer(seen, n)
        self._seen_open = seen_open - seen[self._open_rows]
        self._transfer_open = bake.transfer(seen_open, n_open) - self._transfer[self._open_rows]
        lid = self.head.masks["lids"][self._open_rows]
        right = self.head.mean[self._open_rows, 0] < 0
        self._open_by = np.stack([lid * ~right, lid * right, 1 - lid], 1).astype(np.float32)

    def _arriving(self, direction):
        """Light at each vertex: (N, 4), the linear colour of the surroundings' light, and the visibility of the key."""
        r = self._r
        d = bake.directions() @ (self._rc @ r).T                        # the head's directions, seen by the camera
        env, weight = scene.surroundings(self.identity.light, d, direction)
        out = np.concatenate([self._transfer @ env, self._seen @ weight[:, None]], 1)
        change = np.concatenate([self._transfer_open @ env, self._seen_open @ weight[:, None]], 1)
        out[self._open_rows] += change * (self._open_by @ self._opened_now)[:, None]
        return out

    def _pose(self, expression, pose):
        """Move the vertices to an expression and a pose, unless they are there. Raises InputError for wrong arrays."""
        expression = np.ascontiguousarray(expression, np.float32)
        pose = np.zeros(6) if pose is None else np.asarray(pose, float)
        if expression.shape != (len(EXPRESSION),) or pose.shape != (6,):
            raise InputError(f"An expression of shape {expression.shape} and a pose of shape {pose.shape} were given: "
                             "one frame has (52,) coefficients and a pose of (6,).")
        if not (np.isfinite(expression).all() and np.isfinite(pose).all()):
            raise InputError("An expression or a pose with NaN or infinite values was given: fill the frames that were "
                             "not measured first.")
        state = expression.tobytes() + pose.tobytes()
        if state == self._state:
            return
        m, cam = self.mesh, self.identity.camera
        self._r = rotation(*pose[:3]).astype(np.float32)
        draw.deform(m.base, m.offsets, actions.shut(expression, self._lids), self._v)
        draw.view(self._v, m.turn, self._r, NECK_PIVOT, (pose[3:] * HEAD_WIDTH_M).astype(np.float32), self._rc,
                  np.float32(cam.distance_m), np.float32(self._scale), self._shift[0], self._shift[1], self._q,
                  self._xy)
        blink, jaw = expression[_BLINK], expression[_JAW]
        opened = np.clip(2.2 * jaw[0] * (1 - jaw[1]) + 0.5 * jaw[2:].sum(), 0, 1)
        self._opened_now = np.array([blink[0], blink[1], opened], np.float32)
        self._state, self._drawn = state, None

    def _rasterise(self, expression, pose):
        """Find the triangle, its barycentric coordinates and the depth at each sample, unless they are computed."""
        self._pose(expression, pose)
        if self._drawn == self._state:
            return
        m = self.mesh
        draw.normals(self._q[:m.first], m.triangles[:m.n_skin], self._n[:m.first])
        self._n[m.edge[:, 0]] = self._n[m.edge[:, 1]]
        draw.turn_frame(m.normal, m.tangent, np.ascontiguousarray(self._rc @ self._r), self._n[m.first:],
                        self._t[m.first:])
        self._z.fill(-1e9)
        self._face.fill(-1)
        draw.raster(self._xy, self._q, m.triangles, 0, len(m.triangles), m.two_sided, m.uv, m.atlas, m.place, self._z,
                    self._face, self._bary)
        self._drawn = self._state
