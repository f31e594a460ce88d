"""Diagrams of networks: what stands on them comes from the module."""
import numpy as np
import pytest
import torch
from torch import nn

from test_course_explore import drawn
from tfg.course import explore
from tfg.course.explore import networks
from tfg.errors import InputError
from tfg.networks.blocks import Conv, n_parameters, stage


class Towers(nn.Module):
    """Two towers that meet in one layer."""

    def __init__(self, width=8):
        super().__init__()
        self.face = nn.Sequential(Conv(3, width, 3, 2, 1), Conv(width, 16, 3, 2, 1), nn.AdaptiveAvgPool2d(1),
                                  nn.Flatten())
        self.sound = nn.Sequential(nn.Linear(10, 16), nn.ReLU())
        self.both = nn.Linear(32, 5)

    def forward(self, picture, mel):
        return self.both(torch.cat([self.face(picture), self.sound(mel)], 1))


class Chain(nn.Module):
    """Alike blocks, one after the other, with a skip over all of them."""

    def __init__(self, n=5):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 1)
        self.blocks = nn.ModuleList(Conv(8, 8, residual=True) for _ in range(n))
        self.last = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        first = y = self.first(x)
        for block in self.blocks:
            y = block(y)
        return self.last(torch.cat([first, y], 1))


class Star(nn.Module):
    """Many layers beside each other, in no list."""

    def __init__(self):
        super().__init__()
        for k in range(26):
            self.add_module(f"layer{k}", nn.Linear(10, k + 1))

    def forward(self, x):
        return [layer(x) for layer in self.children()]


PICTURE, MEL = torch.rand(2, 3, 16, 12), torch.rand(2, 10)


def texts(figure) -> list[str]:
    return [t.get_text() for t in drawn(figure).axes[0].texts if t.get_text()]


def column(figure, name: str) -> list[str]:
    """Lines below the box of that name."""
    found = figure.axes[0].texts
    x, y = next(t.get_position() for t in found if t.get_text() == name and t.get_fontweight() == "bold")
    below = []
    for t in found:
        at = t.get_position()
        if abs(at[0] - x) < 1e-6 and at[1] <= y:
            if t.get_fontweight() == "bold" and t.get_text() != name and at[1] < y:
                break
            below.append(t.get_text())
    return below


def test_words_come_from_the_module():
    network = Towers()
    figure = explore.draw_network(network, PICTURE, MEL)
    assert texts(figure)[0] == f"Towers: {n_parameters(network):,} parameters"
    assert column(figure, "picture") == ["picture", "input", "3 x 16 x 12"]
    assert column(figure, "face.0") == ["face.0", "Conv 3 x 3,", "stride 2", "8 x 8 x 6",
                                        f"{n_parameters(network.face[0])} parameters"]
    assert column(figure, "face.1")[-3:] == ["Flatten", "16", "1,184 parameters"]
    assert column(figure, "both")[1:] == ["Linear", "5", "165 parameters"]
    wider = explore.draw_network(Towers(32), PICTURE, MEL, title="Mine")
    assert texts(wider)[0] == f"Mine: {n_parameters(Towers(32)):,} parameters"
    assert "32 x 8 x 6" in column(wider, "face.0")


def test_towers_are_rows_that_join():
    figure = explore.draw_network(Towers(), PICTURE, MEL)
    y = {t.get_text(): t.get_position()[1] for t in figure.axes[0].texts}
    assert y["picture"] == y["face.0"] == y["face.1"]
    assert y["mel"] == y["sound.0"]
    assert y["both"] == y["answer"]
    assert y["both"] < y["mel"] < y["picture"]
    blocks, answer = networks.trace(Towers(), (PICTURE, MEL), 1)
    assert [b.name for b in blocks] == ["picture", "mel", "face", "sound", "both"]
    assert [b.gets for b in blocks] == [set(), set(), {0}, {1}, {2, 3}] and answer.gets == {4}


def test_alike_blocks_are_folded_and_skips_are_named():
    figure = explore.draw_network(Chain(), PICTURE, depth=1)
    lines = column(figure, "blocks.0 to 4")
    assert "x 5" in lines and "8 x 16 x 12" in lines
    assert f"{5 * n_parameters(Conv(8, 8)):,} parameters" in " ".join(lines)
    assert "+ first" in column(figure, "last")
    bold = [t.get_text() for t in figure.axes[0].texts if t.get_fontweight() == "bold"]
    assert bold == ["x", "first", "blocks.0 to 4", "last", "answer"]


def test_frames_in_the_batch_are_counted():
    class Frames(nn.Module):
        def __init__(self):
            super().__init__()
            self.each, self.all = nn.Linear(4, 3), nn.LSTM(3, 2, batch_first=True)

        def forward(self, x):
            return self.all(self.each(x.flatten(0, 1)).unflatten(0, (len(x), -1)))[0][:, -1]

    figure = explore.draw_network(Frames(), torch.rand(2, 5, 4))
    assert "5 of 3" in column(figure, "each") and "5 x 2" in column(figure, "all")


