"""Word banks of the songwriter, tagged by kind and theme. Data only: how words become bars is songwriter.py."""

THEMES = (
    "ambition",
    "money",
    "street_life",
    "struggle",
    "love",
    "heartbreak",
    "family",
    "friendship",
    "loyalty",
    "betrayal",
    "party",
    "nightlife",
    "fame",
    "faith",
    "death",
    "nature",
    "social_commentary",
    "violence",
    "drugs",
    "identity",
    "hip_hop_culture",
    "travel",
    "time",
    "home",
)
MOODS = (
    "aggressive",
    "angry",
    "anxious",
    "bitter",
    "boastful",
    "calm",
    "confident",
    "defiant",
    "dreamy",
    "energetic",
    "hopeful",
    "joyful",
    "lonely",
    "melancholic",
    "nostalgic",
    "playful",
    "reflective",
    "romantic",
    "somber",
    "triumphant",
)

# Words that can end a bar. One block per kind; `theme: words`, `gen` fits anywhere; `_` joins a compound.
THING = """
gen: lamp stamp chair key coat note rope bell shell bag flag map cap hat mat bat kite knife pen sled receipt plate gate
gen: skate clock sock rock lock box brick stick ring string swing wing chain bone stone cone drone door drawer cup puck
gen: bucket ticket jacket basket bottle table cable ladder hammer window mirror candle handle sandal kettle pedal needle
gen: paperclip lunchbox shoelace suitcase pillowcase bookcase staircase briefcase teacup matchbox mailbox toolbox sandbox
gen: umbrella propeller marker parka lever feather sweater letter button glove whistle pickle nickel bicycle barrel carrot
gen: magnet blanket hatchet bracelet wallet pocket socket rocket locket faucet coupon spoon balloon broom mop sponge lens
gen: fence bench wrench tent spring sling shield card yard guitar jar car
gen: zipper slipper clipper toaster poster coaster roller_coaster holster filter shutter ladle cradle stapler cake rake
gen: peach leash quilt kilt bandage package cabbage sandwich crutch clutch torch porch_light
gen: kitchen_sink trampoline tambourine magazine submarine limousine vending_machine sewing_machine answering_machine washing_machine
gen: hand-me-down crown gown telephone megaphone saxophone xylophone microphone ice_cream_cone traffic_cone
gen: trophy coffee penny belly cherry berry ferry canary dictionary library_card
gen: coffee_pot robot cornbread loaf_of_bread sled thread spread
ambition: ladder blueprint compass notebook alarm_clock resume rocket stopwatch launchpad summit engine
money: wallet receipt piggy_bank coupon quarter dollar check invoice paystub mortgage calculator penny_jar loan safe bank_account bill nickel
street_life: pager sidewalk_crack hydrant streetlight milk_crate dice traffic_light hoodie siren scanner badge fire_escape shopping_cart
struggle: eviction_note secondhand_coat space_heater food_stamp bus_pass unpaid_bill bucket_and_mop double_shift leaky_roof
love: love_letter rose bouquet ring_box polaroid slow_song sundress perfume_bottle toothbrush valentine kiss
heartbreak: voicemail empty_chair goodbye_note house_key torn_photograph playlist door_slam suitcase unsent_text
family: casserole photo_album rocking_chair recipe baby_shoe sunday_plate lullaby family_tree birthday_cake church_hat hand-me-down
friendship: handshake inside_joke bunk_bed walkie-talkie couch borrowed_tape high_five split_dessert
loyalty: promise_ring oath anchor spare_key blood_pact shield battle_scar
betrayal: knife mask wire snake_in_the_grass cracked_mirror trapdoor poker_face loaded_deck fake_receipt smokescreen
party: disco_ball punch_bowl red_cup speaker subwoofer pinata barbecue birthday_hat paper_plate
nightlife: neon_sign taxi velvet_rope guest_list cocktail disco_light barstool matchbook
fame: spotlight billboard autograph red_carpet magazine plaque camera limousine tour_bus wax_statue interview
faith: candle hymn psalm church_bell halo steeple collection_plate rosary pulpit cross choir_robe
death: casket headstone black_suit eulogy candle funeral_plate obituary last_voicemail empty_seat hearse prayer_card
nature: river willow_tree thunderhead sunflower oak acorn mountain ocean rainbow comet wild_rose dragonfly maple_leaf
social_commentary: ballot petition picket_sign budget microscope textbook zip_code flagpole bulldozer
violence: siren bullet_hole yellow_tape bruise ambulance chalk_line candle broken_window
drugs: pill pipe empty_bottle lighter needle prescription paper_bag relapse twelve-step_coin ashtray hospital_gown
identity: mirror passport accent name_tag fingerprint mask last_name birthmark shadow blank_page
hip_hop_culture: turntable cardboard_box boombox mixtape drum_machine sampler spray_can cypher backspin crate fader breakbeat microphone cassette
travel: suitcase passport road_map boarding_pass train ferry motel_key window_seat postcard gas_gauge layover Greyhound_bus
time: hourglass calendar wristwatch pendulum clock grey_hair yearbook time_capsule sundial alarm wrinkle
home: front_porch doormat screen_door kitchen_chair window_box radiator welcome_mat porch_swing teapot curtain spice_rack
"""

