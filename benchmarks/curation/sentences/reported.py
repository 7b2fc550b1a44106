"""Templates and made-up people, streets and hosts to report on. Rules are never changed for what is found here."""

import random
from collections.abc import Callable, Mapping

from benchmarks.curation.sentences import said
from corpus.words import PersonalKind as Kind

FIRST = said.words(
    """james olivia ethan hannah omar leila jun mei diego camila astrid lars kavita arjun tatiana boris

    zainab chidi niamh callum morag rhys isla ruby felix jasper penelope theodore nadia yusuf amara

    bjorn paolo giulia klaus beatrice vincent harriet trevor joyce"""
)
LAST = said.words(
    """whitfield abernathy oyelaran bergstrom krishnan mehta bhatt pham duong wojcik horvath petrov zhang
    lopez castillo schneider wilson thompson evans walker fletcher sawyer turner weaver wood gallagher
    o'connor campbell griffiths tanaka yamamoto khalil hussain boateng nwosu eriksson korhonen bianchi
    dubois weber"""
)
STREETS = said.words(
    """juniper hawthorn sycamore magnolia harbor orchard jefferson madison prospect meadow quarry chapel
    market kings windsor laurel poplar bellevue summit canyon lexington delaware"""
)
STREET_WORDS = said.words("street avenue road way place terrace circle parkway crescent close")
TOWNS = said.words("hillsboro oakdale clearwater newbury kingston dover salem cambridge")
HOSTS = said.words("bluefinch hotmail copperkettle tidepool icloud saltmarsh greenlantern proton")
TOPS = ["dot com", "dot co dot uk", "dot io", "dot c o m", "dot edu", "dot org"]

PHONE_WAYS = [
    said.with_oh,
    said.with_hundreds,
    said.grouped(said.with_oh, (3, 3, 2), ("",)),
    said.grouped(said.with_repeats, (3, 3, 4), ("uh", "then", "and then")),
    said.grouped(said.with_oh, (3, 7), ("",)),
]
CARD_WAYS = [
    said.with_oh,
    said.grouped(said.with_repeats, (4,), ("space", "then")),
    said.grouped(said.in_pairs, (4,), ("uh", "and")),
    said.grouped(said.with_oh, (4, 6, 5), ("",)),
]
NUMBER_WAYS = [
    said.with_oh,
    said.grouped(said.with_repeats, (4,), ("then", "")),
    said.grouped(said.in_pairs, (4,), ("",)),
]


def email(lots: random.Random) -> str:
    first, last = lots.choice(FIRST), lots.choice(LAST).replace("'", "")
    name = lots.choice(
        [
            f"{first} {last}",
            f"{' '.join(first)} dot {' '.join(last)}",
            f"{last} dash {first}",
            f"{first} point {last}",
            f"the real {first} {said.with_oh(said.some_digits(lots, 3), lots)}",
            f"{first} {lots.choice('abcdefgh')} {last} nineteen {said.number(lots.randint(60, 99))}",
        ]
    )
    sign = lots.choice(["at", "at", "at sign"])
    return f"{name} {sign} {lots.choice(HOSTS)} {lots.choice(TOPS)}"


def phone(lots: random.Random) -> str:
    digits = f"{lots.randint(2, 9)}{said.some_digits(lots, lots.choice([6, 9, 9, 9]))}"
    if lots.random() < 0.3:
        digits = digits[:-2] + "00"
    return lots.choice(PHONE_WAYS)(digits, lots)


def card(lots: random.Random) -> str:
    if lots.random() < 0.25:
        return said.grouped(said.with_oh, (4, 6, 5), ("",))(said.luhn("37" + said.some_digits(lots, 12)), lots)
    return lots.choice(CARD_WAYS)(said.luhn(lots.choice("2456") + said.some_digits(lots, 14)), lots)


def account(lots: random.Random) -> str:
    if lots.random() < 0.3:
        return " ".join(
            each if each.isalpha() else said.with_oh(each, lots)
            for each in said.iban(lots.choice(["DE", "FR"]), said.some_digits(lots, 18))
        )
    return lots.choice(NUMBER_WAYS)(said.some_digits(lots, lots.randint(7, 11)), lots)


