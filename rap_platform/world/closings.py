"""Closings of bars by the kind of the rhyme word {X}: tense p, r or a, `@` for those that need an I or we before. Data only."""

BY_KIND = {
    "thing": """
a like a king with a {a} {X}
a with one hand on the {a} {X}@
a for the price of a {a} {X}
a, no deeper than dust on a {X}
a, loud as a dropped {X}
a, quiet as snow on a {a} {X}
a, heavy as {kin}'s {a} {X}
a like a {person} who married a {X}
a like a {animal} that swallowed a {X}
a, proud as a kid with a {X}
a with nothing to show but a {X}
a like a note in the back of a {X}
a with my name in gold on the {X}@
a like the last {a} leg of a {X}
a, held up by hope and a {X}
a with the swing of a {a} {X}
a like {name} in love with a {X}
a, stuck like gum to a {a} {X}
a, from the {thing} right down to the {X}
a, and the whole thing fit in a {X}
a like a {thing} on top of a {X}
a with a map and a {a} {X}@
a, rattling like keys in a {X}
a like {weather} against a {X}
a like somebody's dog with a {X}
a, and the change jumped out of a {X}
a, as slow as a {person} with a {X}
a, between a rock and a {a} {X}
a, as sweet as a stolen {X}
p, and all that I got was a {X}
p, then {kin} handed me a {X}
p, and the {person} walked off with the {X}
p, and {name} showed up with a {X}
p till somebody threw me a {X}
p, but I kept that {a} {X}
p, and nobody looked at the {X}
p, then the {animal} knocked over the {X}
p, and I hid the rest in a {X}
p, so I hummed to the tune of the {X}
p while {kin} polished a {X}
p when the world was as big as a {X}
p, and we balanced it all on a {X}
r, and I still keep a {a} {X}
r, so don't put your hands on my {X}
r, and {name} still polishes that {X}
r, you can't put a price on a {X}
r, so watch what I do with a {X}
r while {kin} talks to the {X}
r, and it shines like a {a} {X}
r, and the {person} still wants the {X}
r, I treat every word like a {X}
r, so pass me the pen and the {X}
r, and the {animal} sleeps on a {X}
r, I'm only as good as my {X}
r till the bottom falls out of the {X}
r, so somebody hide the {a} {X}
""",
    "things": """
a like a drawer full of {a} {X}
a with a pocket of {a} {X}@
a over {num} {a} {X}
a like rain on a pile of {X}
a like {kin} counting {X}
a with nothing but {mass} and {X}
a for a laugh and a couple of {X}
a in a house full of {a} {X}
a like a {person} selling {X}
a in between all of the {X}
a, loud as a truck full of {X}
a, and somehow we ran out of {X}
a, {a} {things} and {a} {X}
a like the moon over {a} {X}
a like a {animal} guarding its {X}
p, and they paid me in {a} {X}
p, and we danced around the {X}
p, and {name} dropped all of the {X}
p, then {kin} gave away the {X}
p while the rest of them fought over {X}
p, and I came home with {num} {X}
p, and the {people} were throwing us {X}
p when we all lived off of {X}
r, and {kin} still saves all the {X}
r, so keep all your {a} {X}
r while the {people} fight over {X}
r, they don't make a bag for these {X}
r, and the {person} can't count all the {X}
r, and my head is a room full of {X}
r, and I trade what I know for some {X}
r, I don't trip over {a} {X}
r, and it's raining down {a} {X}
""",
    "place": """
a back {IN} that {a} {X}
a all night {IN} the {X}
a with the radio up {IN} the {X}
a like a {animal} asleep {IN} the {X}
a like a {thing} left out {IN} the {X}
a, same as it was {IN} the {X}
a with my {thing} and my {thing} {IN} the {X}@
a with {name} and {kin} {IN} the {X}
a, just me and the {animal} {IN} the {X}
a like the last {a} light {IN} the {X}
a from the crack of the dawn {IN} the {X}
a with {a} {things} {IN} the {X}
a under {num} {a} bulbs {IN} the {X}
a like a choir that met {IN} the {X}
a like {kin} found gold {IN} the {X}
a till a quarter past two {IN} the {X}
a barefoot {IN} the {a} {X}@
a, no shoes and no shame {IN} the {X}@
a like lost and found {IN} the {X}
a where {name} spilled {drink} {IN} the {X}
p, and you heard it all {IN} the {X}
p while the {people} sang {IN} the {X}
p, and we left {a} {things} {IN} the {X}
p, then I ran into {name} {IN} the {X}
p, and the {weather} came down {IN} the {X}
p till somebody laughed {IN} the {X}
p, and {kin} stood proud {IN} the {X}
p, and my heart did a flip {IN} the {X}
p when the lights cut out {IN} the {X}
p, and the rest is still {IN} the {X}
r, so look for me late {IN} the {X}
r, and they talk about me {IN} the {X}
r, and it sounds like a hymn {IN} the {X}
r while {name} plays cards {IN} the {X}
r, you can ask any {person} {IN} the {X}
r, and the {people} are up {IN} the {X}
r, and I write my best lines {IN} the {X}
r, there's a seat with my name {IN} the {X}
r, and the {animals} meet {IN} the {X}
r when {mass} hits late {IN} the {X}
""",
    "mass": """
a with a pocket of {X}@
a on {drink} and {X}
a on a diet of {food} and {X}
a with a tank full of {X}@
a for a taste of that {a} {X}
a like a {thing} full of {X}
a, {num} parts {mass}, one part {X}
a like a {animal} running on {X}
a through the {weather} and {X}
a, no {mass}, no {X}
a with more heart than {X}
a like a {person} who's selling me {X}
a, nothing but {mass} and {X}
a with the color and weight of {X}
a on a bridge made of {X}
a like a {thing} in the {X}
a, all bite and no {X}
a like a prayer with some {X}
a in the shape of your {X}
a under {num} feet of {X}
a with the smell of old {X}
p, and the air was all {X}
p, and I paid for it all with my {X}
p, and {kin} called it {X}
p, and I mixed up the {mass} with the {X}
p till I ran out of {X}
p, and {name} gave me nothing but {X}
p, and it tasted like {a} {X}
p, but I never lost {X}
p when the room filled with {X}
r, and I season my {food} with {X}
r, and it comes down to {X}
r, and I'm running on {X}
r, so keep your {things}, give me {X}
r, that's {kin}'s recipe, {X}
r, and I bottle that {a} {X}
r, I'm allergic to {X}
r, it's the price of my {X}
r, you can't teach me {X}
r, and the walls sweat {X}
r while the world sells me {X}
r, I got {num} kinds of {X}
""",
    "idea": """
a like a {thing} with a {X}
a, no map, no {X}
a like a joke that became a {X}
a on the strength of a {a} {X}
a with a grin and a {a} {X}
a at the end of a {a} {X}
a like it's somebody else's {X}
a for the sake of a {X}
a in the key of a {X}
a like a {person} in search of a {X}
a at the speed of a {X}
a, {num} parts luck and a {X}
a with no more than a {a} {X}
a like the start of a {a} {X}
a in the back of a {a} {X}
a like a {animal} with a {X}
a with a {thing} and a {X}@
a in the middle of {kin}'s {X}
p, and I took it to heart like a {X}
p, and we called it a {a} {X}
p, and {kin} called it a {X}
p, but it felt like a {a} {X}
p, and it turned to a {X}
p, and {name} made a {a} {X}
p, and it cost me a {X}
p when the whole thing began with a {X}
p, so I wrapped it up in a {X}
p till the night gave us one more {X}
r, and it all comes down to a {X}
r, so tell me, is that your {X}
r, and I'm only one verse from a {X}
r, and each line is a {a} {X}
r, so hand me a pen and a {X}
r, and nobody asks for the {X}
r, and it grows like a {a} {X}
r, it's a blessing dressed up as a {X}
r, and it follows me round like a {X}
r, I'm allowed one {a} {X}
""",
    "person": """
a like a {a} {X}
a with the eyes of a {a} {X}
a like a {thing} in the hands of a {X}
a with a wink from the {X}
a like {kin} scolding a {X}
a, half {animal}, half {X}
a, part poet, part {a} {X}
a with the nerve of a {X}
a like I owed {num} bucks to the {X}@
a with the heart of a {X}
a like a letter from some {a} {X}
a at the door of a {a} {X}
a with the grace of a {X}
a like the shoes of a {X}
a on the arm of a {X}
a like the hat on a {X}
a like a wink from a {a} {X}
p, and nobody clapped but the {X}
p, and we split what was left with a {X}
p, then I swapped {things} with a {X}
p, and it scared off the {X}
p, and {kin} ran off with a {X}
p, and I learned it from some {a} {X}
p, so I whispered it all to the {X}
p, then {name} became a {X}
p, but they gave all the cake to the {X}
p, and I bowed to the {X}
r, and I dress like a {a} {X}
r, so give my regards to the {X}
r, but I'm still {kin}'s favorite {X}
r, and they look at me like I'm a {X}
r, you can ask any {X}
r, so somebody call me a {X}
r while the {animal} laughs at the {X}
r, and my shadow's a {a} {X}
r, I don't need a {X}
r, and the mirror shows me a {X}
""",
    "people": """
a for the {a} {X}
a for the dreamers, the {people}, the {X}
a like a room full of {X}
a in a house full of {a} {X}
a with the saints and the {X}
a between {a} {people} and {X}
a like a bus full of {X}
a, no {people}, no {X}
a like a prayer for the {X}
a in front of {num} {X}
a, and here come the {a} {X}
p, and we ran with the {X}
p, and I fed all the {a} {X}
p, then we danced with the {X}
p till it woke up the {X}
p, and we laughed at the {X}
p, and it silenced the {X}
p, so they sent in the {X}
r, and I speak for the {a} {X}
r, so shout out to all of the {X}
r, and I don't break bread with the {X}
r while they're handing awards to the {X}
r, and I break it on down for the {X}
r, I was raised by {a} {X}
r, don't leave me alone with the {X}
r, and the {animals} laugh at the {X}
""",
    "time": """
a every day until {X}
a like {name} overslept until {X}
a from the first of the year to {X}
a with a coffee at {X}@
a way before {X}
a like a {animal} waiting for {X}
a somewhere right around {X}
a with the lights on till {X}
a like {mass} just before {X}
a like the hush before {X}
a since way before {X}
p, and we stayed up till {X}
p, and it lasted till {X}
p, and {kin} came home around {X}
p, and it felt like {X}
p, then I slept until {X}
p, and I swore I'd be rich before {X}
p, and {name} didn't call until {X}
p when the {weather} showed up around {X}
r, so call me sometime after {X}
r, and I don't eat at all until {X}
r, I got {num} more bars before {X}
r, and I'm gone before {X}
r, and we're only just getting to {X}
r, and {kin} still calls me at {X}
r, so hold on, it's almost {X}
""",
    "adj": """
a, a little bit {adj} and {X}
a, half {adj}, half {X}
a, never {adj}, just {X}
a, wide awake and {X}@
a like a {person}, {adj} and {X}
a like a {animal}, {adj} and {X}
a, all dressed up and {X}@
p, and we both woke up {X}
p, and it left me {adj} and {X}
p, and {kin} stayed {X}
p, but I came back {X}
p, and the whole block felt {X}
p, and {name} said my style was {X}
p, and I never once felt so {X}
r, and my conscience is {X}
r, so tell {kin} I'm {X}
r, and the {person} is {X}
r, and I'm keeping it {X}
r, I'm too {adj} to be {X}
r, and it keeps me {X}
r, you can call me {X}
r, but my pen is still {X}
r, I stay {adj} and {X}
r, and my knees feel {X}
r, and I sign my name {X}
r, they can't call me {X}
r, and {name} says I'm {X}
r, my whole crew is {X}
r, don't mistake me for {X}
r, I was broke, I was {adj}, I was {X}
p, and it made us feel {X}
p, I was broke, I was {adj}, I was {X}
p, and the {people} looked {X}
p, but nobody's {X}
p, and I never felt {X}
p, and it turned out {name} was {X}
a, {num} parts {adj}, one part {X}
a, too {adj} to be {X}
a, born {adj}, raised {X}
a with my head up, {adj} and {X}@
a, me and {name}, both {X}
a like {kin} on a {day}, all {X}
""",
    "base": """
a too {adj} to {X}
a, no room to {X}
a, with no place to {X}
a, with {num} reasons to {X}
a, just like {kin} taught me to {X}@
a like a {animal} learning to {X}
a like it's my turn to {X}@
a, with a license to {X}@
a, too {adj} to {X}@
p, and I couldn't even {X}
p, and it taught me to {X}
p, and {kin} told me to {X}
p, and I watched {name} {X}
p, but I never saw {kin} {X}
p, and it made the {person} {X}
p till the {person} asked me to {X}
p, and we promised to {X}
p, and the {people} would {X}
p, and I had me a reason to {X}
r, and it makes the {people} {X}
r, so sit back and watch me {X}
r, and the night makes me {X}
r, and I don't need a {thing} to {X}
r, but the {person} can't {X}
r, and I'm waiting for {name} to {X}
r, I got {num} more reasons to {X}
r, so don't tell me to {X}
r, I was born to {X}
r, that's the way that we {X}
r, and I still make the {animal} {X}
""",
    "past": """
p, and the {people} {X}
p, and the {a} {person} {X}
p till the {a} {person} {X}
p, and {name} just {X}
p, and {kin} sat down and {X}
p, then the {animal} {X}
p, and the whole block {X}
p, so I stood there and {X}
p, and my {a} heart {X}
p while the rest of them {X}
p, and the {a} room {X}
p, then the {people} all {X}
p, and the {animal} and I both {X}
p, but nobody {X}
p, and I closed my eyes and {X}
p, and the crowd leaned in and {X}
p, and my grandfather's {a} heart {X}
p, then my two left feet just {X}
p, and the saints up above me {X}
p, and the neighbors and I all {X}
p while the bass line {X}
p till my whole plan {X}
""",
    "gerund": """
a like {num} {animals} {X}
a with the {people} all {X}
a with the {thing} still {X}
a with my {a} heart {X}@
a like the last {person} {X}
a like a {thing} that's done {X}
a, no {mass} and no {X}
a, {adj} and {X}
a through the laughing and {X}
a with a room full of {people} {X}
p, and we kept right on {X}
p, and {kin} came in {X}
p, and I found {name} there {X}
p, then I heard {kin} {X}
p, and the {people} were {X}
r, and the {people} keep {X}
r, and the bass keeps {X}
r, and my engine's still {X}
r, I hear somebody {X}
r, and my {a} mind keeps {X}
r, and the {thing} won't stop {X}
r, I got {num} hearts {X}
r, and I feel {name} {X}
r while the {person} is {X}
r, and I'm still here {X}
r, and the {animal} is {X}
r, and we're done with the {X}
r, so there's no use {X}
r, and tonight we're {X}
""",
    "adv": """
a, {adj} and {adj}, {X}
a like a {person} {X}
a, me and {name}, {X}
a like {kin} {X}
a with the {people} {X}
a, just the {animal} and me {X}
p, and I'd do it {X}
p, and {kin} danced {X}
p, and we laughed {X}
p, and I said it {X}
p, then I walked {X}
p, and {name} called me {X}
r, and I wouldn't trade it {X}
r, so come find me {X}
r, and I'm at it {X}
r, and I write it down {X}
r, and it hits me {X}
r, so we do it {X}
r, and {name} knows me {X}
r, and the beat goes {X}
r, and I'm coming back {X}
""",
    "body": """
a with the {thing} in my {X}@
a with the {mass} in my {X}@
a from my shoes to my {X}@
a with {kin}'s {a} look in my {X}@
a with a song in my {X}@
a with a chill in my {X}@
a with the {weather} deep in my {X}@
p, and it went through my {X}
p, and I felt it all in my {X}
p, and it burned in my {X}
p, and the {mass} shook my {X}
r, and it lives in my {X}
r, and it rattles my {X}
r, there's a {thing} where I keep my {X}
r, and I carry it all in my {X}
r, I got {mass} in my {X}
r, and the rhythm gets into my {X}
""",
}

