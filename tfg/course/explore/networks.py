"""Diagram of a network, drawn from the network itself, for the chapters that train one."""
from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tfg.course.traced import Block, beside, trace, words
from tfg.plot_style import COLOURS, GRID, INK, PAPER, figure

MOST = 24
"""Most boxes of a diagram."""
COLUMNS, WIDE, LETTERS = 9, 1.1, 17
"""Boxes in a line, inches for each, letters in a line of the words below it."""
LINE, TALL = .125, .82
"""Inches for a line of words, and for the tallest box."""
FILLS = {"Transpose": "#f0c9b8", "Up": "#f0c9b8", "Conv": "#cfdcec", "LSTM": "#f6e3b4", "GRU": "#f6e3b4",
         "Linear": "#e7dcec"}
"""Colours of boxes by what is in them; the first that fits counts."""


@dataclass
class _Row:
    """Blocks drawn side by side.  blocks: their positions.  rows: numbers of the rows that lead into it."""

    blocks: list[int] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)


def draw_network(module, *inputs: Any, title: str = "", depth: int = 2):
    """The parts of a network in the order in which they run, found by running it once on `inputs`.

    module: a torch.nn.Module; its mode, weights and hooks stay as they are.  inputs: what its `forward` takes, tensors
    of (B, ...).  title: "" for its class.  depth: levels below the network down to which parts are drawn; fewer where
    these would be more than `MOST` boxes.  A box is as tall as its map (each doubling counts alike) and as wide as its
    channels. Each row begins with what comes in; rows that meet go on in a row of their own.
    Raises ValueError: no network, or inputs that it cannot run on.
    """
    for level in range(depth, 0, -1) if depth > 1 else (depth,):
        blocks, answer = trace(module, inputs, level)
        nodes = _folded(_joined([*blocks, answer]))
        if len(nodes) <= MOST:
            break
    nodes = _shortened(nodes)
    total = sum(p.numel() for p in module.parameters())
    left = ", ".join(f"{name} ({n:,} parameters)" for name, n in beside(module, blocks).items())
    return _drawn(nodes, f"{title or type(module).__name__}: {total:,} parameters", left)


# ---- fewer boxes ----------------------------------------------------------------------------------------------
def _joined(blocks: list[Block]) -> list[Block]:
    """Norms, activations and the like belong to the block before them."""
    keep: list[Block] = []
    to: dict[int, int] = {}
    for k, block in enumerate(blocks):
        gets = {to[g] for g in block.gets}
        last = max(gets, default=-1)
        if block.plain and last == len(keep) - 1 and _beside(block, keep[last]):
            old = keep[last]
            old.kinds += [kind for kind in block.kinds if kind not in ("Identity", *old.kinds)]
            old.shape, old.many, old.parameters = block.shape, block.many, old.parameters + block.parameters
            old.gets |= gets - {last}
            to[k] = last
        else:
            to[k] = len(keep)
            keep.append(replace(block, gets=gets, kinds=list(block.kinds)))
    return keep


def _beside(a: Block, b: Block) -> bool:
    """Whether two blocks lie in one part: in one list, in none, or at one place of two lists."""
    (in_a, _, end_a), (in_b, _, end_b) = a.name.rpartition("."), b.name.rpartition(".")
    inside = a.parent == b.parent and b.module is not None
    return inside and (in_a == in_b or (end_a == end_b and a.parent not in (in_a, in_b)))


def _folded(blocks: list[Block], alike=None) -> list[Block]:
    """Blocks of one list or sequence that follow each other and are alike, as one."""
    alike = alike or (lambda a, b: (type(a.module), a.shape, a.many, a.parameters) == (type(b.module), b.shape, b.many,
                                                                                      b.parameters))
    keep: list[Block] = []
    first: list[Block] = []
    to: dict[int, int] = {}
    for k, block in enumerate(blocks):
        gets, last = {to[g] for g in block.gets}, len(keep) - 1
        same = keep and block.module is not None and keep[-1].module is not None and last in gets and (
            gets - {last} <= keep[-1].gets and _stem(block.name) == _stem(keep[-1].name)) and alike(first[-1], block)
        if same:
            old = keep[-1]
            old.name = f"{first[-1].name} to {block.name.rsplit('.', 1)[-1]}" if not block.again else old.name
            old.runs, old.parameters = old.runs + block.runs, old.parameters + block.parameters
            old.shape, old.many = block.shape, block.many
            shared = set(", ".join(block.kinds).split(", "))
            old.kinds = [part for part in ", ".join(old.kinds).split(", ") if part in shared] or ["various"]
            to[k] = last
        else:
            to[k] = len(keep)
            keep.append(replace(block, gets=gets, kinds=list(block.kinds)))
            first.append(block)
    return keep


