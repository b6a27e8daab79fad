"""What each mood and theme sounds like: a few sentences of our own, whose vectors are the landmarks of rules.py."""

import re
from typing import Final

MOODS: Final[dict[str, tuple[str, ...]]] = {
    "aggressive": ("I will run right through you, step up and get hurt", "Fists up, no mercy, I came to break something", "Come closer and I crush you"),
    "angry": ("I am furious and I want you to hear it", "They lied to my face and my blood is boiling", "I scream because I hate what you did"),
    "anxious": ("My chest is tight and I cannot sleep", "I keep looking over my shoulder, scared of what comes", "Worry will not let my mind rest"),
    "bitter": ("You took everything and never said thanks", "I gave you my best and got nothing but scorn", "I still resent how you treated me"),
    "boastful": ("Nobody does it better than me, I am the greatest", "Look at my chain, my car, my name in lights", "All of you copy me, I run this game"),
    "calm": ("Slow breath, quiet water, nothing to prove", "I sit in peace while the evening settles", "Easy now, the day is soft and still"),
    "confident": ("I know what I am worth and I walk tall", "I trust my hands, I was made for this", "No doubt in me, I take my shot"),
    "defiant": ("You cannot make me kneel, I will not obey", "They told me no and I did it anyway", "I stand my ground against all of them"),
    "dreamy": ("Floating through clouds in a violet haze", "I drift between sleep and starlight", "Everything glows and the world feels unreal"),
    "energetic": ("Hands up, jump, turn the bass up loud", "Move your feet, feel the beat, let's go", "The crowd is bouncing and the speakers shake"),
    "hopeful": ("Tomorrow will be brighter, hold on", "There is light after this long night", "One day we will make it, I believe"),
    "joyful": ("I am laughing in the sunshine, life is good", "What a happy day, we sing and smile", "My heart is bursting with delight"),
    "lonely": ("Nobody calls, the room is empty again", "I am by myself and the silence is loud", "No one by my side tonight, all alone"),
    "melancholic": ("A gentle sadness falls with the rain", "Tears for something I cannot name", "The leaves are falling and my heart is heavy"),
    "nostalgic": ("Remember when we were kids on the block", "I miss those old days and the songs we played", "Back then the summers never ended"),
    "playful": ("I am only teasing, catch me if you can", "Silly jokes and funny faces, we goof around", "Wink at the teacher, trip on my own rhymes"),
    "reflective": ("I look back at my life and ask what it means", "Thinking about the choices that made me", "I question myself in the mirror and learn"),
    "romantic": ("Hold me close, your eyes are all I see", "I want to kiss you under the moon", "My darling, my heart belongs to you"),
    "somber": ("We stand in black around the grave", "Candles for the dead, nobody speaks", "The bell tolls and the house is dark"),
    "triumphant": ("We won, raise the trophy, look at us now", "From nothing to the top, we made it", "Victory at last after all the battles"),
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
