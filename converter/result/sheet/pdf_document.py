"""A PDF/A-2 document that is the same every time: A4, fonts embedded, dates and identifier given by its caller."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from html import escape
from typing import Literal, cast

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from converter.page.typefaces import FILES, KANJI, TEXT, needs_kanji, shown
from converter.product import MODEL_NAME

MARGIN = 12.0  # mm, as every length here
Weight = Literal["", "B"]
Colour = tuple[int, int, int]
INK: Colour = (0, 0, 0)
SOFT: Colour = (80, 88, 96)
LINE: Colour = (180, 186, 192)
POINT_MM = 0.3528
LEADING = 1.25


class SheetDocument(FPDF):
    """Writes wrapped lines from the top to the bottom. `identity`: what makes the document itself, of whose hash its
    identifier is made (ISO 32000-1 14.4)."""

    def __init__(self, title: str, identity: str, made_at: datetime, language: str) -> None:
        super().__init__(format="A4", enforce_compliance="PDF/A-2B")
        self._identity = hashlib.sha256(identity.encode()).hexdigest()[:32].upper()
        for (family, style), path in FILES.items():
            if family == TEXT:
                self.add_font(family, style, path)
        self.set_margin(MARGIN)
        self.set_auto_page_break(False)
        self.set_lang(language)
        made_at = made_at.replace(microsecond=0).astimezone(UTC)
        self.set_creation_date(made_at)
        self.set_title(shown(title))
        self.set_creator(MODEL_NAME)
        self.set_producer("fpdf2")
        self.set_xmp_metadata(_xmp(shown(title), made_at))
        self.add_page()

    def file_id(self) -> str:
        return f"<{self._identity}><{self._identity}>"

    def footer(self) -> None:
        """The number of the page, where there are several."""
        self.typeface(6.5, colour=SOFT)
        self.set_xy(self.l_margin, self.h - 8)
        self.cell(self.epw, 4, f"{self.page_no()} / {{nb}}", align="R")

    @property
    def bottom(self) -> float:
        """Where the footer begins."""
        return self.h - MARGIN

    def typeface(self, points: float, weight: Weight = "", colour: Colour = INK) -> None:
        self.set_font(TEXT, weight, points)
        self.set_text_color(*colour)

    def width_of(self, text: str) -> float:
        """What one line of `text` takes in the current type; what is written without `lines` is measured first."""
        self._bring_font_for(text)
        return float(self.get_string_width(text))

    def height_of(self, text: str, width: float) -> float:
        """What `lines` takes in the current type."""
        return self._line_height * len(self._wrapped(text, width))

    def lines(self, text: str, x: float, width: float, align: Literal["L", "R", "C"] = "L") -> None:
        """The wrapped text from `x` and the current y on, which moves below it."""
        for line in self._wrapped(text, width):
            self.set_x(x)
            self.cell(width, self._line_height, line, align=align, new_x=XPos.LEFT, new_y=YPos.NEXT)

    def rule(self, x: float, width: float, colour: Colour = LINE) -> None:
        self.set_draw_color(*colour)
        self.set_line_width(0.2)
        self.line(x, self.y, x + width, self.y)

    def keep_together(self, height: float) -> None:
        """Go on on the next page where `height` does not fit on this one any more."""
        if self.y + height > self.bottom and self.y > MARGIN:
            self.add_page()

    def _bring_font_for(self, text: str) -> None:
        """The large font comes in with the first text that needs it."""
        if KANJI not in self.fonts and needs_kanji(text):
            self.add_font(KANJI, "", FILES[KANJI, ""])
            self.set_fallback_fonts([KANJI], exact_match=False)

    @property
    def _line_height(self) -> float:
        return float(self.font_size_pt * POINT_MM * LEADING)

    def _wrapped(self, text: str, width: float) -> list[str]:
        self._bring_font_for(text)
        made = self.multi_cell(width, self._line_height, shown(text), dry_run=True, output="LINES", align="L")
        return cast(list[str], made) or [""]


def _xmp(title: str, made_at: datetime) -> str:
    """The metadata that PDF/A asks for (ISO 19005-2 6.6), equal to those of the document's information."""
    moment = made_at.isoformat(timespec="seconds")
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 xmp:CreatorTool="{MODEL_NAME}" xmp:CreateDate="{moment}" xmp:ModifyDate="{moment}" xmp:MetadataDate="{moment}"
 pdf:Producer="fpdf2" pdfaid:part="2" pdfaid:conformance="B">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
