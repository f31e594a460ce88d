"""Compares a network that the learner wrote with the reference: its layers, what these are set to, and its output.

The learner's layers get the reference's weights, in whatever order they were made, so that both must answer alike.
"""
from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from tfg.course.check.core import same
from tfg.course.check.watch import kind
from tfg.course.check.wrong import Stopped, Wrong

SETTINGS = ("stride", "padding", "dilation", "groups", "num_groups", "output_padding", "eps", "num_layers",
            "bidirectional", "batch_first")
"""What a layer is set to beside the shapes of its weights; a difference is told by these names."""


def same_network(got, want, inputs, *, what: str = "the network", mistakes: Mapping[str, Any] | None = None,
                 atol: float = 1e-4) -> None:
    """Raise Wrong unless `got` has the layers of `want` and answers as it does, with its weights.

    got, want: torch.nn.Modules.  inputs: what `forward` takes, tensors.  mistakes: message -> a network with this
    mistake, with the layers of `want` (or a function from `want` to its answer).  atol: of the output.
    """
    import torch

    fill_lazy(got, inputs)
    pairs = _same_layers(got, want, what, inputs)
    _as_if_trained(want)
    _copy(pairs)
    want.eval(), got.eval()
    with torch.no_grad():
        right, answer = want(*inputs), _run(got, inputs)
        wrong = {}
        for text, other in (mistakes or {}).items():
            if isinstance(other, torch.nn.Module):
                _copy(list(zip(_parts_of(other), _parts_of(want))))
                other.eval()
                wrong[text] = other(*inputs)
            else:
                wrong[text] = other(want)
        for k, (one, other, name) in enumerate(_pairs(answer, right, what)):
            same(one, other, what=name, atol=atol,
                 mistakes={text: _parts(value)[k] for text, value in wrong.items() if k < len(_parts(value))})
    _all_learn(got, inputs)


def fill_lazy(network, inputs) -> None:
    """Run a network once if it has lazy layers (nn.LazyLinear), whose weights have no shape before."""
    import torch

    if any(isinstance(p, torch.nn.parameter.UninitializedParameter) for p in network.parameters()):
        with torch.no_grad():
            _run(network.eval(), inputs)


def _parts(answer) -> list:
    return list(answer) if isinstance(answer, (tuple, list)) else [answer]


def _pairs(got, want, what):
    got, want = _parts(got), _parts(want)
    if len(got) != len(want):
        raise Wrong(f"`forward` gives {len(got)} results, expected {len(want)}")
    names = [f"the output of {what} (the layers are right, the weights the same)"] if len(want) == 1 else [
        f"output {k + 1} of {what} (the layers are right, the weights the same)" for k in range(len(want))]
    return zip(got, want, names)


def _run(network, inputs):
    import torch

    try:
        got = network(*(x.clone() if torch.is_tensor(x) else x for x in inputs))
    except (NotImplementedError, Wrong):
        raise
    except Exception as error:
        raise Stopped(error) from error
    if got is None:
        raise Wrong("`forward` gives None: does it end with `return`?")
    if not all(torch.is_tensor(part) for part in _parts(got)):
        raise Wrong(f"`forward` gives {kind(got)}, expected a tensor")
    return got


def with_weights(network) -> list[tuple[str, Any]]:
    """(name, part) of the parts of a network that hold weights themselves, in the order in which they were made."""
    return [(name, part) for name, part in network.named_modules()
            if any(True for _ in part.parameters(recurse=False))]


def described(part) -> str:
    """A layer in a few words: "Conv2d with weight (16, 3, 3, 3), bias (16)"."""
    shapes = ", ".join(f"{name} ({', '.join(map(str, x.shape))})" for name, x in part.named_parameters(recurse=False))
    return f"{type(part).__name__} with {shapes}"


def _same_layers(got, want, what: str, inputs) -> list:
    """(part of `got`, part of `want`) of all layers that hold weights.  Raises Wrong where they differ."""
    ours, theirs = with_weights(want), with_weights(got)
    no_plain_lists(got)
    if not theirs and ours:
        raise Wrong(f"{what} has no layer that holds weights: make them in __init__ as attributes (self.conv = ...), "
                    "many of them in an nn.ModuleList or nn.Sequential, which a plain list does not replace")
    a, b = [described(part) for _, part in ours], [described(part) for _, part in theirs]
    if a != b and sorted(a) == sorted(b):                  # made in another order: names or use may tell which is which
        theirs = _by_name(ours, theirs) or _by_use(got, want, inputs)
        if not theirs:
            _run(got, inputs)                              # an error in `forward` goes first: it hides their order
            raise Wrong("the layers are right, but made in another order, and neither their names nor their use tell "
                        "which is which: make them in the order of the text")
        b = a
    for tag, i1, _, j1, _ in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        place = f"layer {i1 + 1} of {len(a)} that hold weights"
        if tag == "insert":
            raise Wrong(f"{what} has one too many: `{theirs[j1][0]}`, {_a(b[j1])}, is not expected there ({len(b)} "
                        f"layers hold weights, expected {len(a)})")
        if tag == "delete" and (bare := _without_weights(got, ours[i1][1])):
            raise Wrong(f"your `{bare}` has no weights: affine=True is missing")
        if tag == "delete":
            raise Wrong(f"{what} lacks {place}: {_a(a[i1])} is expected"
                        + (f" after `{theirs[j1 - 1][0]}`" if j1 else ""))
        raise Wrong(f"{place}, your `{theirs[j1][0]}`, is {_a(b[j1])}; expected is {_a(a[i1])}" + _bias(a[i1], b[j1]))
    for (_, right), (name, part) in zip(ours, theirs):
        for setting in SETTINGS:
            x, y = getattr(part, setting, None), getattr(right, setting, None)
            if x != y and not _one_padding(setting, x, y):
                raise Wrong(f"your `{name}` has {setting} {_plain(x)}, expected {_plain(y)}")
    return list(zip([part for _, part in theirs] + _running(got), [part for _, part in ours] + _running(want)))


