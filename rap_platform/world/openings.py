"""Openings of bars: complete clauses by theme and mood, marked p (past), r (present) or a (any tense). Data only."""

BY_THEME = {
    "ambition": """
p I drew a {a} {thing} on a napkin
p I told {kin} I'd be somebody
p I practiced my signature on {things}
p they laughed when I measured the throne
p I set {num} alarms and beat every one
p I mailed my own {idea} to the future
p I learned to say no to the couch
p my first office was {at_place}
p I outgrew the {thing} they gave me
p we counted the rungs and kept climbing
p {name} bet me {num} dollars I'd quit
p I asked for the key and they gave me a {thing}
r I don't chase clout, I chase {mass}
r I rehearse for the day with a {thing}
r my to-do list wears a cape
r I'm {num} steps ahead of the {thing}
r I treat every {day} like a {thing}
r the top got a view but no {things}
r I punch the clock in the {weather}
r they see the {thing}, not the {num} tries
r my plan B is plan A in a {a} coat
r I want the whole {a} bakery, not crumbs
r I wake before the {animal} does
r ask {name} who slept in the studio
r I'm building a door where they painted a wall
r I keep a {a} {idea} taped to the fridge
a no elevator, so I took every stair
a one eye on the {thing}, one on the clock
a big dreams in a {a} little {thing}
a first in the building, last to leave
""",
    "money": """
p I found {num} dollars in a {a} coat
p my bank account looked like a haiku
p I split the check with a {thing}
p the ATM sighed when it saw me
p we paid the light bill in {things}
p I sold {kin}'s {thing} to the {person}
p {name} flipped {num} bucks to a thousand
p I bought the {thing} and then bought the store
p the rent went up like a {a} balloon
p I tipped the {person} a {thing}
p my wallet was thin as a cracker
p we stretched one {thing} for a week
r the money talks but it stutters
r I count my blessings, then count my {things}
r my accountant meditates daily
r every dollar I make has a {person}
r they print it faster than {kin} can earn it
r I check the price tag before I check the mirror
r the {person} wants his cut of my {idea}
r I invest in {things} and in {name}
r money can't hug you, I asked it
r I keep my {mass} in a {a} jar
r the landlord loves me the first of the month
r my change purse jingles a {a} {idea}
r I tithe to the {person} and the phone bill
r interest grows while the {person} sleeps
a {num} jobs, {num} bosses, one check
a pennies on pennies, a copper skyline
a new money walking in {a} old shoes
a put that on the tab with the {things}
""",
    "street_life": """
p we grew up on {street} with no map
p {name} ran the corner like a mayor
p I learned my math from a dice game
p the streetlight told us when to go home
p {kin} watched the block through the blinds
p we raced shopping carts down {street}
p they painted the hydrant and called it a park
p I knew every {animal} by its first name
p I shook hands with the {person} and the {person}
p somebody's radio raised all of us
p the {person} on {street} taught me manners
p {name} had a nickname for every {thing}
p the ice cream truck and the cops played tag
r I know which step on the stoop creaks
r {street} still raises its own
r the corner keeps score in chalk
r the bodega cat runs {hood}
r I walk like the sidewalk owes me a {thing}
r they know my whistle from {street} to the river
r the hydrant's the beach and the beach is a rumor
r the old heads play chess with the {weather}
r every {thing} on the wire tells a story
r sirens sing backup for {hood}
r the block got a memory like a {animal}
r I nod at the {person}, the {person} nods back
a {hood}, where the {animals} wear watches
a {num} blocks of trouble and {mass}
a stoop law: you don't touch a man's {thing}
a eyes open, hood up, {things} in my pocket
a it's chess on these blocks, not checkers
""",
    "struggle": """
p we had {food} for dinner, {food} for lunch
p I wore {kin}'s coat with the {a} zipper
p they cut the lights, so we told stories
p I did my homework by the oven light
p I worked a double with a {a} tooth
p the landlord knocked like a drummer with one song
p {kin} made a feast out of {food} and faith
p I taped up my shoes with a {thing}
p we boiled the water and prayed for {mass}
p I slept on a couch that remembered {name}
p the heater was just a {thing} with dreams
p {kin} cried in the car, then walked in smiling
p I ironed one shirt for {num} interviews
p my shoes had a skylight, my sky had a leak
r my back hurts in {num} languages
r we patch the roof with {mass} and tape
r every {day} tries to borrow a tooth
r I carry my {mass} like groceries
r the fridge light's on but nobody's home
r {kin} still saves every {a} {thing}
r the bills come in like relatives
r I turn my {idea} to a ladder
r I been down so long I know the floor's name
r hunger's an alarm clock without a snooze
r I squeeze a whole week from a {thing}
r I fold my worries like laundry
a {num} in a bed and the {weather} outside
a nothing in the cupboard but {food} and {mass}
a heavy is the head with no pillow
a one more bill and a {a} pair of {things}
""",
    "love": """
p she laughed and I forgot my own zip code
p I wrote your name on a {a} {thing}
p you wore that {color} dress like {weather}
p I burned the {food} 'cause I stared at your smile
p we slow danced to the sound of the {thing}
p I rehearsed hello in the mirror
p you fixed my collar and my {idea}
p your grandmother fed me and winked
p I gave you my coat and my last {thing}
p we talked till the {animals} complained
p I learned to like {food} for you
p you left your {thing} in my drawer
p I told {name} I was gone for good
r you look like a {day} in {month}
r I save you the window seat
r your name sounds good with my last name
r my heart does a backflip in {things}
r I love how you argue with the {thing}
r you're the hook to my {a} verse
r I'd cross {street} in a blizzard for you
r we share a {thing} and a toothbrush cup
r your laugh is the best song on this tape
r I keep your note in my {a} wallet
r even my {animal} likes you better
r you hum when you're cooking the {food}
r I'd read you the phone book out loud
r you steal all the covers, I let you
a two spoons, one bowl of {food}
a your hand in my hand, {mass} in my chest
a brown eyes, {color} coat, {a} smile
""",
    "heartbreak": """
p you took the {thing} and left me the bill
p I still set the table for two
p you said it was over by text
p I watered your plants till they testified
p I found your {thing} in the laundry
p we broke like a plate in slow motion
p you changed the locks and your laugh
p my phone lit up, it was only the {person}
p I played our song till the {thing} quit
p you packed up your {things} in a {day}
p I told the {animal} you weren't coming back
p {name} said time heals, then checked his watch
p you waved from the cab like a {a} ad
p I deleted your number but my thumb knew
r I sleep on my side like there's two of us
r your coffee cup still faces the window
r I walk past your {street} on purpose
r every slow song's a snitch
r I bought one ticket to our movie
r your sweater still argues with my closet
r I practice not calling
r the {thing} you left is learning my name
r I say I'm fine in {num} accents
r the bed's too big, it has echoes
r you moved on in {month}, I'm still in {month}
r my heart's in the lost and found
a half a closet, half a {idea}
a no call, no note, just {mass}
a rain on the glass like applause for the {person}
a goodbye in a {a} envelope
""",
    "family": """
p {kin} could stretch a chicken like gospel
p {kin} worked nights and still made my lunch
p we fought for the front seat like lawyers
p {kin} taught me to pray and to parallel park
p I wore {kin}'s shoes till they fit
p the whole family danced in the {a} kitchen
p {kin} cut my hair with a {thing} and a grin
p I got my stubborn from {kin}
p {kin} hid dollars in a {a} Bible
p we had {num} cousins to a mattress
p {kin} told the same joke every {month}
p the {food} on that stove raised {num} kids
p {kin} signed my report card with a sigh
r {kin} calls me by my brother's name first
r my baby girl thinks I'm a {animal}
r {kin} still keeps plastic on the couch
r we argue in {num} keys and then harmonize
r {kin} can smell a lie through a {thing}
r I got {kin}'s hands and {kin}'s temper
r nobody leaves without a plate of {food}
r {kin} prays for me loud on the phone
r my son wants to know where the {weather} sleeps
r the family tree got {things} in the branches
r our group chat could power {hood}
r {kin} says I'm skinny no matter what
r I named my first {thing} after {kin}
a blood is thick, but the gravy's thicker
a {num} aunties, one stove, no survivors
a Sunday shoes and {kin} at the wheel
a same nose, same laugh, same {a} {idea}
""",
    "friendship": """
p {name} split a last plate of {food} with me
p we swore on a {thing} in the fourth grade
p {name} told the joke and I took the blame
p we pooled our change for one {thing}
p I lost every race to {name} on that bike
p {name} drove {num} hours with no heater
p we shared one {thing} and {num} dreams
p we built a go-kart from {things} and luck
p {name} held my coat while I made a mistake
p we skipped seventh period for {food}
p we had matching {things} and no shame
p {name} laughed so hard he needed a nurse
p I taught {name} chess and regretted it
r {name} still owes me a {thing}
r we finish each other's {food}
r my friends are a {a} orchestra
r {name} calls just to breathe and complain
r we don't keep score, we keep {things}
r {name} knows where the embarrassing photos are
r I'd lend you my last {a} {thing}
r we roast each other like {food}
r {name} tells me the truth with both shoes off
r my day one still can't dance to save a {animal}
r I got friends who'd carry a couch up {num} floors
r we're older but dumb in the same spots
r when I'm low, {name} brings the {food}
a same jokes, same booth, same {a} waitress
a me and {name} with a {thing} and a plan
a {num} knuckleheads, one {a} car
a friends like that come with a {thing}
""",
    "loyalty": """
p {name} did {num} years and never said a word
p I stood in the {weather} till you came out
p we shook on it, no paper, no {person}
p {kin} said your word is your {thing}
p I kept your {idea} like a {a} key
p when the lights went out, {name} stayed
p they offered me {things} to forget you
p I waited outside with your {thing}
p we ate off one plate when we had one plate
p you held the rope when I slipped
p I told them my friends are not for sale
p we came with {num} and left with {num}
p {name} took the stairs 'cause my knee was out
r I ride for my people in {weather}
r my circle's so small it's a {thing}
r I don't switch up like the {weather}
r {name}'s got a plate at my table for life
r I keep the same friends and a better {thing}
r you call me at four and I'm four minutes out
r my word is a {thing} made of iron
r I don't leave the party without who I came with
r {name} got my back like a {a} spine
r I'd give you the coat and the {thing} in it
r real ones don't clap, they carry
r we don't do fair-weather, we own boots
r {kin} taught me to finish what I promise
a ten toes down like a {a} statue
a same crew, same corner, same {things}
a no contract, no {person}, just {mass}
a through {weather} and {weather} and {weather}
""",
    "betrayal": """
p {name} smiled with a {thing} where I could not see
p I let you in and you counted the {things}
p you sold my {idea} for a {a} {thing}
p I read it in the eyes of your {animal}
p you clapped with your hands in your pockets
p I gave you the map and you buried the {thing}
p {name} ate at my table and bit me
p I heard my own secret from a {person}
p you wore my coat to a meeting against me
p I shook your hand and counted my fingers
p my shadow walked off with the {person}
p {kin} warned me and I laughed it off
p you told the {person} what I told you crying
r {name} waves like we're cool, we're not
r snakes don't hiss now, they send hearts
r I check the {thing} when you hand me {drink}
r you only call when you need a {thing}
r my back has your fingerprints on it
r you switched up quicker than {weather}
r the knife had a name tag, it's {name}
r I watch what you do with your quiet
r you practice your sorry in mirrors
r friends till the {thing} hits the table
r I keep my {things} where {name} can't see
r you kissed the ring and then pawned it
r the wolf wears my cousin's {thing}
a Judas in {a} designer shoes
a same lips that blessed me, {a} {things}
a trust is a {thing} and you dropped it
a two faces, one {a} wallet
""",
    "party": """
p we pushed back the couch and the night got loud
p {kin} hit the floor with a hip made of tin
p the bass shook {things} off the neighbor's shelf
p somebody's auntie brought {food} in a {thing}
p {name} did the worm in a three-piece suit
p the DJ spun backwards and found us
p the cops came and asked for the {food}
p I danced so hard that my watch sped up
p {name} cut the cake with a {thing}
p we blew out the speaker, then sang it ourselves
p the line for the bathroom became the main room
p the floor gave a cough and we kept on
r tell {name} to turn up the {thing}
r the punch bowl is stronger than {name}
r my two-step got its own {person}
r everybody and their {person} is here
r I came for the {food}, I stayed for the bass
r put down your phone, pick up a {person}
r the walls are sweating, the {person} is too
r we don't stop till the {thing} falls down
r {kin} is on the floor doing the {animal}
r there's glitter on {name}, on the {animal} too
r hands up if your {thing} got fixed
r the neighbors complain, then they show up
r I dance like a {animal} on {drink}
a {num} people deep in a one-bedroom
a red cups, {color} lights, {a} {things}
a big speaker, small room, {mass}
a no dress code, just bring us a {thing}
a one time for {name} on the {a} grill
""",
    "nightlife": """
p the bouncer looked at my shoes like a {person}
p the city was {color} from the back of a cab
p we closed out the bar with a {a} song
p I lost my {thing} and found {name}
p she ordered a {drink} and a future
p the neon kept spelling my name wrong
p {num} in the morning, we needed {food}
p the cabbie told us about his {thing}
p the moon paid the cover and walked in
p I danced with a {person} who smelled like rain
p {name} knew the door guy, the door guy knew {name}
p we ordered {food} from a man with a {thing}
r the night wears a {a} {color} coat
r the streets are awake and they're gossiping
r my jacket still smells like {num} o'clock
r the bass in the wall is a {a} heartbeat
r the whole city blinks like a {thing}
r I tip the {person}, the {person} tips his hat
r last train is gone, so we're walking
r there's always a {person} who knows {name}
r I do my best thinking {at_place}
r the skyline's a {thing} with its lights on
r the club's so dark that my shadow got lost
r my ears still ring with a {a} hook
r night owls, night nurses, {a} {people}
r the jukebox and me have a thing
a sunglasses on at {num} in the morning
a {color} lights, wet streets, {a} {things}
a half past whatever in {hood}
a {drink} in one hand, {mass} in the other
""",
    "fame": """
p they spelled my name wrong on the {thing}
p the camera loved me, then asked for a loan
p I signed a {thing} for a baby
p I waved at a {person}, they filmed it
p my old teacher asked me for tickets
p I saw my own face on a {a} bus
p the magazine cropped out {name}
p they clapped for the {thing}, not the song
p I got famous and lost my {thing}
p a {person} cried when I said hello
p the {person} who booed me is now on my team
p they wanted the story without the {mass}
p my name was up in lights, one bulb out
r my shadow has an agent
r they love you until the next {thing}
r I smile with {num} teeth for the {things}
r the internet knows what I had for lunch
r I'm big in a town that I can't spell
r the mirror asks me for a picture
r my {kin_n} sells my old {things} online
r the cameras don't follow me home to the dishes
r I wear a {a} hat and still get found
r they want the encore before the first note
r fans know my {idea} better than I do
r my name's in the mouths of {people}
r I miss being nobody {at_place}
a flash, flash, and a {a} headache
a red carpet, {color} socks, {a} {things}
a fifteen minutes, I brought a {thing}
a front page today, fish paper tomorrow
""",
    "faith": """
p {kin} prayed so loud that the {thing} shook
p I met God {at_place}, He asked how I'm eating
p {kin} put oil on the {thing} and my head
p I prayed for a {thing} and got {mass}
p the choir hit a note that fixed my {body}
p I asked for a sign and got {weather}
p I gave my last {thing} to the plate
p the deacon drove slow with the windows down
p {name} got saved and still cheats at cards
p I lost my religion and found it in {kin}
p the preacher was sweating like {weather}
p I knelt on a floor made of {things}
p mercy came by with some {food}
r I keep a small psalm in my {thing}
r I talk to the Lord like He's driving
r my angel works overtime weekends
r I count every breath as a {thing}
r {kin} says God's got jokes, look at {name}
r the Devil keeps texting, I'm busy
r I kneel on my {idea}, I stand on my word
r my halo is {a} but it holds
r I forgive, but I write down the plate number
r my faith is a {thing} in the {weather}
r grace is a {person} who leaves the light on
r I sing in the shower, it's church
r I light a {a} candle for {name}
a Lord, keep your hand on {hood}
a amen to the {food} and the {person}
a one part prayer and one part {mass}
a church shoes shining like {a} {things}
""",
    "death": """
p I wore a {a} suit to say goodbye
p we buried {name} with a favorite {thing}
p they played your song and the {people} stood up
p {kin} left me a {thing} and a sentence
p I carried you once, you carried me always
p {name} was {num} and had tickets for {month}
p I kept your last voicemail, {num} seconds
p the whole block brought {food} and stood quiet
p your chair at the table kept leaning
p {month} took {name} and left the {weather}
p the flowers came late like you used to
p I told your mother you'd laughed the whole time
p the preacher forgot, so I said your name twice
r I pour out some {drink} for {name}
r your number's still first in my {thing}
r I tell my kids you were taller
r I see you in strangers with {a} hats
r your jersey still hangs like a {thing}
r I still save you the corner piece
r there's a mural of {name} on {street}
r I dream that you call me to borrow a {thing}
r I talk to your headstone like a {person}
r some {days} I forget and I dial
r your mother still sets out a plate
r I still hear your laugh {at_place}
r we say your name with the {food}
a candles on {street} in the {weather}
a rest in a {a} chair, {name}
a a {month} sky and a {a} black car
a ashes and {mass} and a {thing}
""",
    "nature": """
p the river came up to {kin}'s door
p I planted a seed in a {a} can
p a {animal} looked me right in the soul
p the thunder rehearsed over {hood}
p we slept under stars like loose {things}
p I followed a {animal} past {street}
p the {weather} wrote its name on the glass
p {kin} read the clouds like a headline
p {month} came in with a {a} cough
p the moon was a {thing} someone bit
p I learned to be still from a {animal}
p the roots broke the sidewalk on {street}
p the wind took my {thing} and my worry
r a weed in the crack is my mascot
r the mountain don't care who's your {person}
r the ocean keeps all of my secrets
r the moon clocks in, the sun clocks out
r I water my {things} and my {person}
r trees in {hood} know all of the gossip
r a {animal} sings on the {a} wire
r the sun hits {street} like a {idea}
r there's moss on my {mass}, it's growing
r the pigeons hold meetings on {street}
r I breathe and the pine trees agree
r the creek has more patience than {name}
r snow makes the corner look holy
a rain like a {person} with fast hands
a green through the concrete, {a} {things}
a one {animal}, two {animals}, and {mass}
a sky like the inside of a {thing}
""",
    "social_commentary": """
p they closed down the school, built a {thing} store
p the senator smiled like a {a} ad
p they cut the bus line and then asked why we're late
p I voted, then waited in {weather}
p the news did a story and spelled the block wrong
p they fixed up {street} when the {people} moved out
p my textbook was older than {kin}
p they tested the water and buried the {thing}
p they gave us a {thing} when we asked for a nurse
p {kin} paid tax on the tax on the {food}
p the mayor shook hands and then counted his rings
p they named it a program and took it away
p the factory left and the {animals} stayed
r the zip code decides who gets {mass}
r they sell us the sickness and lease us the {thing}
r the rent grows faster than children
r they study the block like a {animal}
r a {thing} costs less than a lawyer
r the poor pay a fee for being poor
r the jail gets a gym, the school gets a {thing}
r {name} works {num} jobs and can't see a {person}
r they want our music but not our noise
r the camera sees all, except {mass}
r they call it a crisis when it reaches their lawn
r the system's a {thing} with a coin slot
r history repeats, but it charges you twice
a {num} promises, one {a} pothole
a a flag on the porch and a leak in the pipe
a count all the {people} and then count the {things}
a ask who got rich off the {thing}
""",
    "violence": """
p {name} went out for {food}, didn't come home
p the yellow tape fluttered like ribbon
p we ducked in the tub like it's holy
p a word and a look became {num} years
p I heard the glass first, then {kin}
p {name} had a smile and a target
p they fought for a {thing} nobody wanted
p the ambulance took the long way to {hood}
p the bullet had nobody's name and took {name}'s
p I dropped the {thing} and picked up a pen
p we learned the sound from the {things}
p I wanted revenge and {kin} took my keys
p his hands were too young for that {a} thing
r I traded the beef for some {food}
r mothers on {street} know the coroner's name
r a gun makes a short man shorter
r I'd rather raise kids than raise {things}
r the siren's the lullaby {hood} gets
r put it down, {name}, and come eat
r scars tell the story my mouth won't
r every {thing} on the wall is somebody's son
r I walk off the fight with my {body} in a knot
r the street wants a war, I want {food}
r peace isn't quiet, it's {num} people talking
r the vigil runs longer than the {thing}
r revenge is a bill that your kids get
a fists like a {a} pair of {things}
a {num} candles, {num} names, one corner
a hot heads, cold {month}, {a} {things}
a let go of the grip and the {idea}
""",
    "drugs": """
p {name} traded a {thing} for a spoonful
p {kin} got clean in a {a} church van
p I flushed it and stood there till morning
p the doctor wrote {name} a {a} habit
p I hid from my {idea} in a bottle
p {name} nodded off with the {thing} on
p the high had a door but no handle
p {num} days sober, I bought me a {thing}
p I watched my uncle sell {kin}'s {thing}
p the pipe took his teeth and his {things}
p they sold it by weight and it weighed us
p I poured out the {thing} and the sink laughed
p I missed my own birthday by {num} days
r the coin in my pocket says one more day
r {name} calls a sponsor from {street}
r the pills have a jingle, the kids know it
r I count {num} days like they're {things}
r that smoke tells you lies with a smile
r the craving knows all of my nicknames
r I drink {drink} and I dance all the same
r {name} sells the rope and the {thing}
r the bottle's a {person} who borrows your face
r some {days} I white-knuckle a {thing}
r clean looks good on {name}, like a {thing}
r my hands stopped shaking {at_place}
r I sit with the itch and a {thing}
a one day, one {day}, one {a} coffee
a folding chairs, {drink} and {mass}
a a spoon and a {a} little {thing}
a sober as {kin} on a {day}
""",
    "identity": """
p the teacher looked twice at my last name
p I wore {num} masks and they all itched
p they asked where I'm from, then from from
p I changed my voice for the phone
p the form had no box for my {thing}
p I hid my accent in a {thing}
p I looked for my face in the {things}
p {kin} gave me a name like a {thing}
p they said I'm too loud, so I bought a {thing}
p I grew up between {num} kitchens
p I learned to say me without sorry
p I tried on a {person}, it pinched
p I found my own voice in a {a} closet
r I'm {kin}'s hands with a new {thing}
r the mirror and me are on speaking terms
r I'm {num} different people, all hungry
r my name is a song, don't chop it
r I dream in one tongue and count {things} in another
r I'm not your {person}, I'm nobody's {thing}
r my hair has its own {a} passport
r I don't fit the box, I fold it
r I'm half what they guess and twice what they paid for
r I carry my {idea} like a {a} flag
r I sign with the whole of my name
r they can't pronounce it, but they'll learn it
r my skin is a page with the {weather} on it
a no label, no filter, just {mass}
a two flags, one {body}, {a} {things}
a call me by all of my names
a not lost, just {a} with a {thing}
""",
    "hip_hop_culture": """
p I learned to rhyme on a {a} lunch table
p {name} cut the break with a {color} glove
p we plugged in the system to {street}
p I traded my {thing} for a twelve-bit machine
p I taped the late show on a {a} cassette
p {name} did a headspin like a {thing}
p the crowd made a circle and swallowed me
p I dug through the crates for a {a} drum
p we painted a train and it dreamed
p I battled {name} and he needed a {thing}
p {kin}'s record collection raised me
p I wrote the first verse on a {thing}
p the sound man slept, so we soundchecked his snore
r the needle drops and {hood} stands up
r I pack every bar like a {thing}
r my pen has a callus, my notebook a limp
r I chop up the sample like {food}
r I count every bar like a {person}
r my metaphors do their own stunts
r the beat's so dusty it sneezes
r {name} on the cut with the {color} vinyl
r I rhyme like the rent is due {day}
r four elements and a {a} {thing}
r the cypher's a courtroom, I'm counsel
r my flow has a {a} left foot
r I rap for the {people} in back by the {thing}
r I freestyle the grocery list
r the snare hits like somebody's {person}
a one mic, {num} heads, no {things}
a kick, snare, {animal}, hi-hat
a boom bap and a {a} bag of {food}
a from park jams to {things} on {street}
""",
    "travel": """
p I left {hood} with a {thing} and a sandwich
p the bus broke down outside {city}
p I slept on my bag at gate {num}
p the map was wrong but the {food} was right
p I sent {kin} a postcard of {weather}
p we drove through {city} with the heater on
p the customs man looked at my {thing}
p {name} took a picture of every {thing}
p I learned to say thank you in {num} tongues
p the train took a breath outside {city}
p I haggled for {things} with a {person}
p we missed the last ferry and laughed
p I crossed {num} borders for {food}
r I pack like I'm not coming back
r the road knows my name and my {idea}
r I got {num} stamps and one {a} home
r my suitcase complains about {city}
r I measure the miles in {food}
r the window seat shows me a {a} {thing}
r the highway hums like a {person}
r I wave at the towns I can't spell
r every motel got the same {a} painting
r {city} looks small from the clouds
r I call {kin} from every {a} gate
r the GPS says I'm in {idea}
r I'm homesick in {num} time zones
a next stop, {city}, then {city}
a one bag, no plan, {a} shoes
a left lane, {drink}, and a {a} song
a {num} miles of corn and a {thing}
""",
    "time": """
p I blinked and my son had a {thing}
p the years ran by like {animals}
p {kin} was my age when she had {num} kids
p I saved all my {things} for a {day}
p my knees filed a motion to quit
p I wound up the {thing} like {kin} did
p we buried a {thing} for the future
p {num} summers went by in a {a} car
p I found my old notebook, it laughed at me
p I spent my twenties like {things}
p the barber found grey and he whispered
p time took the {thing} and gave me a {thing}
p I promised I'd call you in {month}
r the clock has a {a} sense of humor
r I'm late for a thing I forgot
r my back tells the weather by {day}
r we age like {food} or like {drink}
r I talk to my younger self daily
r my watch runs fast so I'm never behind
r every {month} owes me a {day}
r the old songs get younger than I do
r there's a {num}-year-old in my mirror
r the future keeps leaving me voicemails
r I keep the past in a {a} shoebox
r time flies coach with its knees up
r tomorrow's a {person} who's never on time
a tick, tock, {a} {thing}
a {num} candles, one {a} breath
a yesterday's {food}, tomorrow's {thing}
a back when a {thing} cost a nickel
""",
    "home": """
p the porch light was on like a promise
p {kin} left the key in a {a} shoe
p the screen door sang when you closed it
p our living room doubled as {hood}
p the radiator knocked out a rhythm
p I measured my height on the door frame
p the kitchen smelled like {food} and forgiveness
p we painted the hallway {color} and hated it
p I learned every creak in the staircase
p the neighbors could hear us love loudly
p I came back to {street} with a {thing}
p {kin}'s curtains were louder than {weather}
p there was always a pot and a {person}
r the couch has a dent shaped like {name}
r I hang up my coat and my day
r home is a {thing} with {food} on it
r the mailbox knows all of my names
r the {animal} next door thinks he lives here
r {kin} still has my room like a {a} museum
r the hallway light flickers in Morse
r my key fits the lock like a {idea}
r there's {food} on the stove and {mass} in the air
r the welcome mat's tired but it means it
r I'd know that {a} floor in the dark
r {hood} is a {thing} that I wear
r the windows are fogged up with {mass}
a four walls, one fan, {num} opinions
a shoes by the door in a {a} line
a a chair with my name and a {thing}
a back home where the {animals} know me
""",
}

