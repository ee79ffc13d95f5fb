"""The page's own files: HTML, style, scripts, the chart library. All are served from here, none from another host."""

import base64
import hashlib
import re
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
    """The HTML: with the style and the first script in it, so that one request paints it, and the others' addresses."""
    text = (FOLDER / "page.html").read_text()
    parts = {"{version}": version(), "{style}": _text("page.css"), "{boot}": _text("boot.js")}
    return re.sub("|".join(map(re.escape, parts)), lambda found: parts[found[0]], text)


@cache
def boot_hash() -> str:
    """The hash by which a content security policy knows the script in the page."""
    return "sha256-" + base64.b64encode(hashlib.sha256(_text("boot.js").encode()).digest()).decode()


def _text(name: str) -> str:
    return assets()[name].content.decode()
