"""Bytes on a socket, exactly these, and whatever comes back: for callers that no HTTP library would be."""

import socket
import time
from collections.abc import Iterable
from contextlib import suppress

PATIENCE_S = 30.0


def dial(url: str) -> socket.socket:
    """A connection to a server."""
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


def shout(url: str, pieces: Iterable[bytes]) -> bytes:
    """Send all of it, or as much as is taken; what came back until the other side hung up or had answered."""
    with dial(url) as connection:
        with suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
        return heard(connection)


def heard(connection: socket.socket) -> bytes:
    """What comes until the end, or until a whole answer is there."""
    data = b""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        try:
            part = connection.recv(65_536)
        except OSError:
            break
        data += part
        if not part or whole(data):
            break
    return data


def whole(data: bytes) -> bool:
    """Whether these bytes are an answer to its end."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    lengths = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(lengths) and len(body) >= lengths[0]


def status(answer: bytes) -> int:
    """The status of an answer; 0 where there is none."""
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else 0
