"""Remakes the demo's sample clips: six synthetic voices, four commands each, in the formats that devices send.

Run it as `python loanword/samples/make_samples.py`; it needs espeak-ng on the PATH.
Nothing in the demo calls it: the clips it made are committed, and are read as package data.

The same espeak-ng, FFmpeg and libsndfile give the same bytes: noise is seeded by the file's name, and containers are
written without dates or random serial numbers. Other versions give other bytes for the same words.
Audio is mono float32 in [-1, 1], shape `(samples,)`, throughout.
"""

import argparse
import csv
import hashlib
import io
import shutil
import subprocess
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias

import av
import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from av.codec.context import Flags

Signal: TypeAlias = npt.NDArray[np.float32]

HERE: Final = Path(__file__).resolve().parent
PAUSE_S: Final = 0.25  # room tone before and after the words, as a device that waits for silence records it
PEAK_CEILING_DBFS: Final = -1.0
QUIETEST_RMS_DBFS: Final = -35.0
DURATION_TOLERANCE_S: Final = 0.06  # AAC and MP3 pad to whole frames; 26 ms is the longest of them
SILENCE_S: Final = 1.5
SILENCE_RATE_HZ: Final = 16_000
BROKEN_BYTES: Final = 4_096

MISSING_ESPEAK: Final = (
    "espeak-ng is not on the PATH. Install it and run this again:\n"
    "  Debian, Ubuntu   sudo apt-get install espeak-ng\n"
    "  Fedora           sudo dnf install espeak-ng\n"
    "  macOS            brew install espeak-ng"
)


class SampleError(Exception):
    """A sample could not be made as the tables in this module describe it."""


class Muxer(StrEnum):
    """Which library writes the file."""

    SOUNDFILE = "soundfile"
    PYAV = "pyav"


@dataclass(frozen=True, slots=True)
class Format:
    """One way in which a device packs what it heard; `encoder` and `muxer` are names that the library knows."""

    suffix: str
    container: str
    codec: str
    sample_rate_hz: int
    library: Muxer
    muxer: str
    encoder: str
    bit_rate: int = 0
    options: tuple[tuple[str, str], ...] = ()


WAV: Final = Format(".wav", "WAV", "PCM_16", 16_000, Muxer.SOUNDFILE, "WAV", "PCM_16")
FLAC: Final = Format(".flac", "FLAC", "PCM_16", 22_050, Muxer.SOUNDFILE, "FLAC", "PCM_16")
VORBIS: Final = Format(".ogg", "OGG", "VORBIS", 44_100, Muxer.SOUNDFILE, "OGG", "VORBIS")
OPUS: Final = Format(".opus", "OGG", "OPUS", 48_000, Muxer.PYAV, "opus", "libopus", 32_000)
MP3: Final = Format(".mp3", "MP3", "MPEG_LAYER_III", 44_100, Muxer.PYAV, "mp3", "libmp3lame", 64_000)
# Browsers record WebM live, so their files state no duration: a reader must decode to know it.
WEBM: Final = Format(".webm", "WebM", "OPUS", 48_000, Muxer.PYAV, "webm", "libopus", 32_000, (("live", "1"),))
M4A: Final = Format(".m4a", "M4A", "AAC", 44_100, Muxer.PYAV, "ipod", "aac", 64_000)


@dataclass(frozen=True, slots=True)
class Command:
    """A sentence and how it is sent."""

    words: str
    format: Format


@dataclass(frozen=True, slots=True)
class Voice:
    """A synthetic speaker: an espeak-ng voice with its pitch (0 to 99), its pace and the room it stands in."""

    speaker: str
    espeak_voice: str
    gender: str
    accent: str
    pitch: int
    words_per_minute: int
    rms_dbfs: float
    noise_dbfs: float
    commands: tuple[Command, ...]