BY_MOOD = {
    "aggressive": """
r I kick down the door of the {thing}
r I bark like I'm chained to a {thing}
r step to the line and get {a}
p I bit through the {thing} with a grin
r I swing every word like a {thing}
r you want it with me, bring a {person}
a no mercy, no nap, no {things}
r I eat {num} of you with {food}
""",
    "angry": """
r don't talk to me till the {thing} moves
p I slammed every door in the {a} house
r my temper has its own {thing}
r I boil like {food} on {street}
p you lied to my face with a {thing}
r I'm tired of asking the {person} nicely
a enough with the {things} and excuses
r I grind my teeth down to {mass}
""",
    "anxious": """
r my heart does {num} laps around {street}
r I check the lock, then the {thing}, then the lock
r my thoughts pace the floor like a {animal}
p I lay there and counted the {things}
r what if the {thing} hears me thinking
r I chew on my sleeve like a {animal}
r my phone buzzes twice and I age
a {num} tabs open in my {a} head
""",
    "bitter": """
r congratulations on the {a} {thing}
p I clapped at your party through my teeth
r I saved you a seat by the {thing}
p you got the {thing}, I got {mass}
r funny how {name} never calls
r I toast to your health with {drink}
r keep the {thing}, I'll keep the receipts
a cold coffee, {a} words, and {mass}
""",
    "boastful": """
r my rhymes are so fly they need {things}
r I sneeze and the {person} takes notes
r my shadow wears a chain of its own
r I'm so cold that the {animal} wears mittens
p I sold water to the river, got change
r your favorite {person} carries my {thing}
r I put the {thing} in the {a} museum
r I don't walk in, I premiere
r I taught the {animal} how to strut
r my worst verse has a {person} on payroll
""",
    "calm": """
r I let the day pass like a {animal}
r I breathe till the {thing} goes quiet
r my pulse and the river are neighbors
p I sat on the porch and did nothing well
r no rush, the {food} is still simmering
r I move like a cloud past the {thing}
r the kettle and me keep a pace
a slow hands, soft {weather}, {a} tea
""",
    "confident": """
r I walk like the hallway's been waiting
r I don't raise my voice, I raise {things}
r I sign my name first and ask later
r I know what I'm worth to the {thing}
r I iron my shirt for the {weather}
p I bet on myself with a {thing}
r my nerves are asleep in a {thing}
a chin up, shoes tied, {a} {thing}
""",
    "defiant": """
r you can't tow a car that's a {animal}
p they told me to sit, so I sang
r I cross out the rules with a {thing}
p they said not here, I said watch me
r I won't shrink to fit in your {thing}
r my no comes with {num} exclamation marks
r you built me a fence, I built stilts
a not your pawn, not your {person}, not yours
""",
    "dreamy": """
r I float through {hood} on a {thing}
p I dreamt I was {weather} with pockets
r the moon pours itself in my {thing}
r the ceiling turns into a {a} lake
r I swim through the night like a {animal}
p the stars had a {thing} and they passed it
r clouds in my shoes, {mass} in my ears
a half awake in a {color} {weather}
""",
    "energetic": """
r jump till the floor files a {thing}
r my sneakers got sneakers, I'm rolling
r I run on {food} and the bass line
r shake what the {person} gave you
p I woke up the rooster and raced it
r turn it to ten, then to {num}
r I'm bouncing like checks in {month}
a up, up, down with the {things}
""",
    "hopeful": """
r there's light coming under the {thing}
r tomorrow's got room for a {thing}
p I planted a {idea} in {month}
r the seeds in my pocket are talking
r I saved a good shirt for good news
r my kids draw the sun with a {thing}
r I feel the wind change on {street}
a one more mile and a {a} song
""",
    "joyful": """
r I woke up and danced with the {thing}
r my smile has a {a} echo
r the sun came to breakfast with {food}
p we laughed till the {thing} fell over
r the kids on {street} got a hydrant
r good news rolled in on a {thing}
r my feet can't remember to walk
a {color} balloons and a {a} day
""",
    "lonely": """
r I talk to the {thing} and it listens
r my echo's the one that calls back
r the {animal} and I split a {thing}
p I set out two cups by mistake
r the phone doesn't ring, so I polish it
r I learned how to high-five a {thing}
r the elevator's my longest talk
a one fork, one plate, {a} {mass}
""",
    "melancholic": """
r it rains on the inside of {hood}
r the piano remembers my {idea}
p I watched the leaves quit one by one
r my coffee goes cold while I stare
r the slow train hums in my {body}
r I wear the old songs like a {a} coat
p we used to be loud {at_place}
a grey sky, grey street, {a} {things}
""",
    "nostalgic": """
p we recorded the radio, missed the first line
p I rewound the tape with a pencil
p remember when {food} cost a quarter
p we rode our bikes till the {weather}
p {name} had the {gadget} and all the friends
r I still know the number by heart
p the summer was {num} years long
a back when the {gadget} was king
""",
    "playful": """
r I beatbox so good that the {animal} claps
r my goldfish writes all of my hooks
r I'm allergic to wack and to {things}
p I lost a staring match with a {thing}
r call me the {person} of silly walks
r I moonwalk to pick up the {food}
r my sock drawer's a {a} love story
a knock, knock, who's there, it's a {animal}
""",
    "reflective": """
r I sit with my {idea} and a {thing}
p I wrote down my wrongs in a {a} list
r I'm learning to listen to {weather}
r the older I get, the less {mass}
p I was wrong about {name} and the {thing}
r I owe my calm to {num} storms
r I ask the man in the mirror for {mass}
a what did it cost me, a {thing} and a year
""",
    "romantic": """
r come close, let me borrow your {weather}
r the candle leans in to hear you
p I built you a moon from a {thing}
r your perfume hangs round like a {idea}
r let's miss the last train and blame {name}
r I'd trade all my {things} for your {day}
r you and the jukebox both know me
a low lights, slow song, your {a} laugh
""",
    "somber": """
r the bells on {street} ring heavy
p they lowered the flag and my {body}
r I speak of you softly in {month}
p we stood in a row like {a} {things}
r the streetlight burns for {name}
r some rooms still hold their breath
p the letter came folded in {mass}
a black coats, wet grass, {a} {things}
""",
    "triumphant": """
p we won with a {thing} and no bench
r ring every bell in {hood}
p they said never, so I sent them a {thing}
r I lift up the cup for {kin}
r look where we stand, ask the {person}
p I carried the {thing} up {num} flights
r the parade goes right down {street}
a confetti on {kin} and the {animal}
""",
}