PLACE = """
gen: in:basement on:corner at:laundromat on:roof in:alley at:bus_stop in:hallway on:train in:lobby by:river at:diner on:bridge
gen: in:parking_lot at:corner_store in:back_seat on:block in:park on:stoop at:station in:attic on:fire_escape by:window in:cafeteria
gen: in:kitchen on:avenue on:boulevard by:railroad_track in:lunch_line on:pavement in:elevator on:curb in:suburb by:vending_machine
gen: on:night_bus in:cab in:dark in:rain in:snow in:breeze on:pier by:lake on:hill in:mud on:highway in:driveway on:freeway in:doorway
gen: at:light on:lawn in:yard by:tower by:pool in:school at:mall in:hall on:wall in:line at:shrine in:library at:bakery in:lake in:gym
gen: by:water in:theater on:escalator in:county_fair on:stair in:town_square in:barber_chair at:carousel in:stairwell in:hotel by:wishing_well
ambition: on:ladder in:boardroom at:finish_line at:summit on:launchpad in:waiting_room in:night_school
money: in:bank at:register in:vault at:pawnshop on:trading_floor at:check-cashing_place at:auction
street_life: on:corner on:curb in:alley in:stairwell on:block by:hydrant at:bodega at:traffic_light in:cul-de-sac
struggle: in:welfare_line in:shelter at:plasma_bank on:bus_bench in:waiting_room at:night_shift in:unemployment_line
love: on:porch_swing in:moonlight on:balcony in:doorway under:mistletoe by:jukebox on:dance_floor in:park in:candlelight
heartbreak: on:voicemail in:empty_room at:airport on:bathroom_floor in:driveway in:guest_room
family: at:table in:kitchen at:cookout on:couch at:reunion at:barbecue in:living_room on:plastic-covered_chair
friendship: on:playground in:back_row at:arcade in:treehouse at:basketball_court in:homeroom on:porch
loyalty: in:trenches in:foxhole on:front_line by:bedside at:gate
betrayal: in:courtroom at:back_door in:shadows in:group_chat at:table
party: on:dance_floor at:block_party in:ballroom in:garage at:rooftop_bar in:conga_line at:house_party
nightlife: in:club at:bar in:VIP in:taxi_line under:neon_light at:after-hours_spot on:strip in:night
fame: on:stage on:screen on:red_carpet in:limelight on:radio in:green_room on:magazine_rack on:television
faith: in:choir at:altar in:pew at:revival in:church in:Bible in:cathedral by:baptismal_pool in:steeple
death: at:graveside in:hospital in:hearse by:headstone at:wake in:ground in:sky at:funeral
nature: by:ocean in:forest in:cornfield in:valley on:mountainside on:shore in:garden by:creek under:willow_tree in:meadow
social_commentary: at:city_hall in:district on:ballot in:courthouse at:protest on:news at:water_line in:projects in:zoning_map
violence: in:crossfire on:sidewalk on:evening_news in:emergency_room at:vigil in:back_of_the_ambulance
drugs: at:clinic in:ashtray in:meeting in:detox at:pharmacy in:church_basement in:halfway_house
identity: in:mirror in:skin on:census_page on:stage in:crowd in:margin
hip_hop_culture: in:cypher in:record_store at:open_mic in:studio in:crates on:radio in:booth on:subway_car at:park_jam
travel: on:interstate at:airport_gate in:terminal on:ferry at:border at:rest_stop on:tour_bus in:motel in:Greyhound_line
time: in:yearbook on:calendar in:rearview in:long_run by:grandfather_clock in:meantime
home: on:porch in:hallway in:living_room on:doormat on:stoop by:radiator in:backyard by:stove on:windowsill
"""

