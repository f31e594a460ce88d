"""Figures of sound and of its clock, for notebooks/01_sound_and_time."""
from __future__ import annotations

import numpy as np

from tfg.course.explore.widgets import listen, remembered, sliders
from tfg.media import audio
from tfg.plot_style import COLOURS, figure

_QUIET_DB = -80


def draw_wave(y, start_s: float = 0.0, duration_s: float | None = None, frames: bool = False):
    """The waveform between two times; with `frames`, the borders of the video frames.

    y: (N,) in [-1, 1] at 16 kHz.  Returns a Figure.
    """
    whole = len(y) / audio.SR
    start_s = float(np.clip(start_s, 0, max(whole - 0.005, 0)))
    stop_s = min(whole, start_s + (duration_s or whole))
    a, b = int(start_s * audio.SR), max(int(stop_s * audio.SR), int(start_s * audio.SR) + 2)
    fig, ax = figure(9, 2.2)
    t = np.arange(a, min(b, len(y))) / audio.SR
    ax.plot(t, y[a:b], lw=0.6 if stop_s - start_s > 0.1 else 1.3, color=COLOURS[0])
    if frames:
        first, last = audio.sample_to_frame(a), audio.sample_to_frame(max(b - 1, a))
        for i in range(first, last + 1):
            left = audio.frame_to_samples(i)[0] / audio.SR
            if i % 2:
                ax.axvspan(left, left + 1 / audio.FPS, color=COLOURS[4], alpha=0.13, lw=0)
            if last - first <= 30 and left + 0.02 < stop_s:
                ax.text(left + 0.5 / audio.FPS, 1.02, str(i), ha="center", va="bottom", fontsize=7,
                        transform=ax.get_xaxis_transform(), clip_on=False)
    ax.set(xlabel="time [s]" + (", numbers on top: video frames" if frames else ""), ylabel="pressure",
           xlim=(start_s, stop_s))
    return fig


def draw_slice(piece, spectrum, sr: int = audio.SR):
    """A slice of sound under its window and the strength of each frequency in it.

    piece: (n_fft,).  spectrum: (n_fft // 2 + 1,), non-negative.
    """
    fig, (left, right) = figure(9, 2.4, 1, 2)
    left.plot(np.arange(len(piece)) / sr * 1000, piece, color=COLOURS[0], lw=1)
    left.set(title="a slice of the sound, faded at both ends", xlabel="time [ms]", ylabel="pressure")
    hz = np.arange(len(spectrum)) * sr / len(piece)
    right.plot(hz, spectrum, color=COLOURS[1], lw=1)
    best = int(np.argmax(spectrum))
    right.annotate(f"bin {best}: {hz[best]:.0f} Hz", (hz[best], spectrum[best]), (hz[best] + 300, spectrum[best] * .92),
                   fontsize=8.5)
    right.set(title="strength of each frequency in it", xlabel="frequency [Hz]", ylabel="strength", xlim=(0, 4000))
    return fig