# What a tired pen writes: used often by low craft, hardly ever by high.
PLAIN = """
r I do it like this every day
r I'm back again and I'm ready
r you know that I keep it real
r I'm living my life like I want to
r we do what we do and we do it
r they talk and they talk about me
r I work so hard for my team
r I'm number one and you know it
r nobody does it the way I do
r I came from nothing at all
r I'm on my way to the top
r we ride together, me and my crew
r they hate on me but it's fine
r I'm feeling good and I'm winning
r I got the skills and the style
r I never stop, I keep going
p I had a dream and I chased it
p I saw it all in my life
p I took my time and I made it
p they did me wrong but it's fine
p I had it hard but I made it
p I told you once and I meant it
p we had some fun and some problems
p I gave my all and then some
a day and night, night and day
a real talk, no lie, for sure
a top of the game, number one
a one love to all of my people
r I make my moves on the daily
r I shine so bright in {hood}
r the money comes and it goes
r I keep my circle so tight
r I stay on top of my game
r they can't see me in {city}
r I ride around with {name}
r I'm living fast on {street}
r my team is strong and we rising
r I speak the truth when I'm speaking
r I got no time for the drama
r this life is hard but I'm trying
r we turn it up on a {day}
r I love my city for real
r I'm blessed to be where I'm at
p I paid my dues in {hood}
p I came up hard on {street}
p they said I couldn't, I did it
p I lost some friends on the way
p we partied hard on that {day}
p I made mistakes, I admit it
p I had some doubts but I'm here now
p I learned a lot from my {kin_n}
a straight from {hood}, let them know
a hard work and heart, that's the motto
a big moves, big plans, and big dreams
a no days off, not even {day}
"""

