"""Provenance: which line of which file a rule came from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from polc.source import Span

_QUOTES = {ord(character): "'" for character in '"\\'}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a node came from: its place, its user-given ``name``, and the user's ``comment``.

    ``also`` are the places of other rules that became a part of this one.
    """

    span: Span | None = None
    name: str = ""
    comment: str = ""
    also: tuple[Span, ...] = ()

    @property
    def spans(self) -> tuple[Span, ...]:
        """All places that it came from."""
        return (self.span, *self.also) if self.span else self.also

    def with_also(self, *others: Origin) -> Origin:
        """The origin of what this and the others became together."""
        return replace(self, also=tuple(dict.fromkeys((*self.also, *(span for one in others for span in one.spans)))))

    def label(self, longest: int) -> str:
        """``policy.yaml:14 web: CHG-1207`` in at most ``longest`` bytes of UTF-8, for a rule's comment.

        Kernel listings delimit comments with double quotes, and iptables-save escapes backslashes:
        both become an apostrophe, and control characters a space.
        """
        place = f"{self.span.source.path.rpartition('/')[2]}:{self.span.line}" if self.span else ""
        text = " ".join(part for part in (place, self.name) if part)
        if self.comment:
            text = f"{text}: {self.comment}" if text else self.comment
        if not (text.isascii() and text.isprintable() and text.translate(_QUOTES) == text and len(text) <= longest):
            clean = "".join(c if c.isprintable() else " " for c in text).translate(_QUOTES)
            text = clean.encode("utf-8", "replace")[:longest].decode("utf-8", "ignore")
        return text.strip()