VOICES: Final = (
    Voice("sample-ash", "en-us+Michael", "male", "en-US", 42, 150, -21, -64, (
        Command("turn on the kitchen lights", WAV),
        Command("set a timer for ten minutes", OPUS),
        Command("add oat milk to the shopping list", MP3),
        Command("what's the weather like tomorrow", M4A),
    )),
    Voice("sample-birch", "en-gb+f2", "female", "en-GB", 58, 155, -22, -61, (
        Command("wake me up at half past six", FLAC),
        Command("play some quiet jazz", WEBM),
        Command("what's on my calendar this afternoon", VORBIS),
        Command("turn the volume down a little", WAV),
    )),
    Voice("sample-cedar", "en-gb-scotland+m1", "male", "en-GB Scotland", 34, 130, -24, -58, (
        Command("did i lock the front door", VORBIS),
        Command("remind me to water the plants on sunday", MP3),
        Command("open the blinds", WEBM),
        Command("start the coffee machine in the kitchen", FLAC),
    )),
    Voice("sample-elm", "en-gb-x-rp+f1", "female", "en-GB Received Pronunciation", 66, 130, -20, -66, (
        Command("set the bedroom lamp to thirty percent", OPUS),
        Command("what time does the library close", WAV),
        Command("cancel my second alarm", M4A),
        Command("read me the headlines", WEBM),
    )),
    Voice("sample-hazel", "en-029+steph", "female", "Caribbean", 50, 150, -23, -60, (
        Command("how long until the next train", MP3),
        Command("don't let me forget the laundry", FLAC),
        Command("make the living room a little warmer", WEBM),
        Command("stop the music", OPUS),
    )),
    Voice("sample-rowan", "en-us-nyc+m7", "male", "en-US New York City", 52, 150, -26, -56, (
        Command("where did i leave my phone", M4A),
        Command("repeat that more slowly please", VORBIS),
        Command("call it a night and switch everything off", WAV),
        Command("what is fifteen times twelve", FLAC),
    )),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of manifest.csv; its fields are the columns, and an empty field is a thing the file does not have."""

    file: str
    transcript: str
    transcript_kind: str
    language: str
    speaker: str
    gender: str
    accent: str
    container: str
    codec: str
    sample_rate: str
    channels: str
    duration_s: str
    bytes: str
    sha256: str
    tags: str


def synthesise(espeak: str, voice: Voice, words: str, sample_rate_hz: int) -> Signal:
    """The words in this voice, levelled, with room tone around and under them."""
    command = [espeak, "--stdout", "-z", "-v", voice.espeak_voice]
    command += ["-p", str(voice.pitch), "-s", str(voice.words_per_minute), words]
    wav = subprocess.run(command, check=True, capture_output=True).stdout
    spoken, spoken_rate_hz = soundfile.read(io.BytesIO(wav), dtype="float32")
    speech = soxr.resample(spoken, spoken_rate_hz, sample_rate_hz, quality="VHQ")
    speech = np.pad(speech, round(PAUSE_S * sample_rate_hz))
    speech = speech * amplitude(voice.rms_dbfs - rms_dbfs(speech))
    heard = speech + noise(words, len(speech), voice.noise_dbfs)
    return np.asarray(heard * min(1.0, amplitude(PEAK_CEILING_DBFS) / np.abs(heard).max()), np.float32)


def noise(seed_text: str, samples: int, level_dbfs: float) -> Signal:
    """White noise of this RMS level, the same for the same text."""
    random = np.random.default_rng(zlib.crc32(seed_text.encode()))
    return random.standard_normal(samples, dtype=np.float32) * np.float32(amplitude(level_dbfs))


def amplitude(level_db: float) -> float:
    return float(10 ** (level_db / 20))


def rms_dbfs(signal: Signal) -> float:
    return float(10 * np.log10(np.mean(np.square(signal, dtype=np.float64)) + 1e-20))


def encode(signal: Signal, form: Format) -> bytes:
    if form.library is Muxer.PYAV:
        return encode_with_pyav(signal, form)
    target = io.BytesIO()
    soundfile.write(target, signal, form.sample_rate_hz, format=form.muxer, subtype=form.encoder)
    return remux_bitexact(target.getvalue()) if form.muxer == "OGG" else target.getvalue()


def encode_with_pyav(signal: Signal, form: Format) -> bytes:
    target = io.BytesIO()
    frame = av.AudioFrame.from_ndarray(signal[np.newaxis, :], format="fltp", layout="mono")
    frame.sample_rate = form.sample_rate_hz
    with av.open(target, "w", form.muxer, options={"fflags": "+bitexact", **dict(form.options)}) as container:
        stream = container.add_stream(form.encoder, rate=form.sample_rate_hz, layout="mono")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = form.bit_rate
        stream.codec_context.flags |= Flags.bitexact
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


def remux_bitexact(ogg: bytes) -> bytes:
    """The same packets under a fixed Ogg serial number; libsndfile draws a random one from the clock."""
    target = io.BytesIO()
    with av.open(io.BytesIO(ogg), "r") as source, av.open(target, "w", "ogg", options={"fflags": "+bitexact"}) as copy:
        stream = copy.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:  # the demuxer ends with an empty packet
                packet.stream = stream
                copy.mux(packet)
    return target.getvalue()


def decode(data: bytes) -> tuple[Signal, int]:
    """Samples and rate in Hz, as a reader that trusts no header would find them."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono")  # changes the sample format only, never the rate
        frames = [piece for frame in container.decode(stream) for piece in resampler.resample(frame)]
        return np.concatenate([frame.to_ndarray().ravel() for frame in frames]), stream.rate