MASS = """
gen: pressure rain pride smoke luck rhythm patience static thunder silence sunlight noise gold ice rice advice steam paint rust dust
gen: trust bread lead sugar butter honey water leather weather laughter paper vapor flavor chatter plaster distance resistance persistence
gen: assistance cinnamon adrenaline medicine gasoline caffeine electricity simplicity authenticity publicity velocity curiosity generosity
gen: conversation concentration inspiration preparation hesitation imagination information education navigation translation isolation
gen: gravity clarity charity sanity vanity humility ability stability utility tranquility agility logic magic traffic music
gen: perfection protection reflection affection direction ammunition intuition tradition attention tension dimension precision
gen: wisdom freedom boredom courage garbage baggage leverage coverage salt heat meat wheat beat sweat debt breath wealth stealth health
gen: grace space bass lace pace face_paint strength length ink glue grease peace applause gauze glass brass grass class jazz
gen: kindness blindness madness sadness gladness stillness business forgiveness evidence confidence providence nonsense common_sense suspense
ambition: ambition motivation dedication determination elevation hunger vision momentum discipline preparation work grind
money: money cash credit interest rent change debt inflation gold silver capital overtime commission
street_life: concrete asphalt gossip smoke corner_store_rice reputation survival loose_change
struggle: pressure overtime ramen powdered_milk cold_water hunger frustration starvation desperation endurance government_cheese
love: affection devotion chemistry perfume tenderness romance honey fascination electricity
heartbreak: regret rain separation isolation silence salt cold_coffee closure distance
family: gravy cornbread blood wisdom discipline Sunday_rice tradition love gospel
friendship: laughter trust nonsense conversation mischief french_fries company
loyalty: honor loyalty trust devotion dedication armor backbone love
betrayal: venom deception jealousy smoke manipulation treason fiction suspicion camouflage
party: bass confetti sweat champagne fruit_punch celebration frosting soul glitter
nightlife: neon perfume gin smoke_machine_smoke intoxication moonlight glitter temptation
fame: applause publicity attention admiration glitter gossip recognition flash adoration
faith: grace mercy salvation glory scripture holy_water incense light belief redemption
death: grief ash silence marble memory lilies_and_rain condolence sorrow black
nature: thunder rain moss pollen lightning clover fog snow sunlight wind lava
social_commentary: policy static justice taxation legislation gentrification propaganda corruption representation lead
violence: smoke tension retaliation revenge glass confrontation adrenaline panic blood
drugs: poison medication smoke temptation addiction hesitation withdrawal powder nicotine
identity: skin melanin history confusion confidence reflection translation pride self-respect
hip_hop_culture: vinyl rhythm bass syncopation funk improvisation cadence ink percussion scratch
travel: gasoline turbulence jet_lag distance navigation motion asphalt salt_air
time: patience dust hindsight nostalgia history duration time sand reflection
home: warmth cinnamon lamplight bread garlic steam laundry laughter paint
"""

IDEA = """
gen: promise plan lesson dream reason season mistake chance choice rumor favor fever fable riddle signal symbol problem anthem
gen: storm scheme theme theory memory story secret habit rabbit_hole miracle obstacle spectacle chapter disaster curse verse
gen: joke stroke_of_luck fight flight height cause clause pause law flaw vow wow debate mistake fate trait wait prayer affair dare
gen: decision collision position condition tradition situation complication invitation revelation reputation destination foundation
gen: equation vacation celebration occasion confession obsession impression question suggestion connection collection direction
gen: fiction contradiction prediction distraction reaction transaction attraction masterpiece centerpiece second_wind silver_lining
gen: remedy melody comedy tragedy strategy prophecy guarantee degree pedigree recipe policy legacy fantasy symphony destiny
gen: compliment argument accident monument testament experiment compromise surprise disguise alibi lullaby battle_cry goodbye
gen: name game claim flame frame aim shame race case place chase trace base ace deal meal wheel ordeal appeal feel crime rhyme climb
gen: crown clown countdown breakdown meltdown showdown lockdown touchdown blackout layout payout breakthrough debut
ambition: vision mission ambition plan blueprint goal breakthrough destination proposition promotion
money: deal loan raise debt dividend payday transaction budget jackpot investment
street_life: reputation hustle nickname corner code warning rumor block rule
struggle: breaking_point setback second_job hard_lesson long_winter uphill_climb tight_squeeze
love: crush spark vow slow_dance first_kiss butterfly proposal
heartbreak: goodbye breakup regret last_call relapse lie apology
family: bloodline recipe reunion blessing tradition lullaby
friendship: pact nickname sleepover running_joke secret
loyalty: oath code promise vow pledge bond
betrayal: lie scheme setup double-cross alibi disguise
party: celebration occasion holiday throwdown groove
nightlife: last_call temptation bad_decision night one-way_street
fame: debut scandal comeback name rumor legacy
faith: miracle blessing prayer prophecy sermon sign revelation
death: goodbye funeral farewell memory ghost last_breath
nature: storm season sunrise flood drought harvest
social_commentary: system policy headline broken_promise slogan cause vote
violence: feud fight warning showdown grudge bad_night
drugs: habit craving relapse high recovery bad_trip
identity: name question contradiction label role disguise
hip_hop_culture: cypher rhyme verse battle hook melody routine remix
travel: detour destination border journey layover arrival
time: deadline memory moment era decade second_chance
home: foundation lullaby tradition hideaway refuge
"""

