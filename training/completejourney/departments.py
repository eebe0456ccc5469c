"""Where a shopper would look: the grocer's categories as departments and shelves with readable names.

In: department and category as The Complete Journey names them. Out: "Department", "Shelf". The tills know two giant
departments, GROCERY and DRUG GM; here they are parted the way a shop's menu is. `A/B` stands for category B of
department A, where a name means different things; a category not listed keeps its name in ordinary case.
"""

from training.completejourney.words import readable

_TABLE = """
Drinks: SOFT DRINKS = Soft Drinks; ISOTONIC DRINKS = Sports Drinks; CANNED JUICES = Juices; TEAS = Tea
Drinks: WATER - CARBONATED/FLVRD DRINK = Water; PWDR/CRYSTL DRNK MX = Drink Mixes; NEW AGE = Energy Drinks
Drinks: COFFEE = Coffee; COCOA MIXES = Cocoa; COFFEE FILTERS = Coffee & Water Filters; LIQUOR = Cocktail Mixes
Drinks: REFRGRATD JUICES/DRNKS = Chilled Juices
Beer & Wine: BEERS/ALES = Beer; DOMESTIC WINE = American Wine; IMPORTED WINE = Imported Wine; MISC WINE = Other Wine
Dairy & Eggs: FLUID MILK PRODUCTS = Milk & Cream; CHEESE = Cheese; YOGURT = Yogurt; EGGS = Eggs; BUTTER = Butter
Dairy & Eggs: MILK BY-PRODUCTS = Sour Cream & Cottage Cheese; MARGARINES = Margarine
Dairy & Eggs: MISC. DAIRY = Chilled Desserts & More
Dairy & Eggs: REFRGRATD DOUGH PRODUCTS = Chilled Dough; CANNED MILK = Canned Milk
Frozen: FRZN MEAT/MEAT DINNERS = Frozen Meals; FROZEN PIZZA = Pizza & Snacks; ICE CREAM/MILK/SHERBTS = Ice Cream
Frozen: FRZN VEGETABLE/VEG DSH = Frozen Vegetables; FRZN NOVELTIES/WTR ICE = Ice Pops & Bars; FRZN ICE = Ice
Frozen: FRZN BREAKFAST FOODS = Frozen Breakfast; FRZN POTATOES = Frozen Potatoes; FRZN FRUITS = Frozen Fruit
Frozen: FROZEN PIE/DESSERTS = Frozen Desserts; FROZEN BREAD/DOUGH = Frozen Bread; FRZN JCE CONC/DRNKS = Frozen Juice
Frozen: FROZEN CHICKEN = Frozen Chicken; FRZN SEAFOOD = Frozen Seafood
Snacks & Candy: BAG SNACKS = Chips & Pretzels; CRACKERS/MISC BKD FD = Crackers; COOKIES/CONES = Cookies
Snacks & Candy: CONVENIENT BRKFST/WHLSM SNACKS = Bars & Fruit Snacks; SNACK NUTS = Nuts
Snacks & Candy: WAREHOUSE SNACKS = Snack Mixes
Snacks & Candy: CANDY - PACKAGED = Candy; CANDY - CHECKLANE = Candy Bars & Gum; PRODUCE/POPCORN = Popcorn
Bread & Bakery: BAKED BREAD/BUNS/ROLLS = Bread & Buns; BAKED SWEET GOODS = Sweet Baked Goods
Bread & Bakery: PASTRY/BREAD = Fresh Bread
Bread & Bakery: CAKES = Cakes; BREAKFAST SWEETS = Donuts & Pastries; COOKIES = Fresh Cookies; PIES = Pies
Bread & Bakery: ROLLS = Rolls
Bread & Bakery: SWEET GOODS & SNACKS = Desserts; BAKERY PARTY TRAYS = Bakery Trays
Breakfast: COLD CEREAL = Cereal; HOT CEREAL = Hot Cereal; MOLASSES/SYRUP/PANCAKE MIXS = Pancakes & Syrup
Pantry: SOUP = Soup; VEGETABLES - SHELF STABLE = Canned Vegetables; MEAT - SHELF STABLE = Canned Meat & Pasta
Pantry: SALD DRSNG/SNDWCH SPRD = Dressings & Mayonnaise; DINNER MXS:DRY = Boxed Dinners
Pantry: CONDIMENTS/SAUCES = Condiments & Sauces; FRUIT - SHELF STABLE = Canned Fruit; PASTA SAUCE = Pasta Sauce
Pantry: DRY BN/VEG/POTATO/RICE = Rice, Beans & Sides; PNT BTR/JELLY/JAMS = Peanut Butter & Jam
Pantry: BAKING MIXES = Baking Mixes; BAKING NEEDS = Baking Needs; SHORTENING/OIL = Oils; SPICES & EXTRACTS = Spices
Pantry: SUGARS/SWEETNERS = Sugar & Sweeteners; SEAFOOD - SHELF STABLE = Canned Fish; DRY NOODLES/PASTA = Pasta
Pantry: BEANS - CANNED GLASS & MW = Canned Beans; PICKLE/RELISH/PKLD VEG = Pickles & Relish; OLIVES = Olives
Pantry: DRY SAUCES/GRAVY = Gravy & Sauce Mixes; DRY MIX DESSERTS = Dessert Mixes; FLOUR & MEALS = Flour
Pantry: SYRUPS/TOPPINGS = Dessert Toppings; RESTRICTED DIET = Special Diets; HISPANIC = World Foods
Household: BATH TISSUES = Toilet Tissue; LAUNDRY DETERGENTS = Laundry Detergent; PAPER TOWELS = Paper Towels
Household: FD WRAPS/BAGS/TRSH BG = Bags & Wraps; HOUSEHOLD CLEANG NEEDS = Cleaning; LAUNDRY ADDITIVES = Fabric Care
Household: PAPER HOUSEWARES = Plates & Cups; DISHWASH DETERGENTS = Dish Soap
Household: FACIAL TISS/DNR NAPKIN = Tissues & Napkins
Household: AIR CARE = Air Fresheners; BLEACH = Bleach; BROOMS AND MOPS = Brooms & Mops; BATTERIES = Batteries
Household: IRONING AND CHEMICALS = Ironing & Carpet Care; ELECTRICAL SUPPPLIES = Light Bulbs & Electrical
Household: DISPOSIBLE FOILWARE = Foil Pans; CHARCOAL AND LIGHTER FLUID = Charcoal & Firewood
Household: INSECTICIDES = Insect Control
Household: CANDLES/ACCESSORIES = Candles; HARDWARE SUPPLIES = Hardware; AUTOMOTIVE PRODUCTS = Car Care
Household: SHOE CARE = Shoe Care; SEWING = Sewing
Pets: BIRD SEED = Bird Seed; DOG FOODS = Dog Food; CAT FOOD = Cat Food; CAT LITTER = Cat Litter
Pets: PET CARE SUPPLIES = Pet Care
Baby: DIAPERS & DISPOSABLES = Diapers; INFANT FORMULA = Formula; BABY FOODS = Baby Food; BABY HBC = Baby Care
Baby: INFANT CARE PRODUCTS = Baby Supplies; NUTRITION/BABYFOOD = Baby Food
Health: ANALGESICS = Pain Relief; COLD AND FLU = Cold & Flu; VITAMINS = Vitamins
Health: DIETARY AID PRODUCTS = Diet & Nutrition
Health: FIRST AID PRODUCTS = First Aid; SINUS AND ALLERGY = Sinus & Allergy; ANTACIDS = Antacids
Health: LAXATIVES = Laxatives
Health: EYE AND EAR CARE PRODUCTS = Eye & Ear Care; SMOKING CESSATIONS = Stop Smoking; FOOT CARE PRODUCTS = Foot Care
Health: GLASSES/VISION AIDS = Reading Glasses; NATURAL HBC = Natural Remedies; MISCELLANEOUS HBC = Other Health Care
Beauty & Care: HAIR CARE PRODUCTS = Hair Care; ORAL HYGIENE PRODUCTS = Oral Care; SHAVING CARE PRODUCTS = Shaving
Beauty & Care: SOAP - LIQUID & BAR = Soap; HAND/BODY/FACIAL PRODUCTS = Skin Care; FEMININE HYGIENE = Feminine Care
Beauty & Care: DEODORANTS = Deodorants; HAIR CARE ACCESSORIES = Hair Accessories; SUNTAN = Sun Care
Beauty & Care: PERSONAL CARE APPLIANCES = Personal Care Appliances; ETHNIC PERSONAL CARE = Textured Hair & Skin Care
Beauty & Care: MAKEUP AND TREATMENT = Makeup; BATH = Bath; FRAGRANCES = Fragrances
Beauty & Care: COSMETIC ACCESSORIES = Beauty Tools
Home & Leisure: GREETING CARDS/WRAP/PARTY SPLY = Cards & Gift Wrap; MAGAZINE = Magazines; BOOKSTORE = Books
Home & Leisure: STATIONERY & SCHOOL SUPPLIES = School & Office; TOYS AND GAMES = Toys & Games; NEWSPAPER = Newspapers
Home & Leisure: AUDIO/VIDEO PRODUCTS = Music & Movies; PLASTIC HOUSEWARES = Storage; KITCHEN GADGETS = Kitchen Tools
Home & Leisure: FILM AND CAMERA PRODUCTS = Film & Cameras; COOKWARE & BAKEWARE = Cookware; DOMESTIC GOODS = Linens
Home & Leisure: HOSIERY/SOCKS = Socks & Hosiery; APPAREL = Clothing; J-HOOKS = Handy Finds; TOYS/TOYS = Toys & Games
Home & Leisure: SPORTS MEMORABLILIA = Sports Fan Shop; PORTABLE ELECTRIC APPLIANCES = Small Appliances
Home & Leisure: HOME FURNISHINGS = Home Furnishings; GLASSWARE & DINNERWARE = Glasses & Dinnerware
Home & Leisure: HOME FREEZING & CANNING SUPPLY = Canning & Freezing; DOLLAR VALUE PRODUCTS = Dollar Finds
Home & Leisure: WATCHES/CALCULATORS/LOBBY = Watches & Calculators
Seasonal: SPRING/SUMMER SEASONAL = Summer; CHRISTMAS  SEASONAL = Christmas; HALLOWEEN = Halloween; EASTER = Easter
Seasonal: VALENTINE = Valentine's Day; FALL AND WINTER SEASONAL = Fall & Winter
Flowers & Garden: FLORAL-FRESH CUT = Cut Flowers; ROSES = Roses; FLORAL-FLOWERING PLANTS = Flowering Plants
Flowers & Garden: FLORAL-FOLIAGE PLANTS = House Plants; FLORAL BALLOONS = Balloons
Flowers & Garden: FLORAL- HARD GOODS = Vases & Plant Care
Flowers & Garden: FLORAL-ACCESSORIES = Accessories; GIFT & FRUIT BASKETS = Gift Baskets; GARDEN CENTER = Garden Plants
Flowers & Garden: BOUQUET (NON ROSE) = Bouquets; EASTER LILY = Flowering Plants; LAWN AND GARDEN SHOP = Lawn & Garden
Meat: BEEF = Beef; CHICKEN = Chicken; PORK = Pork; TURKEY = Turkey; SMOKED MEATS = Ham & Smoked Meat; LAMB = Lamb
Meat: VEAL = Veal; EXOTIC GAME/FOWL = Game & Fowl; LUNCHMEAT = Lunch Meat; FROZEN MEAT = Frozen Meat; BACON = Bacon
Meat: BREAKFAST SAUSAGE/SANDWICHES = Breakfast Sausage; DINNER SAUSAGE = Sausage; HOT DOGS = Hot Dogs
Meat: HEAT/SERVE = Heat & Serve; MEAT - MISC = Frozen Poultry & More; RW FRESH PROCESSED MEAT = Fresh Processed Meat
Meat: MEAT-PCKGD/MISCELLANEOUS = Pickles & Sides; MEAT/MISCELLANEOUS = Other Meat
Seafood: SEAFOOD-FRESH = Fresh Seafood; SEAFOOD - FROZEN = Frozen Seafood; FROZEN - BOXED(GROCERY) = Frozen Seafood
Seafood: SEAFOOD - MISC = Seafood Sauces & Breading; PKG.SEAFOOD MISC = Packaged Seafood
Deli: DELI MEATS = Sliced Meats; CHEESES = Deli Cheese; CHICKEN/POULTRY = Hot & Cold Chicken
Deli: SALADS/DIPS = Salads & Dips
Deli: PREPARED FOOD = Prepared Food; PARTY TRAYS = Party Trays; SANDWICHES = Sandwiches; SUSHI = Sushi
Deli: SNACKS = Snacks
Deli: DELI SPECIALTIES (RETAIL PK) = Specialties; SALAD BAR = Salad Bar
Fruit: APPLES = Apples; TROPICAL FRUIT = Bananas & Tropical Fruit; BERRIES = Berries; GRAPES = Grapes; CITRUS = Citrus
Fruit: STONE FRUIT = Peaches & Plums; MELONS = Melons; PEARS = Pears; VALUE ADDED FRUIT = Cut Fruit
Fruit: PRODUCE/DRIED FRUIT = Dried Fruit; PRODUCE/NUTS = Nuts
Vegetables: POTATOES = Potatoes; SALAD MIX = Salad Mixes; TOMATOES = Tomatoes; ONIONS = Onions; CARROTS = Carrots
Vegetables: VEGETABLES - ALL OTHERS = More Vegetables; PEPPERS-ALL = Peppers; VEGETABLES SALAD = Lettuce
Vegetables: MUSHROOMS = Mushrooms; BROCCOLI/CAULIFLOWER = Broccoli & Cauliflower; CORN = Corn; HERBS = Herbs & Garlic
Vegetables: SQUASH = Squash; VALUE ADDED VEGETABLES = Cut Vegetables; PROCESSED = Dips & Dressings
Vegetables: SEASONAL = Pumpkins
Vegetables: ORGANICS FRUIT & VEGETABLES = Organic Produce
Natural Foods: NUTRITION/REFRIGERATED = Chilled; NUTRITION/FROZEN = Frozen; FITNESS&DIET = Fitness Bars
Natural Foods: NUTRITION/DRIED FRUIT = Dried Fruit; CEREAL/BREAKFAST = Cereal; CHIPS&SNACKS = Chips; WATER = Water
Natural Foods: NUTRITION/JUICE = Juice; SNKS/CKYS/CRKR/CNDY = Snacks & Candy; RICE CAKES = Rice Cakes; BAKING = Baking
Natural Foods: PREPARED/PKGD FOODS = Packaged Meals; NON-DAIRY BEVERAGES = Non-Dairy Drinks; CONDIMENTS = Condiments
Natural Foods: NUTRITION/SOUP = Soup; PACKAGED NATURAL SNACKS = Dried Fruit & Nuts; BEVERAGE = Drinks
Natural Foods: DRY TEA/COFFEE/COCO MIX = Tea & Coffee; NON EDIBLE PRODUCTS = Natural Cleaning; NUTRITION/BREAD = Bread
Natural Foods: NATURAL VITAMINS = Vitamins; BULK FOODS = Bulk Foods; NDAIRY/TEAS/JUICE/SOD = Drinks
"""
# Departments of the data whose categories are absent or listed nowhere above.
_DEPARTMENTS = {
    "CHEF SHOPPE": "Vegetables",
    "COSMETICS": "Beauty & Care",
    "DELI": "Deli",
    "DRUG GM": "Home & Leisure",
    "FLORAL": "Flowers & Garden",
    "FROZEN GROCERY": "Frozen",
    "GARDEN CENTER": "Flowers & Garden",
    "GROCERY": "Pantry",
    "MEAT": "Meat",
    "MEAT-PCKGD": "Meat",
    "MISCELLANEOUS": "More",
    "NUTRITION": "Natural Foods",
    "PASTRY": "Bread & Bakery",
    "PRODUCE": "Vegetables",
    "SALAD BAR": "Deli",
    "SEAFOOD": "Seafood",
    "SEAFOOD-PCKGD": "Seafood",
    "TOYS": "Home & Leisure",
    "TRAVEL & LEISURE": "Fruit",
}


def _parsed(table: str) -> dict[str, tuple[str, str]]:
    shelves: dict[str, tuple[str, str]] = {}
    for line in table.strip().splitlines():
        department, _, entries = line.partition(": ")
        for entry in entries.split("; "):
            category, _, shelf = entry.partition(" = ")
            shelves[category] = (department, shelf)
    return shelves


_SHELVES = _parsed(_TABLE)


def shelf(department: str, category: str) -> tuple[str, str]:
    """The readable department and shelf of a product; an empty shelf where the data give no category."""
    known = _SHELVES.get(f"{department}/{category}") or _SHELVES.get(category)
    if known is not None:
        return known
    return _DEPARTMENTS.get(department) or readable(department), readable(category)
