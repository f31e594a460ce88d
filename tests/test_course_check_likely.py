"""Mistakes are named from the right result alone: each of those that `likely`, `shapes`, `stopped` and `watch` know."""
from __future__ import annotations

import numpy as np
import pytest

from tfg.course import check
from tfg.course.check import likely
from tfg.course.check.core import exercise, judge, same, same_parts
from tfg.course.check.watch import parameters, reaches

RNG = np.random.default_rng(3)
CURVE = np.cumsum(RNG.normal(size=(9, 4)), 0)
X = {"x": np.zeros((7, 6)), "name": "HAP"}


@pytest.mark.parametrize("got, want, words", [
    (CURVE * 1.00001, CURVE, "almost right"), (-CURVE, CURVE, "wrong sign"), (np.abs(CURVE), CURVE, "lost its sign"),
    (CURVE * np.sign(RNG.normal(size=CURVE.shape)), CURVE, "wrong sign at some places"),
    (CURVE[::-1], CURVE, "backwards along axis 0"), (CURVE[:, :2][:, ::-1], CURVE[:, :2], "exchanged (x and y?)"),
    (CURVE[:4].T, CURVE[:4], "transposed"), (CURVE.T, CURVE, "are the axes transposed?"),
    (np.roll(CURVE, 1, 0), CURVE, "one too late along axis 0"), (np.roll(CURVE, -2, 0), CURVE, "off by 2"),
    (CURVE[1:], CURVE, "the first is missing along axis 0: off by one"),
    (CURVE[:, :-2], CURVE, "the last 2 are missing along axis 1"),
    (np.append(CURVE, CURVE[-1:], 0), CURVE, "the last is too many along axis 0"),
    (1000 * CURVE, CURVE, "1000 times too large: milliseconds"), (CURVE / 640, CURVE, "640 times too small"),
    (np.degrees(CURVE), CURVE, "degrees and radians"), (CURVE / 255, CURVE, "bytes"), (-CURVE * 100, CURVE, "per cent"),
    (7 * CURVE, CURVE, "as many as `x` is long along axis 0"), (13.7 * CURVE, CURVE, "everywhere 13.7 times too large"),
    (CURVE + .25, CURVE, "everywhere 0.25 too large"), (1 - CURVE, CURVE, "1 minus"), (1 / CURVE, CURVE, "upside down"),
    (CURVE ** 2, CURVE, "square of what"), (np.exp(CURVE), CURVE, "a logarithm is missing"),
    (np.clip(CURVE, 0, 1), CURVE, "clipped to 0 to 1"), (np.round(CURVE), CURVE, "rounded to whole"),
    (CURVE / CURVE.max(), CURVE, "times too"), (RNG.permutation(CURVE), CURVE, "another order"),
    (np.zeros((9, 4)), CURVE, "0 everywhere"), (CURVE * np.nan, CURVE, "NaN or infinity everywhere"),
    (np.where(CURVE > 1, np.inf, CURVE), CURVE, "NaN or infinity in"),
    (np.where(np.arange(9)[:, None] == 8, 0, CURVE), CURVE, "right but for the last along axis 0"),
    (np.where(np.arange(4) == 2, 0, CURVE), CURVE, "right but for index 2 of axis 1"),
    (CURVE.mean(0), CURVE, "averaged over axis 0, too"), (CURVE.sum(), CURVE, "added up over all"),
    (CURVE, CURVE.mean(1), "not averaged over axis 1 yet"), (CURVE, CURVE.sum(0), "not added up over axis 0 yet"),
    (CURVE[:, None], CURVE, "axes of length 1 are left over"), (CURVE.ravel(), CURVE, "reshape"),
    (CURVE[:, 0] - CURVE[:, :1] ** 2, CURVE[:, 0], "broadcasting"),
    (np.array([2, 4, 1, 7]), np.array([1, 3, 0, 6]), "one too large"),
    (np.array(9), np.array(10), "one too small"), (np.array(9.5), np.array(10), "no whole number"),
    (np.array(4.2), np.array(.1), "42 times too large, as many as `x` is long along axes 0 to 1 together"),
    (np.array(.5), np.array(3.), "6 times too small, as many as `x` is long along axis 1"),
    (np.array(.6), np.array(.3), "a factor of 2"), (np.array(.2), np.array(.3), ""), (np.array(1.), np.array(.3), ""),
    (np.ones((10, 4)), CURVE, "1 too many along axis 0: off by one"), (CURVE * RNG.random(4), CURVE, "")])
def test_named(got, want, words):
    named = likely.name(np.asarray(got, float), np.asarray(want, float), X)
    assert words in named if words else not named


@exercise(learns="x")
def double(answer):
    """double(x (N,), by) -> (N,): by times x."""
    import torch

    x = torch.arange(1., 5.)
    same(answer(x.clone(), 2.), 2 * x, what="double")