# Any theme.
ANY = """
r I keep a {thing} for the {weather}
r {kin} says don't count on the {person}
r I'm calm as a {animal} {at_place}
r I laugh at the {thing} in the mirror
r my pen leaves marks on the {thing}
r the {person} next door plays the {thing}
r I walk with a {a} kind of limp
r the city keeps humming a {idea}
r {name} says hi from {street}
r I trade a {thing} for a {thing}
r I keep my {things} in order
r the {gadget} won't let me be
r I stir my {drink} with a {thing}
p I asked the {person} for {mass}
p I dropped my {gadget} in the river
p {kin} put a {thing} in my hand
p {name} showed up with a {thing}
p I swapped my {things} for a {a} seat
p a {animal} followed me home
p I wrote this on the back of a {thing}
p I told my {idea} to a {thing}
p we counted the {things} on {street}
p I got lost in {city} with {name}
p I paid for the {food} with a {thing}
p the {weather} came early that {month}
a {num} in the afternoon, {a} {weather}
a a {a} {thing} and a {a} {thing}
a {hood} in the {weather}, {a} windows
a {drink} on the table, {things} on the floor
a {day} night with a {a} {thing}
"""

# Short starts: most of the bar is its closing.
STARTS = """
r I walk in
r I pull up
r I show up
r I come through
r I still write
r I stay sharp
r we ride out
r I move slow
r I sign off
r I talk back
r I keep on
r we stand tall
r we roll deep
r I hold on
r I sit here
r I get by
r I lean back
r we link up
r I dig in
r I lace up
r I breathe out
r they stare hard
r my phone rings
r the beat drops
r the day starts
r the night rolls
r I step out
r I count down
r I run home
r my name rings
r I clock out
r I wake up
r we eat late
r I drive past
r the crowd leans in
r my pen moves
r I look up
r the block hums
p I walked in
p I pulled up
p I came home
p I grew up
p we rolled in
p I woke up
p I stood there
p I got by
p we slid out
p I held on
p I dressed up
p they drove off
p I signed off
p the door swung
p the phone rang
p the rain stopped
p I sat down
p I talked back
p we ran home
p I came through
p I slept late
p the crowd roared
p the lights hummed
p I fell hard
p we made it
p I looked up
p we ate late
p the band played
p they lined up
p I wrote this
p the bus came
p my knees shook
p the kids cheered
p I broke down
p we stayed late
a head up
a real slow
a no joke
a straight up
a no doubt
a true story
a hands up
a deep down
a {day} night
a all {month}
a word to {name}
a chin up
a fists up
a eyes shut
a out here
a on {street}
a shoes on
a plain truth
"""

