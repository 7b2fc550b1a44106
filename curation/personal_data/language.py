"""The words by which a language says numbers, addresses and the like. Data: another language is another `Language`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from num2words import num2words


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _list(words: str) -> list[str]:
    return words.split()


def _all(words: str, kind: str) -> dict[str, str]:
    return dict.fromkeys(words.split(), kind)


@dataclass(frozen=True, slots=True)
class Language:
    """Words in lower case. `numbers` are the words for 0 to 99, `scales` those that multiply what stands before."""

    numbers: Mapping[str, int]
    scales: Mapping[str, int]
    also: frozenset[str]
    """Joins the parts of one number: "two hundred and five"."""
    joiners: frozenset[str]
    """May stand between the digits of one number."""
    repeats: Mapping[str, int]
    letters: Mapping[str, str]
    """Words for single letters, beside the letters themselves."""
    words_too: frozenset[str]
    """Letters that are words, and so begin or end no number."""
    at: frozenset[str]
    dots: frozenset[str]
    marks: frozenset[str]
    """Other signs that stand in addresses of e-mail."""
    mail_hosts: frozenset[str]
    country_hosts: frozenset[str]
    """Function words that also end hosts: "dot me"."""
    mail_stops: frozenset[str]
    """Words before an address of e-mail that are none of it."""
    number_cues: Mapping[str, str]
    """A word to the kind that digits near it are, `PersonalKind`'s value."""
    units: frozenset[str]
    """What is counted or measured by a number before it."""
    months: frozenset[str]
    ordinals: frozenset[str]
    date_links: frozenset[str]
    birth_cues: frozenset[str]
    streets: frozenset[str]
    common_streets: frozenset[str]
    """Street words that mean much else: nothing but a number and one or two words may stand before."""
    street_endings: tuple[str, ...]
    """Ends of street names whose number comes after."""
    no_street: frozenset[str]
    """Words that stand in no street's name."""
    rooms: frozenset[str]
    """What a number after it makes a part of an address."""
    boxes: tuple[tuple[str, ...], ...]
    postcode_cues: tuple[tuple[str, ...], ...]
    postcode_words: frozenset[str]
    """Before a word for a code: then it is no account's."""
    states: frozenset[str]
    """After these five digits are a postcode."""
    home_cues: tuple[tuple[str, ...], ...]
    """After these comes where somebody lives."""
    name_cues: tuple[tuple[str, ...], ...]
    """After these comes a name, whatever it sounds like."""
    weak_name_cues: tuple[tuple[str, ...], ...]
    """After these comes a name, if it is no common word."""
    plain_cues: frozenset[str]
    """Of these cues, those that stand before much else: without a model of names they say nothing."""
    after_names: tuple[tuple[str, ...], ...]
    """Before these stands a name."""
    titles: frozenset[str]
    no_name: frozenset[str]
    """Function words and the like: no part of a name."""
    commonly: frozenset[str] = field(default_factory=frozenset)
    """Words that often follow a weak cue and are no names."""


def _phrases(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split()) for line in text.splitlines() if line.strip())


_TENS = _list("""twenty thirty forty fifty sixty seventy eighty ninety""")
_TEENS = _list("""ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen""")
_UNITS = _list("""zero one two three four five six seven eight nine""")
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth "
    "ninetieth hundredth"
)
_NATO = _list(
    """alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar
    papa quebec romeo sierra tango uniform victor whiskey xray yankee zulu"""
)

ENGLISH_FUNCTION_WORDS = _set(
    """a an the this that these those my your his her its our their some any no every each all both either neither
    i you he she it we they me him us them myself yourself himself herself who whom whose which what where when why how
    is am are was were be been being do does did doing done have has had having will would shall should can could may
    might must ought not and or but nor so if then than as because while until unless although though since whether
    of in on at by for with without from to into onto over under above below up down off out about around after before
    between through during against along across behind beyond near per via like just only also too very really quite
    here there now again still already yet ever never always maybe perhaps please okay ok yes yeah yep nope hey hi
    hello oh um uh er erm well hmm thanks thank sorry bye goodbye today tomorrow yesterday tonight morning afternoon
    evening night later soon i'm i've i'll i'd you're you've you'll he's she's it's we're they're that's there's what's
    who's where's let's don't doesn't didn't isn't aren't wasn't weren't can't won't wouldn't couldn't shouldn't cannot
    one two three four five six seven eight nine ten eleven twelve zero hundred thousand million speaking calling
    everything something nothing anything everyone everybody someone somebody anyone anybody nobody none whatever
    whichever whoever wherever whenever however therefore toward towards upon within throughout besides despite except
    among amongst unlike else instead rather almost whose
    monday tuesday wednesday thursday friday saturday sunday gonna wanna gotta lemme gimme"""
)


