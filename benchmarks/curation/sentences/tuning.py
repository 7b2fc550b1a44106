"""Templates and made-up people, streets and hosts to tune on. The reported half shares none of them."""

import random
from collections.abc import Callable, Mapping

from benchmarks.curation.sentences import said
from corpus.words import PersonalKind as Kind

FIRST = said.words(
    """sarah david emma liam noah ahmed fatima wei yuki carlos maria ingrid sven anita rajesh priya olga

    dmitri aisha kwame siobhan declan fiona hamish chloe zoe grace mark frank rose marlene gustav

    bronwen thabo elena pedro lucia hans monica derek"""
)
LAST = said.words(
    """henderson okafor lindqvist raman kapoor singh nguyen tran kowalski novak ivanov chen martinez
    delgado fischer smith jones brown carter mason cooper taylor baker hill murphy o'brien macleod
    davies nakamura sato haddad rahman mensah adeyemi johansson virtanen rossi moreau schwarz petersen"""
)
STREETS = said.words(
    """maple oak elm birch willow park washington lincoln cedar lake river mill church station victoria
    queens pine chestnut garfield sunset highland franklin"""
)
STREET_WORDS = said.words("street avenue road lane drive boulevard court")
TOWNS = said.words("springfield riverton lakeview fairmont ashford milton georgetown bristol")
HOSTS = said.words("quietharbor maplebyte gmail oakandpine yahoo northlight example outlook")
TOPS = ["dot com", "dot org", "dot net", "dot com"]

PLAIN = said.grouped(said.one_by_one, (3, 3, 4), ("",))
DASHES = said.grouped(said.one_by_one, (3, 3, 4), ("dash",))
CARD_WAYS = [said.one_by_one, said.grouped(said.one_by_one, (4,), ("", "dash")), said.in_pairs, said.with_repeats]
NUMBER_WAYS = [said.one_by_one, said.with_repeats, said.in_pairs]
PHONE_WAYS = [PLAIN, DASHES, said.with_repeats, said.in_pairs]


def email(lots: random.Random) -> str:
    first, last = lots.choice(FIRST), lots.choice(LAST).replace("'", "")
    name = lots.choice(
        [
            f"{first} dot {last}",
            f"{first} underscore {last}",
            f"{first[0]} {last}",
            f"{first} {said.number(lots.randint(1, 99))}",
            f"{first} dot {last} {said.number(lots.randint(1, 99))}",
        ]
    )
    return f"{name} at {lots.choice(HOSTS)} {lots.choice(TOPS)}"


def phone(lots: random.Random) -> str:
    return lots.choice(PHONE_WAYS)(f"{lots.randint(2, 9)}{said.some_digits(lots, 9)}", lots)


def card(lots: random.Random) -> str:
    return lots.choice(CARD_WAYS)(said.luhn(lots.choice("45") + said.some_digits(lots, 14)), lots)


def account(lots: random.Random) -> str:
    return lots.choice(NUMBER_WAYS)(said.some_digits(lots, lots.randint(8, 12)), lots)


def national_id(lots: random.Random) -> str:
    digits = f"{lots.randint(100, 665)}{lots.randint(10, 99)}{lots.randint(1000, 9999)}"
    return lots.choice([said.one_by_one, said.grouped(said.one_by_one, (3, 2, 4), ("dash", ""))])(digits, lots)


def name(lots: random.Random) -> str:
    return f"{lots.choice(FIRST)} {lots.choice(LAST)}" if lots.random() < 0.7 else lots.choice(FIRST)


def address(lots: random.Random) -> str:
    house = lots.choice([said.number(lots.randint(1, 99)), said.one_by_one(str(lots.randint(100, 9999)), lots)])
    street = f"{house} {lots.choice(STREETS)} {lots.choice(STREET_WORDS)}"
    return lots.choice(
        [
            street,
            f"{street} {lots.choice(TOWNS)}",
            f"p o box {said.number(lots.randint(10, 999))}",
            f"{street} apartment {said.number(lots.randint(1, 40))}",
        ]
    )


MONTHS = said.words("january february march april may june july august september october november december")
ORDINALS = said.words("first second third fourth fifth ninth tenth twelfth fifteenth twentieth thirtieth")


