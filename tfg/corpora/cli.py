"""`tfg corpora fetch`, `list`, `prepare` and `check`."""
from __future__ import annotations

import re
import sys
from collections import Counter
from typing import Any

from tfg.errors import InputError

FETCHED = ("crema-d", "sfhq", "librispeech")
FETCH_EXAMPLES = """examples:
  tfg corpora fetch crema-d --out build/CREMA-D --actors 1003-1010 --emotions HAP,SAD
  tfg corpora fetch crema-d --out build/CREMA-D --kind audio --mirror /media/disk
  tfg corpora fetch sfhq --out build/SFHQ
  tfg corpora fetch librispeech --out build/librispeech
"""
PREPARE_EXAMPLES = """examples:
  tfg corpora prepare build/CREMA-D --corpus crema-d --out build/cremad_store --actors 1003-1020
  tfg corpora prepare build/set --corpus actors --out build/store
  tfg corpora prepare videos --corpus folder --out build/mine --crop aligned --openface processed
"""
_ONLY_CREMA_D = ("actors", "emotions", "sentences", "levels", "kind")
_REASON = re.compile(r"\S*\d\S*|'.*?'|\S+[/\\]\S+")


def add(commands, command, parser_class) -> None:
    """Add the commands. command, parser_class: `tfg.cli`'s own."""
    from tfg.corpora import READERS

    p = commands.add_parser("corpora", help="Fetch and list collections of clips.",
                            description="Fetch and list collections of clips.")
    parts = p.add_subparsers(dest="part", metavar="PART", required=True, parser_class=parser_class)
    fetch = command(parts, "fetch", "Download official files with their checksums; run it again to resume.", run_fetch,
                    epilog=FETCH_EXAMPLES)
    fetch.add_argument("corpus", help="crema-d (real actors, ODbL), sfhq (faces of people who do not exist, MIT) or "
                                       "librispeech (a sample of read speech, CC BY 4.0)")
    fetch.add_argument("--out", required=True, help="folder; made if it is not there")
    fetch.add_argument("--actors", metavar="1003-1010,1015", help="crema-d: which actors (default: all 91)")
    fetch.add_argument("--emotions", metavar="HAP,SAD", help="crema-d: which emotions (default: all)")
    fetch.add_argument("--sentences", metavar="DFA,IEO", help="crema-d: which sentences (default: all 12)")
    fetch.add_argument("--levels", metavar="LO,HI", help="crema-d: which levels (default: all)")
    fetch.add_argument("--kind", help="crema-d: video (default), audio, both; all videos are 2.4 GB")
    fetch.add_argument("--mirror", metavar="DIR", help="a folder with crema_d/ or sfhq/ to look in first "
                                                       "(default: $TFG_MIRROR)")
    fetch.add_argument("--workers", type=int, metavar="N", help="downloads at a time (default: 4)")
    show = command(parts, "list", "Count the clips of a folder, and say what was skipped and why.", run_list,
                   epilog="example:\n  tfg corpora list build/CREMA-D --corpus crema-d")
    show.add_argument("folder", help="the corpus, in its official layout")
    show.add_argument("--corpus", required=True, help=", ".join(READERS))
    show.add_argument("--kind", help="crema-d, ravdess, voxceleb: video (default), audio, both")
    show.add_argument("--surprised", action="store_true", help="ravdess: count its eighth emotion too, as SUR")
    show.add_argument("--all", action="store_true", help="name every skipped file, not just three of each reason")
    _add_prepare(parts, command, READERS)


def _add_prepare(parts, command, readers) -> None:
    p = command(parts, "prepare", "Turn videos into a store of face crops, sound and labels; run it again to resume.",
                run_prepare, epilog=PREPARE_EXAMPLES)
    p.add_argument("folder", help="the corpus, in its official layout")
    p.add_argument("--corpus", required=True, help=", ".join(r for r in readers if r != "sfhq"))
    p.add_argument("--out", required=True, help="the store, a folder; made if it is not there, else appended to")
    p.add_argument("--size", type=int, metavar="N", help="side of a crop in pixels (default: 128)")
    p.add_argument("--workers", type=int, metavar="N", help="processes (default: one per core)")
    p.add_argument("--dask", metavar="ADDRESS", help="let a Dask cluster do the work: its scheduler's address, as in "
                                                     "tcp://10.0.0.5:8786; it must see the same files")
    p.add_argument("--actors", metavar="1003-1010,1015", help="only these (default: all)")
    p.add_argument("--labels", help="true (the known labels of virtual actors; their default) or measured")
    p.add_argument("--openface", metavar="DIR", help="take Action Units from OpenFace's CSV files there")
    p.add_argument("--crop", help="face: a calm square around it (default); aligned: eyes and nose at fixed places; "
                                  "whole: all of the picture")
    p.add_argument("--margin", metavar="M | L,T,R,B", help="room around the face as parts of its longer side (default: "
                                                           "0.35,0.55,0.35,0.25)")
    p.add_argument("--smooth", type=int, metavar="FRAMES", help="frames of the filter that smooths measured curves "
                                                                "without delay (default: 5; 0: none)")
    p.add_argument("--surprised", action="store_true", help="ravdess: take its eighth emotion, too, as SUR")
    check = command(parts, "check", "Verify every byte of a store; name the clips that are damaged.", run_check,
                    epilog="example:\n  tfg corpora check build/store")
    check.add_argument("store", help="the folder that `tfg corpora prepare` or `tfg corpora shard` wrote")
    shards = command(parts, "shard", "Write a store as tar files in WebDataset's layout, which trainings read as they "
                                     "do the store.", run_shard,
                     epilog="example:\n  tfg corpora shard build/store --out build/shards --size-mb 256")
    shards.add_argument("store", help="the folder that `tfg corpora prepare` wrote")
    shards.add_argument("--out", required=True, metavar="DIR", help="folder of the shards, made if it is not there")
    shards.add_argument("--size-mb", type=float, metavar="MB", help="most MB of a shard (default: 256)")
    shards.add_argument("--shuffle", type=int, metavar="SEED", help="put clips into the shards in an order drawn by "
                                                                    "this seed, for readers that go through them in "
                                                                    "order")


