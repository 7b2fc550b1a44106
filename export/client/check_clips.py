"""Looks at every recording of a release, loose or packed: the bytes that were released, in the one form of audio."""

import os
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from itertools import islice
from pathlib import Path

from corpus.errors import BadRelease
from export.client import contents as layout
from export.client.archive import LARGEST_TEXT_BYTES, LARGEST_WAV_BYTES, members
from export.client.contents import ClipLine
from export.client.files import open_regular, read_regular
from export.client.findings import Findings
from export.client.wav_header import samples_in, wav_faults

BATCH_CLIPS = 64


def check_loose(directory: Path, lines: Iterable[ClipLine], findings: Findings, workers: int) -> dict[str, ClipLine]:
    """Checks the clips that lie loose; returns the others, by name. Reads ahead of the workers by a few batches."""
    absent: dict[str, ClipLine] = {}
    with ThreadPoolExecutor(workers) as pool:
        looks = (pool.submit(_look_at, directory, batch, findings) for batch in _batches(lines))
        for look in _a_few_ahead(looks, 4 * workers):
            absent |= {line.wav_filename: line for line in look.result()}
    return absent


def check_packed(
    directory: Path, archives: Iterable[str], packed: dict[str, ClipLine], known: Container[str], findings: Findings
) -> None:
    """Checks in the archives the clips that do not lie loose. `known` are the names of all clips of the release."""
    for archive in archives:
        file = open_regular(directory / archive)
        if file is not None:
            with file:
                try:
                    found = [_look_into(name, content, packed, known, findings) for name, content in members(file)]
                except BadRelease as error:
                    findings.add(archive, str(error))
                    continue
            for name in {name for name in found if text_beside(name) in found}:
                packed.pop(name, None)
    for wav_filename in packed:
        findings.add(wav_filename, "is not there, neither loose nor in an archive that is sound")


def text_beside(wav_filename: str) -> str:
    """The name of the transcript beside a recording."""
    return wav_filename.removesuffix("wav") + "txt"


def clip_faults(line: ClipLine, content: bytes) -> list[str]:
    """What is wrong with a clip's WAV file, given its line of `clips.jsonl`."""
    faults = wav_faults(content)
    if not faults and samples_in(content) != line.samples:
        faults.append(f"holds {samples_in(content)} samples, not {line.samples}")
    if sha256(content).hexdigest() != line.sha256:
        faults.append(f"has been changed: its SHA-256 is not the one in {layout.CLIPS}")
    return faults


def _look_at(directory: Path, batch: list[ClipLine], findings: Findings) -> list[ClipLine]:
    absent = []
    for line in batch:
        path = os.path.join(directory, line.wav_filename)  # noqa: PTH118 - pathlib takes longer than hashing the file
        content = read_regular(path, LARGEST_WAV_BYTES)
        if content is None:
            absent.append(line)
            continue
        findings.add(line.wav_filename, *clip_faults(line, content))
        text = read_regular(text_beside(path), LARGEST_TEXT_BYTES)
        findings.add(text_beside(line.wav_filename), *_text_faults(line, text))
    return absent


def _look_into(
    name: str, content: bytes, packed: dict[str, ClipLine], known: Container[str], findings: Findings
) -> str:
    wav_filename = name.removesuffix("txt").removesuffix("wav") + "wav"
    line = packed.get(wav_filename)
    if wav_filename not in known:
        findings.add(name, "is in an archive and in no CSV")
    elif line is not None:
        findings.add(name, *(clip_faults(line, content) if name == wav_filename else _text_faults(line, content)))
    return name


def _text_faults(line: ClipLine, text: bytes | None) -> list[str]:
    if text is None:
        return ["is not there"]
    return [] if text == line.transcript.encode() else [f"is not the transcript in {layout.CLIPS}"]


def _batches(lines: Iterable[ClipLine]) -> Iterator[list[ClipLine]]:
    waiting = iter(lines)
    while batch := list(islice(waiting, BATCH_CLIPS)):
        yield batch


def _a_few_ahead(looks: Iterable[Future[list[ClipLine]]], few: int) -> Iterator[Future[list[ClipLine]]]:
    begun: list[Future[list[ClipLine]]] = []
    for look in looks:
        begun.append(look)
        if len(begun) == few:
            yield begun.pop(0)
    yield from begun
