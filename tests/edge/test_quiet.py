"""Log lines that would be repeated for ever: each kind once in a while."""

from edge.quiet import Quiet


def test_each_kind_is_said_once_in_a_while() -> None:
    """The first at once, another kind as well, the same again only after its time."""
    now = [100.0]
    quiet = Quiet(10, clock=lambda: now[0])
    assert quiet.may_say("TimeoutError")
    assert not quiet.may_say("TimeoutError")
    assert quiet.may_say("ConnectionError")
    now[0] += 9.9
    assert not quiet.may_say("TimeoutError")
    now[0] += 0.2
    assert quiet.may_say("TimeoutError")
    assert not quiet.may_say("TimeoutError")
