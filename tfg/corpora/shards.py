"""Write a store as shards, tar files in WebDataset's layout: `shard("build/store", "build/shards", size_mb=256)`.

`Store.open` reads the folder as it reads the store (see `shard_files`), so that windows, trainings and scores are the
same. Without tfg, `webdataset.WebDataset("shard-{000000..000007}.tar").decode("rgb")` yields a dict for each clip.
"""
from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from tfg.corpora import shard_files as sf
from tfg.corpora import store_format as form
from tfg.corpora.prepared import OPTIONS
from tfg.corpora.splits_table import TABLE as SPLITS
from tfg.corpora.store import Store
from tfg.errors import InputError
from tfg.files import atomic, locked, make_folder

END_BYTES = 2 * tarfile.BLOCKSIZE


def shard(store, out: str | os.PathLike, *, size_mb: float = 256.0, shuffle: int | None = None,
          progress: Callable[[int, int], None] | None = None) -> list[dict]:
    """Write the clips of a store into tar files of at most `size_mb` MB (10^6 bytes), a clip always as a whole.

    store: its folder, or a `Store`.  out: a folder without shards, made if it is not there.  shuffle: seed of the
    clips' order in the shards, for readers that go through them in order; None keeps the store's.  progress: called
    with clips done and clips in all.
    Returns the entries of the index.  The bytes are a function of store, size and seed.
    Raises InputError: an old or empty store, sound that is not finite, sizes that make no sense, a full disk.
    """
    store = store if isinstance(store, Store) else Store.open(store)
    out = Path(out)
    if not 0 < size_mb <= 1e6:
        raise InputError(f"shards of {size_mb:g} MB were asked for; give more than 0 and at most 1000000.")
    if sf.is_sharded(out) or (out / form.HEADER).exists():
        raise InputError(f"{out} holds shards or a store already; choose another folder.")
    if not store.clips:
        raise InputError(f"{store.path} holds no clip; prepare some before you make shards of them.")
    store.need_sound()
    form.check_mel(store, store.clips)
    order = list(range(len(store.clips)))
    if shuffle is not None:
        order = np.random.default_rng(shuffle).permutation(order).tolist()
    with locked(make_folder(out)):
        shards: list[dict] = []
        waiting, done = order, 0
        while waiting:
            took = _write_shard(store, out, len(shards), waiting, size_mb * 1e6, shards)
            waiting, done = waiting[took:], done + took
            if progress:
                progress(done, len(order))
        for path in sorted(out.glob("shard-*.tar"))[len(shards):]:            # of a run that was stopped
            path.unlink()
        _write_rest(store, out, shards)
    return shards


def _write_shard(store: Store, out: Path, number: int, clips: list[int], limit: float, shards: list[dict]) -> int:
    """Write one shard of the first of these clips, and enter it into `shards`. Returns the number of its clips."""
    name = f"shard-{number:06d}.tar"
    at: list[int] = []
    with atomic(out / name) as part:
        with open(part, "wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for clip in clips:
                members = _members(store, clip)
                size = sum(tarfile.BLOCKSIZE * (1 + -(-len(data) // tarfile.BLOCKSIZE)) for _, data in members)
                if at and tar.offset + size + END_BYTES > limit:
                    break
                at.append(tar.offset)
                for what, data in members:
                    info = tarfile.TarInfo(sf.member_name(clip, what))
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
        with open(part, "rb") as written:
            total = hashlib.file_digest(written, "sha256").hexdigest()
        shards.append({"name": name, "bytes": part.stat().st_size, "sha256": total, "clips": clips[:len(at)],
                       "at": at})
    return len(at)


def _members(store: Store, clip: int) -> list[tuple[str, bytes]]:
    """Members of the sample of a clip: what follows the key in their names, and their bytes."""
    row = store.clips[clip]
    out = [("json", json.dumps(asdict(row), separators=(",", ":")).encode())]
    out += [(f"{t:05d}.jpg", store.jpeg(row.start + t)) for t in range(row.n_frames)]
    arrays = {"mel": store.mel[row.mel_start:row.mel_stop], "wave": store.samples(row)}
    arrays |= {name: values[row.start:row.stop] for name, values in store.arrays.items()}
    for name, values in arrays.items():
        file = io.BytesIO()
        np.save(file, np.ascontiguousarray(values), allow_pickle=False)
        out.append((f"{name}.npy", file.getvalue()))
    return out


def _write_rest(store: Store, out: Path, shards: list[dict]) -> None:
    """The table, header, `ok`, options and splits of the store; then the index, which makes the shards complete."""
    with atomic(out / form.TABLE) as part:
        part.write_bytes(b"".join(map(form.line_of, store.clips)))
    for name in (OPTIONS, SPLITS):
        if (store.path / name).is_file():
            with atomic(out / name) as part:
                shutil.copyfile(store.path / name, part)
    if sf.OK in store.schema:
        with atomic(out / form.file_of(sf.OK, store.schema[sf.OK][0])) as part:
            part.write_bytes(np.asarray(store.arrays[sf.OK]).tobytes())
    with atomic(out / form.HEADER) as part:
        part.write_text(form.header_text(store.size, store.schema), encoding="utf-8")
    index = {"format": sf.FORMAT, "version": sf.VERSION, "shards": shards}
    with atomic(out / sf.INDEX) as part:
        part.write_text(json.dumps(index, separators=(",", ":")) + "\n", encoding="utf-8")
