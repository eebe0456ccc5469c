"""What a product is, in a shopper's words: names for the till's common product types.

In: category and type as The Complete Journey names them. Out: "White Milk", "Soft Drink, 2 Liter". `CATEGORY/TYPE`
stands for a type that means something only within its category ("PREMIUM"); a type not listed is spelled out word by
word.
"""

import functools

from training.completejourney.words import readable

_TABLE = """
FLUID MILK WHITE ONLY = White Milk; MISCELLANEOUS MILK = Specialty Milk; REFRIGERATED COFFEE CREAMERS = Coffee Creamer
EGG NOG/BOILED CUSTARD = Eggnog; SOUR CREAMS = Sour Cream; REFRIG DIPS = Chilled Dip; AEROSOL TOPPINGS = Whipped Cream
YOGURT NOT MULTI-PACKS = Yogurt; YOGURT MULTI-PACKS = Yogurt Multipack; IWS SINGLE CHEESE = Cheese Singles
NON-IWS SINGLE CHEESE = Cheese Slices; NATURAL CHEESE EXACT WT CHUNKS = Cheese Block; GRATED CHEESE = Grated Cheese
NATURAL CHEESE EXACT WT SLICES = Sliced Cheese; LOAF CHEESE = Cheese Loaf; MISCELLANEOUS CHEESE = Specialty Cheese
EGGS - LARGE = Eggs, Large; EGGS - X-LARGE = Eggs, Extra Large; EGGS - MEDIUM = Eggs, Medium; EGGS - JUMBO = Eggs, Jumbo
EGGS SUBSTITUTE = Egg Substitute; MARGARINE: TUBS AND BOWLS = Margarine Tub; MARGARINE  STICK = Margarine Sticks
REFRIGERATED BISCUITS REGULAR = Biscuit Dough; REFRIGERATED SPECILATY ROLLS = Roll Dough; CANNED MILK = Canned Milk
REFRIGERATED COOKIES-CHUB = Cookie Dough Roll; REFRIGERATED COOKIES-BREAK N B = Break & Bake Cookies
REFRIGERATED COOKIES-SEASONAL = Seasonal Cookie Dough; MISC REFRIG DOUGH PRODUCTS = Chilled Dough
REFRIGERATED MEXICAN PRODUCTS = Chilled Tortillas & Salsa; MISC DAIRY REFIGERATED = Chilled Specialties
SOFT DRINKS 12/18&15PK CAN CAR = Soda Cans, Large Pack; SOFT DRINKS 20PK&24PK CAN CARB = Soda Cans, Case
SOFT DRINKS 6PK/4PK CAN CARB ( = Soda Cans, Small Pack; SFT DRNK 2 LITER BTL CARB INCL = Soft Drink, 2 Liter Bottle
SFT DRNK SNGL SRV BTL CARB (EX = Soda Bottle; SFT DRNK MLT-PK BTL CARB (EXCP = Soda Bottles, Multipack
SOFT DRINK BOTTLE NON-CARB (EX = Still Soft Drink, Bottle; SOFT DRINKS CAN NON-CARB (EXCE = Still Soft Drink, Can
TEA SWEETENED = Sweet Tea; TEA CAN WITH SWEETENER/SUGAR = Sweet Tea, Can; JUICE (UNDER 10% JUICE) = Fruit Drink
SOFT DRINK POWDER POUCHES = Drink Mix Pouches; SOFT DRINK CANISTERS = Drink Mix Canister
ISOTONIC DRINKS SINGLE SERVE = Sports Drink; ISOTONIC DRINKS MULTI-SERVE = Sports Drink Multipack
NON-CRBNTD DRNKING/MNERAL WATE = Drinking Water; NON-CARB FLVRD DRNKNG/MNRL WAT = Flavored Water
CARBONATED WATER - FLVRD SWEET = Sparkling Flavored Water; NON-CARB WATER FLVR - DRNK/MNR = Flavored Water
ASEPTIC PACK JUICE AND DRINKS = Juice Boxes & Pouches; BLENDED JUICE&COMBINATIONS (OV = Blended Juice
BLENDED JUICE&COMBINATIONS (50 = Juice Blend Drink; APPLE JUICE & CIDER (OVER 50% = Apple Juice
VEG JUICE (EXCEPT TOMATO) (OVE = Vegetable Juice; GRAPE JUICE (OVER 50% JUICE) = Grape Juice
CRANAPPLE CRAN GRAPE JUICE (5 = Cranberry Blend Juice; CRANBERRY JUICE (50% AND UNDER = Cranberry Juice Drink
FRUIT DRINKS: CANNED & GLASS ( = Fruit Drink; DAIRY CASE 100% PURE JUICE - O = Orange Juice
DAIRY CASE 100% PURE JUICE OTH = Chilled Juice; DAIRY CASE JUICE DRNK UNDER 10 = Chilled Juice Drink
DAIRY CASE FRUIT DRINKS (NO JU = Chilled Fruit Drink; DAIRY CASE CITRUS PNCH/OJ SUBS = Citrus Punch
DAIRY CASE TEA WITH SUGAR OR S = Chilled Sweet Tea; FRZN CONC UNDER 50% JUICE = Frozen Juice Drink Concentrate
FRZN OJ&OJ SUBSTITUTES (OVER 5 = Frozen Orange Juice; MALTED MLK/SYRUP/PWDRS (EGGNOG = Chocolate Syrup & Milk Mixes
HOT CHOCOLATE COCOA MIX = Hot Cocoa Mix; NON DAIRY CREAMER: DRY = Powdered Creamer; REGULAR BEAN = Coffee Beans
FLAVORED BEAN COFFEE = Flavored Coffee Beans; INSTANT COFFEE FLAVORED NO SWE = Flavored Coffee, Unsweetened
INSTANT COFFEE FLAVORED W/SWEE = Flavored Instant Coffee; INSTANT COFFEE REGULAR = Instant Coffee
GROUND FLVR REG COFFEE = Flavored Ground Coffee; GROUND FLVR DECAF COFFEE = Flavored Decaf Coffee
GROUND DECAFFINATED = Decaf Ground Coffee; TEA BAGS & BULK TEA = Tea Bags; TEA BAGS HERBAL & FLAVORED = Herbal Tea
TEA BAGS & BULK TEA (SUPPLEMEN = Wellness Tea; TEA BAGS (SUPPLEMENT) = Wellness Tea; COCKTAIL MIXES-FLUID:ADD LIQ = Cocktail Mix
BEERALEMALT LIQUORS = Beer; BEERALE -NON ALCOHOLIC = Non-Alcoholic Beer; POPULAR 750ML WINES = Everyday Wine
PREMIUM 750ML WINES = Premium Wine; FIGHTING VARIETAL WINES = Varietal Wine; VALUE GLASS WINE = Value Wine
POPULAR 1.5LT WINES = Everyday Wine, Large Bottle; BOX WINES = Boxed Wine; AUSTRALIAN/NZ WINES = Australian & NZ Wine
SHREDDED CHEESE = Shredded Cheese; CANDY BARS (SINGLES)(INCLUDING = Candy Bar; CHEWING GUM = Chewing Gum
MINTS CANDY & BREATH (NOT LIF = Mints; CANDY BAGS-CHOCOCLATE = Chocolate Candy Bag; GUM (PACKAGED) = Chewing Gum Pack
CANDY BAGS-NON CHOCOLATE = Candy Bag; CANDY BARS (MULTI PACK) = Candy Bars, Multipack; CANDY REFRIGERATED = Chilled Candy
CANDY BAGS-CHOCOCLATE W/FLOUR = Chocolate Wafer Candy Bag; CANDY BAGS-NON CHOCOLATE W/FLO = Licorice & Chewy Candy
SEASONAL CANDY BAGS-CHOCOLATE = Holiday Chocolate Bag; SEASONAL CANDY BAGS NON-CHOCOL = Holiday Candy Bag
SEASONAL CANDY BOX-CHOCOLATE = Holiday Chocolate Box; CANDY BOXED CHOCOLATES = Boxed Chocolates
MISCELLANEOUS CANDY (INCLUDING = Assorted Candy; CANDY - PACKAGED/SEASONAL MISCELLANEOUS = Holiday Candy
SEASONAL MISCELLANEOUS = Holiday Treats; MISC CHECKLANE CANDY = Assorted Candy; TORTILLA/NACHO CHIPS = Tortilla Chips
SGL SV/VEND MACH SNACKS CHIP/P = Snack Chips, Single Serve; MULT PK BAG SNACKS = Chips Multipack
DIPS (NON-REFRIGERATED) = Chip Dip; BAGGED CHEESE SNACKS = Cheese Puffs; MISC BAG SNACKS = Assorted Bagged Snacks
BAGGED POPPED POPCORN = Popcorn, Ready to Eat; CANISTER POTATO/TORT CHIPS = Canister Chips; MISC SNACKS = Assorted Snacks
VAC PAC NUTS(CANS) = Nuts, Can; SNACK NUT(BAG) = Nuts, Bag; DRY ROAST NUTS = Dry Roasted Nuts; NUTS OTHER = Assorted Nuts
CHEESE CRACKERS (CHEEZ-ITS/GOL = Cheese Crackers; BUTTER SPRAY CRACKER (RITZ/CLU = Buttery Crackers
SOUP CRACKERS (SALTINE/OYSTER) = Saltines & Soup Crackers; MULTI-PACK CRACKERS = Crackers Multipack
CROUTONS SALAD TOPPERS BREAD = Croutons; TRAY PACK/CHOC CHIP COOKIES = Chocolate Chip Cookies; CONES = Ice Cream Cones
VANILLA WAFER/KIDS COOKIES = Vanilla Wafers & Kids' Cookies; PREMIUM COOKIES (EX: PEPPERIDG = Premium Cookies
TREATS = Crispy Treats; MAINSTREAM WHITE BREAD = White Bread; MAINSTREAM WHEAT/MULTIGRAIN BR = Wheat Bread
MAIN MEAL BREAD = Dinner Bread; DIET/LIGHT BREAD = Light Bread; ENGLISH MUFFINS/WAFFLES = English Muffins
FRUIT/BREAKFAST BREAD = Breakfast Bread; RYE BREADS = Rye Bread; MEXICAN SOFT TORTILLAS AND WRA = Soft Tortillas
SNACK CAKE - MULTI PACK = Snack Cakes; SWEET GOODS - FULL SIZE = Pastries & Coffee Cake; SW GDS:DONUTS = Donuts
SW GDS:COFFEE CAKES = Coffee Cake; SW GDS: SW ROLLS/DAN = Sweet Rolls & Danish; SW GDS:MUFFINS-LSS THN 6 = Muffins
SW GDS: MUFFINS = Muffins; SW GDS: SWT/FLVRD LOAVES = Sweet Loaf; SW GDS: BROWNIE/BAR COOKIE = Brownies & Bars
SW GDS: PUFF PASTRY-LESS THAN = Puff Pastry; SW GDS: PUFF PASTRY = Puff Pastry; SW GDS: SPECIALTY DESSERTS = Specialty Dessert
BREAD:ITALIAN/FRENCH = Italian & French Bread; BREAD:SAVORY/SPECIALTY = Specialty Bread; BREAD:LOAF/SNACK = Snack Bread
BREAD:PITA/POCKET BREADS = Pita Bread; BREAD:SWEET/BREAKFAST = Sweet Bread; BREAD:TORTILLAS/PITA = Tortillas & Pita
BREAD:PARTY BREADS = Party Bread; ROLLS: DINNER = Dinner Rolls; ROLLS: SANDWICH = Sandwich Rolls; ROLLS: BAGELS = Fresh Bagels
ROLLS: CROISSANTS/BREADSTICKS = Croissants & Breadsticks; PIES: FRUIT/NUT = Fruit Pie; PIES: CREAM/MERINGUE = Cream Pie
PIES: PUMPKIN/CUSTARD = Pumpkin or Custard Pie; PIES: TARTS/MINIS/CRSTDAS = Mini Pies & Tarts; CAKES: LAYERS = Layer Cake
CAKES: BIRTHDAY/CELEBRATION SH = Celebration Sheet Cake; CAKES:BIRTHDAY/CELEBRATION LAY = Celebration Layer Cake
CAKES: NOVELTIES = Cupcakes & Novelty Cakes; CAKES: SHEET = Sheet Cake; CAKES: ICE CREAM = Ice Cream Cake
CAKES: ANGEL FDS/CKE ROLLS = Angel Food & Cake Rolls; CAKES: CREME/PUDDING = Pudding Cake; CAKES: CHEESECAKE = Cheesecake
CAKES: CNDLES/RETL ACCSS = Cake Candles; COOKIES: REGULAR = Fresh Cookies; COOKIES: MESSAGE = Message Cookie
COOKIES: HOLIDAY/SPECIAL OCCAS = Holiday Cookies; COOKIES: GOURMET = Gourmet Cookies; COOKIES: PARTY = Party Cookies
KIDS CEREAL = Kids' Cereal; ALL FAMILY CEREAL = Family Cereal; STANDARD OATMEAL = Oatmeal; MOLASSES & SYRUPS = Syrup
RTS SOUP: CHUNKY/HOMESTYLE ET = Ready-to-Serve Soup; RAMEN NOODLES/RAMEN CUPS = Ramen Noodles; PASTA: CANNED = Canned Pasta
CHILI: CANNED = Canned Chili; CHUNK MEATS - ALL = Canned Meat; MICROWAVABLE CUPS = Microwave Meal Cup
SANDWICH SAUCE = Sloppy Joe Sauce; POURABLE SALAD DRESSINGS = Salad Dressing; SALAD MUSTARD = Yellow Mustard
SEMI-SOLID SALAD DRESSING MAY = Mayonnaise; SANDWICH SAUCE HORSERADISH SA = Sandwich Spreads
HOT MUSTARD/SPECIALTY MUSTAR = Specialty Mustard; VINEGAR ALL-EXCEPT WINE/RIC = Vinegar; MISC MEAT SAUCES = Meat Sauce
STEAK & WORCHESTER SAUCE = Steak & Worcestershire Sauce; MACARONI & CHEESE DNRS = Macaroni & Cheese
DINNER MXS:DRY/MEAT INCLUDED = Dinner Kit with Meat; DINNER MXS:DRY/MICROWAVE = Microwave Dinner Kit
DINNER MXS:DRY/OVEN = Oven Dinner Kit; PACKAGE DINNERS: OTHER = Dinner Kit; FRUIT BOWL AND CUPS = Fruit Cups
MANDARIN ORANGES/CITRUS SECT = Canned Mandarin Oranges; FRUIT COCKTAIL FRUIT SALAD = Canned Fruit Cocktail
FRUIT - SHELF STABLE/PINEAPPLE = Canned Pineapple; FRUIT - SHELF STABLE/PEACHES = Canned Peaches
FRUIT - SHELF STABLE/PEARS = Canned Pears; APPLE SAUCE = Applesauce; BEANS GREEN: FS/WHL/CUT = Canned Green Beans
TOMATOES: STEWED/DICED/CRMD = Canned Tomatoes; VEGETABLES - SHELF STABLE/CORN = Canned Corn; PEAS GREEN = Canned Peas
MUSHROOMS CND & GLASS = Canned Mushrooms; MISCELLANEOUS VEGETABLES = Canned Vegetables; KRAUT & CABBAGE = Sauerkraut
VEGETABLES - SHELF STABLE/ASPARAGUS = Canned Asparagus; VEGETABLES - SHELF STABLE/POTATOES SWEET = Canned Sweet Potatoes
SPINACH & GREENS = Canned Spinach & Greens; VARIETY BEANS - KIDNEY PINTO = Canned Beans
PREPARED BEANS - BAKED W/PORK = Baked Beans; SEAFOOD - SHELF STABLE/TUNA = Canned Tuna
SEAFOOD - SHELF STABLE/SALMON = Canned Salmon; MISC.CND SEAFOODS (CRABETC) = Canned Seafood
PASTA SAUCE/MAINSTREAM = Pasta Sauce; PASTA SAUCE/PREMIUM = Premium Pasta Sauce; PASTA SAUCE/VALUE = Value Pasta Sauce
RICE SIDE DISH MIXES DRY = Rice Side Dish; NOODLE SIDE DISH MIXES = Noodle Side Dish; POTATOES: DRY = Instant Potatoes
RICE - INSTANT & MICROWAVE = Instant Rice; RICE - DRY BAG AND BOX = Rice; DRY BEANS/PEAS/BARLEY: BAG & B = Dried Beans & Peas
NOODLES DRY = Noodles; SPAGHETTI DRY = Spaghetti; MACARONI DRY = Macaroni; PRESERVES JAM MARMALADE = Jam & Preserves
SAUCE MIXES GRAVY MIXES DRY = Gravy & Sauce Mix; GRAVY CAN/GLASS = Gravy; SPICES & SEASONINGS = Spices & Seasonings
PUDDING&GELATIN CUPS/CANS = Pudding & Gelatin Cups; PUDDINGS DRY = Pudding Mix; GELATIN = Gelatin Mix
FLOUR: WHITE & SELF RISING = White Flour; MISCELLANEOUS PACKAGE MIXES = Baking Mix; BITS & MORSELS = Baking Chips
BREADINGS  COATINGS CRUMBS = Breading & Crumbs; CAKE DECORS & ICING = Icing & Sprinkles; SOLID SHORTENING = Shortening
PIE FILLING MINCEMEAT GLAZES = Pie Filling; COOKING CHOCOLATE (EX SMI-SWT) = Baking Chocolate; VEGETABLE/SALAD OIL = Vegetable Oil
CANOLA OILS = Canola Oil; PICKLD VEG PEPPERS ETC = Pickled Peppers & Vegetables; RELISHES = Relish
MEXICAN SAUCESSALSAPICANTEE = Salsa; MEXICAN DINNERS AND FOODS = Taco Dinner Kit; MEXICAN SEASONING MIXES = Taco Seasoning
MEXICAN TACO TOSTADO SHELLS = Taco Shells; MEXICAN BEANS REFRIED = Refried Beans; AUTHENTIC JAPANESE FOODS = Japanese Food
ORIENTAL OTHER SAUCES MARINAD = Asian Sauce & Marinade; SS ECONOMY ENTREES/DINNERS ALL = Frozen Dinner, Value
FRZN SS PREMIUM ENTREES/DNRS/N = Frozen Dinner, Light; FRZN SS PREMIUM ENTREES/DNRS/T = Frozen Dinner, Premium
FRZN MULTI SERVE ENTREES ALL = Frozen Family Meal; FRZN BREADED PREPARED CHICK = Frozen Breaded Chicken
FRZN MEAT ALTERNATIVES = Meatless Burgers & More; SNACKS/APPETIZERS = Frozen Appetizers; PIZZA/ECONOMY = Frozen Pizza, Value
PIZZA/TRADITIONAL = Frozen Pizza; PIZZA/PREMIUM = Frozen Pizza, Premium; SANDWICHES&HANDHELDS = Stuffed Sandwiches
PIZZA/SINGLE SERVE/MICROWAVE = Microwave Pizza; ICE CREAM/MILK/SHERBTS/PREMIUM = Premium Ice Cream
ICE CREAM/MILK/SHERBTS/TRADITIONAL = Ice Cream; ICE CREAM/MILK/SHERBTS/PREMIUM PINTS = Premium Ice Cream Pint
ICE CREAM/MILK/SHERBTS/SUPER PREMIUM PINTS = Gourmet Ice Cream Pint; ICE CREAM/MILK/SHERBTS/PAILS = Ice Cream Pail
SUPER PREMIUM PINTS = Gourmet Ice Cream Pint; STICKS/ENROBED = Ice Cream Bars; WATER ICE = Ice Pops
FRZN NOVELTIES/WTR ICE/CONES = Frozen Ice Cream Cones; ADULT PREMIUM = Premium Ice Cream Bars; CUPS/PUSH UPS/OTHER = Ice Cream Cups
ICE - CRUSHED/CUBED = Ice; FRZN BAGGED VEGETABLES - PLAIN = Frozen Vegetables, Bag
FRZN BOXED VEGETABLES- VALUE A = Frozen Vegetables in Sauce, Box; FRZN BAGGED VEGETABLES- VALUE = Frozen Vegetables in Sauce, Bag
FRZN BOXED VEGETABLES - PLAIN = Frozen Vegetables, Box; FRZN TATER TOTS/OTHER EXTRUDED = Frozen Tater Tots
FRZN HASHBROWN POTATOES = Frozen Hash Browns; FRZN GARLIC BREAD/TOAST/STICKS = Frozen Garlic Bread; FRZN WHIPPED TOPPING = Whipped Topping
FRZN BREAKFAST ENTREES/SANDWIC = Frozen Breakfast Sandwiches; WAFFLES/PANCAKES/FRENCH TOAST = Frozen Waffles & Pancakes
FROZEN FRUIT PIES  & COBBLERS = Frozen Fruit Pie; FROZEN CREAM PIES = Frozen Cream Pie; FRZN PIE SHELLS PASTRY SHELL = Frozen Pie Crust
FROZEN CAKES/ALL TYPES INCLUDI = Frozen Cake; CORN DOGS = Frozen Corn Dogs; FRZN BURGERS/BBQ/MEATBALL = Frozen Burgers & Meatballs
BEEF/PRIMAL = Ground Beef; BEEF/LEAN = Lean Ground Beef; BEEF/ANGUS = Angus Ground Beef; BEEF/PATTIES = Beef Patties
BEEF/SOUP/STEW = Stew Beef; BEEF/RIBS = Beef Ribs; BEEF/CUBED MEATS = Cubed Beef; BEEF/STUFFED/MIXED BEEF = Stuffed Beef
BEEF/FLANK = Flank Steak; BEEF/STIR FRY/STRIPS/FAJITAS = Beef Strips; BEEF/KABOBS = Beef Kabobs; CHOICE BEEF = Choice Beef Cut
SELECT BEEF = Select Beef Cut; NATURAL BEEF = Natural Beef Cut; ANGUS BEEF = Angus Beef Cut; BEEF/EXTERNAL = Beef Variety Meat
PORK/ENHANCED = Pork Chops & Roasts; PORK/DRY = Pork Cut; PORK/RIBS = Pork Ribs; PORK/BUTTS = Pork Butt; PORK/FRESH = Fresh Pork
KABOBS PORK = Pork Kabobs; LOIN - CHOPS BONE-IN = Bone-In Pork Chops; CHICKEN BREAST BONELESS = Boneless Chicken Breast
CHICKEN BREAST BONE IN = Bone-In Chicken Breast; CHICKEN DRUMS = Chicken Drumsticks; CHICKEN/INTERNAL = Chicken Livers & Giblets
CHICKEN/COOKED = Cooked Chicken; WHOLE HENS (UNDER 15LBS) = Whole Turkey, under 15 lb; WHOLE TOMS (OVER 15LBS) = Whole Turkey, over 15 lb
TURKEY BREAST BONE IN = Bone-In Turkey Breast; TURKEY BREAST BONELESS = Boneless Turkey Breast; HAM- NET WEIGHT = Ham
HAMS-WHOLE BONELESS = Whole Boneless Ham; HAMS-SPIRAL = Spiral Ham; HAMS-WHOLE BONE-IN = Whole Bone-In Ham
HAMS-HALF/PORT BONE-IN = Half Bone-In Ham; HAMS-HALF/PORT BONELESS = Half Boneless Ham; HAM STEAKS/CUBES/SLICES = Ham Steak & Slices
SMOKED OFFAL = Smoked Hocks & Neck Bones; PORK-FULLY COOKED = Cooked Pork; GRND/PATTY - FROZEN = Frozen Ground Meat Patties
LUNCHMEAT/POULTRY = Turkey & Chicken Lunch Meat; LUNCHMEAT/HAM = Ham Lunch Meat; LUNCHMEAT/LOAVE = Loaf Lunch Meat
LUNCHMEAT/MISCELLANEOUS = Assorted Lunch Meat; LUNCHMEAT/VARIETY PACK = Lunch Meat Variety Pack; LUNCH COMBO = Lunch Kit
BACON/ECONOMY = Bacon, Value; BACON/PREMIUM = Premium Bacon; BACON/BETTER FOR YOU = Turkey & Lean Bacon
BACON/PRE-COOKED = Precooked Bacon; BACON/FLAVORED/OTHER = Flavored Bacon; BACON - BELLY/JOWL = Bacon
HOT DOGS/PREMIUM - MEAT = Hot Dogs, Premium; HOT DOGS/ECONOMY - MEAT = Hot Dogs, Value; HOT DOGS/PREMIUM - BEEF = Beef Hot Dogs
HOT DOGS/ECONOMY - BEEF = Beef Hot Dogs, Value; HOT DOGS/KOSHER/SPECIALTY = Kosher & Specialty Hot Dogs
HOT DOGS/BETTER FOR YOU = Turkey & Light Hot Dogs; ROLLS - PORK = Pork Sausage Roll; LINKS - RAW = Breakfast Sausage Links
PATTIES - RAW = Breakfast Sausage Patties; ROLLS - FLAVORED/OTHER = Flavored Sausage Roll; LINKS - COOKED = Cooked Sausage Links
PATTIES - COOKED = Cooked Sausage Patties; SANDWICHES/BISCUITS/GRAVY = Breakfast Sandwiches
BREAKFAST SAUSAGE/SANDWICHES/OTHER = Breakfast Sausage; BREAKFAST SAUSAGE/SANDWICHES/FRESH = Fresh Breakfast Sausage
DINNER SAUSAGE/SMOKED/COOKED = Smoked Sausage; DINNER SAUSAGE/FRESH = Fresh Sausage; DINNER SAUSAGE/RED = Red Sausage
SMOKED/COOKED - BEEF = Smoked Beef Sausage; SMOKED/COOKED - BETTER FOR YOU = Turkey & Light Smoked Sausage
DINNER SAUSAGE/COCKTAILS = Cocktail Sausages; HEAT/SERVE/ENTREES = Heat & Serve Entree; CHICKEN-FULLY COOKED = Cooked Chicken
BEEF - FULLY COOKED = Cooked Beef; OTHER - FULLY COOKED = Cooked Meat; SANDWICHES-OTHER = Chilled Sandwiches
BREAST - BONELESS(IQF) = Frozen Boneless Chicken Breast; WINGS (IQF) = Frozen Chicken Wings; DRUMS (IQF) = Frozen Drumsticks
THIGHS (IQF) = Frozen Chicken Thighs; NON-MEATS - OTHER = Chilled Meal Sides; SNACK MEAT = Snack Meat
FRZN BRD STICK/PORTON = Frozen Fish Sticks; SEAFOOD-FRZ-RAW FILLETS = Frozen Fish Fillets; FRZN BRD WHOLE FILLETS = Breaded Fish Fillets
SEAFOOD-FRZ-IQF RAW SHRIMP RW = Frozen Raw Shrimp; SEAFOOD-FRZ-IQF RAW SHRIMP EXA = Frozen Raw Shrimp
SEAFOOD-FRZ-IQF COOKED SHRIMP = Frozen Cooked Shrimp; SEAFOOD-FRZ-BRD SHRIMP = Breaded Shrimp; SEAFOOD-FRZ-RW-ALL = Frozen Seafood
SEAFOOD-FRZ-MISC = Frozen Seafood; SEAFOOD-FRZ-RAW SHLFSH-OTHER = Frozen Shellfish; FRZN GRILLED PORTIONS = Grilled Fish Fillets
SEAFOOD-FRE-RAW FINFISH-OTHER = Fresh Fish; SEAFOOD-FRE-SALMON = Fresh Salmon; SEAFOOD-FRE-CATFISH = Fresh Catfish
SEAFOOD-FRE-NON RW-ALL = Packaged Seafood; SEAFOOD-FRE-LIVE SHLFSH-OTHER = Fresh Shellfish; SEAFOOD-FRE-MISC = Fresh Seafood
SEAFOOD-FRE-SHRIMP = Fresh Shrimp; SEAFOOD-MISC-SAUCES/MARIN-WET = Seafood Sauce; SEAFOOD-MISC-BREADERS/BTR MIX = Seafood Breading Mix
MEAT: TURKEY BULK = Deli Turkey; MEAT:HAM BULK = Deli Ham; MEAT: LUNCHMEAT BULK = Deli Lunch Meat; MEAT: BEEF BULK = Deli Roast Beef
MEAT: SAUS DRY BULK = Deli Salami & Pepperoni; MEAT: CHICKEN BULK = Deli Chicken; MEAT: SAUS DRY PPK/PRSLC = Sliced Salami & Pepperoni
MEAT: TURKEY PPK/PRESLC = Sliced Turkey; MEAT: HAM PPK/PRSLC = Sliced Ham; MEAT: BEEF PPK/PRESLCD = Sliced Roast Beef
MEAT: PATES/MOUSSE = Pate; CHEESE: NATURAL BULK = Deli Cheese; CHEESE: PROCESSED BULK = Deli American Cheese
CHEESE:SPECIALTY PREPACK = Specialty Cheese; CHEESE: NATURAL PREPORTND = Cheese Wedge; CHEESE:CHEESEBALLS/SPREADS = Cheese Spread
CHEESE:SPECIALTY BULK = Specialty Deli Cheese; CHEESE:PROCESSED PREPORTND = Sliced American Cheese
CHIX: ROTISSERIE (HOT) = Rotisserie Chicken; CHIX:FRD 8PC/CUT UP (HOT) = Fried Chicken, 8 Piece; CHIX:VALUE ADDED (COLD) = Chilled Chicken Dishes
CHIX: CHICKEN DINNERS/SNACKS H = Hot Chicken Dinner; CHIX: BAKED 8PC CUT UP (HOT) = Baked Chicken, 8 Piece
CHIX: VALUE ADDED (HOT) = Hot Wings & Tenders; CHIX:FRD 8PC/CUT UP (COLD) = Cold Fried Chicken; SALADS/DIPS/SALAD: LETTUCE = Green Salad
PREP FD: SIDE DISHES (HOT) = Hot Side Dish; PREP FD: SIDE DISHES (COLD) = Cold Side Dish; PREP FD: PIZZA (COLD) = Take & Bake Pizza
QSR FD: COLD PIZZA = Take & Bake Pizza; PREP FD: ENTREES (COLD) = Chilled Entree; PREP FOODS: SOUP - COLD = Chilled Soup
VEGETABLE SALADS - PREPACK = Vegetable Salad; VEGETABLE SALADS - BULK = Deli Vegetable Salad; SAL:SALSA/DPS-PRPCK = Fresh Salsa & Dips
PROTIEN SALADS - BULK = Deli Chicken & Seafood Salad; PASTA/GRAIN SALADS - PREPACK = Pasta Salad; SAL: SALSA/DIPS BULK = Deli Salsa & Dips
PASTA/GRAIN SALADS - BULK = Deli Pasta Salad; SAL: DESSERTS-PREPACK = Dessert Salad; SAL: DESSERTS-BULK = Deli Dessert Salad
SAL:OLIVES/PICKLES-BULK = Deli Olives & Pickles; SAL:OLIVES/PICKLS-PRPCK = Olives & Pickles; DELI TRAY:MEAT AND CHEESE = Meat & Cheese Tray
DELI TRAY:FRUIT AND VEGETABLE = Fruit & Vegetable Tray; SANDWICHES - (COLD) = Cold Sandwich; SUSHI - IN STORE PREPARED = Sushi
SALAD BAR FRESH FRUIT = Salad Bar, by Weight; SALAD BAR/SOUPS = Salad Bar Soup; SNACKS: DRY = Deli Snacks; SNACKS: SALTY = Salty Deli Snacks
APPLES GALA (BULK&BAG) = Gala Apples; APPLES RED DELICIOUS (BULK&BAG = Red Delicious Apples; APPLES FUJI (BULK&BAG) = Fuji Apples
APPLES GRANNY SMITH (BULK&BAG) = Granny Smith Apples; APPLES GOLD DELICIOUS (BULK&BA = Golden Delicious Apples
APPLES BRAEBURN (BULK&BAG) = Braeburn Apples; APPLES OTHER (BULK&BAG) = Apples; ORANGES NAVELS ALL = Navel Oranges
ORANGES NON NAVEL ALL = Oranges; GRAPES RED = Red Grapes; GRAPES WHITE = White Grapes; GRAPES BLACK/BLUE = Black Grapes
PEACHES YELLOW FLESH = Peaches; PEACHES WHITE FLESH = White Peaches; NECTARINES YELLOW FLESH = Nectarines; CHERRIES RED = Cherries
NECTARINES WHITE FLESH = White Nectarines; CHERRIES RANIER = Rainier Cherries; CANTALOUPE WHOLE = Cantaloupe
WATERMELON SEEDLESS WHOLE = Seedless Watermelon; WATERMELON W/SEEDS WHOLE = Watermelon; WATERMELON PERSONAL = Mini Watermelon
HONEYDEW WHOLE = Honeydew Melon; MELON HALVES/QUARTERS = Cut Melon; PEARS ANJOU = Anjou Pears; PEARS BARTLETT = Bartlett Pears
PEARS BOSC = Bosc Pears; PINEAPPLE WHOLE&PEEL/CORED = Pineapple; INSTORE CUT FRUIT = Fresh Cut Fruit; CUT FRUIT ALL OTHER = Cut Fruit
APPLES WEDGE/SLICES = Apple Slices; TROPICAL FRUIT - OTHER = Tropical Fruit; KIWI FRUIT = Kiwi; POTATOES RUSSET (BULK&BAG) = Russet Potatoes
POTATOES RED (BULK&BAG) = Red Potatoes; POTATOES SWEET&YAMS = Sweet Potatoes; POTATOES GOLD (BULK&BAG) = Gold Potatoes
POTATOES OTHER = Potatoes; REGULAR GARDEN = Garden Salad; GARDEN PLUS = Garden Salad Plus; BLENDS = Salad Blend; SALAD SPINACH = Spinach
SALAD MIX/KITS = Salad Kit; COLESLAW = Coleslaw Mix; TOMATOES HOTHOUSE ON THE VINE = Tomatoes on the Vine
TOMATOES VINE RIPE BULK = Vine Ripe Tomatoes; TOMATOES VINE RIPE PKG = Vine Ripe Tomatoes, Pack; TOMATOES GRAPE = Grape Tomatoes
ROMA TOMATOES (BULK/PKG) = Roma Tomatoes; TOMATOES CHERRY = Cherry Tomatoes; TOMATOES COCKTAIL = Cocktail Tomatoes
TOMATOES HOT HOUSE BULK = Hothouse Tomatoes; ONIONS SWEET (BULK&BAG) = Sweet Onions; ONIONS WHITE (BULK&BAG) = White Onions
ONIONS YELLOW (BULK&BAG) = Yellow Onions; ONIONS RED (BULK&BAG) = Red Onions; ONIONS OTHER = Onions; CARROTS MINI PEELED = Baby Carrots
CARROTS BAGGED = Carrots, Bag; CARROTS - BULK = Carrots, Loose; PEPPERS GREEN BELL = Green Bell Peppers; PEPPERS RED BELL = Red Bell Peppers
PEPPERS OTHER BELL = Bell Peppers; PEPPERS ALL OTHER = Peppers; PEPPERS JALAPENO = Jalapeno Peppers; PEPPERS SERRANO = Serrano Peppers
BROCCOLI WHOLE&CROWNS = Broccoli; CAULIFLOWER WHOLE = Cauliflower; HEAD LETTUCE = Iceberg Lettuce; VARIETY LETTUCE = Lettuce
SPINACH BULK = Spinach, Loose; VEGETABLES ALL OTHER = Assorted Vegetables; VEGETABLES - ALL OTHERS/BEANS = Green Beans; RADISH = Radishes
MUSHROOMS W/WHOLE PKG = White Mushrooms, Whole; MUSHROOMS WHITE SLICED PKG = White Mushrooms, Sliced; MUSHROOMS PORTABELLA = Portabella Mushrooms
MUSHROOMS WHITE BULK = White Mushrooms, Loose; CORN YELLOW = Yellow Corn; CORN WHITE = White Corn; CORN FRESH PACKAGED = Corn, Pack
SQUASH ZUCCHINI = Zucchini; GARLIC WHOLE CLOVES = Garlic; GARLIC JAR = Garlic, Jar; HERBS PARSLEY = Parsley; HERBS CILANTO = Cilantro
CUT VEGETABLES ALL OTHER = Cut Vegetables; CARROTS SLICED/SHRED/STICKS = Cut Carrots; CELERY CHOPPED/STICKS = Cut Celery
BROCCOLI/CAULIFLOWER PROCESSED = Cut Broccoli & Cauliflower; INSTORE CUT VEGETABLES = Fresh Cut Vegetables; PROCESSED OTHER = Produce Specialties
PROCESSED/DIPS = Produce Dip; PROCESSED/DRESSINGS = Fresh Dressing; POPCORN - MICROWAVE = Microwave Popcorn; POPCORN - OTHER = Popcorn
ALMONDS SHELLED = Shelled Almonds; PECANS SHELLED = Shelled Pecans; WALNUTS SHELLED = Shelled Walnuts; PEANUTS ALL = Peanuts
DRIED FRUIT - OTHER = Dried Fruit; ORGANIC VEGETABLES ALL OTHERS = Organic Vegetables; ORGANIC VEGETABLES SALAD = Organic Lettuce
BABY FOOD - BEGINNER = Baby Food, Beginner; BABY FOOD JUNIOR ALL BRANDS = Baby Food, Junior; BABY FOOD CEREALS = Baby Cereal
INFANT FORMULA MILK BASE = Infant Formula, Milk; INFANT FORMULA SOY BASE = Infant Formula, Soy; BABY DIAPERS = Diapers
FEM. HYGN.NAPKINS = Sanitary Pads; FEM. HYGN. TAMPONS = Tampons; COTTON COTTON SWABS = Cotton Swabs; ADULT ANALGESICS = Pain Reliever
PEDIATRIC ANALGESICS = Children's Pain Reliever; ANTI-ACIDS = Antacid; COLD AND FLU - DXM = Cold & Flu Relief; COLD AND FLU - PSE = Cold & Flu Relief
COLD AND FLU = Cold & Flu Relief; COUGH SYRP/LOZNG-DRP/XPCTRNT = Cough Drops & Syrup; SINUS AND ALLERGY = Sinus & Allergy Relief
SINUS/ALLERGY - PSE = Sinus & Allergy Relief; DIET CNTRL LIQS NUTRITIONAL = Diet Shake; DIET CNTRL BARS NUTRITIONAL = Diet Bar
LIQUID NUTRITION FOR ADULTS = Nutrition Drink; FITNESS&DIET - BARS = Fitness Bar; ORAL HYGIENE BRUSHES = Toothbrush
MOUTHWASH RINSES AND SPRAYS = Mouthwash; DENTAL FLOSS AND IMPLEMENTS = Dental Floss; HAIR CONDITIONERS AND RINSES = Hair Conditioner
HAIR COLOR AND DEVELOPERS = Hair Color; HAIR SETS AND GELS = Hair Gel & Styling; WOMENS  HAIR SPRAYS = Hair Spray
SOLID/STK DEODORANTS = Stick Deodorant; ANTIPERSPIRANTS ONLY (ALL OTHE = Antiperspirant; AEROSOL DEODORANTS = Spray Deodorant
N/A DEOD SPRAY/GEL DEOD = Gel Deodorant; SHAVE CREAMS AND POWDERS = Shaving Cream; RAZORS AND BLADES = Razors & Blades
FACIAL SOAPS-SCRUBS-MASKS = Facial Cleanser; HAND AND BODY LOTIONS = Body Lotion; PAPER TOWELS & HOLDERS = Paper Towels
FACIAL TISSUE & PAPER HANDKE = Facial Tissue; GARBAGE KITCHEN COMPACTOR BA = Kitchen Trash Bags; PLASTIC WRAP (SARANETC.) = Plastic Wrap
PLSTC CTLRYTBLCLTHSTTHPKSST = Plastic Cutlery & Tablecloths; DESIGNER PAPER: MEDIUM WEIGHT = Paper Plates, Designer
PLASTIC/HEAVY PAPER PREM PLATE = Premium Plates; BASIC PAPER PLATES = Paper Plates; PAPER AND FOAM DRINKING CUPS = Drinking Cups
AUTO DISH DETERGENT - GEL = Dishwasher Gel; AUTO DISH DETERGENT - MONODOSE = Dishwasher Tabs; LIQUID DISH DETERGENT = Dish Soap
AUTOMATIC DISHWASHER DETERGENT = Dishwasher Powder; FABRIC SOFTENER LIQUID = Fabric Softener; FABRIC SOFTENER SHEETS = Dryer Sheets
FABRIC REFRESHERS/DRY CLEAN = Fabric Refresher; LIQUID LAUNDRY DETERGENTS = Laundry Detergent, Liquid; TOILET TISSUE = Toilet Paper
POWDER LAUNDRY DETERGENT = Laundry Detergent, Powder; ALL FABRIC LIQUID BLEACH = Color-Safe Bleach; SPECIALTY LAUNDRY = Specialty Laundry Detergent
AIR CARE - CONTINUOUS ACTION = Air Freshener Plug-In; AIR CARE - AEROSOLS = Air Freshener Spray; AIR CARE - CANDLES = Scented Candle
AIR CARE - CONTINUOUS - NON EL = Air Freshener; TOOLS - FLOOR & FURNITURE = Floor Cleaning Tools; FURNITURE = Furniture Polish
BATHROOM CLEANERS - GENERAL = Bathroom Cleaner; BATHROOM CLEANERS - SPECIALTY = Shower & Tub Cleaner; TOILET BOWL MANUAL = Toilet Cleaner
KITCHEN & MULTI-PURPOSE CLEANE = All-Purpose Cleaner; FLOOR - DILUTABLES = Floor Cleaner; FLOOR - CARPET & UPHOLSTERY = Carpet Cleaner
INSIDE FROST BULBS = Light Bulbs, Soft White; GADGETS/TOOLS = Kitchen Tools; DISPOSABLE FD STORAGE CONTAINR = Food Storage Containers
CARDS EVERYDAY = Greeting Card; CARDS SEASONAL = Holiday Card; GIFT-WRAP EVERYDAY = Gift Wrap; PARTY EVERYDAY = Party Supplies
TV/MOVIE-MAGAZINE = TV & Movie Magazine; WOMEN S GENERAL-MAGAZINE = Women's Magazine; TABLOIDS-MAGAZINE = Tabloid Magazine
FOOD-MAGAZINE = Food Magazine; CROSSWORDS/PUZZLES-MAGAZINE = Puzzle Magazine; SOCIAL&LIFESTYLE-MAGAZINE = Lifestyle Magazine
CAN DOG FOOD (SKIPPY/PEDIGREE/ = Canned Dog Food; CAN DOGFD GOURMET/SUPER PREM ( = Gourmet Canned Dog Food; DRY DOG VALUE (PET PRIDE/KLR/G = Dry Dog Food, Value
DRY DOG FOOD PREMIUM (ALPO/PUR = Dry Dog Food; DRY DOG FOOD SUPER PREM (ONE/N = Dry Dog Food, Premium; DOG TREATS (SOFT TREATS) = Soft Dog Treats
DOG BISCUITS (HARD BISCUIT) = Dog Biscuits; CAN CATFD GOURMET/SUPER PREM (GR = Gourmet Canned Cat Food; SCOOP LITTER = Clumping Cat Litter
CAN CATFD GOURMET/SUP PREM (GR = Gourmet Canned Cat Food; DRY CAT FOOD SUP PREM (ONE/NUT = Dry Cat Food, Premium
DRY CAT FOOD ECONOMY (COST CUT = Dry Cat Food, Value; CONVENTIONAL LITTER = Cat Litter; REFRIGERATED/FLUID MILK = Organic Milk
CEREAL - COLD = Natural Cereal; CEREAL - HOT = Natural Hot Cereal; SOY/RICE MILK = Soy & Rice Milk; REFRIGERATED/YOGURT = Natural Yogurt
COVERGIRL = CoverGirl Makeup; MAYBELLINE = Maybelline Makeup; REVLON = Revlon Makeup; LOREAL COSMETICS = L'Oreal Makeup; ALMAY = Almay Makeup
HARDBACK/TRADE EVERYDAY = Hardcover Book; HARDBACK/TRADE BEST SELLER = Hardcover Bestseller; PAPERBACK BOOKS = Paperback Book
PAPERBACK BEST SELLER = Paperback Bestseller; CHILDRENS LOW END = Children's Book; KIDS/FAMILY = Kids' & Family Movie
VITAMIN - MULTIPLE COMBIN = Multivitamin; VITAMIN - NON HERBAL SUPPLEMEN = Dietary Supplement; VITAMIN - CHILDREN = Children's Vitamins
VITAMIN - INDIVIDUAL = Vitamins; VITAMIN - MINERALS = Minerals; VITAMIN - HERBAL SUPPLEMENTS = Herbal Supplement
SPONGES: BATH HOUSEHOLD = Sponges; MOPS: SPONGE DECK DUST = Mop; FEEDING ACCESSORIES BOTTLES = Baby Bottles & Feeding
WRITING INSTRUMENTS = Pens & Pencils; CHILDREN S ACTIVITY = Children's Activity; IMPLEMENTS SETS = Manicure & Beauty Tools
MIXERS(CLUB SODA/SELTZERS)FLAV = Flavored Seltzer; MIXERS(TONIC WTR/CLUB SODA/GNG = Tonic & Club Soda; YEAST: DRY = Dry Yeast
MIXERS(TONIC WTR/GNGR ALE)FLAV = Tonic & Ginger Ale; LEMON JUICE & LIME JUICE (OVER = Lemon & Lime Juice; LINAMENTS = Muscle Rub
SFT DRNK 3 LITER BTL CARB (EXC = Soft Drink, 3 Liter Bottle; TABLE SALT POPCORN SALTICE C = Salt; PANTRY = Kitchen Storage
VENDOR SIZE/SINGLE SERVE COOKI = Cookies, Single Serve; VENDING SIZE/SNGL SERVE CRACKE = Crackers, Single Serve; TREES = Tree
SNACK CAKE - SINGLE SERVE = Snack Cake; TOMATOES WHOLE = Tomatoes; SALAD BAR/PROCESSED SALAD = Salad Bar Salad; QUARTS = Ice Cream Quart
TURKEY GRND/PTTY = Ground Turkey Patties; HAIR BARRETTES TAILERS = Hair Clips & Ties; NOVELTIES = Novelties; DRAIN CARE = Drain Opener
HASH: CANNED = Canned Hash; SUNTAN PROD W/SPF LOTION/OIL = Sunscreen; SOIL & STAIN REMOVER = Stain Remover; LIPCARE = Lip Balm
SINGLE STEMS = Single-Stem Flower; BOUQUET EVERYDAY MUSICAL = Everyday Bouquet; MINUET = Small Bouquet; CRAZY DAISIES = Daisies
ROSE CONSUMER BUNCH = Bunch of Roses; CONSUMER BUNCH (NON-ROSE) = Flower Bunch; ENHANCED FLOWER DISPLAY = Mixed Flowers
FLATS = Flat of Bedding Plants; PREMIUM PERENNIALS (OUTDOOR) = Perennials; STANDARD ANNUALS (OUTDOOR) = Annuals; MUMS = Chrysanthemums
JHOOK - HOUSEWARE = Houseware; JHOOK - TOYS = Toy; JHOOK - MISC = Assorted Finds; JHOOK - HOUSEHOLD = Household Helper
DIECAST MINI = Die-Cast Toy Cars; DVD S = DVD; LEGGS = L'eggs Hosiery; VALENTINE TRAY PACK CARDS = Valentine Cards
"""  # noqa: E501 -- a table reads better in whole rows


def _parsed(table: str) -> dict[str, str]:
    entries = (entry for line in table.strip().splitlines() for entry in line.split("; "))
    return {raw: name for raw, _, name in (entry.partition(" = ") for entry in entries)}


_KINDS = _parsed(_TABLE)


@functools.cache
def kind(category: str, raw_type: str) -> str:
    """The readable name of a product type within its category."""
    return _KINDS.get(f"{category}/{raw_type}") or _KINDS.get(raw_type) or readable(raw_type)
