"""Refuse the web to every Python that finds this folder on PYTHONPATH: tests, notebook kernels, worker processes.

Python imports `sitecustomize` when it starts, so that the refusal holds before anything else runs. It is an audit
hook: it sees each look-up of a name and each connection, also those of libraries, and lets this machine's own through
(kernels and workers talk over 127.0.0.1). The refusal is the error of a machine without a network. TFG_ONLINE=1 lifts
it.
"""
import errno
import os
import sys

LOCAL = ("", "localhost", "0.0.0.0", "::", "::1")


def is_local(host: object) -> bool:
    """Whether a name or address is this machine's own. Anything but text (files, packets) is no host of the web."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    return not isinstance(host, str) or host in LOCAL or host.startswith(("127.", "/")) or host == os.uname().nodename


def refuse(event: str, args: tuple) -> None:
    """Raise OSError where Python is about to look a name up, or to connect, outside this machine."""
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in ("socket.connect", "socket.sendto"):
        host = args[1][0] if isinstance(args[1], tuple) else None
    else:
        return
    if not is_local(host):
        raise OSError(errno.ENETUNREACH, f"the tests run without the web, and {host} was asked for")


if os.environ.get("TFG_ONLINE") != "1":
    sys.addaudithook(refuse)
