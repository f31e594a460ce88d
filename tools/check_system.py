"""Say in one sentence which shared libraries this Linux lacks, before gigabytes are installed that cannot load them.

Desktops have them; bare containers and servers may not. Needs no package, and does nothing elsewhere than on Linux.
"""
from __future__ import annotations

import ctypes
import sys

NEEDED = {"libGL.so.1": "libgl1", "libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2",     # MediaPipe, OpenCV
          "libgthread-2.0.so.0": "libglib2.0-0", "libxcb.so.1": "libxcb1"}
"""Library -> the Debian package that brings it."""


def missing() -> list[str]:
    """Names of the libraries that cannot be loaded."""
    out = []
    for name in NEEDED:
        try:
            ctypes.CDLL(name)
        except OSError:
            out.append(name)
    return out


def main() -> int:
    lacking = missing() if sys.platform.startswith("linux") else []
    if lacking:
        print(f"This system lacks {', '.join(lacking)}, which MediaPipe or OpenCV load; on Debian and Ubuntu: "
              f"apt-get install {' '.join(NEEDED[name] for name in lacking)}", file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