@pytest.mark.parametrize("answer, words", [
    (lambda x, by: x.detach().numpy() * by, "is a NumPy array of shape (4,), through which no gradient can flow"),
    (lambda x, by: x.numpy() * by, "inputs that want gradients your function stops (Can't call numpy()"),
    (lambda x, by: (x * by).detach(), "no gradient of the result reaches `x`"),
    (lambda x, by: [float(v) * by for v in x], "a list, expected an array"),
    (lambda x, by: (x * by).double(), "torch.float64, expected torch.float32"),
    (lambda x, by: x.mul_(by), "changed its argument `x` in place"),
    (lambda x, by: x, "is the argument `x`, unchanged"),
    (lambda x: x, "takes other arguments, (x): it is called as double(x (N,), by)"),
    (lambda x, by: print, "gives a builtin_function_or_method, expected numbers: double(x (N,), by) -> (N,)"),
    (lambda x, by: None, "end with `return`"), (lambda x, by: {"a": x}, "is a dict, expected a number"),
    (lambda x, by: (x * by, x), "double has shape (2, 4)"),
    (3, "was given a plain number: give it the function itself"),
    (float, "was given a class"),
    (lambda x, by: x + thrice, "`thrice` is known nowhere"),                                            # noqa: F821
    (lambda x, by: x + np.zeros(3), "Two shapes do not suit each other"), (lambda x, by: x[7], "index lies outside"),
    (lambda x, by: x if x > 0 else by, "one True or False is wanted"),
    (lambda x, by: x + None, "stopped with TypeError"),
    (lambda x, by: by / 0, "divided by 0"), (lambda x, by: [1, 2][by], "must be a whole number")])
def test_what_no_answer_may_do(answer, words):
    mark, message = judge(double, answer)
    assert mark == "✗" and words in message


def test_an_input_that_wants_gradients_cannot_be_changed_either():
    @exercise
    def grown(answer):
        """grown(x (N,)) -> (N,)."""
        import torch

        answer(torch.ones(3, requires_grad=True))

    def changing(x):
        x += 1
        return x

    assert "changes its argument in place, which torch refuses" in judge(grown, changing)[1]


def test_the_line_that_stopped_is_shown(tmp_path):
    source = "def double(x, by):\n    y = x * by\n    return y[by, 9]\n"
    (tmp_path / "cell.py").write_text(source)
    scope: dict = {}
    exec(compile(source, tmp_path / "cell.py", "exec"), scope)
    assert "(in the line `return y[by, 9]`)" in judge(double, scope["double"])[1]


def test_the_call_that_stopped_is_told():
    @exercise
    def cut(answer):
        """cut(x (T,), n, how, score) -> (n,)."""
        same(answer(np.arange(6.), np.int64(2), "end", abs), [4., 5.])

    assert judge(cut, lambda x, n, how, score: x[n, how])[1].endswith(
        "It was called with x of shape (6,), n = 2, how = 'end'")
    assert judge(cut, lambda x, n, how, score: x[-n:]) == ("✓", "")


def test_several_results_are_compared_one_by_one():
    @exercise
    def pair(answer):
        """pair() -> (a, b)."""
        same_parts(list(answer()), [1., np.arange(4.)], ("a", "b"), what="the pair",
                   mistakes={"the second is turned round": [1., np.arange(4.)[::-1]]})

    assert judge(pair, lambda: (1., np.arange(4.)))[0] == "✓"
    assert "it looks as if the second is turned" in judge(pair, lambda: (1., np.arange(4.)[::-1]))[1]
    assert "b of the pair is everywhere 5 too large" in judge(pair, lambda: (1., np.arange(4.) + 5))[1]


def test_what_a_check_cannot_use_is_no_fault_of_the_check():
    @exercise
    def first(answer):
        """first() -> (a, b)."""
        same(answer()[0][0], 1)

    assert "gives a plain number, which cannot be compared" in judge(first, lambda: 3)[1]


def test_names_of_arguments_and_reach():
    import torch

    assert parameters("f(a (B, 3), b {e: (T, 3)}, c) -> (B, 2): g(x)") == ["a", "b", "c"]
    x, y = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    assert reaches(x - x.mean(), x) and not reaches(x.detach(), x) and not reaches(2 * x, y) and not reaches(1., x)


def test_a_check_gives_the_function_to_use(capsys, monkeypatch):
    """The learner's own once it is right, the solution's until then; a notebook shows nothing of it."""
    monkeypatch.delenv("TFG_STRICT", raising=False)

    def todo(n_samples):
        raise NotImplementedError

    own = check.count_frames(lambda n: -(-n // 640))
    other = check.count_frames(todo)
    assert own(641) == other(641) == 2 and own.__name__ == "<lambda>" and other.__name__ == "count_frames"
    assert own._ipython_display_() is None and check.solution(double) is None
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_notebook_prints_no_function(monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.delenv("TFG_STRICT", raising=False)
    use = check.count_frames(lambda n: -(-n // 640))
    data, _ = InteractiveShell.instance().display_formatter.format(use)
    assert data == {}


def test_solutions_are_those_of_the_notebooks():
    from tools import solved

    for name, text in solved.modules().items():
        assert (solved.FOLDER / f"{name}.py").read_text() == text, "run python -m tools.solved"
    assert {p.stem for p in solved.FOLDER.glob("*.py")} == set(solved.modules())
    for name in set(check.__all__) - {"judge", "Wrong", "exercise", "same", "solution"}:
        assert judge(getattr(check, name), check.solution(getattr(check, name))) == ("✓", ""), name
