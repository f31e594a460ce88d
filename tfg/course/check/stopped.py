"""Says of an error that stopped the learner's function what is likely wrong, and in which line."""
from __future__ import annotations

import inspect
import linecache
import re
import traceback
from typing import Any

HINTS = (
    (r"before Module.__init__\(\) call", "__init__ must begin with super().__init__()"),
    (r"expected input.* to have \d+ channels",
     "a layer gets another number of channels than it was made for: channels are axis 1, (B, C, H, W) for a Conv2d, "
     "(B, C, T) for a Conv1d"),
    (r"mat1 and mat2 shapes cannot be multiplied",
     "a linear layer gets another number of values than it was made for: flatten to (B, values), or count them anew"),
    (r"modified by an inplace operation",
     "a tensor that backward() still needs was changed in place: by x *= 2 and the like, or by a step() of one network "
     "between another's loss and its backward(). Finish one network, from its loss to its step, before the other"),
    (r"backward through the graph a second time",
     "two losses hang on one graph: look at drawn.detach() in the second, so that its backward() ends there"),
    (r"leaf Variable that requires grad is being used in an in-place",
     "your function changes its argument in place, which torch refuses: make a new tensor, x = x * 2, not x *= 2"),
    (r"read-only|not writeable", "your function changes its argument in place: work on a copy"),
    (r"Can't call numpy\(\) on Tensor that requires grad|__array__.*requires grad",
     "NumPy would cut the gradient: stay with torch"),
    (r"does not require grad and does not have a grad_fn|One of the differentiated Tensors does not require grad",
     "the gradient was cut before: without .detach(), .item() and no_grad() it gets here"),
    (r"has no attribute 'backward'|has no attribute 'detach'|has no attribute 'clone'",
     "that is no torch tensor: float(...), .item() and .numpy() leave torch"),
    (r"could not broadcast input array",
     "what is assigned is not as long as its place: a slice ends with its array, and x[:-0] is empty"),
    (r"could not be broadcast|must match the size of tensor|shapes .* not aligned|mismatch in its core dimension"
     r"|shapes cannot be multiplied|Sizes of tensors must match|size of tensor",
     "two shapes do not suit each other: are axes transposed, or is one missing ([:, None])?"),
    (r"index .* is out of (bounds|range)|index out of range|out of bounds for dimension",
     "an index lies outside: they count from 0 to length - 1. Off by one, or two axes exchanged?"),
    (r"setting an array element with a sequence|inhomogeneous", "the pieces are of unequal length"),
    (r"must be of the same dtype|expected scalar type|result type .* can't be cast|same dtype",
     "numbers of two types meet: convert one, x.float() or x.to(y.dtype)"),
    (r"only integer scalar arrays|indices must be integers|must be integers or slices|'float' object cannot be inter",
     "an index must be a whole number: int(...)"),
    (r"unsupported operand type.*NoneType|'NoneType' object", "something is None: does a function lack its `return`?"),
    (r"truth value of an array|Boolean value of Tensor",
     "an array stands where one True or False is wanted: np.where, np.maximum, or .any() and .all()"),
    (r"only .* (arrays|tensors?) can be converted|only one element tensors",
     "float() or int() takes one number, and was given many"),
    (r"division by zero", "something is divided by 0"),
    (r"maximum recursion depth", "your function calls itself without end"),
)
"""Pattern of an error's text -> what is likely wrong."""


def explain(error: Exception, answer: Any) -> str:
    """A sentence on an error: what it is, what is likely wrong, and the learner's line in which it came up."""
    text = f"your function stopped with {type(error).__name__}: {error}"
    if isinstance(error, NameError):
        name = getattr(error, "name", None) or "a name"
        hint = f"`{name}` is used before it has a value" if isinstance(error, UnboundLocalError) else \
            f"`{name}` is known nowhere: is it spelled right, and have the cells above been run?"
    else:
        hint = next((words for pattern, words in HINTS if re.search(pattern, str(error))), "")
    line = _line(error, answer)
    return text + (f". {hint[0].upper()}{hint[1:]}" if hint else "") + (f" (in the line `{line}`)" if line else "")


def _line(error: Exception, answer: Any) -> str:
    """The last line of the learner's own cell that ran; "" if it cannot be read."""
    methods = [getattr(answer, "__init__", None), getattr(answer, "forward", None)] if inspect.isclass(answer) else []
    code = next((m.__code__ for m in [*methods, inspect.unwrap(answer)] if hasattr(m, "__code__")), None)
    if code is None:
        return ""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == code.co_filename]
    return linecache.getline(own[-1].filename, own[-1].lineno or 0).strip()[:80] if own else ""
