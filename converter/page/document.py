"""A whole HTML page that needs no other file: no script, nothing fetched; light, dark and on paper."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

STYLE_SHEET = Path(__file__).parent / "style.css"
# What a browser may load for the page: pictures inside it and its own style, nothing from elsewhere.
CONTENT_SECURITY_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def html_document(title: str, parts: Iterable[str], *, lang: str = "en") -> str:
    """The page with `parts` in its main element. `title` is plain text, the parts are markup; see markup."""
    style = STYLE_SHEET.read_text(encoding="utf-8")
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(lang)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )
