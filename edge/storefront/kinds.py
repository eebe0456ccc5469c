"""Which drawing a kind of product gets: the first rule that fits one of its levels, the narrowest level first.

In: the slugs of a category path, wide to narrow, with `--` between. Out: the name of a drawing, the department's own
where no rule fits.
"""

import re
from functools import lru_cache

from edge.storefront.drawings import FRESH

# drawing -> words of a slug that call for it; above stand the words that would be misread below.
_WORDS = (
    ("nuts", r"peanut(?!-butter)|cashew|almond|pecan|walnut|(snack|mixed|all)-nuts|^nuts|trail-mix|snack-mix"),
    ("gift", r"gift|basket"),
    ("card", r"^cards|greeting|card-"),
    ("icecream", r"ice-cream|sherbet|sorbet|gelato|frozen-yogurt"),
    ("popsicle", r"ice-pops|popsicle|frozen-novelt"),
    ("snow", r"^ice($|-)|winter"),
    ("pizza", r"pizza"),
    ("nachos", r"tortilla|nacho|taco|mexican|salsa"),
    ("babybottle", r"formula|baby-suppl|infant|nursing|baby-care"),
    ("diaper", r"diaper|training-pants"),
    ("jar", r"baby-food|jam|jelly|peanut-butter|pickle|olives?(?!-oil)($|-)|honey|relish|spread|preserve|marmalade"),
    ("jar", r"pasta-sauce|salad-bar|mayo|mustard"),
    ("sack", r"cat-litter"),
    ("catfood", r"cat-food|cat-treat|wet-cat"),
    ("bone", r"dog-"),
    ("paw", r"^pet|pet-care|bird-seed|bird"),
    ("water", r"water(?!melon)"),
    ("coffee", r"coffee(?!-cake)|espresso|cappuccino"),
    ("tea", r"teas?($|-)|cocoa"),
    ("wine", r"wine|champagne|sparkling|cabernet|chardonnay|merlot|vodka|liquor|cocktail-mix"),
    ("beer", r"beer|ales?($|-)|lager|malt-bev"),
    ("soda", r"soda|soft-drink|energy-drink|sports-drink|cola|isotonic"),
    ("juice", r"juice|drink-mix|lemonade|punch|drinks$|smoothie"),
    ("milk", r"milk|buttermilk|cream(er)?s?($|-)|half-and-half|non-dairy|soy"),
    ("cup", r"yogurt|pudding|cottage|gelatin|chilled-dessert|applesauce|sour"),
    ("butter", r"butter(?!-cracker|y)|margarine"),
    ("egg", r"^eggs?($|-)|-eggs?($|-)"),
    ("cake", r"cheesecake"),
    ("cheese", r"cheese"),
    ("sushi", r"sushi"),
    ("bottle", r"salad-dressing|dressing"),
    ("sandwich", r"sandwich(?!-(cook|bag|roll|bun|bread))|wrap(s)?$|party-tray|subs?($|-)"),
    ("salad", r"salad(?!-bar)|slaw"),
    ("soap", r"bar-soap|soap$|bath(?!-tissue)(?=$|-)"),
    ("pump", r"liquid-soap|hand-soap|body-wash"),
    ("bowl", r"soup|chili|stew|broth|ramen|noodle|prepared-food|hot-cereal|oat"),
    ("pasta", r"pasta|macaroni|spaghetti|boxed-dinner"),
    ("sack", r"flour|sugar|rice(?!-cake)|charcoal|litter|potting|soils?|bulk"),
    ("shaker", r"spice|seasonings?($|-)|salt|pepper-|extract|herbs-spice|sweetener"),
    ("packet", r"mix(es)?$|gravy|baking-need|seed|yeast|breading"),
    ("bottle", r"oil|vinegar|sauce|dressing|ketchup|syrup|condiment|marinade|topping"),
    ("fish", r"catfish|tuna|salmon|fish|catfish|tilapia|seafood"),
    ("shrimp", r"shrimp|crab|lobster|shellfish|scallop|oyster"),
    ("drumstick", r"chicken|turkey|poultry|wing|fowl"),
    ("sausage", r"sausage|hot-dog|frank|brat|wiener|pepperoni"),
    ("ham", r"hams?($|-)|bacon|lunch-meat|sliced-meat|bologna|salami|deli-meat|smoked"),
    ("steak", r"beef|steak|pork|lamb|veal|roast|ribs?($|-)|ground-|meat"),
    ("donut", r"donut|doughnut|pastr|sweet-baked|danish|cinnamon"),
    ("cake", r"cake|cupcake|dessert"),
    ("pie", r"pies?($|-)"),
    ("cookie", r"cookies?|brownie"),
    ("bun", r"buns?($|-)|rolls?$|biscuit|bagel|muffin|dough|waffle|pancake"),
    ("loaf", r"bread|loaf|crouton|toast"),
    ("bar", r"bars?($|-)|chocolate|fitness|fruit-snack|gum"),
    ("candy", r"candy|mint|lollipop|sweets"),
    ("popcorn", r"popcorn"),
    ("cracker", r"cracker|rice-cake|pretzel"),
    ("bag", r"chips|snack|crisps|puffs|frozen-veg|frozen-potato|frozen-fruit|jerky"),
    ("cereal", r"cereal|breakfast|granola"),
    ("flatbox", r"frozen-meal|dinner|entree|heat-serve|packaged-meal|pot-pie"),
    ("banana", r"banana|tropical|plantain|pineapple|kiwi"),
    ("citrus", r"citrus|orange|lemon|lime|grapefruit|tangerine|clementine|navel"),
    ("berries", r"berr|cherr|strawberr|blueberr|raspberr|blackberr|cranberr"),
    ("grapes", r"grape|raisin|dried-fruit|prune"),
    ("melon", r"melon|watermelon|cantaloupe|honeydew|cut-fruit"),
    ("peach", r"peach|plum|nectarine|apricot|mango|stone"),
    ("pear", r"pear"),
    ("apple", r"apple(?!sauce)|fruit"),
    ("carrot", r"carrot|cut-veg"),
    ("tomato", r"tomato"),
    ("leaf", r"lettuce|spinach|cabbage|kale|greens|organic-produce|organic-veg|celery"),
    ("broccoli", r"broccoli|cauliflower"),
    ("potato", r"potato|yam"),
    ("onion", r"onion|garlic|shallot"),
    ("mushroom", r"mushroom"),
    ("pepper", r"pepper"),
    ("corn", r"corn"),
    ("pumpkin", r"pumpkin|squash|halloween|fall"),
    ("herbs", r"herbs?($|-)"),
    ("can", r"can(ned|s)?($|-)|beans|peas($|-)|vegetables$"),
    ("brush", r"oral|tooth|dental|floss|mouthwash"),
    ("razor", r"shav|razors?"),
    ("lipstick", r"makeup|lips?($|-)|lipstick|cosmetic|nail|mascara|eye-shadow|foundation"),
    ("perfume", r"fragrance|perfume|cologne"),
    ("comb", r"hair-access|comb|brush|beauty-tool|appliances-personal"),
    ("shampoo", r"shampoo|conditioner|hair|styling"),
    ("pump", r"soap|lotion|skin|moistur|hand-cream|sanit"),
    ("stick", r"deodorant|antiperspirant"),
    ("tube", r"sun-care|sunscreen|cream|ointment|foot|textured"),
    ("plaster", r"first-aid|bandage"),
    ("glasses", r"glasses(?!-dinner)|eye"),
    ("pills", r"vitamin|pain|cold|antacid|laxative|allergy|sinus|remed|tablet|diet|nutrition|health|stop-smok|cough"),
    ("roll", r"paper-towel|toilet|foil-roll|bath-tissue"),
    ("tissue", r"tissue|napkin|feminine|pads|wipes"),
    ("jug", r"detergent|bleach|fabric|laundry|softener"),
    ("spray", r"clean|air-fresh|polish|insect|spray|window"),
    ("pump", r"dish-soap|dish"),
    ("bulb", r"light-bulb|bulb|electrical|lamp"),
    ("battery", r"batter"),
    ("candle", r"candle"),
    ("broom", r"broom|mop|sweep|carpet|iron"),
    ("hammer", r"hardware|tools?$|paint|trowel|hand-trowel"),
    ("car", r"^car-|auto|motor"),
    ("fire", r"firewood|lighter|fire|match|grill"),
    ("plate", r"plates|cups|dinnerware|disposable"),
    ("bag2", r"bags|wrap|storage-bag|trash"),
    ("book", r"book|novel|paperback|fiction|sewing"),
    ("magazine", r"magazine|newspaper|periodical"),
    ("pencil", r"school|office|pens?($|-)|crayon|stationer|tape|activity"),
    ("toy", r"toy|game|puzzle|doll|fan-shop"),
    ("sock", r"sock|hosiery|shoe"),
    ("shirt", r"cloth|apparel|shirt|watch"),
    ("pan", r"cookware|bakeware|bake|pans?$|foil"),
    ("kitchen", r"kitchen|utensil|cutlery|flatware|handy|dollar"),
    ("storage", r"storage|container|canning"),
    ("towel", r"linen|towel|bedding|furnish"),
    ("disc", r"music|movie|dvd|videos?|cds?($|-)"),
    ("camera", r"film|camera|photo"),
    ("appliance", r"appliance|filter"),
    ("rose", r"rose"),
    ("plant", r"plant|garden|lawn|soil|foliage"),
    ("vase", r"vase|floral"),
    ("balloon", r"balloon|party"),
    ("flower", r"flower|bouquet|tulip|spring"),
    ("tree", r"christmas|holiday|tree"),
    ("easter", r"easter"),
    ("heart", r"valentine"),
    ("sun", r"summer|beach|pool"),
    ("cup", r"dips"),
)  # fmt: skip
# A word is meant from its beginning: there is cola in chocolate, and ham in shampoo.
_RULES = tuple((re.compile(rf"(?:^|(?<=-))(?:{words})"), name) for name, words in _WORDS)
_DEPARTMENTS = {
    "baby": "babybottle", "beauty-care": "pump", "beer-wine": "wine", "bread-bakery": "loaf", "breakfast": "cereal",
    "coffee-tea": "coffee", "dairy": "cheese", "dairy-eggs": "milk", "deli": "sandwich", "drinks": "juice",
    "flowers-garden": "flower", "frozen": "frozenbox", "fruit": "apple", "health": "pills", "home-leisure": "gift",
    "household": "spray", "meat": "steak", "natural-foods": "leaf", "pantry": "can", "pets": "paw", "seafood": "fish",
    "seasonal": "gift", "snacks-candy": "bag", "vegetables": "carrot",
}  # fmt: skip
# Departments where food is not sold, so that shaving cream is no milk; and the drawings that are food.
_NO_FOOD = frozenset({"beauty-care", "health", "home-leisure", "household", "pets", "garden", "flowers-garden"})
_FOOD = FRESH | {
    "bar", "beer", "bottle", "butter", "candy", "cereal", "coffee", "cracker", "cup", "flatbox", "icecream", "juice",
    "milk", "pasta", "popcorn", "popsicle", "shaker", "soda", "tea", "wine",
}  # fmt: skip
_FROZEN = frozenset({"bag", "bowl", "box", "bread", "cereal", "can"})  # come boxed from the freezer
_OTHER = "box"


@lru_cache(maxsize=4096)
def drawing_of(kind: str) -> str:
    """The drawing's name."""
    levels = kind.split("--")
    for level in reversed(levels[1:]):
        for words, name in _RULES:
            if words.search(level) and not (levels[0] in _NO_FOOD and name in _FOOD):
                return "frozenbox" if levels[0] == "frozen" and name in _FROZEN else name
    return _DEPARTMENTS.get(levels[0], _OTHER)
