"""The receipt an applicant takes home: sentences, dates and the dossier's QR code, as text and as PDF.

Shows the dossier, never the person: no name, no document number. Must never show a date the decision did not give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import segno
from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]  # fpdf2 reads fonts with it
from fpdf import FPDF

from central.errors import CentralError
from wire.case import qr_text
from wire.catalogue import Text, bundled
from wire.rules.decision import Decision
from wire.rules.model import Rules

FONT_PACKAGE = "fontpkg_noto_sans"
FONT_FILE = "NotoSans[wdth,wght].ttf"
"""Noto Sans (SIL Open Font License 1.1) from the Python package that carries it, never from the system."""

_FONT = "receipt"
_DATE = "%d/%m/%Y"
_TIME = "%H:%M"
_PAGE_MM = (148.0, 210.0)
_MARGIN_MM = 15
_TITLE_PT, _VI_PT, _EN_PT = 16, 11, 9
_LINE_MM = 6
_QR_MM = 45
_QR_SCALE = 8
_QUIET_MODULES = 4
_HALF_BLOCKS = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


class ReceiptFontError(CentralError):
    """No usable font, or one that lacks characters. Parameters: font (file name), missing (count)."""

    message_id = "error.receipt.font"


class NoReceipt(CentralError, ValueError):
    """The decision gives no term, so there is nothing to acknowledge. Parameter: row."""

    message_id = "error.receipt.none"


class DossierNotOpen(CentralError, LookupError):
    """The dossier's capture has not arrived, or the dossier is closed. Parameter: dossier."""

    message_id = "error.receipt.not_open"


class ReceiptNotWritten(CentralError, OSError):
    """The file cannot be written. Parameter: file (name)."""

    message_id = "error.receipt.not_written"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is printed.

    Args:
        dossier_id: as the centre numbers it; the QR code holds it with the prefix of `wire.case.qr_text`.
        code: short code printed beside the QR code, as on the station's display.
        received: instant of receipt in local time.
        working_days, due: printed term and its last day.
        projected: whether a calendar of the term is only projected.
    """

    dossier_id: str
    code: str
    received: datetime
    working_days: int
    due: date
    projected: bool

    def sentences(self) -> tuple[Text, ...]:
        """The receipt's sentences in both languages."""
        texts = bundled()
        received = texts.text(
            "receipt.received",
            dossier=self.dossier_id,
            date=self.received.strftime(_DATE),
            time=self.received.strftime(_TIME),
            days=self.working_days,
            due=self.due.strftime(_DATE),
        )
        projected = (texts.text("receipt.projected"),) if self.projected else ()
        return (received, *projected, texts.text("receipt.notice"), texts.text("receipt.free"))


def receipt_of(dossier_id: str, code: str, visit: datetime, decision: Decision, rules: Rules) -> Receipt:
    """The receipt of an accepted case.

    Args:
        visit: the aware instant of receipt, the one the decision was made for.

    Raises:
        NoReceipt: the decision gives no term.
    """
    if decision.due is None or decision.working_days is None:
        raise NoReceipt(row=decision.row)
    return Receipt(
        dossier_id=dossier_id,
        code=code,
        received=rules.calendar.local(visit),
        working_days=decision.working_days,
        due=decision.due,
        projected=bool(rules.calendar.due(decision.received, decision.working_days).projected_years),
    )


def receipt_text(receipt: Receipt) -> str:
    """The receipt as plain text with the QR code in half blocks, for a text printer or a screen."""
    title = bundled().text("receipt.title")
    sentences = receipt.sentences()
    return "\n".join(
        (
            title.vi,
            title.en,
            "",
            *(sentence.vi for sentence in sentences),
            "",
            *(sentence.en for sentence in sentences),
            "",
            *_blocks(receipt),
            receipt.code,
            "",
        )
    )


def _blocks(receipt: Receipt) -> list[str]:
    """The code's rows, two to a line; the quiet zone of four modules (ISO/IEC 18004 clause 6.3.8) is part of them."""
    rows = [list(row) for row in _qr(receipt).matrix_iter(border=_QUIET_MODULES)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return [
        "".join(_HALF_BLOCKS[int(bool(up)), int(bool(down))] for up, down in zip(*pair, strict=True)) for pair in pairs
    ]


def _qr(receipt: Receipt) -> segno.QRCode:
    return segno.make_qr(qr_text(receipt.dossier_id), error="m")


def font_path() -> Path:
    """Where the font lies. Raises ReceiptFontError."""
    spec = find_spec(FONT_PACKAGE)
    folders = [Path(found) for found in (spec.submodule_search_locations or [])] if spec is not None else []
    for folder in folders:
        path = folder / "files" / FONT_FILE
        if path.is_file():
            return path
    raise ReceiptFontError(font=FONT_PACKAGE, missing=0)


def receipt_pdf(receipt: Receipt, font: Path | None = None) -> bytes:
    """The receipt as a PDF of one page; the same receipt gives the same bytes.

    Args:
        font: the font file to embed; None for the one of `font_path`.

    Raises:
        ReceiptFontError: there is none, or the font lacks a character that would have to be printed.
    """
    title, sentences = bundled().text("receipt.title"), receipt.sentences()
    pdf = FPDF(format=_PAGE_MM)
    pdf.set_creation_date(receipt.received)
    pdf.set_title(title.vi)
    pdf.set_lang("vi")
    pdf.set_margin(_MARGIN_MM)
    _embed(pdf, font or font_path(), [title, *sentences], receipt.code)
    pdf.add_page()
    _lines(pdf, _TITLE_PT, [title.vi], align="C")
    _lines(pdf, _EN_PT, [title.en], align="C")
    _lines(pdf, _VI_PT, [sentence.vi for sentence in sentences])
    _lines(pdf, _EN_PT, [sentence.en for sentence in sentences])
    pdf.image(_qr_png(receipt), x=(pdf.w - _QR_MM) / 2, w=_QR_MM, h=_QR_MM, alt_text=receipt.code)
    _lines(pdf, _VI_PT, [receipt.code], align="C")
    return bytes(pdf.output())


def _lines(pdf: FPDF, size_pt: int, lines: Sequence[str], align: str = "L") -> None:
    pdf.set_font(_FONT, size=size_pt)
    for line in lines:
        pdf.multi_cell(0, _LINE_MM, line, align=align, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(_LINE_MM / 2)


def _qr_png(receipt: Receipt) -> BytesIO:
    png = BytesIO()
    _qr(receipt).save(png, kind="png", scale=_QR_SCALE, border=_QUIET_MODULES)
    png.seek(0)
    return png


def _embed(pdf: FPDF, font: Path, texts: Sequence[Text], code: str) -> None:
    missing = _printed(texts, code) - _covered(font)
    if missing:
        raise ReceiptFontError(font=font.name, missing=len(missing))
    pdf.add_font(_FONT, fname=font)


def _printed(texts: Sequence[Text], code: str) -> set[int]:
    return {ord(char) for text in texts for char in text.vi + text.en} | {ord(char) for char in code}


def _covered(font: Path) -> set[int]:
    """The characters of a font; read here because fpdf2 leaves a file open that it cannot use."""
    try:
        with TTFont(BytesIO(font.read_bytes()), lazy=True) as file:
            return set(file.getBestCmap() or ())
    except (TTLibError, OSError):
        raise ReceiptFontError(font=font.name, missing=0) from None