# The same, of a few syllables, after an opening that says most of it.
SHORT = {
    "thing": """
a like a {X}
a like a {a} {X}
a with a {X}
a with a {a} {X}
a for a {X}
a, one {a} {X}
a, no {X}
a by the {X}
a near a {a} {X}
a, all for a {X}
a, plus a {X}
a, just me and a {X}
a with my {X}@
a with my {a} {X}@
a, ask the {X}
a, cue the {X}
a, check the {X}
a next to the {X}
a, minus the {X}
a in front of the {X}
r, so hold my {X}
r, mind the {X}
r, pass me the {X}
r, guard your {X}
p, left a {X}
p, then lost my {X}
p, so I kept the {X}
p, and dropped the {X}@
p, then came the {X}
""",
    "things": """
a with {X}
a with {a} {X}
a, no {X}
a like {a} {X}
a like {X}
a, all {X}
a over {X}
a over {a} {X}
a, cue the {X}
a, {num} {X}
a, {num} {a} {X}
a for {X}
a between the {X}
a, minus the {X}
a, just me and some {X}
r, hide the {X}
r, so count your {X}
r, trade me your {X}
p, then lost the {X}
p, and sold the {X}@
p, left the {X}
""",
    "place": """
a {IN} the {X}
a {IN} the {a} {X}
a, out {IN} the {X}
a late {IN} the {X}
a, down {IN} the {X}
a, all {IN} the {X}
a {IN} that {a} {X}
a, back {IN} the {X}
a, still {IN} the {X}
a, lost {IN} the {X}
a, deep {IN} the {X}
a, up {IN} the {X}
r, meet me {IN} the {X}
r, I live {IN} the {X}
p, left it {IN} the {X}
p, woke up {IN} the {X}
""",
    "mass": """
a with {X}
a with {a} {X}
a for {X}
a, all {X}
a, no {X}
a on {X}
a like {a} {X}
a, pure {X}
a, plus {X}
a through the {X}
a, just {X}
a, no room for {X}
a, half {X}
a over {X}
a, minus the {X}
r, that's {X}
r, keep your {X}
r, save me some {X}
p, tasted like {X}
p, that was all {X}
p, left me with {X}
""",
    "idea": """
a like a {X}
a like a {a} {X}
a with a {X}
a, what a {X}
a, one {a} {X}
a, no {X}
a for a {X}
a, some kind of {X}
a, no time for a {X}
a, all for one {X}
a, minus the {X}
r, that's a {X}
r, that's the {X}
r, write me a {X}
r, call it a {X}
p, called it a {X}
p, that was the {X}
p, left with a {X}
p, then came the {X}
""",
    "person": """
a like a {X}
a like a {a} {X}
a, ask the {X}
a with a {X}
a with a {a} {X}
a, cue the {X}
a, just me and a {X}
a for the {X}
a near a {a} {X}
a, half {X}
a, part {X}
a, no {X}
r, call me the {X}
r, pay the {X}
r, tell the {X}
r, I'm no {X}
p, met a {X}
p, so I paid the {X}
p, became a {X}
p, then came the {X}
""",
    "people": """
a like {X}
a like {a} {X}
a for the {X}
a with {X}
a with {a} {X}
a, us {X}
a, ask the {X}
a, all {X}
a, no {X}
a, cue the {X}
a among the {X}
r, wake up the {X}
r, tell all the {X}
p, so we fed the {X}
p, then came the {X}
p, woke up the {X}
""",
    "time": """
a until {X}
a by {X}
a before {X}
a around {X}
a since {X}
a, up until {X}
a, way before {X}
a, right around {X}
r, see you by {X}
r, call me at {X}
p, slept until {X}
p, that was before {X}
""",
    "adj": """
a, still {X}
a, so {X}
a, too {X}
a, half {X}
a, all {X}
a, born {X}
a looking {X}
a, never {X}
a, {adj} and {X}
a, somehow {X}
a, too {adj}, too {X}
a, wide awake and {X}
r, we stay {X}
r, keep it {X}
r, I feel {X}
r, call me {X}
p, came out {X}
p, I was {X}
p, felt kind of {X}
p, woke up {X}
""",
    "base": """
a, no time to {X}
a, made to {X}
a, born to {X}
a, too {adj} to {X}
a, ready to {X}
r, watch me {X}
r, let me {X}
r, don't {X}
r, time to {X}
r, hear me {X}
r, so we {X}
r, still I {X}
r, so I {X}
p, couldn't {X}
p, learned to {X}
p, taught me to {X}
p, told me to {X}
p, nobody would {X}
""",
    "past": """
p, so we {X}
p, so I {X}
p, then they {X}
p and {X}@
p, and we {X}
p, {name} {X}
p till it {X}
p, somebody {X}
p, everyone {X}
p, till we {X}
p, the {person} {X}
p, my heart {X}
p, the whole room {X}
""",
    "gerund": """
a, still {X}
a, heart {X}
a, no {X}
a, done {X}
a, everyone {X}
a, {adj} and {X}
a, half of us {X}
r, keep {X}
r, quit {X}
r, and we're {X}
r, and I'm {X}
r, it's got me {X}
p, came in {X}
p, kept on {X}
p, left me {X}
p, caught myself {X}
""",
    "adv": """
a, {X}
a, {adj}, {X}
a, just me, {X}
a, all of us {X}
r, we move {X}
r, I'm here {X}
r, so come through {X}
r, I come back {X}
p, we laughed {X}
p, I said it {X}
p, we came back {X}
p, walked out {X}
""",
    "body": """
a in my {X}@
a in my {a} {X}@
a, deep in my {X}
a, down in my {X}
a, bless my {X}
a, {mass} in my {X}
a, none in my {X}
r, rest your {X}
r, feel it in your {X}
r, it's all in my {X}
p, felt it in my {X}
p, hit me in the {X}
""",
}

