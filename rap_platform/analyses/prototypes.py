"""What each mood and theme sounds like: sentences of our own, whose vectors are the landmarks of rules.py.

None of them is taken from labelled_verses.txt, on which confidence is earned; whoever adds one must not look there.
"""

import re
from typing import Final

MOODS: Final[dict[str, tuple[str, ...]]] = {
    "aggressive": (
        "I will run right through you, step up and get hurt", "Fists up, no mercy, I came to break something",
        "Come closer and I crush you", "Get out of my way or get flattened",
        "I attack on sight, I am a wolf among sheep", "Nobody leaves this cypher without a bruise",
        "My verse is a weapon and you are the target", "Back up before I tear you apart",
        "War drums, battle axe, we charge and we crush",
    ),
    "angry": (
        "I am furious and I want you to hear it", "They lied to my face and my blood is boiling",
        "I scream because I hate what you did", "How dare you, I am so mad at you",
        "Enough, I will not take this disrespect anymore", "They cheated us and I want everyone to hear me shout",
        "I curse the day that I trusted you", "Rage burns in me like a house on fire",
        "I am fed up with their greed and their excuses",
    ),
    "anxious": (
        "My chest is tight and I cannot sleep", "I keep looking over my shoulder, scared of what comes",
        "Worry will not let my mind rest", "What if it all goes wrong, what if they find out",
        "My heart races, my palms sweat, my thoughts won't slow", "Something bad is coming and I feel it",
        "I second-guess every word and dread the answer", "Panic rises in my throat before the exam",
        "Every siren makes me flinch, I am on edge",
    ),
    "bitter": (
        "You took everything and never said thanks", "I gave you my best and got nothing but scorn",
        "I still resent how you treated me", "I hope you are happy with what you stole from me",
        "You used me up and threw me away like trash", "I made you who you are and you forgot me",
        "They got the credit and I got the blame", "I don't forgive and I don't forget what was done to me",
        "All that loyalty for nothing, what a joke",
    ),
    "boastful": (
        "Nobody does it better than me, I am the greatest", "Look at my chain, my car, my name in lights",
        "All of you copy me, I run this game", "I am the king and the rest of you are amateurs",
        "Rich and famous, my mansion has its own zip code", "Everything I touch is a hit, you can't compete",
        "I am so fresh, so fly, so far ahead of you", "Models, yachts, champagne, and they all know my face",
        "No rapper alive can see me, I am a legend already",
    ),
    "calm": (
        "Slow breath, quiet water, nothing to prove", "I sit in peace while the evening settles",
        "Easy now, the day is soft and still", "All is well and there is no hurry",
        "A mild evening in the garden, the bees go home", "My mind is quiet and my body is at ease",
        "Gentle rain on leaves, I rest and listen", "I let the world turn without me for a while",
        "Clouds pass over the meadow and I lie there content",
    ),
    "confident": (
        "I know what I am worth and I walk tall", "I trust my hands, I was made for this",
        "No doubt in me, I take my shot", "I am ready for this, I have put in the hours",
        "I believe in my skill and it never lets me down", "I say what I mean and people listen",
        "Whatever they throw at me I can handle it", "I don't need praise, I know how good I am",
        "Calm under pressure, I always find a way",
    ),
    "defiant": (
        "You cannot make me kneel, I will not obey", "They told me no and I did it anyway",
        "I stand my ground against all of them", "I will not be silenced and I will not apologize",
        "Your laws and your threats mean nothing to me", "We refuse, we resist, we rise against the masters",
        "I go my own way, whatever they say", "Try to break me and you will see that I don't bend",
        "They wanted me quiet and obedient, well forget it",
    ),
    "dreamy": (
        "Floating through clouds in a violet haze", "I drift between sleep and starlight",
        "Everything glows and the world feels unreal", "The edges blur and the colors begin to sing",
        "Strange visions shimmer behind my closed eyes", "A soft glow carries me over silver forests",
        "I am not sure if I am awake, nothing has weight", "Velvet skies, crystal rain, a planet made of sound",
        "Time dissolves and I melt into the light",
    ),
    "energetic": (
        "Hands up, jump, turn the bass up loud", "Move your feet, feel the beat, let's go",
        "The crowd is bouncing and the speakers shake", "Faster, louder, everybody go wild",
        "Pumping, sweating, running, I can't sit still", "The drums pound and the whole place shakes",
        "Full power, maximum speed, don't slow down", "Electric in my veins, I am bursting with power",
        "Rush, push, bang, clap, one more time",
    ),
    "hopeful": (
        "Tomorrow will be brighter, hold on", "There is light after this long night",
        "One day we will make it, I believe", "Things are getting better step by step",
        "I can see the first signs of change", "We will find a way, I trust that good things are coming",
        "After the winter there will be a spring", "I am healing and I am starting again",
        "My children will have the chance that I never had",
    ),
    "joyful": (
        "I am laughing in the sunshine, life is good", "What a happy day, we sing and smile",
        "My heart is bursting with delight", "I could hug the whole world today",
        "Laughter everywhere and love all around us", "Pure delight, I jump up and clap my hands",
        "Best day of my life, my heart is singing", "We celebrate together, smiling and cheering",
        "Everything is wonderful and I feel so lucky",
    ),
    "lonely": (
        "Nobody calls, the room is empty again", "I am by myself and the silence is loud",
        "No one by my side tonight, all alone", "I have no friends here and nobody knows me",
        "I wait for somebody to talk to and no one comes", "Everyone has somebody and I have only myself",
        "I wish there was someone to share this with", "Invisible, forgotten, apart from the others",
        "So far from everyone I love, cut off and solitary",
    ),
    "melancholic": (
        "A gentle sadness falls with the rain", "Tears for something I cannot name",
        "The leaves are falling and my heart is heavy", "Everything fades and I sigh and let it go",
        "I feel blue and I don't know why", "A slow sad song, a grey sky, an ache inside",
        "Something beautiful is ending and I can only watch", "Nothing tastes of anything, the days are dull and heavy",
        "Wistful evening, withered roses, a quiet sorrow",
    ),
    "nostalgic": (
        "Remember when we were kids on the block", "I miss those old days and the songs we played",
        "Back then the summers never ended", "Those were the days and I wish they were back",
        "It takes me back to when I was a child", "Looking at old photographs of how it used to be",
        "I remember the smell of that place and the people who were there",
        "We were so young then, before everything changed",
        "The neighborhood is different now but I still see the old one",
    ),
    "playful": (
        "I am only teasing, catch me if you can", "Silly jokes and funny faces, we goof around",
        "Wink at the teacher, trip on my own rhymes", "Ha ha, I fooled you, that was a prank",
        "Nonsense words and tongue twisters, wiggle and giggle", "A monkey in a tuxedo and a penguin on skates",
        "Don't be so serious, let's mess about", "Cheeky grin, I'm teasing and you know it",
        "I make up goofy names for everyone I meet",
    ),
    "reflective": (
        "I look back at my life and ask what it means", "Thinking about the choices that made me",
        "I question myself in the mirror and learn", "What kind of person have I become",
        "I used to think one way and now I see that I was wrong", "I weigh what I chose and what it cost",
        "I try to understand why I did those things", "Wisdom came late and I turn it over in my mind",
        "The older I get the less I am sure of",
    ),
    "romantic": (
        "Hold me close, your eyes are all I see", "I want to kiss you under the moon",
        "My darling, my heart belongs to you", "I fall for you again each time you smile",
        "Come closer, baby, let me whisper in your ear", "Your touch makes me tremble, you are all I want",
        "I would do anything to be near you", "Roses for my lady, a slow dance for two",
        "We belong together and I adore you",
    ),
    "somber": (
        "We stand in black around the grave", "Candles for the dead, nobody speaks",
        "The bell tolls and the house is dark", "A funeral in the rain, black coats and bowed heads",
        "We grieve and there are no words", "He breathed his last and we covered his face",
        "The cemetery, the coffin, the widow in her veil", "So many lives lost, the whole nation mourns",
        "A heavy silence lies over the place where it happened",
    ),
    "triumphant": (
        "We won, raise the trophy, look at us now", "From nothing to the top, we made it",
        "Victory at last after all the battles", "They said I would never make it and here I stand",
        "After years of losing we finally beat them", "I overcame it all and now the glory is mine",
        "Champions at last, the crowd is roaring for us", "We did it, we conquered, nothing could stop us",
        "I fought my way up and today I claim my crown",
    ),
}  # fmt: skip