def birth(lots: random.Random) -> str:
    return f"{lots.choice(MONTHS)} {lots.choice(ORDINALS)} nineteen {said.number(lots.randint(31, 99))}"


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
        "my email is {it}",
        "send the report to {it}",
        "you can write to me at {it} any time",
        "email {it} and say that i am late",
        "add {it} to the meeting",
        "is {it} still your address",
    ],
    Kind.PHONE: [
        "call {it}",
        "my phone number is {it}",
        "you can reach me at {it} after six",
        "text {it} and tell them dinner is ready",
        "the plumber's number is {it}",
        "{it} is my new cell",
    ],
    Kind.CARD: [
        "my card number is {it}",
        "pay with {it} please",
        "the visa is {it} and it expires next year",
        "use {it} for the order",
    ],
    Kind.ACCOUNT: [
        "my account number is {it}",
        "transfer it to account {it}",
        "the routing number is {it}",
        "my policy number is {it} can you check it",
    ],
    Kind.NATIONAL_ID: [
        "my social security number is {it}",
        "the social is {it}",
        "they asked for my ssn it is {it}",
        "his passport number is {it}",
    ],
    Kind.NAME: [
        "my name is {it}",
        "hi this is {it} speaking",
        "call {it}",
        "tell {it} that i'm running late",
        "is there any mail for {it}",
        "remind me to meet {it} tomorrow",
        "did {it} feed the dog",
        "send a message to {it}",
        "i had lunch with {it} yesterday",
        "{it} is coming over tonight",
        "i'm {it} nice to meet you",
        "put {it} on the guest list",
    ],
    Kind.ADDRESS: [
        "i live at {it}",
        "send the package to {it}",
        "my address is {it}",
        "navigate to {it}",
        "the party is at {it} on friday",
    ],
    Kind.DATE_OF_BIRTH: [
        "my birthday is {it}",
        "i was born on {it}",
        "date of birth {it}",
    ],
}

CLEAN = [
    "what's the weather in {city}",
    "set a timer for {small} minutes",
    "set a timer for {small} minutes and {small} seconds",
    "wake me up at {hour} thirty",
    "set an alarm for {hour} {minute} in the morning",
    "what's the weather like tomorrow",
    "will it rain on {weekday}",
    "turn on the {device}",
    "turn off the {device} in the {room}",
    "dim the {device} to {tens} percent",
    "set the thermostat to {degrees} degrees",
    "what is {small} times {small}",
    "what is {tens} plus {tens}",
    "how many ounces are in {small} cups",
    "add {food} to the shopping list",
    "add {food} and {food} to my list",
    "play some {genre} music",
    "play {song}",
    "play {song} by {artist}",
    "turn the volume up to {small}",
    "what happened in nineteen {tens} {unit}",
    "who won the game last night",
    "how far is the moon",
    "remind me to take out the trash at {hour}",
    "remind me to call my mother on {weekday}",
    "i think i left the {device} on in the {room}",
    "could you tell me how to make {food} soup",
    "the recipe needs {small} cups of {food} and {small} eggs",
    "it was about {tens} degrees outside and i was really tired",
    "we went to the beach last summer and it was lovely",
    "i'm hungry let's order some {food}",
    "this is really good",
    "call me later",
    "call me a taxi please",
    "open the garage door",
    "stop",
    "next song please",
    "pause the movie and lower the blinds",
    "how old is the universe",
    "flip a coin",
    "tell me a joke about {food}",
    "what time is it in the afternoon over there",
    "the meeting was moved from {hour} to {hour}",
    "he ran {small} miles in {tens} minutes",
    "the score was {small} to {small}",
    "about {small} hundred people came to the show",
    "the house was sold for two hundred thousand dollars",
    "turn left in {small} hundred feet",
    "change the channel to {small}",
    "set the oven to three hundred fifty",
    "in {small} days we leave for the mountains",
    "skip to chapter {small}",
    "my favorite color is green",
    "it takes {small} hours to drive there",
    "at the moment i am reading a book about trains",
    "look at that dot on the wall",
]

OTHER: Mapping[str, list[str]] = {
    "city": ["london", "paris", "chicago", "new york", "tokyo"],
    "small": [said.number(value) for value in range(2, 21)],
    "tens": [said.number(value) for value in range(20, 100, 10)],
    "unit": [said.number(value) for value in range(1, 10)],
    "hour": [said.number(value) for value in range(1, 13)],
    "minute": ["fifteen", "forty five", "oh five", "twenty"],
    "degrees": [said.number(value) for value in range(60, 80)],
    "weekday": said.words("monday tuesday wednesday thursday friday saturday sunday"),
    "device": ["lights", "lamp", "fan", "heater", "television", "radio", "kettle", "coffee maker", "sprinkler"],
    "room": ["kitchen", "bedroom", "bathroom", "living room", "garage", "hallway", "office"],
    "food": said.words("milk butter tomato chicken garlic bread cheese basil noodles umbrella"),
    "genre": said.words("jazz rock classical country folk dance"),
    "song": [
        "summer rain",
        "the long way home",
        "blue monday morning",
        "dancing in the kitchen",
        "silver moon",
        "sweet lorraine",
        "hey julia",
        "nineteen eighty four",
    ],
    "artist": ["the velvet foxes", "paper lanterns", "anna bell", "the northern lights", "johnny stone", "night train"],
}