PERSON = """
gen: teacher preacher stranger driver fighter writer lawyer plumber drummer neighbor butcher baker barber dancer janitor senator mayor player
gen: doctor tailor sailor trucker quarterback magician musician mathematician electrician politician optician beautician
gen: librarian veterinarian comedian guardian champion scorpion citizen captain villain pilot poet prophet puppet athlete
gen: clown king queen teen fiend chief thief cook crook rookie bookie cousin twin kid saint ghost host ghostwriter
gen: classmate roommate acrobat diplomat bureaucrat aristocrat tourist florist novelist pianist soloist optimist
gen: engineer volunteer pioneer puppeteer auctioneer cashier referee escapee nominee bumblebee
gen: boxer pickpocket astronaut skydiver survivor believer receiver deceiver overachiever underdog bulldog lapdog watchdog
ambition: dreamer climber rookie founder inventor apprentice contender
money: banker landlord cashier billionaire accountant gambler millionaire loan_shark auctioneer
street_life: hustler lookout rookie neighbor corner_boy survivor informer
struggle: dishwasher janitor tenant single_mother fighter survivor night_nurse
love: lover sweetheart valentine crush dancer bride
heartbreak: stranger liar ex ghost runner
family: grandmother uncle father daughter brother sister aunt godfather
friendship: classmate teammate roommate brother partner clown
loyalty: soldier brother partner bodyguard captain
betrayal: snake actor informer fake liar traitor rat
party: dancer DJ host guest bride karaoke_king
nightlife: bouncer bartender DJ cab_driver stranger waitress
fame: star fan critic celebrity headliner camera_man
faith: preacher deacon angel sinner prophet saint disciple
death: ghost widow pallbearer mourner undertaker
nature: gardener fisherman farmer beekeeper sailor
social_commentary: senator voter mayor reporter lobbyist commissioner
violence: soldier victim witness fighter shooter officer
drugs: dealer doctor addict sponsor counselor chemist
identity: immigrant foreigner outsider chameleon original pretender
hip_hop_culture: emcee DJ producer breaker battle_rapper selector beatboxer
travel: passenger driver tourist drifter pilot wanderer sailor
time: watchmaker historian old-timer elder antique_dealer
home: neighbor landlord super grandmother tenant
"""

TIME = """
gen: midnight noon dawn June May July morning evening Sunday afternoon daylight twilight nightfall sunrise breakfast
gen: graduation vacation Halloween Valentine's New_Year's_Eve December September November payday birthday holiday Mother's_Day
gen: first_of_the_month eleven seven twenty-two quarter_to_nine half_past_ten half_past_four ten_to_eight the_rain the_snow the_flood
gen: the_last_train the_blackout the_war the_first_bell the_fall lunch last_call the_frost the_final_bell second_grade tenth_grade
"""

ADJ = """
pos: proud free bold bright strong alive awake gold blessed rich smooth clean fly calm wise sweet warm new fearless weightless
pos: fantastic terrific magnetic poetic athletic energetic unbreakable unshakable
pos: unstoppable comfortable untouchable incredible invincible golden awoken outspoken ready steady
pos: lucky plucky sunny funny worthy sturdy classy sassy cozy rosy breezy easy shiny pretty witty gritty committed acquitted
pos: undefeated anointed dedicated motivated educated elevated celebrated liberated animated custom-made
pos: unafraid fair debonair rare aware polite tight light all_right dynamite sincere clear patient ancient
pos: victorious glorious notorious luxurious curious serious mysterious rebellious generous marvelous courageous contagious outrageous dangerous
neg: cold broke alone tired sore torn worn lost tossed crossed numb dumb sad mad bad stuck struck low slow hollow bitter sick weak bleak
neg: broken shaken mistaken forsaken forgotten rotten haunted unwanted taunted wasted out_of_date
neg: frustrated complicated isolated underrated overrated intoxicated faded jaded degraded betrayed afraid unpaid underpaid mislaid
neg: hungry angry guilty filthy empty rusty dusty crusty shady lazy crazy hazy messy restless helpless reckless breathless homeless useless
neg: invisible miserable terrible horrible vulnerable unbearable unstable confused bruised refused
neg: black grey strange deranged estranged unchanged fragile hostile futile scared tense wrong gone withdrawn rough tough
neg: insecure unsure sour dour nervous suspicious malicious vicious anonymous ridiculous rattled
neutral: quiet loud still real blunt wild mild bald tall wide blind
neutral: sober human vocal gentle sentimental experimental
neutral: spectacular muscular secondhand
neutral: blurred electrified dignified petrified terrified mystified
"""