def national_id(lots: random.Random) -> str:
    if lots.random() < 0.3:
        letters = " ".join(lots.choices("bcdfghjkmnpqrstvwxyz", k=2))
        return f"{letters} {said.with_oh(said.some_digits(lots, 6), lots)} {lots.choice('abcd')}"
    digits = f"{lots.randint(100, 665)}{lots.randint(10, 99)}{lots.randint(1000, 9999)}"
    return lots.choice([said.with_oh, said.with_repeats, said.grouped(said.in_pairs, (3, 2, 4), ("then", ""))])(
        digits, lots
    )


def name(lots: random.Random) -> str:
    return f"{lots.choice(FIRST)} {lots.choice(LAST)}" if lots.random() < 0.6 else lots.choice(FIRST)


def address(lots: random.Random) -> str:
    value = lots.randint(3, 2999)
    house = lots.choice(
        [said.number(value), said.with_oh(str(value), lots), said.in_pairs(f"{value:04d}".lstrip("0"), lots)]
    )
    side = lots.choice(["", "north ", "west ", "old "])
    street = f"{house} {side}{lots.choice(STREETS)} {lots.choice(STREET_WORDS)}"
    return lots.choice(
        [
            street,
            street,
            f"{street} unit {said.number(lots.randint(1, 30))} {lots.choice(TOWNS)}",
            f"post office box {said.with_oh(said.some_digits(lots, 4), lots)}",
            f"{lots.choice(TOWNS)} ohio {said.with_oh('4' + said.some_digits(lots, 4), lots)}",
        ]
    )


MONTHS = said.words("january february march april may june july august september october november december")
DAYS = said.words("second sixth seventh eighth eleventh thirteenth eighteenth nineteenth")


def birth(lots: random.Random) -> str:
    year = lots.choice(
        [f"nineteen {said.number(lots.randint(40, 99))}", f"two thousand and {said.number(lots.randint(1, 6))}"]
    )
    return f"the {lots.choice(DAYS)} of {lots.choice(MONTHS)} {year}"


MAKERS: Mapping[Kind, Callable[[random.Random], str]] = {
    Kind.EMAIL: email,
    Kind.PHONE: phone,
    Kind.CARD: card,
    Kind.ACCOUNT: account,
    Kind.NATIONAL_ID: national_id,
    Kind.NAME: name,
    Kind.ADDRESS: address,
    Kind.DATE_OF_BIRTH: birth,
}

PLANTED: Mapping[Kind, list[str]] = {
    Kind.EMAIL: [
        "just drop me a line it's {it} okay",
        "forward the tickets to {it} would you",
        "so the best way to get hold of her is {it}",
        "new contact {it}",
        "sign me up with {it} for the newsletter",
        "{it} bounced again",
        "could you copy {it} on that",
    ],
    Kind.PHONE: [
        "ring the school on {it} please",
        "if nobody answers try {it}",
        "she gave me {it} as her number",
        "dial {it} on speaker",
        "our landline used to be {it} before we moved",
        "save {it} under dentist",
        "the caller id said {it}",
    ],
    Kind.CARD: [
        "charge it to {it} thanks",
        "okay so it starts {it} did you get that",
        "the long number on the front is {it}",
        "book the hotel with my mastercard {it}",
        "i'll read it out {it}",
    ],
    Kind.ACCOUNT: [
        "wire the rent to {it}",
        "our member number at the gym is {it}",
        "the iban they sent me reads {it}",
        "savings account ending it's {it} i think",
        "put {it} down as the customer reference",
    ],
    Kind.NATIONAL_ID: [
        "for the form my social is {it}",
        "driver's license {it}",
        "they need your insurance number which is {it}",
        "passport {it} issued in may",
        "tax id {it} if anyone asks",
    ],
    Kind.NAME: [
        "good morning {it} here from the clinic",
        "you're speaking to {it}",
        "is {it} home yet",
        "what time does {it} get off work",
        "ask {it} whether the train was late",
        "order flowers for {it} by thursday",
        "we're having dinner at {it}'s place",
        "open my chat with {it}",
        "happy birthday {it}",
        "schedule a call with {it} next week",
        "i was telling {it} about the garden",
        "{it} broke the window again",
        "the parcel is for {it} next door",
        "please welcome {it}",
        "read me the last message from {it}",
    ],
    Kind.ADDRESS: [
        "how do i get to {it} from here",
        "we just moved into {it} last month",
        "have the pizza brought to {it}",
        "pick me up outside {it} at nine",
        "our office used to be at {it} you know",
        "return it to {it}",
    ],
    Kind.DATE_OF_BIRTH: [
        "she was born {it}",
        "the patient's date of birth is {it}",
        "my birthday falls on {it}",
        "{it} that's when i was born",
    ],
}

