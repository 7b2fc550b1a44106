"""Turns recordings from strangers into canonical PCM, one after another, over standard input and output.

Runs as a process of its own (`corpus/speech/decoder.py` starts it), because the libraries that it calls are C and the
bytes are hostile. It touches no file, and after its start it can open none. What it does not expect ends it.
"""

import io
import os
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

import av
import av.error
import numpy as np
import soundfile

from corpus.audio import RATE_HZ
from corpus.errors import Undecodable
from corpus.speech.canonical import BLOCK_FRAMES, Block, Decoded, Resamplers, Source, canonical
from corpus.speech.frames import LENGTHS, Header, count, frame_start, parse_header
from corpus.speech.sandbox import allow_processor_time, die_with_parent, give_up_everything

SNDFILE_FORMATS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3")
UNKNOWN_SIZES = (0, 0xFFFF_FFFF)
MESSAGE_MAX_CHARACTERS = 300


class SndfileSource:
    """WAV, FLAC, Ogg and MP3."""

    def __init__(self, recording: bytes) -> None:
        try:
            self._file = soundfile.SoundFile(io.BytesIO(recording))
        except soundfile.LibsndfileError as error:
            raise Undecodable(f"libsndfile: {error.error_string}") from error
        if self._file.format not in SNDFILE_FORMATS:
            raise Undecodable(f"{self._file.format} is not read here.")
        self.rate_hz = self._file.samplerate
        self.channels = self._file.channels
        self.container = self._file.format.lower()
        self.codec = self._file.subtype.lower()

    def blocks(self) -> Iterator[Block]:
        is_canonical = (self.rate_hz, self.channels, self.codec) == (RATE_HZ, 1, "pcm_16")
        try:
            frames = BLOCK_FRAMES
            while frames == BLOCK_FRAMES:  # a short one is the last
                block = self._file.read(BLOCK_FRAMES, dtype="int16" if is_canonical else "float32", always_2d=True)
                frames = len(block)
                if frames:
                    yield block
        except soundfile.SoundFileRuntimeError as error:
            raise Undecodable("The recording is damaged or cut short.") from error


class AvSource:
    """WebM and M4A, by the demuxer that is named: left to guess, FFmpeg takes a text for a list of files to open."""

    def __init__(self, recording: bytes, demuxer: str) -> None:
        try:
            self._opened = av.open(
                io.BytesIO(recording),
                "r",
                format=demuxer,
                options={"protocol_whitelist": ""},
                metadata_errors="replace",
            )
        except (av.error.FFmpegError, ValueError) as error:
            raise _undecodable(error) from error
        if not self._opened.streams.audio:
            raise Undecodable("There is no sound in it.")
        self._stream = self._opened.streams.audio[0]
        if self._stream.codec_context is None:
            raise Undecodable("It is written in a codec that is not read here.")
        self._stream.codec_context.thread_count = 1
        self.rate_hz = self._stream.codec_context.sample_rate
        self.channels = self._stream.codec_context.channels
        self.container = demuxer
        self.codec = self._stream.codec_context.name

    def blocks(self) -> Iterator[Block]:
        to_float = av.AudioResampler(format="flt")
        try:
            for frame in self._opened.decode(self._stream):
                if frame.sample_rate != self.rate_hz or frame.layout.nb_channels != self.channels:
                    raise Undecodable("The rate or the number of channels changes on the way.")
                for converted in to_float.resample(frame):
                    yield np.asarray(converted.to_ndarray(), np.float32).reshape(-1, self.channels)
        except (av.error.FFmpegError, ValueError) as error:
            raise _undecodable(error) from error


def open_source(recording: bytes) -> Source:
    """By the first bytes. Raises `Undecodable`."""
    match recording[:4], recording[4:8], recording[8:12]:
        case b"RIFF", _, b"WAVE":
            return SndfileSource(with_open_end(recording))
        case (b"RIFX" | b"RF64", _, b"WAVE") | (b"fLaC" | b"OggS", _, _):
            return SndfileSource(recording)
        case b"\x1aE\xdf\xa3", _, _:
            return AvSource(recording, "webm")
        case _, b"ftyp", _:
            return AvSource(recording, "m4a")
    is_mpeg_layer = recording[:1] == b"\xff" and len(recording) > 1 and recording[1] & 0xE0 == 0xE0
    if recording[:3] == b"ID3" or (is_mpeg_layer and recording[1] & 0x06):
        return SndfileSource(recording)
    raise Undecodable("It is no WAV, FLAC, Ogg, MP3, WebM or M4A.")