# Bars that end by themselves; the last word is the rhyme word.
WHOLE = """
ambition|r|I hit the snooze button never, {name} thinks I'm insane
ambition|r|my elevator's broken, so I {num}-stepped up the lane
ambition|p|they gave me {num} lemons and I opened up a chain
ambition|r|I put my {thing} where my mouth is, it's a {a} terrain
ambition|r|success is a {person} who arrives a little late
money|r|my wallet and my {thing} both lost a lot of weight
money|p|I bounced a check so high that the {animal} applauded
money|r|my piggy bank pleads guilty to a {a} kind of greed
money|p|I bought the {thing} on layaway and paid it off in tears
money|r|{name} spends it like the {weather}, I save it up for years
money|r|you flex a {a} {thing} on credit, that's a rental smile
struggle|p|we had {num} channels on the TV, all of them were static
struggle|p|the {food} was mostly water and the water mostly prayer
struggle|p|{kin} could fix a {thing} with a bobby pin and spit
struggle|r|I'm so used to {num}-hour shifts I clock in when I dream
love|r|your smile could make a {person} drop his {thing} and his case
love|r|you make my {a} {thing} of a heart feel like a palace
love|p|I tripped on the {thing} when you walked by, and called it a dance
love|r|I save you the last {a} bite, now that's romance
heartbreak|p|you left me on read like a {a} library book
heartbreak|r|my {thing} and your {thing} still get along great
heartbreak|p|I cooked for two {days}, then I ate it off one plate
family|p|{kin} threw a sandal round a corner with a curve
family|r|{kin} asks who's eating, that's the family alarm
family|p|we said grace so long that the {food} caught a cold
friendship|p|{name} and I shared one coat and {num} colds
friendship|r|I'd take a pie in the face for {name} and say thanks
party|p|the {thing} hit the ceiling and the ceiling said amen
party|r|{name} does the splits, now we all need a friend
party|p|we danced till the {food} got jealous and cold
nightlife|r|my Uber driver {name} knows the plot of my week
nightlife|r|the moon over {street} got a {a} physique
fame|p|I signed {num} autographs, one was a parking fine
fame|r|my haters keep my name in shape, they lift it all the time
faith|r|{kin} got the Lord on speed dial and He picks up every time
faith|p|I asked for {mass} and God sent me a line
hip_hop_culture|r|my pen's a {a} {animal} I walk without a leash
hip_hop_culture|r|I spit so much {mass} that the front row brought a mop
hip_hop_culture|r|I flip a {a} phrase like a short-order cook
hip_hop_culture|p|my first mic was a {thing} and my first fan was a spoon
hip_hop_culture|r|I send {num} emcees home early to a {a} afternoon
hip_hop_culture|r|my similes like {animals}, you can't keep 'em in a yard
hip_hop_culture|r|the crowd says the {thing} back louder than the song
street_life|r|the {animals} on {street} all walk me to the store
street_life|p|the {person} on the corner sold me {food} and folklore
social_commentary|r|they spend {num} million on a {a} wall and nothing on a book
social_commentary|p|they put a {a} camera where we used to have a tree
nature|r|the {animal} on my windowsill is better dressed than me
nature|r|the tide takes {num} bows and it never leaves the stage
time|p|I met my younger self, he asked me where I parked the {thing}
time|p|I told the clock to chill and it gave me the hand
time|r|my knees predict the {weather} like a {a} weatherman
travel|p|I lost {num} socks in {city}, now I've got to go back
travel|r|my suitcase has {num} wheels and a {a} heart attack
identity|r|I'm a {num}-piece puzzle and the box shows a cat
identity|r|I wear my {kin_n}'s jawline and my {kin_n}'s hat
home|p|the {thing} in our hallway had its own seat at the table
home|r|my neighbor's {a} {animal} gets better shows on cable
gen|r|I'm cooler than a {animal} with a {a} pair of shades
gen|r|my jokes land like {animals} on a {a} parade
gen|p|I told the mirror {num} jokes and one of us laughed
gen|r|I'm building a {thing} and a {thing} and a raft
gen|p|I called the {person} twice, and he put me on hold
gen|r|I'm {num} percent {drink} and the rest of it is gold
gen|p|I brought a {thing} to a knife fight and won
gen|r|I'm wearing {kin}'s glasses so I squint at the sun
gen|r|{name} got jokes, but the punchline got lost on the train
gen|p|we drew a {thing} on the wall and it rained
gen|r|my to-do list is {num} naps long and I'm trained
"""