def check(name: str, data: bytes, expected: Signal, sample_rate_hz: int) -> float:
    """The decoded duration in seconds; raises SampleError if the file is not what went in."""
    heard, heard_rate_hz = decode(data)
    duration_s = len(heard) / heard_rate_hz
    expected_s = len(expected) / sample_rate_hz
    if heard_rate_hz != sample_rate_hz or abs(duration_s - expected_s) > DURATION_TOLERANCE_S:
        raise SampleError(f"{name}: {duration_s:.3f} s at {heard_rate_hz} Hz, not {expected_s:.3f} s")
    if rms_dbfs(heard) < QUIETEST_RMS_DBFS:
        raise SampleError(f"{name}: too quiet, {rms_dbfs(heard):.1f} dBFS")
    return duration_s


def make_clip(folder: Path, espeak: str, voice: Voice, command: Command) -> Row:
    form = command.format
    slug = command.words.replace("'", "").replace(" ", "-")
    name = f"{voice.speaker.removeprefix('sample-')}-{slug}{form.suffix}"
    signal = synthesise(espeak, voice, command.words, form.sample_rate_hz)
    data = encode(signal, form)
    duration_s = check(name, data, signal, form.sample_rate_hz)
    (folder / name).write_bytes(data)
    return Row(
        file=name,
        transcript=command.words,
        transcript_kind="synthesis-text",
        language="en",
        speaker=voice.speaker,
        gender=voice.gender,
        accent=voice.accent,
        container=form.container,
        codec=form.codec,
        sample_rate=str(form.sample_rate_hz),
        channels="1",
        duration_s=f"{duration_s:.3f}",
        bytes=str(len(data)),
        sha256=hashlib.sha256(data).hexdigest(),
        tags="command synthetic",
    )


def make_silence(folder: Path) -> Row:
    """A microphone that heard nothing: dither of about one step of 16-bit PCM."""
    name = "silence.wav"
    dither = noise(name, round(SILENCE_S * SILENCE_RATE_HZ), level_dbfs=-90)
    data = encode(dither, WAV)
    (folder / name).write_bytes(data)
    return oddity(name, data, WAV, tags="silent", heard=dither)


def make_broken(folder: Path) -> Row:
    """An upload that begins as FLAC does and then is not FLAC, so that every decoder refuses it."""
    name = "broken.flac"
    rest = np.random.default_rng(zlib.crc32(name.encode())).bytes(BROKEN_BYTES)
    data = b"fLaC" + rest
    (folder / name).write_bytes(data)
    return oddity(name, data, FLAC, tags="broken")


def oddity(name: str, data: bytes, form: Format, *, tags: str, heard: Signal | None = None) -> Row:
    """A row for a file in which nobody speaks; `heard` is absent where nothing can be decoded."""
    decodable = heard is not None
    return Row(
        file=name,
        transcript="",
        transcript_kind="none",
        language="",
        speaker="",
        gender="",
        accent="",
        container=form.container,
        codec=form.codec if decodable else "",
        sample_rate=str(form.sample_rate_hz) if decodable else "",
        channels="1" if decodable else "",
        duration_s=f"{len(heard) / form.sample_rate_hz:.3f}" if heard is not None else "",
        bytes=str(len(data)),
        sha256=hashlib.sha256(data).hexdigest(),
        tags=tags,
    )


def write_manifest(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row.__slots__)
        writer.writerows([getattr(row, column) for column in Row.__slots__] for row in rows)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Remake the demo's sample clips and their manifest.csv.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to (default: beside this script)")
    folder: Path = parser.parse_args(argv).out
    espeak = shutil.which("espeak-ng")
    if espeak is None:
        print(MISSING_ESPEAK, file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    try:
        rows = [make_clip(folder, espeak, voice, command) for voice in VOICES for command in voice.commands]
    except SampleError as error:
        print(error, file=sys.stderr)
        return 1
    rows += [make_silence(folder), make_broken(folder)]
    write_manifest(folder / "manifest.csv", rows)
    print(f"{len(rows)} files, {sum(int(row.bytes) for row in rows):,} bytes, in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
