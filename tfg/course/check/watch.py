"""The learner's function as a check calls it: what no answer may do is seen here, for all exercises alike.

It is no function, takes other arguments, stops with an error, returns nothing or no numbers, writes into what it was
given, or cuts the gradient.
"""
from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfg.course.check.wrong import Stopped, Wrong

CUTS = "stay with torch: .detach(), .item(), float(...), .numpy() and no_grad() cut the way back"


class Watched:
    """Calls `answer` and raises `Wrong` for what no answer may do.

    call: the line that begins the check's docstring, `mix(a (52,), b (52,), weight) -> ...`; it gives the arguments'
    names.  given: the arguments of the latest call, as they were before it.
    """

    def __init__(self, answer: Any, call: str):
        name = call.split("(")[0]
        if not callable(answer):
            raise Wrong(f"the check was given {kind(answer)}: give it the function itself, check.{name}({name}), "
                        "without calling it")
        if inspect.isclass(answer):
            raise Wrong(f"the check was given a class, {answer.__name__}: give it the function, check.{name}({name})")
        self.answer, self.call, self.names = answer, call, parameters(call)
        self.given: Sequence[Any] = ()
        self.first: Sequence[Any] | None = None
        self.got: Any = None

    def __call__(self, *given):
        self._bind(given)
        self.given = [_copy(x) for x in given]
        if self.first is None:
            self.first = self.given
        try:
            got = self.got = self.answer(*given)
        except (NotImplementedError, Wrong):
            raise
        except Exception as error:
            raise Stopped(error) from error
        for name, before, after in zip(self.names, self.given, given):
            if not _equal(before, after):
                raise Wrong(f"your function changed its argument `{name}` in place, and others still need it: make a "
                            f"new one ({name} = {name} * 2 makes one, {name} *= 2 does not), or work on a copy")
        if got is None:
            raise Wrong("your function gives None: does it end with `return`?")
        if isinstance(got, (complex, np.ndarray, np.generic)) and np.iscomplexobj(got):
            raise Wrong("your function gives complex numbers, expected real ones: where only rounding makes an "
                        "imaginary part, take .real (and .clip(0), if a root follows)")
        if not _numbers(got):
            raise Wrong(f"your function gives {kind(got)}, expected numbers: {self.call}")
        return got

    def called(self) -> str:
        """A sentence on the latest call, to be appended: numbers and words as they are, of arrays the shapes."""
        told = []
        for name, x in zip(self.names, self.given):
            if isinstance(x, (bool, int, float, str, np.number)):
                told.append(f"{name} = {x.item() if isinstance(x, np.number) else x!r}")
            elif hasattr(x, "shape"):
                told.append(f"{name} of shape {tuple(x.shape)}")
        return f". It was called with {', '.join(told)}" if told else ""

    def gradient(self, learns: Sequence[str]) -> None:
        """Raise Wrong unless each result has a gradient to the arguments it should teach, as of the first call.

        learns: for each result the names of those arguments, with spaces between.
        """
        if self.first is None or not any(learns):
            return
        import torch

        given = [_leaf(_copy(x), any(name in part.split() for part in learns))
                 for name, x in zip(self.names, self.first)]
        try:
            with torch.enable_grad():
                got = self.answer(*given)
        except Exception as error:                          # it ran before, without gradients
            raise Wrong(f"the numbers are right, but with inputs that want gradients your function stops ({error}): "
                        f"{CUTS}") from error
        results = list(got) if isinstance(got, (tuple, list)) else [got]
        for k, (result, names) in enumerate(zip(results, learns)):
            what = "the result" if len(learns) == 1 else f"result {k + 1} of {len(learns)}"
            if names and not torch.is_tensor(result):
                raise Wrong(f"the numbers are right, but {what} is {kind(result)}, through which no gradient can flow "
                            f"and nothing learns: {CUTS}")
            for name in names.split():
                if not any(reaches(result, x) for x in _tensors(given[self.names.index(name)])):
                    raise Wrong(f"the numbers are right, but no gradient of {what} reaches `{name}`, so nothing "
                                f"learns: {CUTS}")

    def _bind(self, given) -> None:
        try:
            inspect.signature(self.answer).bind(*given)
        except TypeError:
            raise Wrong(f"your function takes other arguments, {inspect.signature(self.answer)}: it is called as "
                        f"{self.call}") from None
        except ValueError:                                  # a built-in without a signature
            return


