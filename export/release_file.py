"""release.json, which says what a release is and has the digest of every other file, and SHA256SUMS. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from corpus.errors import BadManifest
from corpus.words import Split
from export import policy as policies
from export.counts import Counted, ReleaseWarning, WarningName, total
from export.policy import Policy

SCHEMA_VERSION = 2
RELEASE_JSON = "release.json"
RELEASE_SIGNATURE = "release.json.sig"
SHA256SUMS = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file of a release, as stored."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFile:
    """The content of release.json. `files` are all but itself, its signature and SHA256SUMS, by path relative to it.

    `consent_root` is that of the tree whose leaves and proofs consent.jsonl holds.
    """

    name: str
    version: str
    revision: int
    snapshot_at: datetime
    generator: str
    policy: Policy
    counts: Mapping[Split, Counted]
    left_out: Mapping[str, int]
    warnings: Sequence[ReleaseWarning]
    consent_root: str
    consent_leaves: int
    files: Mapping[str, FileFacts]


def format_release(release: ReleaseFile) -> str:
    counted = {split.value: _counted(release.counts[split]) for split in Split}
    content = {
        "schema_version": SCHEMA_VERSION,
        "name": release.name,
        "version": release.version,
        "revision": release.revision,
        "snapshot_at": format_time(release.snapshot_at),
        "generator": release.generator,
        "policy": json.loads(release.policy.as_json()),
        "voices": "disguised" if release.policy.disguise else "pseudonymous",
        "counts": {
            **_counted(total(release.counts)),
            "splits": counted,
            "left_out": dict(sorted(release.left_out.items())),
        },
        "warnings": [
            {"name": each.name.value, "split": each.split and each.split.value, "message": each.message}
            for each in release.warnings
        ],
        "consent_root": release.consent_root,
        "consent_leaves": release.consent_leaves,
        "files": {
            path: {"size_bytes": facts.size_bytes, "sha256": facts.sha256}
            for path, facts in sorted(release.files.items())
        },
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def parse_release(text: str | bytes) -> ReleaseFile:
    """Raises `BadManifest`, also for a schema that is newer than this program."""
    try:
        content = json.loads(text)
        if content["schema_version"] != SCHEMA_VERSION:
            raise BadManifest(
                f"release.json has schema {content['schema_version']}; this program reads {SCHEMA_VERSION}."
            )
        splits = content["counts"]["splits"]
        return ReleaseFile(
            name=content["name"],
            version=content["version"],
            revision=content["revision"],
            snapshot_at=datetime.fromisoformat(content["snapshot_at"]),
            generator=content["generator"],
            policy=policies.parse(content["policy"]),
            counts={split: Counted(**{name: splits[split][name] for name in Counted.__slots__}) for split in Split},
            left_out=content["counts"]["left_out"],
            warnings=[
                ReleaseWarning(
                    WarningName(each["name"]), Split(each["split"]) if each["split"] else None, each["message"]
                )
                for each in content["warnings"]
            ],
            consent_root=content["consent_root"],
            consent_leaves=content["consent_leaves"],
            files={path: FileFacts(**facts) for path, facts in content["files"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadManifest(f"release.json cannot be understood: {error!r}.") from error


def format_sums(files: Mapping[str, FileFacts]) -> str:
    """As `sha256sum --check` reads it."""
    return "".join(f"{facts.sha256}  {path}\n" for path, facts in sorted(files.items()))


def format_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _counted(counted: Counted) -> dict[str, int | float]:
    return {
        "clips": counted.clips,
        "speakers": counted.speakers,
        "samples": counted.samples,
        "duration_s": counted.duration_s,
    }
