"""Who may use the backend's API and page: holders of the shop's secret keys, by header or by a browser's session.

In: a request. Out: `Who`, or AccessError with the status to answer. A browser shows its key once and gets a cookie that
no script can read; what it posts must carry the session's token, so that no other site can post in its name.
"""

import hmac
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from edge.core.access import key_of, read_keys
from edge.core.errors import EndcapError

COOKIE = "endcap_session"
_MOST_SESSIONS = 1_000


class AccessError(EndcapError):
    """Not let in: 401 without a key, 403 with one that opens something else or without the session's token."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass
class Session:
    """A browser that has shown a key."""

    key_id: str
    csrf: str
    ends: float  # monotonic seconds
    notices: list[str] = field(default_factory=list)  # shown once, on the next page


@dataclass(frozen=True)
class Who:
    """Who asks: the key, and the session where it is a browser."""

    key_id: str
    session: Session | None = None

    @property
    def actor(self) -> str:
        """As the audit log names them."""
        return f"key:{self.key_id}"


class Door:
    """Lets the holders of one shop's keys in."""

    def __init__(self, data_dir: Path, shop: str, session_s: float) -> None:
        self._data_dir, self._shop, self._session_s = data_dir, shop, session_s
        self._sessions: dict[str, Session] = {}

    def who(self, request: Request) -> Who:
        """The holder behind a request. Raises AccessError."""
        if "authorization" in request.headers:
            return Who(self._key_id(request.headers["authorization"]))
        session = self.session(request)
        if session is None:
            raise AccessError(401, "show a secret key of the shop: `Authorization: Bearer sk_...`")
        return Who(session.key_id, session)

    def _key_id(self, authorization: str) -> str:
        key = key_of(read_keys(self._data_dir), authorization)
        if key is None:
            raise AccessError(401, "this is no key in force; `python -m backend key` makes one")
        if key.shop != self._shop:
            raise AccessError(403, f"this key opens another shop than {self._shop!r}")
        return key.id

    def session(self, request: Request) -> Session | None:
        """The session of a browser; it ends with its time, and with its key."""
        token = request.cookies.get(COOKIE, "")
        session = self._sessions.get(token)
        if session is None:
            return None
        in_force = any(key.id == session.key_id and key.shop == self._shop for key in read_keys(self._data_dir))
        if not in_force or time.monotonic() >= session.ends:
            del self._sessions[token]
            return None
        return session

    def check_post(self, request: Request, who: Who, token: object) -> None:
        """Raise AccessError (403) for a post that a browser's session did not make itself."""
        self.check_origin(request)
        shown = str(token or "").encode(errors="replace")  # compare_digest takes text of ASCII only
        if who.session is not None and not hmac.compare_digest(shown, who.session.csrf.encode()):
            raise AccessError(403, "the form is not of this session; load the page again")

    def check_origin(self, request: Request) -> None:
        """Raise AccessError (403) for a post that a page of another site made."""
        origin = request.headers.get("origin")
        if origin is not None and _host_of(origin) != request.headers.get("host"):
            raise AccessError(403, f"posts come from this page, not from {origin[:100]}")

    def log_in(self, request: Request, key: str, response: Response) -> None:
        """Begin a session for the holder of a key. Raises AccessError."""
        key_id, token = self._key_id(f"Bearer {key}"), secrets.token_urlsafe(32)
        now = time.monotonic()
        alive = {name: one for name, one in self._sessions.items() if one.ends > now}
        while len(alive) >= _MOST_SESSIONS:
            del alive[next(iter(alive))]
        self._sessions = alive | {token: Session(key_id, secrets.token_urlsafe(32), now + self._session_s)}
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(self._session_s),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )

    def log_out(self, request: Request, response: Response) -> None:
        """End a browser's session."""
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=request.url.scheme == "https")


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None  # no address at all, and thus not ours