def numbers(text: str) -> list[str]:
    """Numbers of a list with ranges: "1001-1003,1010" -> ["1001", "1002", "1003", "1010"]. Raises InputError."""
    out: list[str] = []
    for part in words(text):
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise InputError(f"--actors has {part!r}; give numbers and ranges, as in 1003-1010,1015.")
        out += [str(n) for n in range(first, last + 1)]
    return out


def words(text: str) -> list[str]:
    """Words of a list, in capitals: "HAP, sad" -> ["HAP", "SAD"]. Raises InputError if the list is empty."""
    out = [word.strip().upper() for word in text.split(",") if word.strip()]
    if not out:
        raise InputError(f"{text!r} names nothing; give words with commas between them, or leave the option out.")
    return out


def run_fetch(given: dict) -> None:
    """Fetch files and print their number; raises InputError at the end if a file is still missing."""
    from tqdm.auto import tqdm

    from tfg.corpora.fetch import choose, fetch_crema_d, fetch_librispeech, fetch_sfhq

    corpus, out = given.pop("corpus"), given.pop("out")
    if corpus not in FETCHED:
        raise InputError(f"{corpus!r} cannot be fetched; choose {' or '.join(FETCHED)}; other corpora are given out by "
                         "their owners: their readers say where.")
    chosen = {k: given.pop(k) for k in _ONLY_CREMA_D if k in given}
    if corpus != "crema-d" and chosen:
        raise InputError(f"--{next(iter(chosen))} is for crema-d; {corpus} is fetched whole.")
    for name, split in (("actors", numbers), ("emotions", words), ("sentences", words), ("levels", words)):
        if name in chosen:
            chosen[name] = split(chosen[name])
    if corpus == "crema-d":
        plan = choose(**chosen)
        print(f"{len(plan)} files, {sum(o.size for o in plan) / 1e6:.1f} MB", flush=True)
    with tqdm(desc="files", unit="file", leave=False, delay=.5, disable=not sys.stderr.isatty()) as bar:
        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        runs: dict[str, Any] = {"crema-d": fetch_crema_d, "sfhq": fetch_sfhq, "librispeech": fetch_librispeech}
        report = runs[corpus](out, **chosen, **given, progress=progress)
    print(report, flush=True)
    if report.failed:
        path, reason = report.failed[0]
        raise InputError(f"{len(report.failed)} files are missing; the first: {path} {reason}; run the same command "
                         "again to fetch what is missing.")


def run_list(given: dict) -> None:
    """Print counts per actor, emotion and level, and the skipped files with their reasons."""
    from tfg.corpora import read
    from tfg.corpora.crema_d import TEST_ONLY

    corpus, everything, surprised = given["corpus"], given.pop("all", False), given.pop("surprised", False)
    if "kind" in given and corpus not in ("crema-d", "ravdess", "voxceleb"):
        raise InputError(f"--kind is for crema-d, ravdess and voxceleb; {corpus} has one kind.")
    if surprised and corpus != "ravdess":
        raise InputError(f"--surprised is for ravdess, not {corpus}.")
    options = {k: given[k] for k in ("kind",) if k in given} | ({"surprised": True} if surprised else {})
    items, skipped = read(given["folder"], corpus, **options)
    actors = {i.actor for i in items}
    print(f"{given['folder']}: {len(items)} clips of {len(actors - {None})} actors, {len(skipped)} files skipped")
    for what in ("actor", "emotion", "level"):
        counts = Counter(getattr(i, what) for i in items)
        if set(counts) - {None}:
            print(f"{what:>8}  " + _table(counts))
    if corpus == "crema-d" and actors & set(TEST_ONLY):
        print(f"    note  {_kept_for_testing(actors)}")
    if None in actors:
        print("    note  clips without an actor cannot be split by actor")
    _print_skipped(skipped, everything)