# Short starts that already say what the song is about.
STARTS_BY_THEME = {
    "ambition": """
r I aim high
r I plan big
r I work late
r I chase the crown
r the top calls me
p I took the stairs
p I set my alarm
p they said no way
p I built it up
p I sketched my throne
a first one there
a one more try
a early shift
""",
    "money": """
r I count cash
r the rent comes due
r I stack change
r the bank calls me
r I watch the price
p I saved dimes
p the check bounced
p we split the bill
p I paid my debt
p the cash ran out
a payday night
a penny wise
a cash in hand
""",
    "street_life": """
r I know this block
r the corner talks
r the sirens sing
r we own the curb
r I walk these streets
p we ran the block
p the stoop raised me
p the cops rolled by
p I played the dice
p the hydrant burst
a block to block
a hood up high
a curb to curb
""",
    "struggle": """
r I stretch the rice
r the bills pile up
r my shoes leak rain
r I work two shifts
r the cold creeps in
p the lights got cut
p we ate cold soup
p the heat went out
p I patched my coat
p the roof caved in
a broke again
a empty fridge
a bus fare gone
""",
    "love": """
r I hold your hand
r you smile at me
r my heart skips
r I kiss your neck
r we slow dance
p you took my hand
p I fell in love
p you wore my coat
p we kissed in rain
p I wrote your name
a you and me
a cheek to cheek
a lips like wine
""",
    "heartbreak": """
r I miss your laugh
r the bed feels wide
r your ghost drops by
r I sleep alone
r my phone stays dark
p you left at dawn
p you broke my heart
p I cried in the car
p you moved on fast
p I burned your notes
a no goodbye
a empty bed
a tears and all
""",
    "family": """
r {kin} calls
r my kids laugh
r the whole clan eats
r {kin} hums low
r we say grace
p {kin} raised me
p {kin} cooked all day
p my mother prayed
p we shared one bed
p my cousin called
a blood and bone
a Sunday lunch
a home-cooked love
""",
    "friendship": """
r {name} calls me
r my friends show up
r we crack jokes
r {name} stays true
r we split the tab
p {name} had my back
p we shared one bike
p my friends came through
p {name} made me laugh
p we skipped class
a me and {name}
a day-one friends
a same old crew
""",
    "loyalty": """
r I stay true
r my word is bond
r I ride for {name}
r we don't fold
r I hold the line
p I kept my word
p {name} took the fall
p we shook on it
p I stood my ground
p you held the rope
a ten toes down
a same small crew
a ride or die
""",
    "betrayal": """
r you lie to me
r the snake smiles
r I watch my back
r {name} sold me out
r your mask slips
p you stabbed my back
p {name} told them all
p you broke the pact
p I caught the lie
p the knife went in
a two-faced friend
a trust is gone
a snake eyes, friend
""",
    "party": """
r the bass hits hard
r we dance all night
r the floor shakes
r the DJ laughs
r I shake my hips
p we danced till three
p the speaker blew
p {name} cut the cake
p the house was packed
p the punch ran out
a cups in the air
a lights down low
a one more song
""",
    "nightlife": """
r the club lights up
r the neon hums
r the bar stays full
r the night is young
r the moon rides shotgun
p the club closed late
p we hailed a cab
p the bouncer grinned
p I bought a round
p the street lights buzzed
a last call now
a drink in hand
a half past two
""",
    "fame": """
r the cameras flash
r they chant my name
r the fans all scream
r I sign my name
r the press lines up
p they knew my face
p I made front page
p the crowd went wild
p I waved on stage
p my name got lights
a red carpet night
a lights on me
a star for a day
""",
    "faith": """
r I pray hard
r the choir sings
r the Lord knows me
r I trust in grace
r my angel nods
p I prayed that night
p God heard my voice
p the choir stood up
p I knelt down low
p {kin} said amen
a Lord above
a hands in prayer
a hymn book out
""",
    "death": """
r I light one for {name}
r your grave gets rain
r I miss your voice
r the bells toll slow
r we pour one out
p we buried {name}
p I wore black
p the hearse rolled slow
p your chair stood bare
p we sang your song
a rest in peace
a gone too soon
a ash to ash
""",
    "nature": """
r the river bends
r the wind picks up
r the moon hangs low
r the rain sets in
r the leaves turn gold
p the storm rolled in
p the creek ran high
p the sun came up
p I climbed the hill
p the snow fell soft
a roots and rain
a sun on my skin
a green on green
""",
    "social_commentary": """
r the mayor lies
r the system laughs
r they raise the tax
r the news spins it
r the vote gets bought
p they closed the school
p they cut the bus
p the law looked off
p they sold the block
p we marched downtown
a no justice here
a votes for sale
a same old law
""",
    "violence": """
r the guns go off
r the sirens scream
r I hear the shots
r the blood runs cold
r I drop the grudge
p the glass broke
p they shot at {name}
p the tape went up
p I dropped the gun
p my fists turned red
a no more war
a blood on the curb
a peace to {name}
""",
    "drugs": """
r I stay clean
r the bottle talks
r the smoke lies
r I count sober days
r the craving knocks
p the pills took {name}
p I flushed it all
p I got clean
p the needle lied
p I quit that pipe
a one day clean
a sober now
a no more pills
""",
    "identity": """
r I know my name
r the mirror stares
r I wear my skin
r my accent stays
r I am myself
p I dropped the mask
p they asked my name
p I changed my voice
p I found my face
p they read me wrong
a my own name
a skin and all
a no mask on
""",
    "hip_hop_culture": """
r I rock the mic
r the vinyl spins
r I bless the beat
r my rhymes hit
r the crates are full
p I grabbed the mic
p the DJ scratched
p I burned the booth
p we rocked the park
p I dug for breaks
a mic check, one
a kick and snare
a bars on bars
""",
    "travel": """
r the road calls me
r the train pulls out
r I pack light
r the miles add up
r the plane lifts off
p I caught the bus
p we crossed the line
p I missed my flight
p the map was wrong
p I left at dawn
a one-way trip
a bags all packed
a next stop, {city}
""",
    "time": """
r the clock ticks
r the years fly
r my hair turns grey
r time runs out
r I age like wine
p the years flew by
p I lost the time
p my watch stopped
p I turned the page
p the clock struck ten
a back in the day
a tick and tock
a year by year
""",
    "home": """
r the porch light glows
r I lock the door
r the kitchen hums
r I head back home
r the couch knows me
p I came back home
p the door creaked
p the stove was on
p {kin} let me in
p I found my key
a home sweet home
a shoes by the door
a lights on low
""",
}

# Set before a bar that came out a little short.
LEADS = {
    "p": ("Yeah", "See", "Man", "Look", "So", "Now", "And", "Back then", "One night", "That year", "Listen"),
    "r": ("Yeah", "See", "Man", "Look", "So", "Now", "And", "These days", "Listen", "Most days", "Some nights"),
    "a": ("Yeah", "Man", "Uh", "Okay", "Now", "And"),
}
