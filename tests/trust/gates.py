"""Every gate, each alone: what must not happen once consent was withdrawn right before it is asked.

The withdrawal is the bare event: keys stay alive and nothing is revoked, so that only that one gate can refuse.
`GATES` is the one list: a gate of ARCHITECTURE's table that is missing here fails a test, and so does a gate that could
be taken out of the source without its own check noticing.
"""

import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from zipfile import ZipFile

import soundfile
from sqlalchemy import select

import loanword.samples
from corpus.collaborators import Collaborators
from corpus.errors import ConsentRefusal, NothingToRelease, ReleaseWithdrawn, UnknownClip
from corpus.keys import AccountKey
from corpus.object_store import ObjectInfo, ObjectStore
from corpus.release_queries import clips_of_account
from corpus.speech.decoder import Decoder
from corpus.speech.heard import Heard, Sound
from corpus.speech.hearing import Hearing
from corpus.tables import (
    Clip,
    Fingerprint,
    Label,
    Measurement,
    NearDuplicate,
    PersonalSpan,
    Release,
    ReleaseClip,
    Review,
    Utterance,
)
from corpus.vault import Vault
from corpus.words import AccountId, ClipId, ConsentAct, PersonalKind, RejectReason, ReleaseState, Role, SpanState, Split
from curation import near_duplicates
from curation.examine import Workbench
from curation.personal_data.found import Found, Rule
from curation.personal_spans import proposed
from curation.record import claim
from curation.rejudge import rejudge
from curation.review import review
from curation.review.personal import decide
from curation.run import decide_duplicates
from curation.worker import curate_batch
from export import snapshot
from export.build import build_release
from export.catalogue.serve_file import find_file, open_span
from export.policy import Policy
from export.publish import publish_release, show_release
from export.recut import recut_release
from ingest.body import Body
from ingest.metadata import Metadata
from ingest.own.clips import recording
from ingest.publish_notice import publish_notice
from ingest.record_utterance import Admission, admit, record
from ingest.take_home import take_home
from tests.factories import (
    Lender,
    consent_event,
    make_account,
    make_clip,
    make_lender,
    make_utterance,
    tone,
    voice_key,
    wav,
    withdraw_consent,
)
from tests.integration.export.leaving import leave
from tests.trust.grounds import Ground
from tests.trust.moments import Moment, right_before
from tests.trust.mutants import Mutant
from tests.trust.results import Result

TARGET = "gates"
NAME, VERSION = "commands", "1"
ONE_SHARD = Policy(shares={Split.TRAIN: 1.0, Split.DEV: 0.0, Split.TEST: 0.0})
SPEECH = wav(tone(duration_s=0.3))
WORDS = "turn on the lights"
CLIPS_FOR_TWO_ASKS = 20
"""Of 9.5 s: 6 MB, where a download is asked for again after 4 MiB."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A house, and whoever lends and leaves."""

    house: Collaborators
    decoder: Decoder
    leaving: Lender

    @contextmanager
    def left(self, moment: Moment, also: Callable[[], None] = lambda: None) -> Iterator[Collaborators]:
        """The house as a process has it in which the withdrawal comes at that moment, from another process."""

        def withdraw() -> None:
            withdraw_consent(self.house, self.leaving.account_id)
            also()

        with right_before(self.house, moment, withdraw) as watched:
            yield watched

    def clip(self) -> ClipId:
        """A clip that waits for a curator."""
        return make_clip(self.house, self.leaving)

    def labelled(self, clips: int = 1, duration_s: float = 1.0) -> None:
        """Accepted clips of who leaves, and one of somebody who stays."""
        for number in range(clips):
            pcm = tone(duration_s=duration_s, frequency_hz=300 + number)
            make_clip(self.house, self.leaving, pcm=pcm, label=WORDS)
        make_clip(self.house, make_lender(self.house), pcm=tone(duration_s=1, frequency_hz=250), label=WORDS)

    def published(self, clips: int = 1, duration_s: float = 1.0) -> None:
        self.labelled(clips, duration_s)
        build_release(self.house, NAME, VERSION, ONE_SHARD)
        publish_release(self.house, NAME, VERSION)

    def utterances(self) -> list[str]:
        with self.house.database.reading() as session:
            mine = select(Utterance.id).where(Utterance.account_id == self.leaving.account_id)
            return [f"utterance {each} is stored" for each in session.scalars(mine)]

    def objects(self, kind: str) -> list[str]:
        own = f"voices/{self.leaving.account_id}/"
        return [f"{each.key} is stored" for each in self.house.store.list(own) if f"/{kind}/" in each.key]


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate. `leaks` says what came through it, and must be empty."""

    name: str
    row: str
    """What ARCHITECTURE's table calls it."""
    mutant: Mutant
    moment: Moment
    leaks: Callable[[Scene, Moment], list[str]]

    def leaks_in(self, house: Collaborators, decoder: Decoder) -> list[str]:
        return self.leaks(Scene(house, decoder, make_lender(house)), self.moment)


