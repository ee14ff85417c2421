"""Staff-written text: Markdown without raw HTML, and what comes out is cleaned once more."""

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_TAGS = {"a", "blockquote", "br", "em", "h2", "h3", "h4", "hr", "li", "ol", "p", "strong", "ul"}
_parser = MarkdownIt("commonmark", {"html": False, "typographer": False})


@lru_cache(maxsize=512)
def markdown(source: str) -> Markup:
    """The text as safe HTML.

    A page has one first-level heading, its title, so a `#` in the text becomes a second-level one. Images are
    left out: they would load something from elsewhere and tell it who reads.
    """
    tokens = _parser.parse(source)
    for token in tokens:
        if token.tag == "h1":
            token.tag = "h2"
    html = _parser.renderer.render(tokens, _parser.options, {})
    return Markup(_cleaned(html))  # noqa: S704 - cleaned just now


def _cleaned(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"https", "http", "mailto"},
        link_rel="noopener noreferrer",
    )
