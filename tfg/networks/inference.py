"""A trained network made ready to draw: in eval mode, without batch norms, where it shall run."""
from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tfg.networks import checkpoint
from tfg.networks.blocks import Conv, Up


def ready(name: str, network_class, config_class, folder=None) -> tuple[nn.Module, dict]:
    """The network with its trained weights (those that ship by default), ready to draw, and its card.  Arguments and
    errors as `checkpoint.load`."""
    network, card = checkpoint.load(name, network_class, config_class, folder)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return fused(network).to(device, memory_format=torch.channels_last), card


@contextmanager
def one_thread() -> Iterator[None]:
    """torch computes with one thread while the block runs. For small networks that run often: threads that wait for
    each other cost more than they save, and beside other work ten times as much."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fused(network: nn.Module) -> nn.Module:
    """A copy in eval mode that draws the same in half the time: at inference a batch norm is a factor and a shift of
    each channel, and the convolution before it can take both over."""
    network = copy.deepcopy(network).eval()
    for module in list(network.modules()):
        if isinstance(module, (Conv, Up)) and isinstance(module.norm, nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.norm, transpose=isinstance(module, Up))
            module.norm = nn.Identity()
        elif isinstance(module, nn.Sequential):
            for k, (conv, norm) in enumerate(zip(module, list(module)[1:])):
                if isinstance(conv, (nn.Conv2d, nn.ConvTranspose2d)) and isinstance(norm, nn.BatchNorm2d):
                    module[k] = fuse_conv_bn_eval(conv, norm, transpose=isinstance(conv, nn.ConvTranspose2d))
                    module[k + 1] = nn.Identity()
    return network
