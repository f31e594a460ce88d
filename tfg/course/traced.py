"""Which parts of a network run, in which order, and what each is given: found by one pass, from the network itself.

    blocks, answer = trace(network, (faces, mel), depth=2)
"""
from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from tfg.errors import InputError

CHANGERS = ("__setitem__", "copy_", "add_", "mul_")
"""Functions of torch that change their first argument."""
SHAPERS = tuple(f"{name}_like" for name in ("zeros", "ones", "full", "empty", "rand", "randn")) + tuple(
    f"new_{name}" for name in ("zeros", "ones", "full", "empty", "tensor"))
"""Functions of torch that take a shape and a type from their argument, and no value."""


@dataclass
class Block:
    """A part of a network that ran, or one of its inputs.

    name: as the network calls it, "face.0".  kinds: what it consists of, in words.  shape: of what comes out, without
    the batch.  many: how many of that shape belong to one example (frames that were folded into the batch).
    parameters: its own, 0 when they were counted before.  gets: positions of the blocks whose results it is given.
    plain: whether it has no weights beyond a number for each channel.  runs: how many alike ones it stands for.
    again: whether it ran before.  parent: name of the part that it belongs to.  module: None for inputs and the answer.
    """

    name: str
    kinds: list[str] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    many: int = 1
    parameters: int = 0
    gets: set[int] = field(default_factory=set)
    plain: bool = False
    runs: int = 1
    again: bool = False
    parent: str = ""
    module: nn.Module | None = None


def trace(module: nn.Module, inputs: Sequence[Any], depth: int) -> tuple[list[Block], Block]:
    """Run a network once, without gradients and in eval mode: its inputs and blocks in order, and its answer.

    depth: how many levels below the network a block may lie; a ModuleList or ModuleDict is no level.  The network's
    modes are as before afterwards, also after an error.
    Raises InputError: no network, no tensor, or inputs that it cannot run on.
    """
    if not isinstance(module, nn.Module):
        raise InputError(f"a network is a torch.nn.Module, got {type(module).__name__}; give the network itself, and "
                         "then its inputs.")
    if depth < 1:
        raise InputError(f"depth is {depth}, but it must be 1 (the network's own parts) or more.")
    names = [p.name for p in inspect.signature(module.forward).parameters.values()]
    given = [(n, x) for k, each in enumerate(inputs)
             for n, x in _named(each, names[k] if k < len(names) else f"input {k + 1}")]
    if not given:
        raise InputError(f"{type(module).__name__} was given no tensor to run on; give what its forward takes: "
                         f"{', '.join(names)}.")
    watch = _Watch(module, depth, given)
    modes, handles = [(part, part.training) for part in module.modules()], watch.hooks()
    try:
        module.eval()
        with torch.no_grad(), watch:
            answer = module(*inputs)
    except Exception as error:
        shapes = ", ".join(f"{name} {tuple(x.shape)}" for name, x in given)
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{type(module).__name__} cannot run on {shapes}: {why}; give tensors as its forward takes "
                         f"them: {', '.join(names)}.") from error
    finally:
        for handle in handles:
            handle.remove()
        for part, mode in modes:
            part.training = mode
    found = _named(answer, "")
    end = Block("answer", [f"{name.rpartition('.')[2]} {words(x.shape[1:])}".strip() for name, x in found],
                tuple(found[0][1].shape[1:]) if found else (),
                gets=set().union(*(watch.sources(x) for _, x in found)) if found else set())
    return watch.blocks, end


