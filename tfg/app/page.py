"""The page as a widget: it sends what the visitor does to a `Studio`, and the studio's answers back to the browser.

The browser's part is in tfg/app/web: native controls made from the description below, without any library. Messages
are small dicts with a `do` (from the page) or a `say` (to it); pictures, sounds and films travel as bytes beside them.
"""
from __future__ import annotations

import contextlib
import queue
import threading
import traceback
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from tfg import registry
from tfg.app import controls, studio
from tfg.app.studio import Cancelled, Studio, Wish
from tfg.app.uploads import MOST_MB, MOST_S, MOST_WORDS
from tfg.errors import InputError
from tfg.media.audio import SR

WEB = Path(__file__).parent / "web"
SCRIPTS = ("dom.js", "pad.js", "settings.js", "sound.js", "camera.js", "screen.js", "page.js")
MOST_WAITING_S = .5
"""Sound of a microphone that may wait; older pieces are left out, so that the face does not fall behind."""
MOST_PIECES = 256
"""Pieces of a microphone's sound that may wait at all."""
CHOICES = ("face", "example", "words", "upload")
"""What the visitor may choose anew; a stream of what was chosen before ends."""
UPLOADS = ("picture", "sound", "recording")


class Page(anywidget.AnyWidget):
    """The app. Display it in a notebook; each kernel is one visitor."""

    _esm = "\n".join((WEB / name).read_text(encoding="utf-8") for name in SCRIPTS)
    _css = WEB / "page.css"
    start = traitlets.Dict().tag(sync=True)
    """What the page is built from, sent once: `description`; or `refused`, why this visitor cannot come in."""

    def __init__(self) -> None:
        try:
            self.studio = Studio()
        except InputError as error:
            super().__init__(start={"refused": str(error)})
            return
        super().__init__(start=description())
        self._works: queue.Queue = queue.Queue()            # short work, in the order in which it came; None ends it
        threading.Thread(target=self._work, daemon=True).start()        # not waited for when the process ends
        self._parts: dict[str, list[bytes]] = {}
        self._wish = Wish()
        self._stop = threading.Event()                      # of the stream; set while there is none
        self._stop.set()
        self._cancel = threading.Event()                    # of the film
        self._film: threading.Thread | None = None
        self._pieces: queue.Queue[tuple[bytes, int] | None] = queue.Queue(MOST_PIECES)
        self.on_msg(lambda _, message, buffers: self.hear(message, buffers))

    def hear(self, message: Any, buffers: Any = ()) -> None:
        """Take a message of the page. What it asks for is done on other threads; the answers come as messages."""
        message = message if isinstance(message, dict) else {}
        do, data = str(message.get("do")), b"".join(bytes(b) for b in buffers or ())
        if do in CHOICES:
            self._end_stream()
        if do == "cancel":
            self._cancel.set()
        elif do == "stop":
            self._end_stream()
        elif do == "hear":
            self._listen(data, _rate(message))
        elif do == "wish":
            self._answer(do, lambda: self._change(message))
        elif do in ("play", "live"):
            self._begin_stream(do, message)
        elif do == "render":
            self._begin_film(message)
        else:
            self._works.put((do, lambda: self._short(do, message, data)))

    def close(self) -> None:
        """End the visit: stop what runs, and remove the files."""
        if hasattr(self, "studio"):
            self._cancel.set()
            self._end_stream()
            self._works.put(None)
            self.studio.visit.end()
        super().close()

    # ---- short work -----------------------------------------------------------------------------------------------
    def _work(self) -> None:
        while (work := self._works.get()) is not None:
            self._answer(*work)

    def _earlier(self) -> threading.Event:
        """An event that is set when all short work that came before is done."""
        done = threading.Event()
        self._works.put(("wait", done.set))
        return done

    def _short(self, do: str, message: dict, data: bytes) -> dict | None:
        """Do something short; returns what to answer beside "done", or None for no answer yet."""
        its = self.studio
        if do == "still":
            self._say({"say": "still", "id": message.get("id")}, its.still(Wish.of(message.get("wish", {}))))
            return None
        if do == "face":
            its.show_face(str(message.get("name")))
        elif do == "example":
            its.say_example(str(message.get("name")))
        elif do == "words":
            its.say_words(str(message.get("text", "")))
        elif do == "upload":
            return self._part(message, data)
        else:
            raise InputError("the page asked for something that is not known here; load it again.")
        return self._chosen()

    def _part(self, message: dict, data: bytes) -> dict | None:
        """A part of a file; with the last one it is taken."""
        what = str(message.get("what"))
        if what not in UPLOADS:
            raise InputError("the page sent a file of a kind that is not known here; load it again.")
        if message.get("first"):
            self._parts[what] = []
        if (parts := self._parts.get(what)) is None:            # the rest of a file that was refused
            return None
        parts.append(data)
        if sum(map(len, parts)) > max(MOST_MB.values()) * 1e6:
            del self._parts[what]
            raise InputError(f"the file is larger than {max(MOST_MB.values())} MB, the limit here.")
        if not message.get("last"):
            return None
        whole = b"".join(self._parts.pop(what))
        if what == "picture":
            kind = self.studio.take_picture(whole)
            return {"kind": kind, **self._chosen()}
        if what == "sound":
            self.studio.take_sound(whole)
        else:
            self.studio.take_recording(whole, _rate(message))
        return self._chosen()

    def _chosen(self) -> dict:
        return {"consent": self.studio.own_face or self.studio.own_voice, "seconds": len(self.studio.speech.audio) / SR}

    # ---- streams --------------------------------------------------------------------------------------------------
    def _begin_stream(self, do: str, message: dict) -> None:
        self._end_stream()
        self._stop, self._pieces = threading.Event(), queue.Queue(MOST_PIECES)
        stop, pieces = self._stop, self._pieces
        earlier, its = self._earlier(), {"id": message.get("id")}

        def work() -> dict:
            try:
                self._wish = Wish.of(message.get("wish", {}))
                earlier.wait()
                frames = self._play(its, stop) if do == "play" else self._follow(stop, pieces)
                for n, picture in enumerate(frames):
                    self._say({"say": "frame", "n": n, **its}, picture)
            finally:
                stop.set()
            return {"ended": True}

        threading.Thread(target=self._answer, args=(do, work, its), daemon=True).start()

    def _listen(self, data: bytes, sr: int) -> None:
        """A piece of a microphone's sound; without a stream, or where too many wait, it is dropped."""
        if not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self._pieces.put_nowait((data[-2 * round(MOST_WAITING_S * max(sr, 1)):], sr))

    def _change(self, message: dict) -> dict:
        self._wish = Wish.of(message.get("wish", {}))
        return {}

    def _end_stream(self) -> None:
        self._stop.set()
        with contextlib.suppress(queue.Full):               # who listens to a full queue sees that it stopped
            self._pieces.put_nowait(None)

    def _play(self, its: dict, stop: threading.Event) -> Iterator[bytes]:
        audio = self.studio.speech.audio
        self._say({"say": "sound", **its}, self.studio.wave(audio))
        return self.studio.play(self._wish, stop, lambda: self._wish, audio)

    def _follow(self, stop: threading.Event, pieces: queue.Queue) -> Iterator[bytes]:
        return self.studio.follow(self._wish, lambda: newest(pieces, stop), lambda: self._wish)

    # ---- films ----------------------------------------------------------------------------------------------------
    def _begin_film(self, message: dict) -> None:
        if self._film is not None and self._film.is_alive():
            self._say({"say": "error", "of": "render", "text": "a film of yours is being made; cancel it, or wait."})
            return
        self._cancel = cancel = threading.Event()
        earlier = self._earlier()
        self._film = threading.Thread(
            target=self._answer, args=("render", lambda: self._render(message, cancel, earlier)), daemon=True)
        self._film.start()

    def _render(self, message: dict, cancel: threading.Event, earlier: threading.Event) -> dict:
        def report(share: float, text: str) -> None:
            self._say({"say": "progress", "share": share, "text": text})

        earlier.wait()
        if cancel.is_set():
            raise Cancelled
        films = self.studio.render(Wish.of(message.get("wish", {})), report, cancel)
        self._say({"say": "films", "films": [{"title": f.title, "seconds": f.seconds} for f in films]},
                  *(f.data for f in films))
        return {}

    # ---- answers --------------------------------------------------------------------------------------------------
    def _answer(self, do: str, work, its: dict | None = None) -> None:
        """Do some work and say how it went: what is wrong in one sentence, what nobody foresaw in the log.

        its: said beside it, such as the number of a stream.
        """
        about = {"of": do, **(its or {})}
        try:
            done = work()
            if done is not None:
                self._say({"say": "done", **about, **done})
        except InputError as error:
            self._say({"say": "error", **about, "text": str(error)})
        except Cancelled:
            self._say({"say": "cancelled", **about})
        except Exception:
            traceback.print_exc()
            self._say({"say": "error", **about, "text": "something went wrong here that was not foreseen; try again."})

    def _say(self, message: dict, *data: bytes) -> None:
        self.send(message, list(data))