@cache
def english() -> Language:
    numbers = {word: value for value, word in enumerate([*_UNITS, *_TEENS])}
    numbers |= {word: 10 * place for place, word in enumerate(_TENS, 2)}
    numbers |= dict.fromkeys(("oh", "o", "nought", "naught", "nil"), 0)
    id_words = (
        "social ssn passport license licence insurance national nhs medicare sin tax visa identity id badge plate"
    )
    account_words = (
        "account routing sort iban bank policy member membership customer patient pin passcode password code "
        "reference confirmation booking loyalty case claim subscriber meter"
    )
    phone_words = "phone telephone cell mobile call text dial ring fax landline reach callback voicemail extension"
    return Language(
        numbers=numbers,
        scales={"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12},
        also=_set("and"),
        joiners=_set("dash hyphen space dot slash stroke comma then and um uh er erm pause next area code ok okay"),
        repeats={"double": 2, "triple": 3, "treble": 3, "quadruple": 4},
        letters={word: word[0] for word in _NATO} | {"zed": "z", "zee": "z", "doubleyou": "w"},
        words_too=_set("a i o"),
        at=_set("at @"),
        dots=_set("dot point period"),
        marks=_set("underscore dash hyphen minus plus"),
        mail_hosts=_set("gmail hotmail outlook yahoo icloud protonmail proton aol gmx googlemail"),
        country_hosts=_set("me us it is in at be so to my no as am"),
        mail_stops=_set(
            """is to my your his her their our the email e-mail mail address addresses at me it us from for use used
            that's it's write send sent forward contact on and or of as cc copy try under please can you i'm i be
            reach was account login log in with says say said new old work personal username into via reply not
            him them this that should will would invite add find forwarded share also by so it'll goes check"""
        ),
        number_cues=_all(phone_words, "phone")
        | _all(account_words, "account")
        | _all("card credit debit visa mastercard amex cvv cvc expires expiry", "card")
        | _all(id_words, "national_id")
        | {"number": "number", "digits": "number"},
        units=_set(
            """second seconds minute minutes hour hours day days week weeks month months year years o'clock am pm
            degrees degree percent fahrenheit celsius dollars dollar cents euros euro pounds pound bucks miles mile
            kilometers kilometres feet foot inches inch meters metres cups cup grams gram ounces ounce liters litres
            tablespoons teaspoons calories people points times steps votes pages watts volts kilos gallons
            kilograms yards acres megabytes gigabytes"""
        ),
        months=_set(
            "january february march april may june july august september october november december jan feb mar apr "
            "jun jul aug sept sep oct nov dec"
        ),
        ordinals=_set(_ORDINALS),
        date_links=_set("of the in year on day month and"),
        birth_cues=_set("born birthday birthdate birth dob bday"),
        streets=_set(
            """street st avenue ave road rd boulevard blvd parkway pkwy highway hwy crescent terrace mews alley
            turnpike causeway cul-de-sac esplanade promenade quay wharf"""
        ),
        common_streets=_set(
            """lane drive court way place circle square close row trail gardens garden hill walk loop rise grove
            heights view park path run crossing bend ridge cove vale green wynd"""
        ),
        street_endings=(),
        no_street=ENGLISH_FUNCTION_WORDS
        - _set("one two three four five six seven eight nine ten eleven twelve hundred")
        | _set(
            """feet foot miles mile minutes minute hours hour seconds second degrees percent dollars meters metres
            kilometers yards turn left right go onto people times days weeks months years per point plus minus"""
        ),
        rooms=_set("apartment apt flat suite unit"),
        boxes=_phrases("p o box\npo box\npost office box\nlock box number\npost box"),
        postcode_cues=_phrases("zip code\nzip\npostcode\npostal code\npost code\nzipcode"),
        postcode_words=_set("zip postal post area dress source"),
        states=_set(
            """alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii idaho
            illinois indiana iowa kansas kentucky louisiana maine maryland massachusetts michigan minnesota mississippi
            missouri montana nebraska nevada hampshire jersey mexico york carolina dakota ohio oklahoma oregon
            pennsylvania tennessee texas utah vermont virginia washington wisconsin wyoming"""
        ),
        home_cues=_phrases(
            """i live at
            i live on
            i live in
            we live at
            we live on
            we live in
            i'm from
            i am from
            i come from
            i grew up in
            i was born in
            we're from
            i'm living at
            my address is
            my home address is
            our address is
            the address is
            my new address is
            i'm staying at
            deliver it to
            deliver to
            ship it to
            ship to
            mail it to
            moved to
            my house is on
            i reside at
            come to my place at"""
        ),
        name_cues=_phrases(
            """my name is
            my name's
            my full name is
            name is
            name's
            names
            my first name is
            my last name is
            last name is
            first name is
            surname is
            last name
            surname
            maiden name
            maiden name is
            name of
            named
            i'm called
            i am called
            they call me
            you can call me
            just call me
            everyone calls me
            people call me
            known as
            goes by
            i go by
            signed by
            on behalf of
            sincerely
            regards
            yours truly
            in the name of
            booked under
            reservation under
            under the name
            under the name of
            addressed to"""
        ),
        weak_name_cues=_phrases(
            """i'm
            i am
            this is
            it's
            it is
            call me
            call
            text
            phone
            ring
            dial
            message
            email
            facetime
            video call
            tell
            ask
            ask for
            remind
            invite
            meet
            speak to
            speak with
            talk to
            talking to
            speaking with
            message from
            messages from
            message to
            mail from
            email from
            email to
            call from
            calls from
            text to
            send
            meeting with
            lunch with
            dinner with
            appointment with
            here's
            introduce
            contact
            dear
            hi
            hello
            hey
            for
            from
            with
            to
            by
            did
            is
            has
            does
            my wife
            my husband
            my son
            my daughter
            my brother
            my sister
            my friend
            my boss
            my neighbor
            my neighbour
            my colleague
            my partner
            my girlfriend
            my boyfriend
            my cousin
            my doctor
            uncle
            aunt
            auntie
            cousin
            grandma
            grandpa
            put
            happy birthday
            welcome"""
        ),
        plain_cues=_set("for from with to by did is has does hi hello hey send put it's here's i'm"),
        after_names=_phrases("speaking\nhere\ncalling\nfrom accounting\nfrom the office"),
        titles=_set("mr mister mrs missus ms miss doctor dr professor prof sir madam father reverend captain officer"),
        no_name=ENGLISH_FUNCTION_WORDS,
        commonly=_set(
            """mom mum dad mother father home work back everyone everybody someone somebody nobody anyone
            hungry tired happy sad ready busy late sorry lost fine good great going trying looking thinking sick cold
            hot bored done sure glad afraid awake asleep alone running leaving coming calling taking having getting"""
        ),
    )


@cache
def german() -> Language:
    """Numbers, phones, e-mail, streets and introductions. Names by the model there are none yet."""
    numbers = {num2words(value, lang="de"): value for value in range(100)} | {"zwo": 2, "ein": 1, "eins": 1}
    functions = _set(
        """der die das ein eine einer einem einen den dem des ich du er sie es wir ihr mich dich ihn uns euch mein meine
        meinem meinen dein deine sein seine unser ist bin bist sind war und oder aber nicht kein keine auf an in im am
        bei mit von vom zu zum zur für aus nach um ja nein bitte danke hallo hier da heute morgen gestern jetzt was wer
        wie wo wann warum so sehr auch noch nur schon mal"""
    )
    return Language(
        numbers=numbers,
        scales={"hundert": 100, "tausend": 1000, "million": 10**6, "millionen": 10**6, "milliarden": 10**9},
        also=_set("und"),
        joiners=_set("strich bindestrich leerzeichen punkt schrägstrich komma dann und äh ähm vorwahl"),
        repeats={"doppel": 2, "zweimal": 2, "dreimal": 3},
        letters={"ypsilon": "y", "jot": "j", "zett": "z", "vau": "v"},
        words_too=frozenset(),
        at=_set("at @ ät klammeraffe"),
        dots=_set("punkt dot"),
        marks=_set("unterstrich minus bindestrich strich plus"),
        mail_hosts=_set("gmail gmx web hotmail outlook yahoo icloud freenet"),
        country_hosts=_set("es am im"),
        mail_stops=functions | _set("mail email e-mail adresse lautet schreib schick sende"),
        number_cues=_all("telefon telefonnummer handy handynummer rufnummer nummer anrufen", "phone")
        | _all("konto kontonummer iban pin passwort kundennummer geheimzahl", "account")
        | _all("karte kartennummer kreditkarte", "card")
        | _all("ausweis ausweisnummer personalausweis steuernummer reisepass versicherungsnummer", "national_id"),
        units=_set("sekunden minuten minute stunden stunde tage uhr grad prozent euro cent meter kilometer mal jahre"),
        months=_set("januar februar märz april mai juni juli august september oktober november dezember jänner feber"),
        ordinals=frozenset(num2words(day, lang="de", to="ordinal") + end for day in range(1, 32) for end in ("", "n")),
        date_links=_set("am im den der"),
        birth_cues=_set("geboren geburtstag geburtsdatum"),
        streets=frozenset(),
        common_streets=frozenset(),
        street_endings=("straße", "strasse", "weg", "platz", "allee", "gasse", "damm", "ufer"),
        no_street=functions,
        rooms=_set("wohnung hausnummer"),
        boxes=_phrases("postfach"),
        postcode_cues=_phrases("postleitzahl\nplz"),
        postcode_words=frozenset(),
        states=frozenset(),
        home_cues=_phrases("ich wohne in\nich wohne am\nwir wohnen in\nmeine adresse ist\nmeine adresse lautet"),
        name_cues=_phrases("ich heiße\nmein name ist\nwir heißen\nnachname\nvorname\nich heisse\nman nennt mich"),
        weak_name_cues=(),
        plain_cues=frozenset(),
        after_names=_phrases("am apparat"),
        titles=_set("herr herrn frau doktor professor"),
        no_name=functions,
    )


def language_of(locale: str) -> Language:
    """English where we have no better: its rules for digits and e-mail find much elsewhere, too."""
    return german() if locale.lower().startswith("de") else english()


def region_of(locale: str) -> str:
    """The country whose numbering plan counts: `en-GB` says GB."""
    language, _, region = locale.replace("_", "-").partition("-")
    return region.upper()[:2] or {"de": "DE", "en": "US"}.get(language.lower(), "US")
