"""A request whose answer waits for the store, without a task of its own: the store's reply calls it back.

In: the coroutine that makes the answer; it may wait for the store's trip only. Out: the response, now or later.
For the server it stands where its own cycle of request and response would, and has what the server asks of one.
"""

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from edge import respond
from edge.errors import InputError
from edge.respond import Reply
from edge.trip import Awaited

logger = logging.getLogger("endcap.underway")


class _Nobody:
    """In place of the event that wakes a cycle of the server's."""

    def set(self) -> None:
        """Nobody waits for it."""


class Underway:
    """One request. `say` makes a response of a reply; its second argument: whether the connection ends with it."""

    __slots__ = ("_done", "_say", "_work", "disconnected", "keep_alive", "more_body", "response_complete")

    message_event = _Nobody()
    response_started = False  # starts and is complete in one step

    def __init__(self, work: Coroutine[Any, Any, Reply], say: Callable[[Reply, bool], bytes]) -> None:
        self._work = work
        self._say = say
        self._done: Callable[[Underway, bytes], None] | None = None
        self.disconnected = False  # the caller has gone
        self.keep_alive = True
        self.more_body = True
        self.response_complete = False

    def begin(self, done: Callable[["Underway", bytes], None]) -> bytes | None:
        """The response, where there is nothing to wait for; else None, and `done` is called with it later."""
        self._done = done
        return self._go_on()

    def _go_on(self) -> bytes | None:
        """Work until there is a response or something to wait for."""
        try:
            awaited: Awaited = self._work.send(None)
        except StopIteration as ended:
            reply: Reply = ended.value
        except InputError as error:
            reply = respond.plain(respond.refused(error))
        except Exception:  # because any other error is a fault of ours; lost is this answer: it is logged, the caller
            # gets 500 and its connection ends, as on the usual way
            logger.exception("a page could not be answered")
            reply, self.keep_alive = respond.plain(respond.unexpected()), False
        else:
            awaited._asyncio_future_blocking = False  # it is taken; see asyncio.Task
            awaited.then = self._woken
            return None
        self.response_complete = True
        return self._say(reply, not self.keep_alive)

    def _woken(self, awaited: Awaited) -> None:
        if self.disconnected:
            awaited.exception()  # nobody else asks for it
            self._work.close()
            return
        try:
            answer = self._go_on()
        except Exception:  # because any error in making bytes of a reply is a fault of ours; lost is this answer: it is
            # logged and its connection closed, while the store's goes on bringing others theirs
            logger.exception("an answer could not be put into bytes")
            answer, self.keep_alive = b"", False
        done = self._done
        if answer is not None and done is not None:
            self._done = None  # its connection holds us, so that neither would go by itself
            done(self, answer)
