"""The page's own files: HTML, style, scripts, the chart library. All are served from here, none from another host."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """One file: its content and its media type."""

    content: bytes
    media_type: str


@cache
def assets() -> dict[str, Asset]:
    """Path below the folder -> file. Read once: what is not in it cannot be asked for."""
    return {
        path.relative_to(FOLDER).as_posix(): Asset(path.read_bytes(), TYPES[path.suffix])
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in TYPES
    }


@cache
def version() -> str:
    """A word that changes when any of the files does: it is in their addresses, so that browsers may keep them."""
    digest = hashlib.sha256()
    for name, asset in assets().items():
        digest.update(name.encode() + b"\0" + asset.content)
    return digest.hexdigest()[:12]


@cache
def page() -> str:
    """The HTML, with the addresses of the files of this version."""
    return (FOLDER / "page.html").read_text().replace("{version}", version())
