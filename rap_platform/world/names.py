"""Invented people and places: stage names, home towns, producers. Pure functions of a random stream."""

from random import Random

_FIRST = (
    "Velvet", "Cobalt", "Lucid", "Static", "Marble", "Juno", "Ivory", "Sable", "Quartz", "Rook", "Ember", "Onyx", "Saffron", "Tempo", "Cipher",
    "Nimbus", "Copper", "Dusk", "Mango", "Vesper", "Granite", "Pixel", "Cedar", "Falcon", "Domino", "Zephyr", "Paprika", "Lantern", "Crimson",
    "Polaris", "Jericho", "Oracle", "Biscuit", "Thunder", "Argyle", "Calypso", "Magnet", "Plaid", "Turbo", "Umber", "Kodiak", "Sonnet",
)
_LAST = (
    "Parable", "Walker", "Supreme", "Bishop", "Ledger", "Monroe", "Static", "Prophet", "Delgado", "Fontaine", "Marrow", "Cadence", "Okoro",
    "Vandal", "Novak", "Pharaoh", "Castell", "Huxley", "Ransom", "Sparrow", "Baptiste", "Kingfisher", "Lockwood", "Mercy", "Bellamy", "Tariq",
    "Winterbourne", "Saint", "Pendulum", "Harbor", "Achebe", "Moreau", "Quill", "Vega", "Thistle", "Ozuna-Bell", "Graves", "Hollis",
)
_SHORT = ("Deuce", "Quill", "Bono-Rex", "Luma", "Tekk", "Zola", "Wren", "Dez", "Kilo", "Mako", "Vee", "Pryor", "Nix", "Rafa", "Sunny", "Tolu",
          "Bam", "Gigi", "Cass", "Yaz", "Moss", "Ozzo", "Juke", "Ash", "Tavi", "Bee", "Knox", "Lio")
_NOUN = ("Syntax", "Grammar", "Gravity", "Parallel", "Verdict", "Voltage", "Almanac", "Horizon", "Scripture", "Tangent", "Riddle", "Compass",
         "Bandwidth", "Metric", "Thesis", "Lullaby", "Clockwork", "Paradox", "Fable", "Anchor", "Theorem", "Vinyl", "Equinox", "Drumline")
_SPECIAL = ("Señor Static", "MC Łuna", "Björn Again & Again", "Ñandu", "DJ Çelik", "Zoë Quartz", "Młody Krater", "Åsa Voltage", "Lil Café",
            "El Piñatero", "Renée Ruckus", "Kofi Ünal", "Dvořák Jones", "Mørk Mango", "Señorita Syntax", "Thế Thunder")
_CREW = ("Wizards", "Cartel of Clowns", "Committee", "Choir Boys", "Orphans", "Cousins", "Symposium", "Librarians", "Night Owls", "Locksmiths")
_CITY_A = ("Port", "North", "East", "New", "Fort", "Lake", "West", "Saint", "Old", "Grand")
_CITY_B = ("Calloway", "Merrin", "Tarrow", "Ashby", "Lorraine", "Verity", "Dunmore", "Osage", "Halden", "Pemberly", "Quarry", "Solace", "Bellweather",
           "Cinder", "Marigold", "Haven", "Orchard", "Tamarack")
_HOOD = ("Saltbox Hill", "the Nines", "Cannery Row East", "Lower Marrow", "the Bricks", "Pigeon Flats", "Tinsel Heights", "the Basin", "Copperside",
         "Ferry Point", "the Low End", "Mulberry Court", "Northgate", "the Terraces", "Kettle Park", "Lantern Side", "the Wharf", "Gables South",
         "Juniper Projects", "the Switchyard", "Orchard View", "the Hollow", "Candle Row", "Eastmere")


def stage_name(stream: Random, index: int) -> str:
    """An invented stage name; uniqueness is the caller's business."""
    if index % 16 == 5:
        return _SPECIAL[index // 16 % len(_SPECIAL)]
    pattern = stream.randrange(12)
    first, last, short, noun = stream.choice(_FIRST), stream.choice(_LAST), stream.choice(_SHORT), stream.choice(_NOUN)
    return (
        f"{first} {last}", f"{first} {last}", f"Lil {noun}", f"MC {first}", f"{short} {last}", f"{short} the {noun}", f"Young {noun}",
        f"{first} & {short}", f"{short} {noun}", f"{noun} {short}", f"The {first} {stream.choice(_CREW)}", f"{noun} {stream.randrange(2, 99)}",
    )[pattern]


def city(stream: Random) -> str:
    """An invented city."""
    return f"{stream.choice(_CITY_A)} {stream.choice(_CITY_B)}"


def hood(stream: Random) -> str:
    """An invented neighbourhood."""
    return stream.choice(_HOOD)


def producer(stream: Random) -> str:
    """An invented producer."""
    return stream.choice((f"{stream.choice(_SHORT)} Beats", f"Prof. {stream.choice(_LAST)}", f"{stream.choice(_NOUN)} Lab", f"DJ {stream.choice(_FIRST)}"))
