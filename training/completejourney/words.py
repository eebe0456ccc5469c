"""The till's shorthand spelled out: capitals, abbreviations, brackets and words cut off at thirty characters.

In: a category or type as The Complete Journey writes it ("FRZN BRD STICK/PORTON"). Out: words for a shopper.
"""

import functools
import re

_CUT_AT = 30  # the data cut type names here, often in the middle of a word
_KEEP_SMALL = {"a", "and", "as", "at", "by", "for", "in", "of", "on", "or", "the", "to", "with", "without"}
_SPELLED = {"BBQ": "BBQ", "DVD": "DVD", "TV": "TV", "OTC": "OTC", "LED": "LED", "PC": "PC", "US": "US", "RTD": "RTD",
            "DXM": "DXM", "PSE": "PSE", "SPF": "SPF", "NZ": "NZ", "CD": "CD", "T-SHIRTS": "T-Shirts"}  # fmt: skip
# Abbreviation -> words; an empty value drops a word that says nothing to a shopper.
_ABBREVIATIONS = {
    "ACC": "Accessories", "ACCESS": "Accessories", "ACCSS": "Accessories", "APPL": "Appliances", "ASCEPTIC": "Aseptic",
    "ASST": "Assorted", "AUTO": "Automatic", "BEV": "Beverage", "BKD": "Baked", "BKNGWARES": "Bakeware",
    "BN": "Beans", "BRD": "Breaded", "BRKFST": "Breakfast", "BTL": "Bottle", "BTR": "Batter", "BX": "Box",
    "CARB": "Carbonated", "CATFD": "Cat Food", "CATSUP": "Ketchup", "CHICK": "Chicken", "CHIX": "Chicken",
    "CHOC": "Chocolate", "CHOCOCLATE": "Chocolate", "CHS": "Cheese", "CKE": "Cake", "CKTLS": "Cocktails",
    "CLEANG": "Cleaning", "CND": "Canned", "CNDLES": "Candles", "CNTRL": "Control", "COCO": "Cocoa", "COFF": "Coffee",
    "CONC": "Concentrate", "COOKNG": "Cooking", "CREME": "Cream", "CRMD": "Creamed", "CRNBRY": "Cranberry",
    "CRSTDAS": "Crostatas", "CTLRY": "Cutlery", "DAN": "Danish", "DECAF": "Decaf", "DECAFFINATED": "Decaf",
    "DECOR": "Decorations", "DECORS": "Decorations", "DEOD": "Deodorant", "DESE": "", "DL": "Deli",
    "DNR": "Dinner", "DNRS": "Dinners", "DOGFD": "Dog Food", "DPS": "Dips", "DRK": "Drink", "DRNK": "Drink",
    "DRNKING": "Drinking", "DRNKNG": "Drinking", "DRNKS": "Drinks", "DRSNG": "Dressing", "DSH": "Dishes",
    "ELEC": "Electric", "ELSTC": "Elastic", "ENG": "English", "EX": "", "EXTRCT": "Extract", "FD": "Food",
    "FDS": "Food", "FEM": "Feminine", "FLR": "Flour", "FLVR": "Flavored", "FLVRD": "Flavored", "FRD": "Fried",
    "FRE": "Fresh", "FRZ": "Frozen", "FRZN": "Frozen", "FURN": "Furniture", "GDS": "Goods", "GEN": "General",
    "GERBS": "Gerbera Daisies", "GRND": "Ground", "HBC": "Health & Beauty", "HSEHLD": "Household", "HYGN": "Hygiene",
    "INDR": "Indoor", "INSTORE": "Fresh", "IQF": "Individually Frozen", "ITALN": "Italian", "IWS": "Wrapped",
    "JCE": "Juice", "JHOOK": "", "JUIC": "Juice", "LIQ": "Liquid", "LIQS": "Liquids", "LNDRY": "Laundry", "LSS": "Less",
    "LT": "L", "LTR": "Lighter", "LUNCHMEAT": "Lunch Meat", "MARG": "Margarine", "MARIN": "Marinades", "MED": "Medium",
    "MEX": "Mexican", "MINWTR": "Mineral Water", "MISC": "Assorted", "MISCELLANEOUS": "Assorted", "MIXS": "Mixes",
    "MLK": "Milk", "MLT": "Multi", "MNRL": "Mineral", "MULT": "Multi", "MUST": "Mustard", "MW": "Microwave",
    "MXS": "Mixes", "NAT": "Natural", "NDAIRY": "Non-Dairy", "NTRTNL": "Nutritional", "OJ": "Orange Juice",
    "ORG": "Organizers", "ORIENTAL": "Asian", "PCH": "Pouch", "PK": "Pack", "PKG": "Packaged",
    "PKGD": "Packaged", "PKLD": "Pickled", "PLANTR": "Planter", "PLSTC": "Plastic", "PNCH": "Punch", "PNT": "Peanut",
    "POINSETTA": "Poinsettia", "PORTIN": "Portion", "PORTON": "Portions", "PPK": "Prepacked", "PREM": "Premium",
    "PREP": "Prepared", "PREPACK": "Prepacked", "PREPORTND": "Portions", "PRESLC": "Presliced", "PRESLCD": "Presliced",
    "PRSLC": "Presliced", "PROTIEN": "Protein", "PRPCK": "Prepacked", "PTTY": "Patties", "PWDR": "Powder",
    "PWDRS": "Powders", "QSR": "", "RANIER": "Rainier", "REFIGERATED": "Chilled", "REFRGRATD": "Chilled",
    "REFRIG": "Chilled", "REFRIGERATED": "Chilled", "RETL": "", "RTS": "Ready to Serve", "RW": "", "SAL": "Salads",
    "SALD": "Salad", "SAUS": "Sausage", "SECT": "Sections", "SFT": "Soft", "SGL": "Single", "SHLFSH": "Shellfish",
    "SHRED": "Shredded", "SLCD": "Sliced", "SLD": "Salad", "SLG": "", "SMI": "Semi", "SNDWCH": "Sandwich",
    "SNGL": "Single", "SNK": "Snack", "SNKS": "Snacks", "SOULABLE": "Soluble", "SPEC": "Specialties",
    "SPECILATY": "Specialty", "SPRD": "Spread", "SRV": "Serve", "SS": "Single Serve", "STK": "Stick",
    "STRL": "Sterile", "SUBS": "Substitutes", "SUBST": "Substitutes", "SUP": "Super", "SUPP": "Supplements",
    "SPLY": "Supplies", "SUPRT": "Support", "SV": "Serve", "SW": "Sweet", "SWEETNERS": "Sweeteners", "SWT": "Sweet",
    "SYRP": "Syrup", "TISS": "Tissue", "TORT": "Tortilla", "TRSH": "Trash", "VAC": "Vacuum", "VEG": "Vegetables",
    "WHL": "Whole", "WHLSM": "Wholesome", "WHT": "White", "WORCHESTER": "Worcestershire", "WTR": "Water",
    "XPCTRNT": "Expectorant",
}  # fmt: skip