def with_open_end(recording: bytes) -> bytes:
    """A WAV that was streamed says that it has no data, since its sizes were never filled in: let them say "unknown".

    libsndfile reads to the end where the size is 0xFFFFFFFF, and nothing where it is 0.
    """
    riff_bytes = struct.unpack_from("<I", recording, 4)[0]
    at = 12
    while at + 8 < len(recording):
        name, size_bytes = struct.unpack_from("<4sI", recording, at)
        if name == b"data":
            is_open = size_bytes == 0 and (riff_bytes in UNKNOWN_SIZES or riff_bytes <= at)
            return recording[: at + 4] + b"\xff\xff\xff\xff" + recording[at + 8 :] if is_open else recording
        at += 8 + size_bytes + size_bytes % 2
    return recording


def decode(recording: bytes, max_samples: int, resamplers: Resamplers) -> Decoded:
    """Canonical PCM of at most `max_samples`. Raises `Undecodable`."""
    return canonical(open_source(recording), max_samples, resamplers)


def _undecodable(error: Exception) -> Exception:
    """Too little memory ends the process; all else is the recording's fault."""
    return error if isinstance(error, MemoryError) else Undecodable(f"FFmpeg: {getattr(error, 'strerror', error)}")


def answer(recording: bytes, max_samples: int, resamplers: Resamplers) -> tuple[Header, memoryview]:
    """A header, and the bytes of PCM as s16le."""
    try:
        decoded = decode(recording, max_samples, resamplers)
    except Undecodable as error:
        return {"undecodable": str(error)[:MESSAGE_MAX_CHARACTERS]}, memoryview(b"")
    source = decoded.source
    return {
        "rate_hz": source.rate_hz,
        "channels": source.channels,
        "container": source.container,
        "codec": source.codec,
        "too_long": decoded.too_long,
    }, decoded.pcm.astype("<i2", copy=False).view(np.uint8).data


def warm_up(resamplers: Resamplers) -> None:
    """Uses each library once: what it loads late must come before the last file is closed."""
    tone = np.zeros(4800, np.int16)
    for container, subtype in (("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)):
        written = io.BytesIO()
        soundfile.write(written, tone, 48_000, format=container, subtype=subtype)
        decode(written.getvalue(), RATE_HZ, resamplers)
    for demuxer, codec in (("webm", "opus"), ("mp4", "aac")):
        written = io.BytesIO()
        with av.open(written, "w", format=demuxer) as container_out:
            stream: Any = container_out.add_stream(codec, rate=48_000, layout="mono")
            frame = av.AudioFrame.from_ndarray(tone[np.newaxis], format="s16", layout="mono")
            frame.sample_rate = 48_000
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container_out.mux(packet)
        decode(written.getvalue(), RATE_HZ, resamplers)


def serve(requests: BinaryIO, answers: int, resamplers: Resamplers) -> None:
    """Until the requests end. `answers` is the descriptor of a pipe."""
    os.write(answers, frame_start({"ready": True}, 0))
    while lengths := requests.read(LENGTHS.size):
        header_bytes, payload_bytes = LENGTHS.unpack(lengths)
        header = parse_header(requests.read(header_bytes))
        recording = requests.read(payload_bytes)
        allow_processor_time()
        answered, pcm = answer(recording, count(header, "max_samples"), resamplers)
        # In one piece, or the parent wakes up twice; a pipe that blocks takes all of it, and no signal is handled here.
        os.writev(answers, (frame_start(answered, len(pcm)), pcm))


def main() -> NoReturn:
    resamplers = Resamplers()
    die_with_parent()
    warm_up(resamplers)
    give_up_everything()
    with open(0, "rb", closefd=False) as requests:
        serve(requests, 1, resamplers)
    os._exit(0)  # the libraries' own endings are worth nothing here, and cost 20 ms


if __name__ == "__main__":
    main()