def draw_spectrogram(y, window_ms: float = 50.0, hop_ms: float = 12.5, top_hz: float = 8000.0):
    """The strength of every frequency over time, in dB below the loudest.

    y: (N,) at 16 kHz.  window_ms: length of a slice.  hop_ms: step from slice to slice.  top_hz: highest one drawn.
    """
    n, hop = max(int(window_ms * audio.SR / 1000), 16), max(int(hop_ms * audio.SR / 1000), 1)
    padded = np.pad(np.asarray(y, np.float32), n // 2)
    slices = np.lib.stride_tricks.sliding_window_view(padded, n)[::hop] * np.hanning(n).astype(np.float32)
    strength = np.abs(np.fft.rfft(slices, max(n, 512), axis=1)).T
    db = 20 * np.log10(strength / max(strength.max(), 1e-9) + 1e-9)
    fig, ax = figure(9, 2.8)
    image = ax.imshow(np.clip(db, _QUIET_DB, 0), origin="lower", aspect="auto", interpolation="nearest",
                      extent=(0, len(y) / audio.SR, 0, audio.SR / 2))
    fig.colorbar(image, ax=ax, label="dB", pad=0.01)
    ax.set(xlabel="time [s]", ylabel="frequency [Hz]", ylim=(0, top_hz),
           title=f"slices of {1000 * n / audio.SR:.0f} ms: frequencies {audio.SR / n:.0f} Hz apart, "
                 f"{len(slices)} slices")
    return fig


def draw_filterbank(filters, highlight: int = 20):
    """The triangles that sum the bins of the spectrum into mel bands.

    filters: (n_mels, n_fft // 2 + 1).  highlight: the band drawn in colour.
    """
    hz = np.linspace(0, audio.SR / 2, filters.shape[1])
    fig, ax = figure(9, 2.2)
    peak = filters.max(1, keepdims=True)
    for k, row in enumerate(filters / np.where(peak > 0, peak, 1)):
        if k % 3 == 0:
            ax.plot(hz, row, color=COLOURS[7], lw=0.7, alpha=0.7)
    row = filters[highlight] / max(filters[highlight].max(), 1e-12)
    ax.fill_between(hz, row, color=COLOURS[1], alpha=0.8, lw=0)
    ax.set(xlabel="frequency [Hz]", ylabel="weight / peak", xlim=(0, audio.SR / 2), yticks=(0, 1),
           title=f"every third of {len(filters)} filters, drawn at equal height; number {highlight} sums "
                 f"{int((row > 0).sum())} bins around {hz[int(np.argmax(row))]:.0f} Hz")
    return fig


def draw_mel(mel, title: str = "", frames: tuple[int, int] | None = None):
    """A mel spectrogram; `frames=(first, stop)` marks a run of video frames.

    mel: (80, M) in [-4, 4].
    """
    fig, ax = figure(9, 2.5)
    columns = mel.shape[1]
    per_frame = audio.SAMPLES_PER_FRAME / audio.HOP_LENGTH
    image = ax.imshow(mel, origin="lower", aspect="auto", interpolation="nearest", vmin=-4, vmax=4,
                      extent=(-0.5, columns - 0.5, -0.5, mel.shape[0] - 0.5))
    fig.colorbar(image, ax=ax, label="loudness, -4 to 4", pad=0.01)
    if frames:
        ax.axvspan(frames[0] * per_frame, frames[1] * per_frame, color="white", alpha=0.35, lw=0)
    ax.set(xlabel="mel column (80 per second)", ylabel="mel band", title=title)
    return fig


def draw_frame_map(mel, y, frame: int = 20, width: int = 16):
    """One video frame on both clocks: its 640 samples, and the mel columns of its window.

    mel: (80, M).  y: (N,).  The window is `audio.mel_window(mel, frame, width)`.
    """
    total = audio.n_frames(len(y))
    frame = int(np.clip(frame, 0, total - 1))
    per_frame = audio.SAMPLES_PER_FRAME / audio.HOP_LENGTH
    middle = per_frame * (frame + 0.5)
    fig, axes = figure(9, 4.2, 2, 2, width_ratios=(3, 1))
    (ax, near), (below, window) = axes
    shown = np.arange(max(frame - 6, 0), min(frame + 7, total))
    lo, hi = shown[0] * audio.SAMPLES_PER_FRAME, (shown[-1] + 1) * audio.SAMPLES_PER_FRAME
    ax.plot(np.arange(lo, min(hi, len(y))), y[lo:hi], color=COLOURS[0], lw=0.5)
    a, b = audio.frame_to_samples(frame)
    ax.axvspan(a, b, color=COLOURS[1], alpha=0.35, lw=0)
    ax.set(xlim=(lo, hi), title=f"frame {frame} = samples {a} to {b - 1}", xlabel="sample", ylabel="pressure")
    below.imshow(mel, origin="lower", aspect="auto", interpolation="nearest", vmin=-4, vmax=4,
                 extent=(-0.5, mel.shape[1] - 0.5, 0, mel.shape[0]))
    first = audio.mel_start(frame, width)
    for x in (first - 0.5, first + width - 0.5):
        below.axvline(x, color="white", lw=1.5)
    below.axvline(middle, color=COLOURS[1], lw=1.5)
    below.set(xlim=(lo / audio.HOP_LENGTH, hi / audio.HOP_LENGTH), xlabel="mel column", ylabel="mel band",
              title=f"its middle is column {per_frame} · {frame} + {per_frame / 2:.1f} = {middle:.1f}")
    near.plot(np.arange(a, min(b, len(y))), y[a:b], color=COLOURS[1], lw=0.8)
    near.set(title="its 40 ms", xticks=[], yticks=[])
    window.imshow(audio.mel_window(mel, frame, width), origin="lower", aspect="auto", vmin=-4, vmax=4,
                  interpolation="nearest")
    window.set(title=f"a network sees 80 x {width}", xticks=[], yticks=[])
    return fig


def draw_offset(mouth, sound, k: int = 0):
    """Opening of a mouth and loudness of the sound over time, the sound moved by k frames.

    mouth, sound: (T,).  k > 0: the sound comes late.
    """
    T = min(len(mouth), len(sound))
    t = np.arange(T) / audio.FPS
    fig, ax = figure(9, 2.3)
    ax.plot(t, _unit(mouth[:T]), color=COLOURS[1], label="mouth opening (the picture)")
    ax.plot(t + k / audio.FPS, _unit(sound[:T]), color=COLOURS[0], label="loudness (the sound)", alpha=0.8)
    late = "in step" if k == 0 else f"sound {abs(k) * 40} ms {'late' if k > 0 else 'early'}"
    ax.set(xlabel="time [s]", yticks=[], title=f"k = {k}: {late}", xlim=(-0.4, T / audio.FPS + 0.4))
    ax.legend(loc="lower right", ncols=2, bbox_to_anchor=(1, 1))
    return fig


def lag_curve(mouth, sound, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Lags of the sound from -reach to reach frames, and the correlation of the two curves (T,) at each."""
    lags = range(-reach, reach + 1)
    pairs = [(mouth[max(-s, 0):len(mouth) - max(s, 0)], sound[max(s, 0):len(sound) + min(s, 0)]) for s in lags]
    return np.array(lags), np.array([np.corrcoef(a, b)[0, 1] for a, b in pairs])


def draw_lag_curve(lags, scores):
    """Agreement of picture and sound over the assumed lag, in frames; its peak is the answer."""
    fig, ax = figure(6, 2.2)
    ax.plot(lags, scores, marker="o", ms=4, color=COLOURS[2])
    best = int(np.argmax(scores))
    ax.axvline(lags[best], color=COLOURS[1], lw=1)
    ax.set_xticks(lags[::2])
    ax.set(xlabel="assumed lag of the sound [frames]", ylabel="correlation",
           title=f"best agreement at {lags[best]} frames ({40 * lags[best]} ms)")
    return fig


def wave(y) -> None:
    """Sliders over `draw_wave`, with a player for the part that is shown."""
    whole = len(y) / audio.SR

    def part(start_s, duration_s, frames):
        a = int(start_s * audio.SR)
        return [draw_wave(y, start_s, duration_s, frames), listen(y[a:a + max(int(duration_s * audio.SR), 400)])]

    sliders(part, start_s=(0.0, round(whole - 0.05, 2), 0.02, min(0.5, round(whole / 2, 2))),
            duration_s=(0.02, round(whole, 2), 0.02, 0.5), frames=True)


def resolution(y) -> None:
    """Sliders over `draw_spectrogram`."""
    sliders(lambda **v: draw_spectrogram(y, **v), window_ms=(4.0, 200.0, 2.0, 50.0), hop_ms=(2.5, 40.0, 2.5, 12.5),
            top_hz=(1000.0, 8000.0, 500.0, 4000.0))


def frame_map(mel, y) -> None:
    """Sliders over `draw_frame_map`."""
    sliders(lambda **v: draw_frame_map(mel, y, **v), frame=(0, audio.n_frames(len(y)) - 1, 1, 20),
            width=(4, 32, 2, 16))


def offset(clip, shift_sound, mouth) -> None:
    """Sliders: watch and hear a clip whose sound was moved by k frames.

    shift_sound(y, k) moves sound by k frames.  mouth: (T,) opening of the mouth, drawn over the loudness.
    """
    import dataclasses

    from tfg.media.show import show

    loud = audio.loudness(clip.audio)

    def moved(k):
        shifted = dataclasses.replace(clip, audio=shift_sound(clip.audio, k), path=None)
        return [draw_offset(mouth, loud, k), show(shifted, width=256)]

    sliders(remembered(moved), k=(-12, 12, 1, 0))


def _unit(x):
    x = np.asarray(x, float)
    spread = x.max() - x.min()
    return (x - x.min()) / (spread if spread > 0 else 1)