def run_prepare(given: dict) -> None:
    """Prepare clips, and print each dropped file with its reason."""
    from tqdm.auto import tqdm

    from tfg.corpora.crema_d import TEST_ONLY
    from tfg.corpora.prepare import prepare
    from tfg.workers import cluster

    if "actors" in given:
        given["actors"] = _people(given["actors"])
    if "margin" in given:
        given["margin"] = _margins(given["margin"])
    folder, corpus, out = (given.pop(k) for k in ("folder", "corpus", "out"))
    with tqdm(desc="clips", unit="clip", leave=False, delay=.5, disable=not sys.stderr.isatty()) as bar:
        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        with cluster(given.pop("dask", None)):
            report = prepare(folder, corpus, out, **given, progress=progress)
    print(report, flush=True)
    for title, entries in (("dropped", report.dropped), ("kept", report.reports), ("not read", report.skipped)):
        for path, reason in entries[:20]:
            print(f"{title:>9}  {path} {reason}")
        if len(entries) > 20:
            print(f"           and {len(entries) - 20} more in {out}/report.md")
    if corpus == "crema-d":
        from tfg.corpora.store import Store

        actors = {row.actor for row in Store.open(out).clips if row.corpus == "crema_d"}
        if actors & set(TEST_ONLY):
            print(f"     note  {_kept_for_testing(actors)}")
    print(f"wrote {out}: report.md says what is in it" if report.clips else f"{out} holds none of these clips")
    if not report.clips:
        raise InputError(f"no clip of {folder} could be prepared; the reasons are above.")


def run_shard(given: dict) -> None:
    """Write a store as shards."""
    from tqdm.auto import tqdm

    from tfg.corpora.shards import shard

    with tqdm(desc="clips", unit="clip", leave=False, delay=.5, disable=not sys.stderr.isatty()) as bar:
        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        made = shard(given.pop("store"), given["out"], **{k: v for k, v in given.items() if k != "out"},
                     progress=progress)
    print(f"wrote {given['out']}: {sum(len(s['clips']) for s in made)} clips in {len(made)} shards, "
          f"{sum(s['bytes'] for s in made) / 1e6:.1f} MB; shards.json has their sha256")


def run_check(given: dict) -> None:
    """Print every fault of a store; raises InputError if there is one."""
    from tfg.corpora.store import Store

    store = Store.open(given["store"])
    faults = list(store.problems())
    for sentence in faults:
        print(sentence)
    if faults:
        raise InputError(f"{store.path} has {len(faults)} fault{'s' * (len(faults) > 1)}; copy the store again, or "
                         "prepare it anew.")
    print(f"{store.path}: {len(store.clips)} clips, {store.n_frames} frames of {store.size} px; all is as it was "
          "written")


def _kept_for_testing(actors: set) -> str:
    from tfg.corpora.crema_d import TEST_ONLY

    return f"{', '.join(sorted(actors & set(TEST_ONLY)))}: for testing only; tfg trains and tunes nothing on them"


def _people(text: str) -> list[str]:
    """Names of a list with ranges: "1003-1005,V001" -> ["1003", "1004", "1005", "V001"]. Raises InputError."""
    out: list[str] = []
    for part in (p.strip() for p in text.split(",")):
        out += numbers(part) if re.fullmatch(r"\d+(-\d+)?", part) else [part] if part else []
    if not out:
        raise InputError(f"--actors has {text!r}; give names or ranges, as in 1003-1010,V001.")
    return out


def _margins(text: str) -> list[float]:
    try:
        return [float(v) for v in text.split(",")]
    except ValueError as error:
        raise InputError(f"--margin has {text!r}; give one number, or four with commas between them.") from error


def _table(counts: Counter, limit: int = 24) -> str:
    names = sorted(counts, key=lambda n: (n is None, str(n)))
    shown = "  ".join(f"{'unknown' if n is None else n} {counts[n]}" for n in names[:limit])
    return shown + (f"  and {len(names) - limit} more" if len(names) > limit else "")


def _print_skipped(skipped: list, everything: bool) -> None:
    """One heading per kind of reason (names and numbers in it differ), with its files below."""
    groups: dict[str, list] = {}
    for entry in skipped:
        groups.setdefault(_REASON.sub("*", entry.reason), []).append(entry)
    for entries in sorted(groups.values(), key=len, reverse=True):
        shown = entries if everything else entries[:3]
        print(f" skipped  {len(entries)}:")
        for path, reason in shown:
            print(f"          {path} {reason}")
        if len(entries) > len(shown):
            print(f"          and {len(entries) - len(shown)} more (--all names them)")