# Uploads


def let_in(scene: Scene, moment: Moment) -> list[str]:
    with scene.left(moment) as house, suppress(ConsentRefusal):
        admit(house, token=scene.leaving.device_token, metadata=Metadata())
        return ["the device was told to send"]
    return []


def recorded(scene: Scene, moment: Moment) -> list[str]:
    admission = admit(scene.house, token=scene.leaving.device_token, metadata=Metadata())
    with scene.left(moment) as house, suppress(ConsentRefusal):
        record(house, admission, "", Body(SPEECH))
    return scene.utterances() + scene.objects("utterances")


def replayed(scene: Scene, moment: Moment) -> list[str]:
    """A retry of what was stored before the withdrawal: its answer would say that all is well."""

    def ask() -> Admission:
        return admit(scene.house, token=scene.leaving.device_token, metadata=Metadata(), idempotency_key="k")

    first = ask()
    record(scene.house, first, "", Body(SPEECH))
    again = ask()
    with scene.left(moment) as house, suppress(ConsentRefusal):
        record(house, again, "", Body(SPEECH))
        return ["the device was told that its recording is kept"]
    return []


# Curation


def claimed(scene: Scene, moment: Moment) -> list[str]:
    utterance_id = make_utterance(scene.house, scene.leaving)
    with scene.left(moment) as house:
        taken_up, _counts = claim(house, [utterance_id], "a holder")
    return [f"utterance {each.utterance.utterance_id} was taken up" for each in taken_up]


def curated(scene: Scene, moment: Moment) -> list[str]:
    utterance_id = make_utterance(scene.house, scene.leaving)
    with scene.left(moment) as house:
        curate_batch(Workbench(house, scene.decoder, recogniser=None), [utterance_id])
    with scene.house.database.reading() as session:
        clips = list(session.scalars(select(Clip.id)))
    return [f"clip {each} was recorded" for each in clips] + scene.objects("clips")


@dataclass
class Elsewhere:
    """A recogniser on another machine, which was sent so many recordings."""

    name: str = "elsewhere"
    sends_to: str = "asr.example"
    sent: int = 0

    def speaks(self, locale: str) -> bool:
        return True

    def hear(self, batch: Sequence[Sound]) -> list[Heard]:
        self.sent += len(batch)
        return [Heard(WORDS) for _ in batch]


def sent_elsewhere(scene: Scene, moment: Moment) -> list[str]:
    """Of somebody who agreed to a notice that names the recogniser."""
    recogniser, settings = Elsewhere(), scene.house.settings.model_copy(update={"recogniser": "https://asr.example/"})
    notice = publish_notice(replace(scene.house, settings=settings), "Agree?", locale="en-US", version="elsewhere")
    consent_event(scene.house, scene.leaving.account_id, ConsentAct.RENEWED, notice_id=notice.id)
    utterance_id = make_utterance(scene.house, scene.leaving, transcript=None)
    with scene.left(moment) as house:
        curate_batch(Workbench(house, scene.decoder, Hearing((recogniser,))), [utterance_id])
    return [f"{recogniser.sent} recording was sent to another machine"] if recogniser.sent else []


