"""Texts of others, on a page that reads Markdown."""

import html
import re


def escaped(text: str) -> str:
    """``text`` as it is, in Markdown: nothing of it is taken for HTML, a link or a mark."""
    return re.sub(r"([\\`*_{}\[\]()#+!|~<>-])", r"\\\1", html.escape(text, quote=False).replace("\n", " "))