CLEAN = [
    "what time is it in {city} right now",
    "start a {small} minute countdown for the pasta",
    "how long until {hour} fifteen",
    "cancel my {hour} o'clock alarm",
    "snooze for {small} more minutes",
    "is it going to snow this {weekday} evening",
    "what will the high be on {weekday}",
    "switch the {device} to warm white",
    "make the {room} a little cooler like {degrees}",
    "lock the back door and close the {room} curtains",
    "divide {tens} {unit} by {small}",
    "what's the square root of {tens} {unit}",
    "convert {tens} kilometers to miles",
    "put {food} on the grocery list",
    "do we still have any {food} left",
    "shuffle my {genre} playlist",
    "i want to hear {song}",
    "put on {song} by {artist}",
    "mute the speaker in the {room}",
    "when did the war end in nineteen {tens} {unit}",
    "who invented the telephone",
    "how deep is the ocean at its deepest point",
    "give me the news headlines",
    "don't forget to water the plants every {small} days",
    "where did i park the car",
    "we watched a film about penguins and fell asleep",
    "grandma makes the best {food} pie in the world",
    "i'd like a large coffee with two sugars",
    "honestly it was too loud in there for me",
    "my back hurts from carrying all that {food}",
    "she said it cost {tens} {unit} dollars",
    "the bus comes every {small} minutes",
    "they won by {small} points in overtime",
    "roughly {small} thousand tickets were sold",
    "the company made {small} million dollars in twenty twenty {unit}",
    "rewind {tens} seconds",
    "go back to episode {small} of season {unit}",
    "preheat the oven to four hundred twenty five degrees",
    "take the second exit at the roundabout",
    "the flight leaves at {hour} fifty from gate {small}",
    "good night",
    "never mind",
    "volume down",
    "what's on channel {small}",
    "is the dishwasher finished",
    "spell the word necessary",
    "what does karaoke mean",
    "how do you say good morning in italian",
    "count from one to ten",
    "roll two dice",
    "the temperature dropped to minus {small} overnight",
    "our wifi is slow at the cottage",
    "we waited at the station for {small} hours",
    "point the camera at the door",
    "i'm not sure this is the right one",
    "call the restaurant and book a table for {small}",
]

OTHER: Mapping[str, list[str]] = {
    "city": ["berlin", "seattle", "dublin", "san francisco", "rome"],
    "small": [said.number(value) for value in range(2, 31)],
    "tens": [said.number(value) for value in range(20, 100, 10)],
    "unit": [said.number(value) for value in range(1, 10)],
    "hour": [said.number(value) for value in range(1, 13)],
    "degrees": [said.number(value) for value in range(15, 26)],
    "weekday": said.words("monday tuesday wednesday thursday friday saturday sunday"),
    "device": ["ceiling light", "projector", "humidifier", "air conditioner", "porch lamp", "vacuum", "toaster"],
    "room": ["nursery", "basement", "dining room", "attic", "guest room", "den"],
    "food": said.words("apples spinach yogurt rice mushrooms cinnamon salmon lentils pumpkin"),
    "genre": said.words("blues techno reggae workout opera acoustic"),
    "song": [
        "autumn letters",
        "midnight in the harbor",
        "seven bridges",
        "oh caroline",
        "the last goodbye",
        "paper airplanes",
        "one more saturday",
        "dear eleanor",
    ],
    "artist": ["the wandering stars", "glass animals choir", "lily marsh", "broken compass", "tom rivers", "high tide"],
}