class _Watch(TorchFunctionMode):
    """Follows every tensor from function to function: of which blocks' results it was made."""

    def __init__(self, module: nn.Module, depth: int, given):
        super().__init__()
        self.depth, self.module = depth, module
        self.made: dict[int, tuple[torch.Tensor, set[int]]] = {}          # the tensor, too: its id stays its own
        self.blocks: list[Block] = []
        self.counted: set[nn.Module] = set()
        self.open: list[tuple[int, set[int]]] = []                        # running parts: blocks so far, their input
        self.batch = given[0][1].shape[0] if given[0][1].ndim else 1
        for name, x in given:
            self.made[id(x)] = (x, {len(self.blocks)})
            self.blocks.append(Block(name, ["input"], tuple(x.shape[1:])))
        self.n_inputs = len(self.blocks)

    def sources(self, *values) -> set[int]:
        """Blocks whose results these values were made of."""
        return set().union(*(self.made[id(x)][1] for _, x in _named(values, "") if id(x) in self.made), set())

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        from_ = set() if name in SHAPERS else self.sources(args, kwargs)
        if name in CHANGERS and isinstance(args[0], torch.Tensor):
            self.made[id(args[0])] = (args[0], from_)
        for _, x in _named(out, "") if from_ else ():
            self.made[id(x)] = (x, from_)
        return out

    def hooks(self) -> list:
        """Hooks on all parts down to the depth."""
        handles = []
        for name, part in self.module.named_modules():
            if part is not self.module and 0 < (level := self._level(name)) <= self.depth:
                leaf = level == self.depth or not any(True for _ in part.children())
                handles.append(part.register_forward_pre_hook(self._begin, with_kwargs=True))
                handles.append(part.register_forward_hook(self._end(name, self._parent(name), leaf),
                                                          with_kwargs=True))
        return handles

    def _level(self, name: str) -> int:
        """Levels below the network: without those of lists, and 0 for a list."""
        part, level = self.module, 0
        for step in name.split("."):
            part = part.get_submodule(step)
            level += not isinstance(part, (nn.ModuleList, nn.ModuleDict))
        return 0 if isinstance(part, (nn.ModuleList, nn.ModuleDict)) else level

    def _parent(self, name: str) -> str:
        """Name of the part that holds this one; not that of a list."""
        while (name := name.rpartition(".")[0]) and not self._level(name):
            pass
        return name

    def _begin(self, part, args, kwargs) -> None:
        self.open.append((len(self.blocks), self.sources(args, kwargs)))

    def _end(self, name: str, parent: str, leaf: bool):
        def end(part, args, kwargs, out) -> None:
            before, gets = self.open.pop()
            tensors = [x for _, x in _named(out, "")]
            if not tensors:
                return
            if len(self.blocks) > before and not leaf:
                shown = {id(p) for block in self.blocks[before:] if block.module is not None
                         for p in block.module.parameters()}
                if all(id(p) in shown for p in part.parameters()):        # its own parts stand for it
                    return
                self._forget(before)                                      # some of it is used outside of them
            if not gets:
                gets = {len(self.blocks) - 1}
            here = {len(self.blocks)}
            for x in tensors:
                self.made[id(x)] = (x, here)
            own = 0 if part in self.counted else sum(p.numel() for p in part.parameters())
            first = tensors[0]
            many = first.shape[0] // self.batch if first.ndim and self.batch and not first.shape[0] % self.batch else 1
            self.blocks.append(Block(name, [kind_of(part)], tuple(first.shape[1:]), max(many, 1), own, gets,
                                     all(p.ndim < 2 for p in part.parameters()), again=part in self.counted,
                                     parent=parent, module=part))
            self.counted.add(part)
        return end

    def _forget(self, before: int) -> None:
        """Put one block, which is added next, in the place of all from this one on."""
        self.counted -= {block.module for block in self.blocks[before:] if not block.again and block.module is not None}
        del self.blocks[before:]
        for key, (x, from_) in self.made.items():
            self.made[key] = (x, {min(k, before) for k in from_})


def beside(module: nn.Module, blocks: Sequence[Block]) -> dict[str, int]:
    """Numbers of the network that lie in none of its blocks: name of the part -> how many.  They belong to parts that
    did not run, or whose weights are used without a call of the part."""
    shown = {id(p) for block in blocks if block.module is not None for p in block.module.parameters()}
    left: dict[str, int] = {}
    for name, p in module.named_parameters():
        if id(p) not in shown:
            left[name.split(".")[0]] = left.get(name.split(".")[0], 0) + p.numel()
    return left


def kind_of(part: nn.Module) -> str:
    """What a part is, in words: its class, and the kernel and stride of the first convolution in it."""
    if isinstance(part, nn.Sequential):
        flat = _flat(part)
        inner = [p for p in flat if not all(w.ndim < 2 for w in p.parameters())]
        if not inner:
            return ", ".join(dict.fromkeys(type(p).__name__ for p in flat)) or "nothing"
        return kind_of(inner[0]) + (f", then {len(inner) - 1} more" if len(inner) > 1 else "")
    about = type(part).__name__
    conv = next((p for p in part.modules() if isinstance(p, nn.modules.conv._ConvNd)), None)
    if conv is not None:
        about += " " + words(conv.kernel_size) if len(conv.kernel_size) > 1 else f", kernel {conv.kernel_size[0]}"
        about += f", stride {_stride(conv.stride)}" if max(conv.stride) > 1 else ""
        about += f", dilated {_stride(conv.dilation)}" if max(conv.dilation) > 1 else ""
    elif isinstance(part, nn.RNNBase) and part.num_layers > 1:
        about += f", {part.num_layers} layers"
    return about


def _flat(part: nn.Sequential) -> list[nn.Module]:
    """The parts of a sequence, and those of sequences in it."""
    return [inner for p in part for inner in (_flat(p) if isinstance(p, nn.Sequential) else [p])]


def _stride(numbers: Sequence[int]) -> str:
    return str(numbers[0]) if len(set(numbers)) == 1 else words(numbers)


def words(shape: Sequence[int]) -> str:
    """A shape as "3 x 64 x 64"."""
    return " x ".join(map(str, shape))


def _named(value: Any, name: str) -> list[tuple[str, torch.Tensor]]:
    """The tensors in a value and what is nested in it, with the names that fields and keys give them."""
    if isinstance(value, torch.Tensor):
        return [(name, value)]
    if isinstance(value, dict):
        pairs = list(value.items())
    elif hasattr(value, "_fields"):
        pairs = list(zip(value._fields, value))
    elif isinstance(value, (list, tuple)):
        pairs = [("", each) for each in value]
    else:
        return []
    out: list[tuple[str, torch.Tensor]] = []
    for key, each in pairs:
        out += _named(each, ".".join(str(part) for part in (name, key) if part != ""))
    return out