def _shortened(blocks: list[Block]) -> list[Block]:
    """At most `MOST` blocks: first all neighbours of a list or sequence are one, then those in the middle are."""
    if len(blocks) > MOST:
        blocks = _folded(blocks, lambda a, b: True)
    if len(blocks) <= MOST:
        return blocks
    inputs = sum(block.module is None for block in blocks[:-1])
    start, stop = max(inputs, MOST // 2), len(blocks) - (MOST - max(inputs, MOST // 2) - 1)
    hidden = blocks[start:stop]
    to = {k: k if k < start else start if k < stop else k - len(hidden) + 1 for k in range(len(blocks))}
    middle = Block("and so on", [f"{len(hidden)} more parts"], hidden[-1].shape, hidden[-1].many,
                   sum(b.parameters for b in hidden), set().union(*(b.gets for b in hidden)), module=hidden[0].module)
    out = [*blocks[:start], middle, *blocks[stop:]]
    return [replace(b, gets={to[g] for g in b.gets} - {k}) for k, b in enumerate(out)]


def _stem(name: str) -> str:
    return name.split(" to ")[0].rpartition(".")[0] or name


# ---- rows -----------------------------------------------------------------------------------------------------
def _rows(nodes: list[Block]) -> list[_Row]:
    """Rows of blocks: one for what begins with inputs alone, one for what several rows lead into."""
    rows: list[_Row] = []
    row_of: dict[int, int] = {}
    for k, node in enumerate(nodes):
        if _is_input(node):
            continue
        before = {row_of[g] for g in node.gets if g in row_of}
        into = next((r for r in sorted(before, reverse=True) if before - {r} <= _behind(rows, r)), None)
        if before and into is None:
            into = next((r for r, row in enumerate(rows) if before <= row.rows), None)
        if into is None:
            into = len(rows)
            rows.append(_Row(sorted(g for g in node.gets if g not in row_of) if not before else [], before))
            row_of |= dict.fromkeys(rows[-1].blocks, into) if not before else {}
        rows[into].blocks.append(k)
        row_of[k] = into
    for k, node in enumerate(nodes):                                      # inputs that nothing was seen to read
        if _is_input(node) and not any(k in other.gets for other in nodes):
            rows.append(_Row([k]))
    return rows


def _behind(rows: list[_Row], r: int) -> set[int]:
    """Rows that lead into row r, by way of others, too."""
    return rows[r].rows.union(*(_behind(rows, other) for other in rows[r].rows))


def _is_input(node: Block) -> bool:
    return node.kinds == ["input"] and node.module is None


# ---- drawing --------------------------------------------------------------------------------------------------
def _drawn(nodes: list[Block], title: str, left: str):
    rows = _rows(nodes)
    lines = [(r, line) for r, row in enumerate(rows) for line in _lines(row.blocks)]
    about = {k: _about(k, nodes, rows, r) for r, row in enumerate(rows) for k in row.blocks}
    heights = [TALL + .3 + LINE * max(len(about[k]) for k in line) for _, line in lines]
    wide = max(max(len(line) for _, line in lines) * WIDE + .65, 6.0)
    notes = textwrap.wrap(f"in no box: {left}", int(wide * 14)) if left else []
    many = max(node.many for node in nodes)
    notes.append("tall: large maps    wide: many channels    (each doubling adds the same)"
                 + f"    {many} of: so many for each example" * (many > 1))
    high = sum(heights) + .6 + .15 * len(notes)
    fig, ax = figure(wide, high)
    ax.set(xlim=(0, wide), ylim=(0, high))
    ax.axis("off")
    ax.text(.1, high - .1, title, va="top", fontsize=10.5, color=INK)
    ax.text(.1, .1, "\n".join(notes), fontsize=7.5, color=COLOURS[7])
    at, y = {}, high - .45
    for (_, line), height in zip(lines, heights):
        for column, k in enumerate(line):
            at[k] = (.3 + WIDE * (column + .5), y - TALL / 2 - .15)
            _box(ax, nodes[k], *at[k], about[k])
        y -= height
    joins = [r for r, row in enumerate(rows) if row.rows]
    for r, row in enumerate(rows):
        for a, b in zip(row.blocks, row.blocks[1:]):
            if _is_input(nodes[a]) and _is_input(nodes[b]):
                ax.text((at[a][0] + at[b][0]) / 2, at[a][1], "+", ha="center", va="center", fontsize=10, color=INK)
            if a in nodes[b].gets:
                if at[a][1] == at[b][1]:
                    _arrow(ax, [(at[a][0] + _size(nodes[a])[0] / 2 + .03, at[a][1]),
                                (at[b][0] - _size(nodes[b])[0] / 2 - .03, at[b][1])])
                else:
                    _bend(ax, at[a], at[b], nodes[a], nodes[b], wide, 0, COLOURS[7])
        for other in sorted(row.rows) if row.blocks else ():
            n, end = joins.index(r), rows[other].blocks[-1]
            if end in nodes[row.blocks[0]].gets:
                _bend(ax, at[end], at[row.blocks[0]], nodes[end], nodes[row.blocks[0]], wide, 1 + n,
                      COLOURS[n % len(COLOURS)])
    return fig


def _lines(blocks: list[int]) -> list[list[int]]:
    """A row's blocks in lines of nearly equal length, of at most `COLUMNS`."""
    each = -(-len(blocks) // -(-len(blocks) // COLUMNS))
    return [blocks[a:a + each] for a in range(0, len(blocks), each)]


def _about(k: int, nodes: list[Block], rows: list[_Row], r: int) -> list[str]:
    """Lines below a box: name, kinds, shape, parameters, and what else comes in."""
    node, row = nodes[k], rows[r].blocks
    place = row.index(k)
    if node.name == "answer" and node.module is None:
        lines = ["answer", *node.kinds[:4]] + ([f"and {len(node.kinds) - 4} more"] if len(node.kinds) > 4 else [])
    else:
        lines = [node.name, *([f"x {node.runs}"] if node.runs > 1 else []), ", ".join(node.kinds),
                 (f"{node.many} of " if node.many > 1 else "") + (words(node.shape) or "one number")]
        if node.module is not None:
            lines.append("the same weights" if node.again else f"{node.parameters:,} parameters")
    shown = set(row[place - 1:place]) if place else {rows[o].blocks[-1] for o in rows[r].rows}
    if place and all(_is_input(nodes[i]) for i in row[:place]):
        shown = set(row[:place])
    more = [_short(nodes[g]) for g in sorted(node.gets - shown)]
    if more and place and rows[r].rows and node.gets == nodes[row[0]].gets:
        lines.append(f"from the same as {nodes[row[0]].name}")
    elif more:
        more = more if len(more) < 4 else [*more[:2], f"{len(more) - 2} more"]
        lines.append(f"{'+' if node.gets & shown else 'from'} {', '.join(more)}")
    return [part.replace("\xa0", " ") for line in lines for part in textwrap.wrap(_kept(line), LETTERS) or [""]]


def _kept(line: str) -> str:
    """The line with spaces that do not break inside of shapes and the like."""
    line = line.replace(" x ", "\xa0x\xa0")
    return re.sub(r"\b(stride|dilated|then \d+|\d+ of) ", "\\1\xa0", line)


def _short(node: Block) -> str:
    return f"{node.name} ({words(node.shape)})" if _is_input(node) else node.name


def _size(node: Block) -> tuple[float, float]:
    """Inches of a box, wide and tall, by channels and side."""
    shape = node.shape or (1,)
    first = len(shape) > 2 or "Conv1d" in " ".join(node.kinds)
    channels = shape[0] if first or len(shape) == 1 else shape[-1]
    side = 1 if len(shape) == 1 else max(shape[1:] if first else shape[:-1])
    return min(.16 + .07 * np.log2(max(channels, 1)), .95), min(.14 + .1 * np.log2(max(side, 1)), TALL)


def _box(ax, node: Block, x: float, y: float, about: list[str]) -> None:
    from matplotlib.patches import FancyBboxPatch

    wide, tall = _size(node)
    kind = " ".join(node.kinds)
    given = node.module is None
    fill = GRID if given else next((c for name, c in FILLS.items() if name in kind), "#d8e8dc")
    for k in range(min(node.runs, 3) - 1, -1, -1):                         # some behind each other for a fold
        ax.add_patch(FancyBboxPatch((x - wide / 2 + .05 * k, y - tall / 2 + .05 * k), wide, tall, fc=fill,
                                    boxstyle="round,pad=0,rounding_size=.04", ec=PAPER if given else COLOURS[7], lw=.8))
    top = y - TALL / 2 - .1
    for n, line in enumerate(about):
        ax.text(x, top - LINE * n, line, ha="center", va="center", fontsize=7.5 if not n else 7, color=INK,
                fontweight="bold" if not n else "normal")


def _bend(ax, start, end, a: Block, b: Block, wide: float, lane: int, colour: str) -> None:
    """A line by the right edge, above the row of its end, and in from the left.  lane: counted from the boxes."""
    x, y = start[0] + _size(a)[0] / 2 + .03, end[1] + TALL / 2 + .1
    right, left = wide - .3 + .05 * min(lane, 5), .28 - .05 * min(lane, 5)
    _arrow(ax, [(x, start[1]), (right, start[1]), (right, y), (left, y), (left, end[1]),
                (end[0] - _size(b)[0] / 2 - .03, end[1])], colour)


def _arrow(ax, points, colour: str = COLOURS[7]) -> None:
    *way, last = points
    ax.plot(*zip(*points), color=colour, lw=1, solid_joinstyle="round", zorder=0)
    ax.annotate("", last, (last[0] - .1, last[1]), zorder=0,
                arrowprops={"arrowstyle": "->", "color": colour, "lw": 1, "shrinkA": 0, "shrinkB": 0})


# ---- a system of several networks -----------------------------------------------------------------------------
def draw_pipeline(parts: dict, title: str = ""):
    """The parts of a system and what goes from each to which, in columns from left to right.

    parts: name -> (what comes before: names, in any order; what it gives: an array, a tensor, or words; the network
    that does it, or None).  Shapes and numbers of parameters are read from what is given, so the figure shows what ran.
    Raises ValueError: a part names another one that does not stand before it.
    """
    column: dict[str, int] = {}
    for name, (before, _, _) in parts.items():
        if missing := [other for other in before if other not in column]:
            raise ValueError(f"{name!r} takes {missing[0]!r}, which does not stand before it; known are "
                             f"{', '.join(column) or 'none'}.")
        column[name] = 1 + max((column[other] for other in before), default=-1)
    lanes, lane_of = _lanes(parts)
    row = {name: lanes.index(lane_of[name]) for name in parts}
    across = 1 + max(column.values(), default=0)
    fig, ax = figure(2.05 * across, .95 * len(lanes) + .45)
    for name, (before, _, _) in parts.items():
        for other in before:
            start: tuple[float, float]
            end: tuple[float, float]
            start, end, bend = (column[other] + .33, -row[other]), (column[name] - .33, -row[name]), "arc3"
            if row[other] != row[name]:
                side = .33 if row[name] > row[other] else -.33
                if lane_of[name] == name:                      # the first of its lane: down or up, then to the right
                    start, bend = (column[other], -row[other] - side), "angle,angleA=90,angleB=0"
                else:                                          # to the right, then up or down into it
                    end, bend = (column[name], -row[name] + side), "angle,angleA=0,angleB=90"
            ax.annotate("", end, start, arrowprops=dict(arrowstyle="-|>", color=COLOURS[7], lw=1, shrinkA=0, shrinkB=0,
                                                        connectionstyle=bend))
    for name, (_, gives, network) in parts.items():
        shape = gives if isinstance(gives, str) else " x ".join(map(str, np.shape(gives))) or "one number"
        size = "" if network is None else f"\n{_counted(network)}"
        ax.text(column[name], -row[name], f"{textwrap.fill(name, LETTERS + 3)}\n{shape}{size}", ha="center",
                va="center", fontsize=8.2, linespacing=1.35,
                bbox=dict(boxstyle="round,pad=.45", fc=FILLS["Conv"] if network is not None else PAPER, ec=INK, lw=.8))
    ax.set(xlim=(-.55, across - .45), ylim=(.45 - len(lanes), .5))
    ax.axis("off")
    ax.set_title(title or "what goes where; blue: a network")
    return fig


def _counted(network) -> str:
    """Number of a network's parameters; weights that are stored in 8 bits, and never learn, are buffers."""
    import torch

    learned = sum(p.numel() for p in network.parameters())
    fixed = sum(b.numel() for b in network.buffers() if b.dtype in (torch.int8, torch.uint8))
    return f"{learned + fixed:,} numbers in 8 bits" if fixed else f"{learned:,} parameters"


def _lanes(parts: dict) -> tuple[list[str], dict[str, str]]:
    """Rows of a pipeline, named by their first parts, from top to bottom; and the row of each part.

    A part goes on in the row of the first part before it that still ends a row; else it begins one below that part's.
    """
    lanes: list[str] = []
    lane_of: dict[str, str] = {}
    last: dict[str, str] = {}
    for name, (before, _, _) in parts.items():
        ends = [lane_of[other] for other in before if last[lane_of[other]] == other]
        if ends:
            lane_of[name] = ends[0]
        else:
            lanes.insert(lanes.index(lane_of[before[0]]) + 1 if before else len(lanes), name)
            lane_of[name] = name
        last[lane_of[name]] = name
    return lanes, lane_of