THEMES: Final[dict[str, tuple[str, ...]]] = {
    "ambition": ("I work all night to reach the top", "Chasing my dream, I will not stop until I make it", "Hungry for success, grinding every day"),
    "money": ("Counting cash, stacks of bills in the bank", "I need to get paid, dollars on my mind", "Gold, riches, wealth and expensive things"),
    "street_life": ("On the corner where the hustlers stand", "The block is hot, police cars roll by", "Raised in the projects, the street taught me"),
    "struggle": ("We had no food and the rent was due", "Hard times, I fight to survive", "I carry the weight and I keep going through the pain"),
    "love": ("I love you with all of my heart", "You and me together for ever, my love", "Falling in love with her smile"),
    "heartbreak": ("You left me and my heart is broken", "She said goodbye and I cried all night", "We broke up and I cannot get over you"),
    "family": ("My mother raised us on her own", "My brother, my sister, my father at the table", "I want my children to have it better"),
    "friendship": ("My friends were there when I fell", "We grew up together, best of friends", "A friend to laugh with and lean on"),
    "loyalty": ("I ride for my people until the end", "I never switch sides, I stay true to my crew", "A promise is a promise, I keep my word"),
    "betrayal": ("My friend stabbed me in the back", "He smiled at me and sold me out", "A snake in my own house, you lied to me"),
    "party": ("We dance and drink until the morning", "Everybody at the party put your hands up", "The DJ plays and the whole house jumps"),
    "nightlife": ("Neon lights and the club at midnight", "Driving downtown after dark, bars and bouncers", "The city at night, bottles on the table"),
    "fame": ("Cameras flash, everyone knows my name", "I am a star and strangers want a picture", "On stage, on magazine covers, the price of fame"),
    "faith": ("I pray to God to guide my steps", "The Lord is my shepherd, heaven and soul", "Angels, church, blessing and a prayer"),
    "death": ("He died young and we buried him", "Rest in peace, the grave is cold", "Death comes for all of us"),
    "nature": ("The river runs through the green valley", "Birds sing, flowers bloom and the wind blows in the trees", "Sea, mountain, sky and moon"),
    "social_commentary": ("The politicians lie while the poor go hungry", "Injustice in this country must end", "The system keeps us down"),
    "violence": ("Shots fired, a body on the ground", "Guns and knives, blood in the street", "The soldiers fight and the battle rages"),
    "drugs": ("Smoking weed, rolling up another one", "Pills and powder, he is addicted", "Selling dope, cooking crack in the kitchen"),
    "identity": ("I am trying to find out who I am", "My skin, my name, my roots make me", "I am proud to be myself, not who you want"),
    "hip_hop_culture": ("I rock the mic, beats and rhymes, hip hop", "The DJ scratches, breakers dance", "MCs battle in the cypher, lyrics and flow"),
    "travel": ("On the road again, a suitcase and a ticket", "Flying across the ocean to another country", "We sail away to distant shores"),
    "time": ("The years go by and I grow old", "Time is running out, the clock is ticking", "Yesterday, today and tomorrow, the hours pass"),
    "home": ("I am coming home to the house where I was born", "My hometown, my street, my front door", "There is no place like home"),
}  # fmt: skip

STORY: Final = (
    "Let me tell you a story of a boy who lived in a small town",
    "Then one night there came a knock and she opened the door",
    "He walked in and said to her, we have to leave before dawn",
)
NOT_STORY: Final = ("I am the best, I am the best", "Put your hands up, everybody jump", "Yeah yeah, come on, let's go")

# Words that carry a story along: when, who did what, who said what.
NARRATIVE_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        after afterwards again ago before began begin came climbed cried died drove fell felt finally found gave grabbed grew had
        heard he held her him his knew later laughed left lived looked lost met morning night once opened pulled ran reached
        remember said sat saw she slept smiled spoke stood story suddenly then they thought told took turned until waited walked
        was went were when whispered while woke wondered years yesterday
        """,
    )
)