@functools.cache
def readable(raw: str) -> str:
    """The words of a category or type in ordinary case, abbreviations spelled out."""
    text = _without_cut_word(raw)
    text = re.sub(r"\([^)]*\)?", " ", text)
    text = re.sub(r"\b([A-Z]+) S\b", r"\1'S", text)  # the data lost their apostrophes: WOMEN S
    text = re.sub(r"\bW/(\w)", r"WITH \1", text)
    text = re.sub(r"\s*:\s*|\s+-\s*|\s*-\s+", ", ", text)
    text = re.sub(r"\s*[/&]\s*", " & ", text)
    text = re.sub(r"(?<=[A-Z])\.(?=[A-Z])|\.", " ", text)
    words = [_word(word) for word in re.split(r"\s+", text.replace("-", " - ").strip())]
    joined = re.sub(r" - ", "-", " ".join(word for word in words if word))
    return _tidy(joined)


def _without_cut_word(raw: str) -> str:
    found = re.match(r"(.*[^ /&:-])[ /&:-]+([^ /&:-]*)$", raw)
    if len(raw) < _CUT_AT or found is None or raw.endswith(")"):
        return raw
    bare = re.sub(r"[^A-Z]", "", found[2])
    # A short stump ("BR", "PRODUC") is worse than one word less; a long one is most likely whole.
    return raw if bare in _ABBREVIATIONS or len(bare) > 6 else found[1]


def _word(word: str) -> str:
    core = word.strip(",")
    tail = "," if word.endswith(",") else ""
    if core in _ABBREVIATIONS:
        return _ABBREVIATIONS[core] + tail if _ABBREVIATIONS[core] else tail
    if core in _SPELLED:
        return _SPELLED[core] + tail
    if core.lower() in _KEEP_SMALL:
        return core.lower() + tail
    if any(letter.isdigit() for letter in core):
        return core.lower() + tail
    return core.capitalize() + tail


def _tidy(text: str) -> str:
    """No doubled or dangling joints; the first letter is a capital."""
    text = re.sub(r"\s*,[\s,]*", ", ", text)
    # "A & B & C" reads as a list.
    parts = text.split(" & ")
    if len(parts) > 2:
        text = ", ".join(parts[:-1]) + " & " + parts[-1]
    text = re.sub(r"^[\s,&-]+|[\s,&-]+$", "", text)
    text = re.sub(r"^Assorted, |[, ]+(All )?Others?$|[, ]+(All|Bulk|Etc|W)$", "", text)
    text = re.sub(r"\s+(and|with|or|for|of|in|without)$", "", text)
    text = re.sub(r"-{2,}", "-", text).strip(" ,&-")  # what stood behind a joint may have gone just now
    return text[:1].upper() + text[1:]
