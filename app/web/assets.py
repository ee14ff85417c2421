"""Style sheets, scripts and icons: read once into memory, addressed by their content, kept for ever.

Parts of one sheet stay small files in `static/` and are served as one.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from starlette.responses import Response

STATIC_DIR: Final = Path(__file__).resolve().parent / "static"
PREFIX: Final = "/static/"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_SHEETS = {
    "site.css": ("base.css", "pages.css", "forms.css", "print.css"),
    "embed.css": ("base.css", "embed.css"),
    "admin.css": ("base.css", "forms.css", "print.css", "admin.css"),
}
_FILES = ("site.js", "frame.js", "embed.js", "icon.svg")
_IMMUTABLE = "public, max-age=31536000, immutable"
# embed.js has one address for ever, in thousands of articles: a mended one must reach them soon.
_EMBED = "public, max-age=300, stale-while-revalidate=86400, stale-if-error=604800"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served; `url` holds the first 16 hex digits of its SHA-256."""

    url: str
    content_type: str
    body: bytes
    packed: bytes
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """Every asset by its plain name ("site.css")."""
    bodies = {name: b"".join(_read(part) for part in parts) for name, parts in _SHEETS.items()}
    bodies |= {name: _read(name) for name in _FILES}
    return {name: _asset(name, body) for name, body in bodies.items()}


def asset_url(name: str) -> str:
    """The address of an asset. Raises KeyError if there is none of that name."""
    return assets()[name].url


def asset_response(path: str, accept_encoding: str = "") -> Response | None:
    """The answer to `GET {path}`, or None where there is no such asset (an older or a mistyped hash)."""
    found = _by_url().get(path)
    return None if found is None else _response(found, accept_encoding, _IMMUTABLE)


def embed_script(accept_encoding: str = "", if_none_match: str = "") -> Response:
    """The answer to `GET /embed.js`, the one script with a fixed address."""
    script = assets()["embed.js"]
    if script.digest in if_none_match:
        return Response(status_code=304, headers={"ETag": f'"{script.digest}"', "Cache-Control": _EMBED})
    response = _response(script, accept_encoding, _EMBED)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _response(asset: Asset, accept_encoding: str, cache_control: str) -> Response:
    headers = {
        "Content-Type": asset.content_type,
        "Cache-Control": cache_control,
        "ETag": f'"{asset.digest}"',
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        # An article's page elsewhere loads embed.js.
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if "gzip" not in accept_encoding:
        return Response(asset.body, headers=headers)
    headers |= {"Content-Encoding": "gzip", "ETag": f'"{asset.digest}-gzip"'}
    return Response(asset.packed, headers=headers)


@cache
def _by_url() -> dict[str, Asset]:
    return {asset.url: asset for asset in assets().values()}


def _asset(name: str, body: bytes) -> Asset:
    digest = hashlib.sha256(body).hexdigest()
    stem, _, suffix = name.rpartition(".")
    return Asset(
        url=f"{PREFIX}{stem}.{digest[:16]}.{suffix}",
        content_type=_TYPES[f".{suffix}"],
        body=body,
        packed=gzip.compress(body, mtime=0),
        digest=digest,
    )


def _read(name: str) -> bytes:
    return (STATIC_DIR / name).read_bytes()
