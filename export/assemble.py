"""Makes a revision's files: archives, but for those of an earlier revision that no withdrawal has touched, and the
manifests, proofs and papers over all of them.

Each archive is put only after asking the rule, and asked for again afterwards. What is left behind when that raises is
the caller's to erase. The same snapshot gives the same bytes.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version as installed_version

from corpus import object_keys
from corpus.collaborators import Collaborators
from corpus.errors import ReleaseWithdrawn
from corpus.queries import consents_behind
from corpus.words import ClipId, Split
from export import archive, consents, datasheet, manifest, objects, shards, snapshot
from export.archive import Member
from export.consents import CONSENTS, Consented, Consents
from export.counts import Counted, count, warnings
from export.manifest import ReleasedClip
from export.objects import StoredFile
from export.release_file import RELEASE_JSON, SHA256SUMS, FileFacts, ReleaseFile, format_release, format_sums
from export.snapshot import Shard, Snapshot

READERS, READERS_EMBEDDED = 4, 2
"""Threads that open clips. They wait for a network; where there is a disk in its stead, for one another."""

PUTS, PUTS_EMBEDDED = 2, 1
"""Shards on their way to the store at one time, while the next is made."""

Progress = Callable[[int, int], None]
"""Called with the clips done and all clips."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """A revision as it lies in the store. `files` are all of it; `digests` are those of the recordings."""

    files: Mapping[str, StoredFile]
    digests: Mapping[ClipId, str]
    counts: Mapping[Split, Counted]
    manifest_sha256: str
    consent_root: str

    @property
    def size_bytes(self) -> int:
        return sum(file.facts.size_bytes for file in self.files.values())


def assemble(
    house: Collaborators,
    frozen: Snapshot,
    revision: int,
    kept: Mapping[str, StoredFile],
    on_progress: Progress = lambda _done, _all: None,
    readers: int | None = None,
) -> Assembled:
    """Puts what `kept`, the archives that stay as they are, does not have. Raises `ReleaseWithdrawn`."""
    work, puts = _Work(house, frozen, revision), PUTS_EMBEDDED if house.is_embedded else PUTS
    with ThreadPoolExecutor(puts) as putters:
        readers = readers or (READERS_EMBEDDED if house.is_embedded else READERS)
        members, under_way = work.make_shards(kept, on_progress, readers, putters, puts)
        # Written while the last shards are on their way, and put once all of them stand.
        clips = sorted((member.clip for member in members), key=lambda clip: clip.wav_filename)
        described = work.described(clips)
        lines = {clip.wav_filename: manifest.format_clip(clip) for clip in clips}
        proven = work.proven(members, lines)
        texts = {
            **work.manifests(clips),
            manifest.CLIPS: "".join(lines.values()),
            CONSENTS: proven.text,
            **datasheet.papers(described),
        }
        files = {**kept, **{path: put.result() for path, put in under_way.items()}}
        put = putters.map(lambda path: work.put(path, texts[path].encode()), texts)
        files |= zip(texts, put, strict=True)
    release_json = format_release(
        ReleaseFile(
            name=frozen.name,
            version=frozen.version,
            revision=revision,
            snapshot_at=frozen.snapshot_at,
            generator=described.generator,
            policy=frozen.policy,
            counts=described.counts,
            left_out=frozen.left_out,
            warnings=described.warnings,
            consent_root=proven.root,
            consent_leaves=len(clips),
            files=_facts(files),
        )
    )
    files[RELEASE_JSON] = work.put(RELEASE_JSON, release_json.encode())
    files[SHA256SUMS] = work.put(SHA256SUMS, format_sums(_facts(files)).encode())
    digests = {member.clip_id: member.clip.sha256 for member in members}
    return Assembled(files, digests, described.counts, files[RELEASE_JSON].facts.sha256, proven.root)


def _facts(files: Mapping[str, StoredFile]) -> dict[str, FileFacts]:
    return {path: file.facts for path, file in files.items()}


@dataclass(frozen=True, slots=True)
class _Work:
    """One revision in the making."""

    house: Collaborators
    frozen: Snapshot
    revision: int

    def make_shards(
        self,
        kept: Mapping[str, StoredFile],
        on_progress: Progress,
        readers: int,
        putters: ThreadPoolExecutor,
        puts: int,
    ) -> tuple[list[Member], dict[str, Future[StoredFile]]]:
        """Makes a shard while those before it are put: `puts` and one more are in memory, and never more.

        The last ones are still on their way when it returns.
        """
        members: list[Member] = []
        under_way: dict[str, Future[StoredFile]] = {}
        latest: deque[tuple[Future[StoredFile], memoryview]] = deque()
        memory = shards.Memory(self.frozen.policy.shard_max_bytes)
        with ThreadPoolExecutor(readers) as pool, ThreadPoolExecutor(1) as ahead:
            for shard, rows in archive.shards_with_rows(self.house, self.frozen, ahead):
                if shard.path in kept:
                    members += archive.read_shard(self.house, self.frozen, shard, rows)
                else:
                    content, of_shard = archive.make_shard(self.house, self.frozen, shard, rows, pool, memory)
                    if len(latest) == puts:
                        put, was_put = latest.popleft()
                        put.result()
                        memory.give_back(was_put)
                    under_way[shard.path] = putters.submit(_put_shard, self, shard, content)
                    latest.append((under_way[shard.path], content))
                    members += of_shard
                on_progress(len(members), self.frozen.clips)
        return members, under_way

    def put(self, path: str, content: bytes | memoryview) -> StoredFile:
        key = object_keys.release_file(self.frozen.name, self.frozen.version, self.revision, path)
        return StoredFile(objects.put(self.house.store, key, content), self.revision)

    def described(self, clips: Sequence[ReleasedClip]) -> datasheet.Subject:
        counted = count((clip.split, clip.speaker, clip.samples) for clip in clips)
        return datasheet.Subject(
            name=self.frozen.name,
            version=self.frozen.version,
            snapshot_at=self.frozen.snapshot_at,
            generator=f"loanword {installed_version('loanword')}",
            policy=self.frozen.policy,
            counts=counted,
            left_out=self.frozen.left_out,
            warnings=warnings(counted, self.frozen.policy),
        )

    def manifests(self, clips: Sequence[ReleasedClip]) -> dict[str, str]:
        csvs = {
            f"{split}.csv": manifest.format_csv(manifest.csv_rows(clip for clip in clips if clip.split is split))
            for split in Split
        }
        return {
            **csvs,
            "alphabet.txt": snapshot.alphabet_of(self.frozen.policy).as_file(),
        }

    def proven(self, members: Sequence[Member], lines: Mapping[str, str]) -> Consents:
        with self.house.database.reading() as session:
            stated = consents_behind(session, self.frozen.release_id, self.frozen.snapshot_at)
        if any(member.account_id not in stated for member in members):
            raise ReleaseWithdrawn(archive.BUILD_AGAIN)
        return consents.prove(
            Consented(each.clip, lines[each.clip.wav_filename], each.consent_salt, stated[each.account_id])
            for each in members
        )


def _put_shard(work: _Work, shard: Shard, content: memoryview) -> StoredFile:
    """Asked before, so that a withdrawn voice is not put, and after, for one withdrawn while it was being put."""
    _check_stands(work, shard)
    stored = work.put(shard.path, content)
    _check_stands(work, shard)
    return stored


def _check_stands(work: _Work, shard: Shard) -> None:
    with work.house.database.reading() as session:
        if not snapshot.stands(session, work.frozen, work.house.clock(), shard):
            raise ReleaseWithdrawn(archive.BUILD_AGAIN)
