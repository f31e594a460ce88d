"""Losses of PoseVAE beside squared error, and the fit of its density of codes."""
from __future__ import annotations

import torch

from tfg.systems.expression.posevae.network import PoseVAE, flat_before


def divergence(mean: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor:
    """KL of N(mean, exp(logvar)) from N(0, 1), in nats, of each number: the shape of mean."""
    return .5 * (mean.square() + logvar.exp() - 1 - logvar)


def expectation(middle: torch.Tensor, chunk: torch.Tensor, *, orders: tuple[int, ...] = (0, 1, 2)) -> torch.Tensor:
    """Error of the decoder's answer to the middle of the prior, given sound, style and the frames before: squared error
    of positions, speeds and accelerations (orders 0, 1, 2), each as a share of its own size, so that 1 is as good as no
    motion. The sway is slow and random: it hides nods in positions and hardly in accelerations.

    middle, chunk: (B, 32, 6), relative to the last pose before. (Chunks must not be weighted by their own size: those
    with a nod are the large ones, and nods would become too small.)
    """
    total = torch.zeros((), device=chunk.device)
    for order in orders:
        true, made = chunk.diff(n=order, dim=1), middle.diff(n=order, dim=1)
        total = total + (made - true).square().mean() / true.square().mean().clamp(min=1e-8)
    return total / len(orders)


def hearing(stress: torch.Tensor, answer: torch.Tensor, batch: dict) -> dict[str, torch.Tensor]:
    """Losses of the sound's own path.  misheard: squared error of the curves of stress, each as a share of its own
    size. answer: `expectation` of the motion from the sound alone, in speeds and accelerations.  batch: one of
    `Chunks`."""
    true = batch["stress"]
    error = (stress[..., :true.shape[2]] - true).square().mean((0, 1))
    return {"misheard": (error / (true.square().mean((0, 1)) + .01)).mean(),
            "answer": expectation(answer, batch["chunk"], orders=(1, 2))}


def roughened(windows: torch.Tensor) -> torch.Tensor:
    """Windows (B, 32, 80, 16), or features (B, 32, 768), with the response of another microphone and with noise,
    against overfitting to a few voices. About 3 dB each in a mel, whose unit is 12.5 dB; .25 of features' deviation.
    """
    shape = (len(windows), 1, windows.shape[2], 1)[:windows.ndim]
    colour = .25 * torch.randn(shape, device=windows.device)
    return windows + colour + .25 * torch.randn_like(windows)


def seam(before: torch.Tensor, chunk: torch.Tensor) -> torch.Tensor:
    """The frames before a chunk and the chunk, (B, context + 32, 6), both relative to the last pose before it."""
    return torch.cat([before - before[:, -1:], chunk], 1)


@torch.no_grad()
def settle(network: PoseVAE, batches: list[dict]) -> None:
    """Fit the density from which codes are drawn to the codes of chunks, in place: a Gaussian with their covariance,
    its mean a linear function of the frames before (density estimation after training: Ghosh et al. 2020, From
    variational to deterministic autoencoders). After finite training a VAE's codes are not N(0, 1): their dimensions
    are correlated, and draws from N(0, 1) lie where no chunk's code was.

    batches: batches of `Chunks`, as tensors.
    """
    codes, past, noise = [], [], 0
    for b in batches:
        mean, logvar = network.encode(b["chunk"], b["before"], network.hear(b["windows"]), b["style"])
        codes.append(mean.double())
        past.append(flat_before(b["before"]).double())
        noise = noise + logvar.double().exp().mean(0) / len(batches)
    z, x = torch.cat(codes), torch.cat(past)
    x = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1)
    gram = x.T @ x + 1e-3 * len(x) * torch.diag((torch.arange(x.shape[1]) < x.shape[1] - 1).double())
    weights = torch.linalg.solve(gram, x.T @ z)
    rest = z - x @ weights
    covariance = rest.T @ rest / len(rest) + torch.diag(noise)
    network.code_from.copy_(weights[:-1].T)
    network.code_mean.copy_(weights[-1])
    network.code_root.copy_(torch.linalg.cholesky(covariance))