def newest(pieces: queue.Queue, stop: threading.Event) -> tuple[bytes, int] | None:
    """Sound of a microphone that waits in a queue, joined: 16-bit samples and their rate; None at the end.

    Of more than `MOST_WAITING_S` the oldest is left out, within one long piece, too.
    """
    found = [pieces.get()]
    while not pieces.empty():
        found.append(pieces.get())
    if stop.is_set() or None in found:
        return None
    sr = found[-1][1]
    waiting: deque[bytes] = deque(data for data, rate in found if rate == sr)
    while len(waiting) > 1 and sum(map(len, waiting)) > 2 * sr * MOST_WAITING_S:
        waiting.popleft()
    return b"".join(waiting)[-2 * round(MOST_WAITING_S * max(sr, 1)):], sr


def description() -> dict[str, Any]:
    """What the page shows: systems with their options, faces, sentences, emotions, limits (JSON)."""
    from tfg.speech.voice import available

    return {"systems": controls.describe_systems(), "default": registry.DEFAULT, "emotions": controls.emotions(),
            "faces": [{"name": name, "picture": _thumbnail(path)} for name, path in studio.faces().items()],
            "examples": [{"name": name, "words": words} for name, words in studio.examples().items()],
            "voice": available(), "consent": studio.CONSENT,
            "limits": {"seconds": MOST_S, "words": MOST_WORDS, "mb": MOST_MB}}


def _thumbnail(path: Path) -> str:
    import base64
    import io

    from PIL import Image

    out = io.BytesIO()
    with Image.open(path) as image:
        image.thumbnail((128, 128))
        image.save(out, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def _rate(message: dict) -> int:
    sr = message.get("sr")
    return int(sr) if isinstance(sr, (int, float)) and sr == sr and abs(sr) < 1e9 else 0