def test_a_tensor_of_zeros_comes_from_nothing():
    class Zeros(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(4, 4)

        def forward(self, x, y):
            out = torch.zeros_like(x)
            out[:, :2] = y[:, :2]
            return self.a(out), x.new_zeros(2, 3)

    blocks, answer = networks.trace(Zeros(), (torch.rand(2, 4), torch.rand(2, 4)), 1)
    assert blocks[2].gets == {1} and answer.gets == {2}


def test_weights_used_without_a_call():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Parameter(torch.ones(4))

        def forward(self, x):
            return nn.functional.linear(self.a(x), self.b.weight) * self.c

    assert any("in no box: c (4 parameters), b (20 parameters)" in t for t in
               texts(explore.draw_network(Own(), torch.rand(2, 4))))
    inside = explore.draw_network(nn.Sequential(Own(), nn.Linear(4, 1)), torch.rand(2, 4))
    assert "44 parameters" in column(inside, "0")                         # one box, for its parts are not all of it


def test_never_too_many_boxes():
    for module, given in ((Chain(30), PICTURE), (nn.Sequential(*(stage(3, 3, 1, k % 3) for k in range(16))), PICTURE),
                          (nn.Sequential(*(nn.Linear(4 + k, 5 + k) for k in range(26))), torch.rand(2, 4)),
                          (Star(), MEL)):
        figure = explore.draw_network(module, given, depth=3)
        assert sum(t.get_fontweight() == "bold" for t in figure.axes[0].texts) <= networks.MOST
        assert f"{n_parameters(module):,} parameters" in texts(figure)[0]


def test_no_words_overlap_or_are_cut_off():
    for figure in (explore.draw_network(Towers(), PICTURE, MEL), explore.draw_network(Chain(1), PICTURE),
                   explore.draw_network(nn.Sequential(*(nn.Linear(900 + k, 901 + k) for k in range(11))),
                                        torch.rand(1, 900))):
        assert figure.get_figwidth() < 10.8
        words = [t for t in drawn(figure).axes[0].texts if t.get_text() not in ("", "+")]
        boxes = [t.get_window_extent() for t in words]
        for k, a in enumerate(boxes):
            assert a.x0 >= 0 and a.y0 >= 0 and a.x1 <= figure.bbox.x1 and a.y1 <= figure.bbox.y1, words[k]
            for b in boxes[k + 1:]:
                assert min(a.x1, b.x1) - max(a.x0, b.x0) < 1 or min(a.y1, b.y1) - max(a.y0, b.y0) < 4, words[k]


def hooks(network) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in network.modules())


@pytest.mark.parametrize("mel", [MEL, torch.rand(2, 11)], ids=["runs", "fails"])
def test_the_network_stays_as_it_was(mel):
    network = Towers().train()
    network.sound.eval()                                                  # a part that somebody froze
    modes, mean = [m.training for m in network.modules()], network.face[0].norm.running_mean.clone()
    try:
        explore.draw_network(network, PICTURE, mel)
    except ValueError:
        assert mel is not MEL
    assert [m.training for m in network.modules()] == modes and True in modes and False in modes
    assert hooks(network) == 0
    assert torch.equal(network.face[0].norm.running_mean, mean)
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


def test_wrong_inputs_are_named():
    with pytest.raises(ValueError, match=r"Towers cannot run on picture \(2, 3, 16, 12\), mel \(2, 11\): .+; give .+ "
                                         r"forward takes them: picture, mel\."):
        explore.draw_network(Towers(), PICTURE, torch.rand(2, 11))
    with pytest.raises(InputError, match=r"Towers cannot run on picture \(2, 3, 16, 12\): .*mel"):
        explore.draw_network(Towers(), PICTURE)
    with pytest.raises(InputError, match="no tensor to run on; give what its forward takes: picture, mel"):
        explore.draw_network(Towers())
    with pytest.raises(InputError, match="got dict"):
        explore.draw_network({}, PICTURE)
    with pytest.raises(InputError, match="depth is 0"):
        explore.draw_network(Towers(), PICTURE, MEL, depth=0)


# ---- a system of several networks ------------------------------------------------------------------------------------
def test_a_pipeline_shows_what_ran():
    network = torch.nn.Linear(3, 2)
    figure = networks.draw_pipeline({"sound": ((), np.zeros(160), None), "ear": (("sound",), np.zeros((10, 3)), None),
                                     "lips": (("ear",), torch.zeros(10, 2), network), "photo": ((), "a picture", None),
                                     "film": (("lips", "photo"), np.zeros((10, 4, 4, 3)), None)}, "all of it")
    axes, = figure.axes
    boxes = {text.get_text().split("\n")[0]: text for text in axes.texts if text.get_text()}
    assert boxes["lips"].get_text() == "lips\n10 x 2\n8 parameters" and boxes["photo"].get_text() == "photo\na picture"
    assert boxes["film"].get_position()[0] == 3 and boxes["photo"].get_position()[0] == boxes["sound"].get_position()[0]
    arrows = [text for text in axes.texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 4 and axes.get_title() == "all of it"
    network.register_buffer("small", torch.zeros(5, dtype=torch.int8))
    figure = networks.draw_pipeline({"ear": ((), "x", network)})
    assert figure.axes[0].texts[0].get_text().endswith("13 numbers in 8 bits")
    with pytest.raises(ValueError, match="'lips' takes 'ear', which does not stand before it; known are sound"):
        networks.draw_pipeline({"sound": ((), "x", None), "lips": (("ear",), "y", None)})
