"""Titles, hooks, intros, outros and crowd noise of the songwriter. Data only; slots as in openings.py."""

TITLES = """
{a} {thing}
{a} {thing}
{a} {mass}
{a} {things}
{thing} & {thing}
{num} {things}
{mass} Season
{mass} & {mass}
{day} {mass}
No {things}
No {mass}
Dear {name}
{month} {weather}
{street}
Ask {name}
How to {base}
Born to {base}
Still {gerund}
{a} {idea}
{idea} Pt. {pt}
Letter to {name}
The {person} & the {thing}
The {a} {person}
{color} {thing}
{color} {mass}
{animal} on {street}
{mass} {at_place}
{name}'s {thing}
{name}'s {idea}
Too {adj}
{adj} & {adj}
Half {adj}
{thing} Talk
{thing} Music
{food} & {mass}
Call Me {person}
{num} A.M. {at_place}
One More {idea}
Last {thing} {at_place}
My {a} {thing}
{animal} Tactics
{weather} Check
{gerund} {at_place}
Don't {base}
We {base}
Never {past}
{person} Blues
{idea} Freestyle
{mass} Anthem
{hood}
{city} {mass}
"""

# Starts of hook lines by mood group; a closing follows.
HOOKS = {
    "up": """
r turn it up for {name}
r this one's for {kin}
r hands to the sky, {hood}
r we made it, we made it
r look at us now
r ring the bell twice
r sing it with me, {city}
r everybody move
r can't hold us {at_place}
r all my {people} say hey
r tonight we got {mass}
r I woke up like {weather}
r we came for the {thing}
r jump if you hear me
r one for the {people}, one for the {things}
""",
    "down": """
r I hear your name in the {weather}
r who's gonna hold me
r it's a long way to {city}
r slow down, {name}
r I'm still here, still here
r the night's getting heavy
r I miss you the most
p I left it all {at_place}
p we were so close
p you said you'd be home by {month}
r save me a seat
r don't let the light out
r tell {kin} I'm trying
r I carry the {weather}
r every road bends back
""",
    "hard": """
r don't test me, don't test me
r we don't fold, we don't fold
r say it to my face
r all eyes on {hood}
r move when I'm moving
r they can't stop it
r put some respect on {hood}
r I told you, I told you
r count me in, count 'em out
r get up off your {thing}
r we don't bow, we don't break
r you can't buy this
p I came with a {thing}
p they swore we'd be gone by {month}
r stand up for {kin}
""",
    "soft": """
r stay with me, stay with me
r float a little higher
r lean back, breathe in
r take my {thing}, take my {thing}
r the moon knows my name
r I'd walk all the way to {city}
r sway with me, {name}
r let it go, let it go
r somewhere past {street}
r easy now, easy now
p you and me {at_place}
r hold on to your {thing}
r it's a {a} kind of love
r we got time, we got time
r close your eyes, {hood}
""",
}
MOOD_GROUP = {
    "aggressive": "hard",
    "angry": "hard",
    "anxious": "down",
    "bitter": "down",
    "boastful": "hard",
    "calm": "soft",
    "confident": "hard",
    "defiant": "hard",
    "dreamy": "soft",
    "energetic": "up",
    "hopeful": "up",
    "joyful": "up",
    "lonely": "down",
    "melancholic": "down",
    "nostalgic": "soft",
    "playful": "up",
    "reflective": "soft",
    "romantic": "soft",
    "somber": "down",
    "triumphant": "up",
}

INTROS = """
Yeah, {artist} on the line
{hood}, stand up
This one's for {name}
{producer} on the drums, I see you
Check one, two, is the {thing} on?
Ha, they said bring a {thing}, so I brought {num}
Straight from {street} to your {gadget}
Turn my headphones up a little, and the {thing} down
It's {num} in the morning and I can't stop writing
Shout out to {kin}, who hates this song
Let me tell you about {name}
Somebody get {name} off the {thing}
Uh, mic check, {food} check, all right
Before we start, who took my {thing}?
{city}, you already know
This is what {day} sounds like {at_place}
Okay, roll the tape, don't touch the {thing}
Sit down, {name}, this one's long
Dedicated to every {person} in {hood}
I wrote this one on a {a} {thing}
"""

OUTROS = """
Yeah, that's {artist}, tell {kin}
{hood}, good night
Rest easy, {name}
Somebody call {name} and say it's done
Turn the {thing} off on your way out
{producer}, fade me out slow
Same time next {month}, bring {food}
And that's how I got the {thing}
Is it still recording? Tell {name} I was good
{city}, we love you, drive home safe
{num} takes and I like the first one
If you see {kin}, say I ate
And the {animal} lived, if you were worried
Okay, who's got the {food}?
That one's for the {people} on {street}
I'm out, where's my {thing}
Let it ride, let it ride
One love, {num} {things}, no regrets
Yeah, play that back, I think I meant it
Good night, {hood}, lock the {thing}
"""

BRIDGES = """
a so breathe in
a hold on
a and if the {weather} comes
a when it's all said and done
a maybe {day}
a somewhere in {city}
a tell {name}
a tell {kin}
a just a {thing}
a one more time
a out on {street}
a if I go
a oh, the {things}
a under the {mass}
a take it slow
a listen close
a now I know
a from {hood} to {city}
"""

CROWD = (
    "Make some noise, {city}",
    "Sing it for me, I lost my place",
    "Put your hands up in the balcony",
    "Y'all sound better than the record",
    "Who brought their mother tonight?",
    "I can't hear the {thing} section",
    "That's {name} on the drums, everybody",
)
