"""Package sizes as a shopper reads them.

In: the till's size ("12 PK/12 OZ", "L    5.5 OZ", "(600) 4 LB", "300 CT(1)"). Out: "12 x 12 oz", "5.5 oz", "4 lb",
"300 ct", or nothing where it says nothing to a shopper. Produce is delivered in cases, and their size is not what a
shopper gets: it is believed only when the price fits it.
"""

import functools
import re

_UNITS = {
    "OZ": "oz", "OZS": "oz", "Z": "oz", "O": "oz", "FL OZ": "fl oz", "LB": "lb", "LBS": "lb", "CT": "ct", "CNT": "ct",
    "L": "L", "LT": "L", "LTR": "L", "LITER": "L", "ML": "ml", "GA": "gal", "GAL": "gal", "GALON": "gal", "QT": "qt",
    "PT": "pt", "DZ": "dozen", "DOZ": "dozen", "PK": "pack", "PKS": "pack", "SQ FT": "sq ft", "FT": "ft", "YD": "yd",
    "IN": "in", "G": "g", "GM": "g", "KG": "kg", "LOAD": "loads", "LOADS": "loads", "LD": "loads", "LDS": "loads",
    "PC": "pieces", "PCS": "pieces", "STEM": "stems", "STEMS": "stems", "USE": "uses", "USES": "uses", "ROLL": "rolls",
    "CUP": "cups", "SHEET": "sheets", "SHT": "sheets",
}  # fmt: skip
_CONTAINERS = {"BAG": "bag", "BTL": "bottle", "BOX": "box", "CAN": "can", "CN": "can", "CANS": "can", "JAR": "jar",
               "TRAY": "tray", "TUB": "tub", "PET": "bottle", "PCH": "pouch"}  # fmt: skip
_WORDS = {"LARGE": "large", "SMALL": "small", "MINI": "mini", "MED": "medium", "HALF GAL": "1/2 gal"}
_NUMBER = r"(\d+ \d+/\d+|[1-3]/[2-4]|\d*\.?\d+)"
_UNIT = r"(SQ FT|FL OZ|[A-Z]+)"
_PLAIN = re.compile(rf"{_NUMBER} ?{_UNIT}\.?(?: (\w+))?$")
_MULTIPACK = re.compile(rf"(\d+) ?(?:PK|P)? ?[/ -] ?{_NUMBER} ?{_UNIT}(?: (\w+))?$")
_COUNT_AND_SIZE = re.compile(rf"(\d+) ?CT ?[/ -] ?{_NUMBER} ?{_UNIT}$")
_SIZE_AND_COUNT = re.compile(rf"{_NUMBER} ?{_UNIT} ?/ ?(\d+) ?(PK|CT)$")
# 5/8 OZ may be a fraction or a multipack, 14-18 CT is a range.
_AMBIGUOUS = re.compile(r"[1357]/(?:8|16) ?(?:OZ|LB)|\d+-\d+ (?:CT|STEM)")
# Below these a piece or a pound of fresh produce is not sold: the size is the delivery case's.
_LEAST_PER = {"lb": 0.30, "ct": 0.30, "pack": 0.30, "dozen": 3.0}
_BAG_LB = 10.0  # up to here bags of potatoes and onions are sold, at times very cheaply
_LEAST_PER_LB_IN_A_BAG = 0.15


@functools.cache
def readable_size(raw: str) -> str:
    """The size in ordinary notation; empty when it is a code, a bare container or one piece."""
    text = re.sub(r"\([^)]*\)?", " ", raw.upper()).replace("*", " ")
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"^\d{5,} ?", "", text)  # an item code before the size
    text = re.sub(r"^(?:[A-Z]{1,3} ){1,2}(?=[\d.])", "", text)  # letters that mark a price tier
    text = re.sub(r" ?/ ?(?=(?:PCH|CAN|BTL|BOX|BAG)$)", " ", text)
    if text in _WORDS:
        return _WORDS[text]
    if text in {"GAL", "GA", "QT", "PT", "DZ"}:
        text = f"1 {text}"
    if match := _PLAIN.match(text):
        return _plain(match[1], match[2], match[3])
    if _AMBIGUOUS.match(text):
        return ""
    if match := _COUNT_AND_SIZE.match(text):
        return _joined(_plain(match[1], "CT"), _plain(match[2], match[3]))
    if match := _MULTIPACK.match(text):
        return _multipack(match[1], _plain(match[2], match[3]))
    if match := _SIZE_AND_COUNT.match(text):
        size = _plain(match[1], match[2])
        return _multipack(match[3], size) if match[4] == "PK" else _joined(_plain(match[3], "CT"), size)
    match = re.match(r"(\d+) ?CT ?/", text)  # the rest is cut off or says what each one holds
    return _plain(match[1], "CT") if match else ""


def believable(size: str, price: float) -> bool:
    """Whether fresh produce of this size can cost this little; a multipack of produce is a case."""
    match = re.match(r"([\d.]+) (lb|ct|pack|dozen)\b", size)
    if match is None:
        return " x " not in size
    amount, unit = float(match[1]), match[2]
    least = _LEAST_PER_LB_IN_A_BAG if unit == "lb" and amount <= _BAG_LB else _LEAST_PER[unit]
    return price / amount >= least


def _plain(number: str, unit: str, container: str | None = None) -> str:
    name = _UNITS.get(unit)
    if name is None:
        return ""
    amount = f"0{number}" if number.startswith(".") else number
    if re.fullmatch(r"\d+\.\d+", amount):
        amount = amount.rstrip("0").rstrip(".")
    if (amount, name) in {("1", "ct"), ("1", "pack"), ("1", "pieces"), ("1", "uses")}:
        return ""
    held = _CONTAINERS.get(container or "")
    return f"{amount} {name} {held}" if held else f"{amount} {name}"


def _multipack(count: str, size: str) -> str:
    if not size or int(count) < 2:
        return size
    return f"{int(count)} x {size}"


def _joined(count: str, size: str) -> str:
    return ", ".join(part for part in (count, size) if part)
