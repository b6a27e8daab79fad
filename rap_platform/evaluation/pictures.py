"""Figures as SVG that stands inside a page: no inline style, colours that follow the page, no id that another picture has too."""

import io
import re
from html import escape

from matplotlib import rc_context
from matplotlib.figure import Figure

from rap_platform.evaluation.picture_titles import TITLES
from rap_platform.evaluation.plots import ACCENT, INK

_STYLE = re.compile(r' style="([^"]*)"')
_FONT = re.compile(r"font:\s*(?:[a-z0-9]+\s+)*?([\d.]+)px[^;]*")
_ID = re.compile(r' id="([^"]+)"')
_REFERENCE = re.compile(r"(?:#)([A-Za-z_][\w.-]*)")


def svg(figure: Figure, name: str) -> str:
    """The figure as one `<svg>` element with text as text.

    A page's policy may forbid inline style, so that every style becomes attributes; the ink is `currentColor`, the accent is the
    page's `--accent`, the paper is transparent; ids that nothing refers to go, the others start with `name`.
    """
    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    for block in ("metadata", "style"):
        text = re.sub(rf"<{block}.*?</{block}>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*</defs>", "", text)
    text = _STYLE.sub(_attributes, text)
    text = (
        text.replace("xlink:href=", "href=")
        .replace(f'"{INK}"', '"currentColor"')
        .replace('"#000000"', '"currentColor"')
        .replace(f'"{ACCENT}"', '"var(--accent)"')
    )
    referred = set(_REFERENCE.findall(text))
    text = _ID.sub(lambda m: f' id="{name}-{m[1]}"' if m[1] in referred else "", text)
    text = re.sub(r'(href="|url\()#', rf"\1#{name}-", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"| height="[^"]*pt"', lambda m: m[1] or "", text)
    text = re.sub(r"\n\s*", "\n", text)
    head = f'<svg role="img" aria-label="{escape(TITLES.get(name, name))}" class="picture" font-family="inherit"'
    return text.replace("<svg", head, 1)


def _attributes(match: re.Match[str]) -> str:
    """The declarations of a style as attributes; `font` gives its size alone, so that the page's own font is used."""
    given = []
    for declaration in match[1].split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip(), value.strip()
        if name == "font":
            if size := _FONT.search(declaration.strip()):
                given.append(f' font-size="{size[1]}px"')
        elif name:
            given.append(f' {name}="{value}"')
    return "".join(given)


def png(figure: Figure, dpi: int = 80) -> bytes:
    """The figure as a PNG on white."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()