def _by_name(ours, theirs) -> list:
    """The learner's layers in our order, if they have our names; else nothing."""
    named = dict(theirs)
    found = [(name, named.get(name)) for name, _ in ours]
    return found if all(part is not None and described(part) == described(right)
                        for (_, part), (_, right) in zip(found, ours)) else []


def _by_use(got, want, inputs) -> list:
    """The learner's layers in the order in which they run, if that is the order of ours; else nothing."""
    used, right = _used(got, inputs), _used(want, inputs)
    if len(used) != len(with_weights(got)) or [described(p) for _, p in used] != [described(p) for _, p in right]:
        return []
    place = {id(part): one for one, (_, part) in zip(used, right)}
    return [place[id(part)] for _, part in with_weights(want)]


def _used(network, inputs) -> list[tuple[str, Any]]:
    """The layers that hold weights, in the order in which they first run on `inputs`; none if it cannot run."""
    import torch

    order: list[tuple[str, Any]] = []

    def note(name, part):
        return lambda *_: order.append((name, part)) if all(part is not p for _, p in order) else None

    hooks = [part.register_forward_pre_hook(note(name, part)) for name, part in with_weights(network)]
    try:
        with torch.no_grad():
            network.eval()(*inputs)
    except Exception:
        return []                                          # the run whose output is compared says what is wrong
    finally:
        for hook in hooks:
            hook.remove()
    return order


def no_plain_lists(network) -> None:
    """Raise Wrong where layers stand in a plain list."""
    import torch

    for name, part in network.named_modules():
        for attribute, value in vars(part).items():
            if isinstance(value, (list, tuple)) and any(isinstance(x, torch.nn.Module) for x in value):
                raise Wrong(f"your `{f'{name}.{attribute}'.strip('.')}` is a plain list, whose layers torch neither "
                            "trains nor saves: nn.ModuleList(...), or nn.Sequential(...)")


def _without_weights(network, right) -> str:
    """Name of a norm of the same kind that was made without weights, if there is one."""
    return next((name for name, part in network.named_modules() if type(part) is type(right)
                 and getattr(part, "affine", None) is False), "")


def _bias(want: str, got: str) -> str:
    if ("bias" in want) == ("bias" in got) or want.split(" with")[0] != got.split(" with")[0]:
        return ""
    return ": bias=False is missing" if "bias" in got else ": it has a bias there"


def _one_padding(setting: str, x, y) -> bool:
    return setting == "padding" and "same" in (x, y)          # padding="same" is what the outputs' comparison sees


def _a(layer: str) -> str:
    return f"{'an' if layer[0] in 'AEIO' else 'a'} {layer}"


def _plain(value) -> str:
    return str(value[0]) if isinstance(value, tuple) and len(set(value)) == 1 else str(value)


def _as_if_trained(network) -> None:
    """Give norms and biases values that show: fresh ones leave the numbers as they are, wherever they stand."""
    import torch

    g = torch.Generator().manual_seed(0)
    for name, value in [*network.named_parameters(), *network.named_buffers()]:
        if value.ndim <= 1 and value.is_floating_point():
            value.data += .4 * torch.rand(value.shape, generator=g) + (0 if "var" in name else -.2)


def _running(network) -> list:
    """The norms without weights that keep running values."""
    return [part for part in network.modules() if any(True for _ in part.buffers(recurse=False))
            and not any(True for _ in part.parameters(recurse=False))]


def _parts_of(network) -> list:
    """The layers of a network that hold weights, and those that hold running values alone."""
    return [part for _, part in with_weights(network)] + _running(network)


def _copy(pairs) -> None:
    """Give the first of each pair of layers the second's weights and running values."""
    for a, b in pairs:
        own = dict(a.named_parameters(recurse=False)) | dict(a.named_buffers(recurse=False))
        for name, value in [*b.named_parameters(recurse=False), *b.named_buffers(recurse=False)]:
            if name in own and own[name].shape == value.shape:
                own[name].data.copy_(value.data)


def _all_learn(network, inputs) -> None:
    """Raise Wrong where a layer gets no gradient from the output."""
    import torch

    network.train()
    network.zero_grad(set_to_none=True)
    with torch.enable_grad():
        parts = [p for p in _parts(_run(network, inputs)) if p.is_floating_point()]
        if not any(p.requires_grad for p in parts):
            raise Wrong("the numbers are right, but no gradient gets from the output to the weights, so nothing "
                        "learns: stay with torch; .detach(), .numpy() and no_grad() cut the way back")
        shares = [torch.linspace(.5, 1.5, p.numel()).reshape(p.shape) * p for p in parts if p.requires_grad]
        torch.stack([share.sum() for share in shares]).sum().backward()
    for name, parameter in network.named_parameters():
        if parameter.grad is None:
            part = name.rpartition(".")[0] or name
            raise Wrong(f"`{part}` gets no gradient: it is made, but `forward` never uses it")