# base past present-participle; all stand at the end of a clause.
VERB = """
run ran running|climb climbed climbing|shine shone shining|fall fell falling|grow grew growing|pray prayed praying|sleep slept sleeping
stay stayed staying|breathe breathed breathing|dream dreamed dreaming|fly flew flying|cry cried crying|try tried trying|lie lied lying
drive drove driving|survive survived surviving|arrive arrived arriving|thrive thrived thriving|wait waited waiting|bleed bled bleeding
sing sang singing|swing swung swinging|swim swam swimming|win won winning|grin grinned grinning|spin spun spinning|begin began beginning
dance danced dancing|glance glanced glancing|laugh laughed laughing|cough coughed coughing|bend bent bending|pretend pretended pretending
mend mended mending|freeze froze freezing|burn burned burning|learn learned learning|return returned returning|turn turned turning
melt melted melting|crawl crawled crawling|brawl brawled brawling|stall stalled stalling|call called calling|speak spoke speaking
leak leaked leaking|creep crept creeping|weep wept weeping|leap leaped leaping|rise rose rising|hide hid hiding|slide slid sliding
glide glided gliding|ride rode riding|collide collided colliding|fight fought fighting|write wrote writing|ignite ignited igniting
float floated floating|bloom bloomed blooming|zoom zoomed zooming|move moved moving|improve improved improving|groove grooved grooving
knock knocked knocking|walk walked walking|talk talked talking|rock rocked rocking|drop dropped dropping|stop stopped stopping
hop hopped hopping|shop shopped shopping|break broke breaking|shake shook shaking|wake woke waking|ache ached aching|hustle hustled hustling
tussle tussled tussling|struggle struggled struggling|juggle juggled juggling|stumble stumbled stumbling|crumble crumbled crumbling
tumble tumbled tumbling|mumble mumbled mumbling|rumble rumbled rumbling|tremble trembled trembling|gamble gambled gambling|ramble rambled rambling
wander wandered wandering|ponder pondered pondering|matter mattered mattering|scatter scattered scattering|chatter chattered chattering
whisper whispered whispering|listen listened listening|glisten glistened glistening|gather gathered gathering|linger lingered lingering
holler hollered hollering|follow followed following|echo echoed echoing|vanish vanished vanishing|panic panicked panicking
rehearse rehearsed rehearsing|curse cursed cursing|heal healed healing|kneel knelt kneeling|feel felt feeling|yell yelled yelling
tell told telling|dwell dwelled dwelling|rebel rebelled rebelling|excel excelled excelling|faint fainted fainting|paint painted painting
explain explained explaining|complain complained complaining|remain remained remaining|pace paced pacing|race raced racing
behave behaved behaving|wave waved waving|save saved saving|misbehave misbehaved misbehaving|grind ground grinding|shout shouted shouting
sprout sprouted sprouting|doubt doubted doubting|hate hated hating|wait waited waiting|skate skated skating|celebrate celebrated celebrating
hesitate hesitated hesitating|meditate meditated meditating|elevate elevated elevating|concentrate concentrated concentrating
negotiate negotiated negotiating|evaporate evaporated evaporating|hibernate hibernated hibernating|graduate graduated graduating
blink blinked blinking|think thought thinking|sink sank sinking|drink drank drinking|shrink shrank shrinking|wink winked winking
escape escaped escaping|apologize apologized apologizing|improvise improvised improvising|compromise compromised compromising
memorize memorized memorizing|fantasize fantasized fantasizing|cook cooked cooking|look looked looking|bow bowed bowing|snow snowed snowing
"""

ADV = """
gen: slow fast alone tonight again today anyway somehow right_now in_time on_time all_the_time one_more_time every_time for_free
gen: for_good out_loud by_myself in_the_end now_and_then off_the_top non-stop from_the_start by_heart in_the_dark twice
gen: on_the_low head_to_toe long_ago on_my_own on_the_phone in_my_prime for_a_dime on_my_mind from_behind in_disguise
gen: before_my_eyes in_the_sky on_the_fly side_by_side worldwide with_pride by_the_hour in_the_shower after_hours for_hours
gen: out_of_spite at_first_sight day_and_night overnight out_of_sight in_the_raw by_surprise with_style for_a_while
gen: in_reverse for_better_or_worse in_the_rain through_the_pain for_the_fame in_vain all_the_same in_my_lane on_the_plane
gen: face_to_face just_in_case out_of_place without_a_trace at_my_pace in_the_first_place with_grace on_repeat in_the_heat
gen: on_two_feet in_my_seat off_the_beat on_the_street like_that off_the_map under_wraps
gen: forever together whatever in_any_weather on_a_leash in_one_piece in_peace
gen: inside_out without_a_doubt in_a_drought down_south
"""

