"""Checks the proofs of consent: every clip here has a leaf in the signed tree, and every other leaf a tombstone.

Leaves stand in the order of file names. So the names that are here and those that have tombstones, sorted together,
must be exactly the tree's leaves: no clip can be added, exchanged, or left out without a tombstone that says so.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import BadRelease
from export.client import contents as layout
from export.client import proofs
from export.client.contents import Contents, is_clip_name, is_sha256
from export.client.files import open_regular
from export.client.findings import Findings

LONGEST_LINE_BYTES = 65_536
PURPOSES = ["collect", "publish", "review"]


@dataclass(frozen=True, slots=True)
class Consent:
    """What a clip's leaf commits to, its proof checked."""

    wav_sha256: bytes
    line_sha256: bytes


def read_consents(
    directory: Path, contents: Contents, tombstoned: Collection[str], findings: Findings
) -> dict[str, Consent]:
    """By file name, the leaves that are here and lead to the root: some 250 bytes of memory a clip."""
    consents: dict[str, Consent] = {}
    index_of: dict[str, int] = {}
    file = open_regular(directory / layout.CONSENTS)
    if file is None:
        return {}
    last = ""
    with file:
        for number, raw in enumerate(iter(lambda: file.readline(LONGEST_LINE_BYTES), b""), start=1):
            try:
                wav_filename, index, consent = _read_line(raw, contents)
                if wav_filename in tombstoned:
                    raise BadRelease(f"is about {wav_filename}, which was withdrawn: run `loanword prune`")
                if wav_filename <= last:
                    raise BadRelease("is not in the order of file names")
            except BadRelease as error:
                findings.add(layout.CONSENTS, f"line {number} {error}")
                continue
            last = wav_filename
            consents[wav_filename], index_of[wav_filename] = consent, index
    names = sorted({*consents, *tombstoned})
    if len(names) != contents.consent_leaves:
        lacking = contents.consent_leaves - len(names)
        findings.add(layout.CONSENTS, f"has {abs(lacking)} proofs too {'few' if lacking > 0 else 'many'}")
    for rank, name in enumerate(names):
        if index_of.get(name, rank) != rank:
            findings.add(layout.CONSENTS, f"proves {name} as leaf {index_of[name]}, and it must be leaf {rank}")
            break
    return consents


def _read_line(raw: bytes, contents: Contents) -> tuple[str, int, Consent]:
    try:
        told = json.loads(raw)
        if proofs.canonical(told) + b"\n" != raw or told.keys() != {"content", "index", "path", "salt", "wav_filename"}:
            raise BadRelease("was changed in its form")
        wav_filename, index, content = told["wav_filename"], told["index"], told["content"]
        leaf = proofs.leaf_hash(told["salt"], content)
        proven = proofs.includes(leaf, index, contents.consent_leaves, told["path"], contents.consent_root)
        wav_sha256, line_sha256 = content["wav_sha256"], content["clip_line_sha256"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRelease(f"cannot be understood: {type(error).__name__} {error}") from error
    if not is_clip_name(wav_filename) or not is_sha256(wav_sha256) or not is_sha256(line_sha256):
        raise BadRelease("names a clip, or a digest, that cannot be one")
    if not proven:
        raise BadRelease(f"has a proof of consent to {wav_filename} that does not lead to the release's root")
    if content.get("purposes") != PURPOSES or not is_sha256(content.get("notice_wording_sha256")):
        raise BadRelease(f"tells of a consent to {wav_filename} that is none to publication")
    return wav_filename, index, Consent(bytes.fromhex(wav_sha256), bytes.fromhex(line_sha256))
