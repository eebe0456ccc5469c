"""The files that pages load, such as the theme script: under a name that stays, and under one that is their content.

In: the files of `edge/web` named in `ASSETS`. Out: routes, the same again under `/proxy`. `endcap.js` is always the
present one and kept for minutes; `endcap.<hash>.js` never changes and is kept for a year. They hold nothing of any
shop, so any origin may load them, without a signature. `python -m edge.assets` prints their sizes and fails above the
limit.
"""

import gzip
import hashlib
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_WEB = Path(__file__).parent / "web"
_PRESENT = "public, max-age=300, stale-while-revalidate=86400"
_FOREVER = "public, max-age=31536000, immutable"
# Where files go, and how large each may be, in bytes as served with gzip. Those not in the package are left out.
ASSETS = {"endcap.js": 10_000, "endcap-react.js": 2_000, "endcap.d.ts": 10_000, "endcap-react.d.ts": 2_000}
_TYPES = {".js": "text/javascript; charset=utf-8", ".ts": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class Asset:
    """One file. `content` is as in the repository: what is read here is what the page runs."""

    name: str
    content: bytes

    @cached_property
    def hash(self) -> str:
        """16 hex digits of its content."""
        return hashlib.blake2s(self.content, digest_size=8).hexdigest()

    @cached_property
    def compressed(self) -> bytes:
        """Its content with gzip; made once, and the same in every process."""
        return gzip.compress(self.content, compresslevel=9, mtime=0)

    def path(self, stamp: str) -> str:
        """Its path with something between stem and suffix: `/endcap.<stamp>.js`."""
        stem, _, suffix = self.name.partition(".")
        return f"/{stem}.{stamp}.{suffix}"

    async def answer(self, request: Request) -> Response:
        """The file. A page older than this process asks for a former hash: it gets the present file, not for long."""
        plain = "gzip" not in request.headers.get("accept-encoding", "")
        tag = f'"{self.hash}{"" if plain else "-gzip"}"'
        headers = {
            "Cache-Control": _FOREVER if request.path_params.get("stamp") == self.hash else _PRESENT,
            "ETag": tag,
            "Vary": "Accept-Encoding",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        known = request.headers.get("if-none-match", "")
        if known.strip() == "*" or tag in known:
            return Response(status_code=304, headers=headers)
        if not plain:
            headers["Content-Encoding"] = "gzip"
        media_type = _TYPES[Path(self.name).suffix]
        return Response(self.content if plain else self.compressed, headers=headers, media_type=media_type)


def assets() -> list[Asset]:
    """The files as they are now."""
    return [Asset(name, (_WEB / name).read_bytes()) for name in ASSETS if (_WEB / name).exists()]


def asset_routes() -> list[Route]:
    """Routes for all files; they are read once."""
    return [
        Route(f"{base}{path}", asset.answer)
        for asset in assets()
        for base in ("", "/proxy")
        for path in (f"/{asset.name}", asset.path("{stamp}"))
    ]


def main() -> int:
    """Print name, hash, bytes and gzip bytes of each file. Returns 1 when one is larger than it may be."""
    status = 0
    for asset in assets():
        size, limit = len(asset.compressed), ASSETS[asset.name]
        verdict = "" if size <= limit else f"  TOO LARGE: at most {limit}"
        sys.stdout.write(f"{asset.name:16} {asset.hash} {len(asset.content):7} bytes {size:6} gzip{verdict}\n")
        status = status or int(size > limit)
    return status


if __name__ == "__main__":
    sys.exit(main())