BODY = """
chest spine bones eyes throat neck heart lungs brain veins ribs soul blood mind dreams voice hands pocket coat shoes head bag room skin
"""

# Fillers inside a bar: the familiar ones, so that a bar is easy to picture.
PROPS = tuple(
    "lamp key coat bell kite pen receipt clock box brick door cup ticket jacket ladder hammer mirror candle kettle umbrella sweater button glove bicycle "
    "blanket wallet pocket toaster radio suitcase guitar trumpet broom bucket blender couch trophy crown microphone telephone lunchbox helmet mop matchbox "
    "sandwich balloon hat boot spoon lock map rope window saxophone cake camera notebook library card".replace(
        "library card", "postcard"
    ).split()
)
FOLK = tuple(
    "teacher preacher stranger driver neighbor baker barber dancer janitor mayor doctor sailor trucker drummer poet clown king cook kid saint coach cashier "
    "boxer astronaut lawyer plumber referee magician librarian nurse bouncer mailman captain landlord tailor ghost".split()
)
STUFF = tuple(
    "pressure rain pride smoke luck rhythm patience thunder silence sunlight noise gold dust trust bread sugar butter honey leather paper laughter steam music "
    "magic salt heat sweat grace applause jazz kindness hope static mercy".split()
)
NOTIONS = tuple(
    "dream promise plan lesson secret story memory habit joke prayer wish rumor mistake verse melody curse miracle riddle debt song".split()
)
KIN = (
    "my mother",
    "my brother",
    "Grandma",
    "my uncle",
    "my cousin",
    "Pops",
    "my sister",
    "Auntie",
    "my old man",
    "my grandfather",
    "my baby sister",
    "my stepfather",
    "Mama",
    "my big cousin",
    "my godmother",
)
NAMES = (
    "Dario",
    "Keisha",
    "Luz",
    "Big Ron",
    "Tasha",
    "Marcellus",
    "Old Pete",
    "Nadia",
    "Tiny",
    "Ramón",
    "Junebug",
    "Delphine",
    "Omar",
    "Little Ray",
    "Yvette",
    "Cornell",
    "Bashir",
    "Inez",
    "Smiley",
    "Lamar",
    "Rosalind",
    "Teo",
    "Fatima",
    "Skip",
    "Wendell",
    "Paloma",
    "Curtis",
    "Miriam",
    "Desmond",
    "Noor",
    "Hector",
    "Shanice",
    "Ivo",
    "Mrs. Alvarez",
    "Mr. Okafor",
    "Coach Bell",
    "Deacon Price",
)
FOOD = (
    "ramen",
    "cornbread",
    "fried plantain",
    "cold pizza",
    "grits",
    "sardines",
    "peach cobbler",
    "hot wings",
    "instant noodles",
    "oatmeal",
    "collard greens",
    "rice and beans",
    "toast",
    "dumplings",
    "ketchup",
    "soup",
    "waffles",
    "mac and cheese",
    "leftover stew",
    "cereal",
    "mango",
    "pickles",
    "goat curry",
    "catfish",
    "jollof",
    "pierogi",
    "tamales",
    "banana bread",
    "popcorn",
)
DRINK = (
    "ginger ale",
    "black coffee",
    "orange soda",
    "sweet tea",
    "tap water",
    "grape juice",
    "cheap champagne",
    "lemonade",
    "mint tea",
    "cold brew",
    "root beer",
    "hot cocoa",
    "iced tea",
    "apple cider",
)
ANIMAL = (
    "pigeon",
    "alley cat",
    "raccoon",
    "hawk",
    "stray dog",
    "lion",
    "crow",
    "panther",
    "goose",
    "mule",
    "shark",
    "tortoise",
    "cricket",
    "wolf",
    "moth",
    "fox",
    "rooster",
    "hippo",
    "gator",
    "heron",
    "octopus",
    "badger",
    "goldfish",
    "peacock",
    "camel",
    "possum",
)
STREET = (
    "Delmore Street",
    "Quince Avenue",
    "Marrow Road",
    "Ninth and Vine",
    "Tallow Lane",
    "Prosper Street",
    "Canary Row",
    "Lantern Hill",
    "Bishop Street",
    "Cutler Avenue",
    "Juniper Court",
    "Halfmoon Road",
    "Orchard Row",
    "Copper Street",
    "Sawmill Lane",
    "Figtree Drive",
    "Anchor Street",
    "Pigeon Hill",
    "Vesper Road",
    "Kettle Street",
    "Salt Avenue",
    "Mercer Hill",
    "Gable Street",
)
MONTH = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAY = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
COLOR = (
    "red",
    "blue",
    "green",
    "gold",
    "grey",
    "orange",
    "purple",
    "silver",
    "yellow",
    "pink",
    "turquoise",
    "burgundy",
    "ivory",
)
NUMBER = (
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "fifteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "ninety",
)
WEATHER = ("rain", "snow", "sleet", "fog", "heat", "hail", "wind", "thunder", "drizzle", "frost")
GADGET_BY_ERA = (
    ("pager", "payphone", "Walkman", "boombox", "cassette deck", "rotary phone", "VCR", "camcorder", "arcade machine"),
    (
        "flip phone",
        "burned CD",
        "Discman",
        "camcorder",
        "dial-up modem",
        "game console",
        "ringtone",
        "MP3 player",
        "answering machine",
    ),
    (
        "phone",
        "laptop",
        "smart speaker",
        "group chat",
        "charger",
        "ring light",
        "playlist",
        "screen",
        "ride-share app",
        "drone",
    ),
)
# Attributive adjectives: every noun can wear them.
PLAIN = ("big", "new", "old", "little", "real", "good", "bad", "hard", "long", "whole")
ATTRIBUTE = (
    "cracked",
    "borrowed",
    "rusty",
    "velvet",
    "crooked",
    "paper",
    "plastic",
    "broken",
    "silver",
    "dented",
    "haunted",
    "hand-drawn",
    "secondhand",
    "midnight",
    "wooden",
    "folded",
    "faded",
    "dusty",
    "electric",
    "stolen",
    "crumpled",
    "spotless",
    "painted",
    "hollow",
    "glowing",
    "frozen",
    "sleepy",
    "thirsty",
    "bulletproof",
    "stubborn",
    "nervous",
    "muddy",
    "lopsided",
    "gold-plated",
    "sunburnt",
    "moonlit",
    "wrinkled",
    "leaky",
    "patient",
    "famous",
    "ancient",
    "polished",
    "tilted",
    "hungry",
    "limping",
    "half-price",
    "unpaid",
    "neon",
    "cardboard",
    "marble",
    "copper",
    "tiny",
    "humming",
    "jealous",
    "chrome",
    "smoky",
    "ragged",
    "matching",
    "honest",
    "wild",
    "bruised",
    "bare",
    "cold",
    "stone",
    "steel",
    "slow",
    "torn",
    "blue",
    "tall",
    "loud",
    "brass",
    "plain",
    "bent",
    "sharp",
    "glass",
    "rare",
    "soft",
    "stray",
    "lost",
    "warm",
    "small",
    "sweet",
    "green",
    "salt-stained",
    "coffee-stained",
    "duct-taped",
    "rain-soaked",
    "well-worn",
    "wind-up",
    "fire-red",
    "pitch-black",
    "home-cooked",
    "store-bought",
    "strange",
    "proud",
    "round",
    "brown",
    "scratched",
    "bold",
    "bright",
    "wet",
    "red",
    "fresh",
    "dark",
    "grim",
    "thick",
    "quick",
    "mean",
    "clean",
    "lean",
    "cheap",
    "steep",
    "neat",
    "fake",
    "pale",
    "straight",
    "brave",
    "dull",
    "rough",
    "tough",
    "crushed",
    "numb",
    "young",
    "cool",
    "shy",
    "prized",
    "charmed",
    "burnt",
    "spoiled",
    "scared",
    "smooth",
    "blunt",
    "tattered",
    "scattered",
    "battered",
    "shattered",
    "chattering",
    "bitter",
    "twisted",
    "lifted",
    "gifted",
    "drifting",
    "swollen",
    "woven",
    "chosen",
    "heated",
    "pleated",
    "seasoned",
    "guarded",
    "hardened",
    "foolish",
    "moody",
    "gloomy",
    "roomy",
    "shadow",
    "silky",
    "milky",
    "gritty",
    "pretty",
    "witty",
    "rugged",
    "stubby",
    "chubby",
    "lucky",
    "plucky",
    "buttered",
    "shuttered",
    "rubber",
    "thunder",
    "hidden",
    "written",
    "bitten",
    "wicked",
    "crimson",
    "maple",
    "naked",
    "sacred",
    "vacant",
    "ragtime",
    "handmade",
    "mended",
    "threaded",
    "rented",
    "dreaded",
    "spotted",
    "knotted",
    "toffee",
    "sloppy",
    "floppy",
    "hourly",
    "salty",
    "chalky",
    "noisy",
    "shiny",
    "ivory",
    "royal",
    "loyal",
    "sugar",
    "marbled",
    "startled",
    "charming",
    "harmless",
    "mellow",
    "yellow",
    "pleasant",
    "bashful",
    "lavish",
    "imaginary",
    "legendary",
    "ordinary",
    "complimentary",
    "temporary",
    "necessary",
    "solitary",
    "suspicious",
    "delicious",
    "ambitious",
)
MOOD_ATTRIBUTE = {
    "aggressive": ("savage", "snarling", "brutal", "heavy", "loaded", "bare-knuckle", "ruthless", "roaring"),
    "angry": ("furious", "boiling", "smashed", "burning", "bitter", "slammed", "seething", "red-hot"),
    "anxious": ("trembling", "restless", "shaky", "sleepless", "jittery", "twitchy", "worried", "unread"),
    "bitter": ("sour", "spoiled", "ungrateful", "two-faced", "poisoned", "cold", "expired", "wasted"),
    "boastful": ("diamond", "champion", "platinum", "royal", "world-class", "priceless", "flawless", "custom"),
    "calm": ("quiet", "gentle", "easy", "unhurried", "still", "soft", "breezy", "lazy"),
    "confident": ("steady", "solid", "fearless", "iron", "certain", "tailored", "upright", "bold"),
    "defiant": ("unbroken", "outlawed", "rebel", "stubborn", "forbidden", "unsigned", "loud", "untamed"),
    "dreamy": ("silver", "floating", "sleepwalking", "cloudy", "violet", "weightless", "faraway", "moonlit"),
    "energetic": ("jumping", "wired", "sprinting", "bouncing", "caffeinated", "full-speed", "crackling", "flying"),
    "hopeful": ("rising", "brand-new", "budding", "golden", "patched-up", "early", "bright", "second-chance"),
    "joyful": ("laughing", "sunny", "dancing", "barefoot", "birthday", "honey-sweet", "glittering", "happy"),
    "lonely": ("empty", "lonesome", "single", "unanswered", "silent", "leftover", "far-off", "solitary"),
    "melancholic": ("grey", "blue", "rainy", "wilted", "slow", "tired", "fading", "rusted"),
    "nostalgic": ("old-school", "sepia", "childhood", "vintage", "hand-me-down", "yellowed", "long-lost", "dusty"),
    "playful": ("goofy", "wobbly", "rubber", "squeaky", "mismatched", "cartoon", "ticklish", "cheeky"),
    "reflective": ("quiet", "honest", "weathered", "hard-won", "unfinished", "careful", "patient", "clear"),
    "romantic": ("candlelit", "velvet", "slow-dance", "rose-gold", "tender", "honeyed", "moonlit", "whispered"),
    "somber": ("black", "heavy", "silent", "ashen", "solemn", "unlit", "buried", "cold"),
    "triumphant": ("winning", "golden", "towering", "undefeated", "shining", "hard-earned", "victory", "crowned"),
}
ADLIBS_BY_ERA = (
    ("uh", "word", "yeah", "check it", "one two", "huh", "come on", "kick it"),
    ("yeah", "what", "uh-huh", "holla", "let's go", "okay", "yo", "no doubt"),
    ("skrrt", "yeah", "ayy", "woo", "brr", "facts", "okay", "sheesh", "let's get it", "no cap"),
)
MOOD_ADLIBS = {
    "angry": ("nah", "back up"),
    "aggressive": ("move", "get back"),
    "joyful": ("ha ha", "woo"),
    "playful": ("hee hee", "oops", "wait, what?"),
    "romantic": ("baby", "ooh"),
    "melancholic": ("mm", "Lord"),
    "somber": ("rest easy", "mm"),
    "lonely": ("hello?", "mm"),
    "dreamy": ("ooh", "float"),
    "triumphant": ("we up", "told you"),
    "boastful": ("big", "too easy"),
    "nostalgic": ("remember?", "back then"),
    "calm": ("easy", "mm-hmm"),
    "energetic": ("go, go", "jump"),
    "hopeful": ("one day", "watch"),
    "defiant": ("never", "no sir"),
    "confident": ("obviously", "trust me"),
    "anxious": ("wait", "hold on"),
    "bitter": ("figures", "sure you did"),
    "reflective": ("think about it", "true"),
}