def decided(scene: Scene, moment: Moment) -> list[str]:
    clip_id = make_clip(scene.house, scene.leaving, outcome=None)
    with scene.left(moment) as house:
        decide_duplicates(house)
    with scene.house.database.reading() as session:
        outcome = session.get_one(Clip, clip_id).outcome
    return [f"clip {clip_id} was {outcome}"] if outcome else []


class Ear(Vault):
    """A vault that remembers what was opened."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store)
        self.heard: list[str] = []

    def get(self, key: AccountKey, object_key: str) -> bytes:
        self.heard.append(object_key)
        return super().get(key, object_key)


def compared(scene: Scene, moment: Moment) -> list[str]:
    clip_id = make_clip(scene.house, scene.leaving, outcome=None)
    with scene.left(moment) as house:
        ear = Ear(house.store)
        near_duplicates.compare(replace(house, vault=ear), [clip_id], {})
    return [f"{object_key} was heard" for object_key in ear.heard]


def fingerprinted(scene: Scene, moment: Moment) -> list[str]:
    _, leaves = two_forms(scene)
    with scene.left(moment) as house:
        near_duplicates.compare(house, [leaves], {})
    with scene.house.database.reading() as session:
        prints = session.scalars(select(Fingerprint).where(Fingerprint.clip_id == leaves)).all()
    return [f"clip {each.clip_id} has a fingerprint" for each in prints]


def heard_beside_another(scene: Scene, moment: Moment) -> list[str]:
    """It was compared long ago, and now a newcomer is compared with it."""
    stays, leaves = two_forms(scene)
    near_duplicates.compare(scene.house, [leaves], {})
    with scene.left(moment) as house:
        ear = Ear(house.store)
        near_duplicates.compare(replace(house, vault=ear), [stays], {})
    with scene.house.database.reading() as session:
        of_who_left = session.get_one(Clip, leaves).object_key
    return [f"{object_key} was heard" for object_key in ear.heard if object_key == of_who_left]


def two_forms(scene: Scene) -> tuple[ClipId, ClipId]:
    """One recording, from somebody who stays and, turned down, from who leaves."""
    wav_file = Path(loanword.samples.__file__).parent / "ash-turn-on-the-kitchen-lights.wav"
    samples, _ = soundfile.read(wav_file, dtype="int16")
    stays = make_clip(scene.house, make_lender(scene.house), pcm=samples.tobytes(), outcome=None)
    return stays, make_clip(scene.house, scene.leaving, pcm=(samples // 4).tobytes(), outcome=None)


def noted(scene: Scene, moment: Moment) -> list[str]:
    stays, leaves = two_forms(scene)
    near_duplicates.compare(scene.house, [stays], {})
    with scene.left(moment) as house:
        near_duplicates.compare(house, [leaves], {})
    with scene.house.database.reading() as session:
        pairs = session.scalars(select(NearDuplicate)).all()
    return [f"{pair.clip_id} was noted as a copy of {pair.other_id}" for pair in pairs]


def judged_again(scene: Scene, moment: Moment) -> list[str]:
    """A clip of an older release, which has not been measured as we measure now."""
    clip_id = scene.clip()
    with scene.left(moment) as house:
        rejudge(house)
    with scene.house.database.reading() as session:
        measured = session.get(Measurement, clip_id)
    return [f"clip {clip_id} was measured"] if measured else []


# Review


def leased(scene: Scene, moment: Moment) -> list[str]:
    scene.clip()
    with scene.left(moment) as house:
        offer = review.next_clip(house, a_curator(scene.house))
    return [f"clip {offer.clip_id} was given to a curator"] if offer else []


def heard(scene: Scene, moment: Moment) -> list[str]:
    clip_id, curator_id = scene.clip(), a_curator(scene.house)
    review.next_clip(scene.house, curator_id)
    with scene.left(moment) as house, suppress(UnknownClip):
        return [f"{len(review.recording(house, curator_id, clip_id))} bytes of a voice were played"]
    return []


def accepted(scene: Scene, moment: Moment) -> list[str]:
    clip_id, curator_id = scene.clip(), a_curator(scene.house)
    review.next_clip(scene.house, curator_id)
    with scene.left(moment) as house, suppress(UnknownClip):
        review.accept(house, curator_id, clip_id, WORDS)
    return reviews(scene.house, clip_id)


def rejected(scene: Scene, moment: Moment) -> list[str]:
    clip_id, curator_id = scene.clip(), a_curator(scene.house)
    review.next_clip(scene.house, curator_id)
    with scene.left(moment) as house, suppress(UnknownClip):
        review.reject(house, curator_id, clip_id, RejectReason.CUT_OFF)
    return reviews(scene.house, clip_id)


def flags_seen(scene: Scene, moment: Moment) -> list[str]:
    clip_id, curator_id = flagged(scene), a_curator(scene.house)
    review.next_clip(scene.house, curator_id)
    with scene.left(moment) as house, suppress(UnknownClip):
        return [f"words of clip {clip_id} were shown" for _ in decide.flagged(house, curator_id, clip_id).spans]
    return []


def personal_data_decided(scene: Scene, moment: Moment) -> list[str]:
    clip_id, curator_id = flagged(scene), a_curator(scene.house)
    review.next_clip(scene.house, curator_id)
    spans = [span.span_id for span in decide.flagged(scene.house, curator_id, clip_id).spans]
    with scene.left(moment) as house, suppress(UnknownClip):
        decide.decide(house, curator_id, clip_id, dict.fromkeys(spans, SpanState.DISMISSED))
    with scene.house.database.reading() as session:
        decided = select(PersonalSpan.id).where(PersonalSpan.state != SpanState.PROPOSED)
        return [f"span {span_id} was decided" for span_id in session.scalars(decided)]


def flagged(scene: Scene) -> ClipId:
    clip_id, found = scene.clip(), Found(0, 1, PersonalKind.NAME, Rule.UNKNOWN_WORD)
    key = voice_key(scene.house, scene.leaving.account_id)
    with scene.house.database.writing() as session:
        session.add(proposed(key, clip_id, WORDS.split(), found, scene.house.clock()))
    return clip_id


def a_curator(house: Collaborators) -> AccountId:
    return make_account(house, role=Role.CURATOR)


def reviews(house: Collaborators, clip_id: ClipId) -> list[str]:
    with house.database.reading() as session:
        found = [
            *session.scalars(select(Review.id).where(Review.clip_id == clip_id)),
            *session.scalars(select(Label.clip_id).where(Label.clip_id == clip_id)),
        ]
    return [f"a judgement of clip {clip_id} was recorded" for _ in found]


def heard_by_its_owner(scene: Scene, moment: Moment) -> list[str]:
    """Whoever took their voice back is told that it is gone: it may not be played, not even to them."""
    utterance_id = make_utterance(scene.house, scene.leaving)
    with scene.left(moment) as house, suppress(UnknownClip):
        return [f"{len(recording(house, scene.leaving.account_id, utterance_id).content)} bytes of a voice were played"]
    return []


def taken_home(scene: Scene, moment: Moment) -> list[str]:
    make_utterance(scene.house, scene.leaving)
    with scene.left(moment) as house:
        content = b"".join(take_home(house, scene.leaving.account_id))
    with ZipFile(io.BytesIO(content)) as file:
        return [f"{name} was given out" for name in file.namelist() if name.startswith("recordings/")]


# Releases


def frozen_in(scene: Scene, moment: Moment) -> list[str]:
    scene.labelled()
    with scene.left(moment) as house, suppress(NothingToRelease):
        snapshot.take(house, NAME, VERSION, ONE_SHARD)
    with scene.house.database.reading() as session:
        mine = (
            select(ReleaseClip.wav_filename)
            .join(Clip, Clip.id == ReleaseClip.clip_id)
            .join(Utterance, Utterance.id == Clip.utterance_id)
            .where(Utterance.account_id == scene.leaving.account_id)
        )
        return [f"{each} stands in a new release" for each in session.scalars(mine)]


def unsealed(scene: Scene, moment: Moment) -> list[str]:
    return built(scene, moment).opened


def put(scene: Scene, moment: Moment) -> list[str]:
    return built(scene, moment).put_there


def finished(scene: Scene, moment: Moment) -> list[str]:
    built(scene, moment)
    with scene.house.database.reading() as session:
        drafts = session.scalars(select(Release.version).where(Release.built_at.is_not(None)))
        return [f"version {each} was built" for each in drafts]


def built(scene: Scene, moment: Moment) -> "WatchedStore":
    scene.labelled()
    store = WatchedStore(scene.house.store, scene.leaving.account_id)
    with scene.left(moment, also=store.watch) as house, suppress(ReleaseWithdrawn):
        build_release(replace(house, store=store, vault=Vault(store)), NAME, VERSION, ONE_SHARD)
    return store


class WatchedStore:
    """Notes what is put into a release, and which of one person's recordings are opened, from `watch` on."""

    def __init__(self, store: ObjectStore, account_id: AccountId) -> None:
        self._store = store
        self._voices = f"voices/{account_id}/"
        self._watches = False
        self.put_there: list[str] = []
        self.opened: list[str] = []

    def watch(self) -> None:
        self._watches = True

    def put(self, key: str, data: bytes | memoryview | Iterable[bytes]) -> ObjectInfo:
        if self._watches:
            self.put_there.append(f"{key} was put")
        return self._store.put(key, data)

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        if self._watches and key.startswith(self._voices):
            self.opened.append(f"{key} was opened")
        return self._store.open(key, offset)

    def head(self, key: str) -> ObjectInfo:
        return self._store.head(key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._store.list(prefix)

    def erase(self, key: str) -> None:
        self._store.erase(key)

    def erase_all(self, keys: Collection[str]) -> None:
        self._store.erase_all(keys)


def made_current(scene: Scene, moment: Moment) -> list[str]:
    scene.labelled()
    build_release(scene.house, NAME, VERSION, ONE_SHARD)
    with scene.left(moment) as house, suppress(ReleaseWithdrawn):
        publish_release(house, NAME, VERSION)
    state = show_release(scene.house, NAME, VERSION).facts.state
    return ["the release is current"] if state is ReleaseState.CURRENT else []


def cut_anew(scene: Scene, moment: Moment) -> list[str]:
    """Somebody else has left already: the release is being cut anew when this one leaves too."""
    scene.labelled()
    first = make_lender(scene.house)
    make_clip(scene.house, first, pcm=tone(duration_s=1, frequency_hz=275), label=WORDS)
    build_release(scene.house, NAME, VERSION, ONE_SHARD)
    publish_release(scene.house, NAME, VERSION)
    leave(scene.house, first.account_id)
    with scene.left(moment) as house, suppress(ReleaseWithdrawn):
        recut_release(house, NAME, VERSION)
    with scene.house.database.reading() as session:
        served = select(ReleaseClip.wav_filename).join(Release, Release.id == ReleaseClip.release_id)
        mine = ReleaseClip.clip_id.in_(clips_of_account(scene.leaving.account_id))
        return [f"{each} is in the new revision" for each in session.scalars(served.where(mine, Release.revision > 1))]


def downloaded(scene: Scene, moment: Moment) -> list[str]:
    scene.published()
    return all_bytes_of_the_archive(scene, moment)


def downloaded_to_the_end(scene: Scene, moment: Moment) -> list[str]:
    scene.published(CLIPS_FOR_TWO_ASKS, 9.5)
    return all_bytes_of_the_archive(scene, moment)


def all_bytes_of_the_archive(scene: Scene, moment: Moment) -> list[str]:
    with scene.left(moment) as house, suppress(ReleaseWithdrawn):
        file = find_file(house, NAME, VERSION, "archives/train-00000.tar")
        size_bytes = sum(map(len, open_span(house, file, 0, file.size_bytes)))
        return [f"an archive of {size_bytes} bytes was served to its end"]
    return []


_UPLOAD, _CURATION, _REVIEW = "ingest.record_utterance", "curation.record", "curation.review.review"
_PERSONAL = "curation.review.personal.decide"
_CATALOGUE = "export.catalogue.serve_file"

GATES = (
    Gate(
        "a device asks to send",
        "upload",
        Mutant(f"{_UPLOAD}:_admit", "consent.consent_for_upload"),
        Moment(f"{_UPLOAD}:admit_each"),
        let_in,
    ),
    Gate(
        "a recording is stored",
        "upload",
        Mutant(f"{_UPLOAD}:_still_admitted", "consent.consent_for_upload"),
        Moment(f"{_UPLOAD}:_add_each"),
        recorded,
    ),
    Gate(
        "a device asks again about a recording",
        "upload",
        Mutant(f"{_UPLOAD}:_replay", "_still_admitted", which=2),
        Moment(f"{_UPLOAD}:_replay"),
        replayed,
    ),
    Gate(
        "a recording is taken up",
        "curation claims",
        Mutant(f"{_CURATION}:claim", "queries.waiting"),
        Moment(f"{_CURATION}:claim"),
        claimed,
    ),
    Gate(
        "a clip is made of it",
        "curation commits",
        Mutant(f"{_CURATION}:record", "queries.waiting"),
        Moment(f"{_CURATION}:record"),
        curated,
    ),
    Gate(
        "a recording is sent to a recogniser elsewhere",
        "recording sent to a recogniser elsewhere",
        Mutant("curation.recipients:may_be_sent_to", "queries.waiting"),
        Moment("curation.recipients:may_be_sent_to"),
        sent_elsewhere,
    ),
    Gate(
        "a clip is compared with others of the same sound",
        "decision among duplicates",
        Mutant("curation.run:_decide", "duplicate_queries.copies"),
        Moment("curation.run:_decide"),
        decided,
    ),
    Gate(
        "a clip is heard to find its copies",
        "clips heard to compare them",
        Mutant("curation.near_duplicates:compare", "queries.audible"),
        Moment("curation.near_duplicates:compare"),
        compared,
    ),
    Gate(
        "a clip is heard beside a newcomer",
        "clips heard to compare them",
        Mutant("curation.near_duplicates:_proposals", "queries.audible"),
        Moment("curation.near_duplicates:_proposals", transaction=2),
        heard_beside_another,
    ),
    Gate(
        "a clip is fingerprinted",
        "copies noted",
        Mutant("curation.near_duplicates:_describe", "queries.audible"),
        Moment("curation.near_duplicates:_describe"),
        fingerprinted,
    ),
    Gate(
        "a clip is noted as a copy",
        "copies noted",
        Mutant("curation.near_duplicates:_record", "queries.audible"),
        Moment("curation.near_duplicates:_record"),
        noted,
    ),
    Gate(
        "a clip is judged again",
        "clips judged again",
        Mutant("curation.rejudge:_record", "queries.still_stale"),
        Moment("curation.rejudge:_record"),
        judged_again,
    ),
    Gate(
        "a curator is given a clip",
        "review queue",
        Mutant(f"{_REVIEW}:_lease", "queries.reviewable_clip"),
        Moment(f"{_REVIEW}:_lease"),
        leased,
    ),
    Gate(
        "a curator hears a clip",
        "audio heard",
        Mutant(f"{_REVIEW}:recording", "clip_leased_to", which=3),
        Moment(f"{_REVIEW}:recording", transaction=2),
        heard,
    ),
    Gate(
        "a curator accepts a clip",
        "review recorded",
        Mutant(f"{_REVIEW}:gate", "queries.reviewable_clip"),
        Moment(f"{_REVIEW}:accept", transaction=3),
        accepted,
    ),
    Gate(
        "a curator sees words that are flagged",
        "flagged words seen",
        Mutant(f"{_PERSONAL}:flagged", "review.clip_leased_to", which=2),
        Moment(f"{_PERSONAL}:flagged", transaction=2),
        flags_seen,
    ),
    Gate(
        "a curator decides on personal data",
        "personal data decided",
        Mutant(f"{_REVIEW}:gate", "queries.reviewable_clip"),
        Moment(f"{_PERSONAL}:decide", transaction=3),
        personal_data_decided,
    ),
    Gate(
        "a curator rejects a clip",
        "review recorded",
        Mutant(f"{_REVIEW}:gate", "queries.reviewable_clip"),
        Moment(f"{_REVIEW}:reject", transaction=2),
        rejected,
    ),
    Gate(
        "its owner hears a recording",
        "own recording heard",
        Mutant("ingest.own.clips:still_usable", "_usable"),
        Moment("ingest.own.clips:still_usable"),
        heard_by_its_owner,
    ),
    Gate(
        "its owner takes a recording home",
        "own recordings taken home",
        Mutant("ingest.take_home:_batch", "still_usable"),
        Moment("ingest.own.clips:still_usable"),
        taken_home,
    ),
    Gate(
        "a release is drawn up",
        "release built",
        Mutant("export.snapshot:_plan", "queries.releasable_ids"),
        Moment("export.snapshot:take", transaction=3),
        frozen_in,
    ),
    Gate(
        "a release's recordings are opened",
        "release built",
        Mutant("export.archive:shards_with_rows", "queries.shard_clips"),
        Moment("export.archive:read"),
        unsealed,
    ),
    Gate(
        "an archive is about to be stored",
        "shard stored",
        Mutant("export.assemble:_put_shard", "_check_stands", which=1),
        Moment("export.assemble:_check_stands", transaction=1),
        put,
    ),
    Gate(
        "an archive has just been stored",
        "shard stored",
        Mutant("export.assemble:_put_shard", "_check_stands", which=2),
        Moment("export.assemble:_check_stands", transaction=2),
        put,
    ),
    Gate(
        "a release is finished",
        "release built",
        Mutant("export.build:_finish", "snapshot.stands"),
        Moment("export.build:_finish"),
        finished,
    ),
    Gate(
        "a release is published",
        "release published",
        Mutant("export.publish:_draft_that_stands", "snapshot.stands"),
        Moment("export.publish:publish_release", transaction=3),
        made_current,
    ),
    Gate(
        "a release is cut anew",
        "release cut anew",
        Mutant("export.recut:_still_stands", "snapshot.stands"),
        Moment("export.recut:_finish"),
        cut_anew,
    ),
    Gate(
        "a download begins",
        "download served",
        Mutant(f"{_CATALOGUE}:check_may_be_served", "queries.may_be_served"),
        Moment(f"{_CATALOGUE}:check_may_be_served"),
        downloaded,
    ),
    Gate(
        "a download goes on",
        "download served",
        Mutant(f"{_CATALOGUE}:_chunks", "check_may_be_served"),
        Moment(f"{_CATALOGUE}:_chunks"),
        downloaded_to_the_end,
    ),
)


def measure_gates(ground: Ground, decoder: Decoder, n: int, seed: int) -> Iterator[Result]:
    """Each gate as it is, and then taken away: it must refuse, and it must be missed."""
    for gate in GATES:
        failures: list[str] = []
        for _ in range(n):
            with ground.house() as house:
                failures += gate.leaks_in(house, decoder)
            with ground.house() as house, gate.mutant.applied():
                if not gate.leaks_in(house, decoder):
                    failures.append("its test did not notice that it was gone")
        yield Result(
            target=TARGET,
            tried=gate.name,
            ground=ground.name,
            n=n,
            seed=seed,
            failures=failures,
            figure=str(gate.mutant),
        )
