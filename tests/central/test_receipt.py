"""The receipt: the sentences, the dates, the QR code, as text and as PDF."""

from __future__ import annotations

import json
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from central import receipt as receipts
from central.receipt import NoReceipt, Receipt, ReceiptFontError, font_path, receipt_of, receipt_pdf, receipt_text
from wire.case import QR_PREFIX
from wire.rules import Decision, Rules, case_of, decide, load_rules

DOSSIER, CODE = "01J1ZZZZZZZZZZZZZZZZZZZZZZ", "7K3-9QX"
CASE = {
    "visit": "2025-07-04T09:45:00Z",
    "applicant": {"nationality": "KOR", "birth_date": "1985-03-12"},
    "document": {"type": "passport", "valid_until": "2035-03-11", "readable": True},
    "card": {"kind": "permanent"},
    "phone": {"number": "0912345678", "owner": "self", "linked_elsewhere": False},
    "form_signed": True,
    "consent": True,
    "face_ok": True,
    "fingers": {"right_thumb": "captured"},
    "register": {"face": "yes", "fingers": "no", "match": "yes"},
}
SENTENCE = (
    f"Đã tiếp nhận hồ sơ số {DOSSIER} ngày 04/07/2025 lúc 16:45. Thời hạn giải quyết không quá 07 ngày làm việc, "
    "trước 24 giờ ngày 15/07/2025."
)
NOTICE = "Kết quả được thông báo qua ứng dụng VNeID hoặc số thuê bao di động chính chủ hoặc địa chỉ thư điện tử."


def decided(rules: Rules, **changes: object) -> tuple[datetime, Decision]:
    """Instant and decision of the case with changes."""
    case = case_of(json.loads(json.dumps(CASE | changes)), rules)
    return case.visit, decide(case, rules)


def receipt(**changes: object) -> Receipt:
    """The receipt of the case."""
    rules = load_rules()
    visit, decision = decided(rules, **changes)
    return receipt_of(DOSSIER, CODE, visit, decision, rules)


def qr_of_blocks(text: str) -> str:
    """Reads the QR code that the text draws in half blocks."""
    rows = [line for line in text.splitlines() if line.strip(" ▀▄█") == "" and len(line) > 20]
    pixels = [[0 if char in upper else 255 for char in line] for line in rows for upper in ("▀█", "▄█")]
    image = Image.new("L", (len(pixels[0]), len(pixels)))
    image.putdata([value for row in pixels for value in row])
    found = zxingcpp.read_barcode(image.resize((image.width * 6, image.height * 6), Image.Resampling.NEAREST))
    assert found is not None

    return found.text


def test_the_text_has_the_sentences_in_local_time() -> None:
    """Receipt sentence, channels, dates as dd/mm/yyyy, the zero before 7, 24:00 of the due date."""
    text = receipt_text(receipt())

    assert SENTENCE in text
    assert NOTICE in text
    assert "no more than 7 working days, before 24:00 of 15/07/2025" in text
    assert CODE in text


def test_the_text_has_a_readable_qr_code() -> None:
    """The code holds the prefix and the dossier, nothing else."""
    assert qr_of_blocks(receipt_text(receipt())) == QR_PREFIX + DOSSIER


def test_a_provisional_receipt_says_seven() -> None:
    """The printed date is the 7-day date; the alarm is internal."""
    text = receipt_text(receipt(register={}))

    assert "không quá 07 ngày làm việc, trước 24 giờ ngày 15/07/2025" in text
    assert "09/07/2025" not in text


def test_a_three_day_receipt() -> None:
    """Both in the register."""
    text = receipt_text(receipt(register={"face": "yes", "fingers": "yes", "match": "yes"}))

    assert "không quá 03 ngày làm việc, trước 24 giờ ngày 09/07/2025" in text


def test_a_projected_date_is_said_on_the_paper() -> None:
    """A date behind the published calendars is marked."""
    assert receipt(visit="2027-12-30T09:00:00+07:00").projected
    assert "dự tính" in receipt_text(receipt(visit="2027-12-30T09:00:00+07:00"))
    assert "dự tính" not in receipt_text(receipt())


def test_no_receipt_without_a_term() -> None:
    """Nothing is acknowledged that was not accepted."""
    rules = load_rules()
    visit, decision = decided(rules, card=None)
    with pytest.raises(NoReceipt):
        receipt_of(DOSSIER, CODE, visit, decision, rules)


def test_the_pdf_shows_the_same_and_its_qr_code_reads() -> None:
    """One page; its text is the text's; the rendered code reads; the same receipt gives the same bytes."""
    data = receipt_pdf(receipt())
    document = pypdfium2.PdfDocument(BytesIO(data))
    try:
        shown = " ".join(document[0].get_textpage().get_text_range().split())
        code = zxingcpp.read_barcode(document[0].render(scale=2).to_pil())
        pages = len(document)
    finally:
        document.close()

    assert pages == 1
    assert SENTENCE in shown
    assert NOTICE in shown
    assert CODE in shown
    assert code is not None
    assert code.text == QR_PREFIX + DOSSIER
    assert receipt_pdf(receipt()) == data


def test_the_font_comes_with_the_python_packages() -> None:
    """No font of the system is needed; every receipt is set in Noto Sans."""
    data = receipt_pdf(receipt())

    assert font_path().name == "NotoSans[wdth,wght].ttf"
    assert "site-packages" in font_path().parts
    assert b"NotoSans" in data


def test_no_font_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the file or the package looked for."""
    with pytest.raises(ReceiptFontError, match=r"none\.ttf"):
        receipt_pdf(receipt(), tmp_path / "none.ttf")
    monkeypatch.setattr(receipts, "FONT_PACKAGE", "fontpkg_that_is_not_installed")
    with pytest.raises(ReceiptFontError, match="fontpkg_that_is_not_installed"):
        receipt_pdf(receipt())


def test_a_broken_font_is_a_clear_error(tmp_path: Path) -> None:
    """A file that is no font is named."""
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"not a font")
    with pytest.raises(ReceiptFontError, match=r"broken\.ttf"):
        receipt_pdf(receipt(), broken)


def test_a_font_that_lacks_characters_is_an_error_not_a_blank(tmp_path: Path) -> None:
    """No box is printed in place of a letter: a font cut down to ASCII is refused."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    font = TTFont(font_path())
    cutter = subset.Subsetter()
    cutter.populate(unicodes=range(32, 127))
    cutter.subset(font)
    font.save(tmp_path / "ascii.ttf")
    font.close()
    with pytest.raises(ReceiptFontError) as raised:
        receipt_pdf(receipt(), tmp_path / "ascii.ttf")

    assert int(raised.value.params["missing"]) > 10