class WatchedNetwork:
    """Makes the learner's network and raises `Wrong` for what no network may do.

    call: the line that begins the check's docstring, `Tower(channels) -> ...`; it gives the arguments of `__init__`.
    """

    def __init__(self, answer: Any, call: str):
        import torch

        name = call.split("(")[0]
        if isinstance(answer, torch.nn.Module):
            raise Wrong(f"the check was given a network that was made already: give it the class, check.{name}({name})")
        if not inspect.isclass(answer):
            raise Wrong(f"the check was given {kind(answer)}: give it the class itself, check.{name}({name})")
        if not issubclass(answer, torch.nn.Module):
            raise Wrong(f"your class is no network: begin with class {name}(nn.Module)")
        self.answer, self.call, self.names = answer, call, parameters(call)
        self.given: tuple[Any, ...] = ()
        self.got: Any = None

    def __call__(self, *given):
        self.given = given
        try:
            inspect.signature(self.answer).bind(*given)
        except TypeError:
            raise Wrong(f"your __init__ takes other arguments, {inspect.signature(self.answer)}: it is called as "
                        f"{self.call}") from None
        try:
            self.got = self.answer(*given)
        except (NotImplementedError, Wrong):
            raise
        except Exception as error:
            raise Stopped(error) from error
        return self.got

    def gradient(self, learns) -> None:
        """Nothing: `layers.same_network` sees to the gradients."""


def reaches(result, x) -> bool:
    """Whether a gradient of `result`, a tensor of any shape, arrives at the tensor `x`."""
    import torch

    if not getattr(result, "requires_grad", False):
        return False
    weight = torch.linspace(.5, 1.5, result.numel(), dtype=result.dtype).reshape(result.shape)
    found, = torch.autograd.grad((weight * result).sum(), x, allow_unused=True, retain_graph=True)
    return found is not None and bool((found != 0).any())


def parameters(call: str) -> list[str]:
    """Names of the arguments in the first line of a check's docstring, where shapes stand behind them."""
    inside, depth, parts = call[call.index("(") + 1:], 0, [""]
    for c in inside:
        if c == ")" and depth == 0:
            break
        depth += (c in "({[") - (c in ")}]")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [match[0] for part in parts if (match := re.match(r"\w+", part.strip()))]


def kind(value: Any) -> str:
    """What a value is, in words: "a list", "a torch tensor of shape (3,)"."""
    if hasattr(value, "detach"):
        return f"a torch tensor of shape {tuple(value.shape)}"
    if isinstance(value, (np.ndarray, np.generic)):
        return f"a NumPy array of shape {value.shape}" if value.ndim else "a NumPy number"
    words: dict[type, str] = {bool: "True or False", int: "a plain number", float: "a plain number", str: "a text",
                              type(None): "None", complex: "a complex number"}
    name = type(value).__name__
    return words.get(type(value)) or f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _numbers(value) -> bool:
    """Whether a result is made of numbers, in whatever container; names of clips are taken as well."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "biuf"
    if isinstance(value, (bool, int, float)) or hasattr(value, "detach"):
        return True
    return isinstance(value, (tuple, list, dict, set, frozenset))


def _copy(value):
    if hasattr(value, "detach"):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple)):
        return type(value)(_copy(v) for v in value)
    return {k: _copy(v) for k, v in value.items()} if isinstance(value, dict) else value


def _equal(a, b) -> bool:
    if type(a) is not type(b):
        return False
    if hasattr(a, "detach"):
        a, b = a.numpy(), b.detach().numpy()
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in a)
    return a is b or callable(a) or bool(a == b) or a != a


def _leaf(value, learns: bool):
    """A copy of an argument; one that learns asks for gradients."""
    if isinstance(value, (list, tuple)):
        return type(value)(_leaf(v, learns) for v in value)
    return value.requires_grad_() if learns and hasattr(value, "detach") and value.is_floating_point() else value


def _tensors(value) -> list:
    return [t for v in value for t in _tensors(v)] if isinstance(value, (list, tuple)) else \
        [value] if hasattr(value, "detach") else []
