"""Recordings, good and hostile, through the real child process."""

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

import loanword.samples
from corpus.errors import DecoderCrashed, LoanwordError, Misconfigured, Undecodable
from corpus.speech.decoder import Decoder
from tests.recordings import encoded, noise, tone, wav_header

SAMPLES = Path(loanword.samples.__file__).parent
BROKEN = Path(__file__).parents[5] / "shared" / "data" / "broken"
MAX = timedelta(seconds=20)

ANSWERS_READY = "import sys, time; o = sys.stdout.buffer; o.write(b'\\0\\0\\0\\2\\0\\0\\0\\0{}'); o.flush(); "


def child_that(does: str) -> list[str]:
    """A child that starts as ours does, then goes its own way."""
    return [sys.executable, "-I", "-c", ANSWERS_READY + does]


def peak_memory_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def peak_dbfs(pcm: bytes) -> float:
    """Of the middle: the ends of a tone are clicks, which have every frequency."""
    samples = np.frombuffer(pcm, "<i2")[1600:-1600].astype(float)
    return float(20 * np.log10(max(np.abs(samples).max(), 1e-9) / 32768))


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as opened:
        yield opened


def sample_rows() -> list[dict[str, str]]:
    with (SAMPLES / "manifest.csv").open(encoding="utf-8", newline="") as rows:
        return [row for row in csv.DictReader(rows) if row["file"] != "broken.flac"]


@pytest.mark.parametrize("row", sample_rows(), ids=lambda row: row["file"])
def test_a_sample_decodes_at_its_length(decoder: Decoder, row: dict[str, str]) -> None:
    recording = decoder.decode((SAMPLES / row["file"]).read_bytes(), MAX)

    assert recording.samples / 16_000 == pytest.approx(float(row["duration_s"]), abs=0.1)
    assert recording.source_channels == 1
    assert not recording.too_long


def test_the_broken_sample_is_undecodable(decoder: Decoder) -> None:
    with pytest.raises(Undecodable, match="libsndfile"):
        decoder.decode((SAMPLES / "broken.flac").read_bytes(), MAX)


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_16_khz_mono_16_bit_samples_come_back_bit_for_bit(decoder: Decoder, container: str) -> None:
    samples = noise(5)

    recording = decoder.decode(encoded(samples, container=container, subtype="PCM_16"), MAX)

    assert recording.pcm == samples.astype("<i2").tobytes()


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000, 192_000])
def test_a_tone_above_8_khz_does_not_fold_back(decoder: Decoder, rate_hz: int) -> None:
    recording = decoder.decode(encoded(tone(min(12_000, 0.45 * rate_hz), rate_hz), rate_hz), MAX)

    assert peak_dbfs(recording.pcm) < -60


def test_a_tone_below_8_khz_survives_the_change_of_rate(decoder: Decoder) -> None:
    recording = decoder.decode(encoded(tone(1_000, 44_100), 44_100), MAX)

    assert recording.samples == 16_000
    assert peak_dbfs(recording.pcm) == pytest.approx(-6.02, abs=0.05)


def test_stereo_is_averaged(decoder: Decoder) -> None:
    left_only = np.stack([tone(440, 16_000), np.zeros(16_000)], axis=1)

    recording = decoder.decode(encoded(left_only, subtype="PCM_16"), MAX)

    assert (recording.source_channels, recording.samples) == (2, 16_000)
    assert peak_dbfs(recording.pcm) == pytest.approx(-12.04, abs=0.1)


@pytest.mark.parametrize("data_bytes", [0xFFFF_FFFE, 0x8000_0000, 64_000])
def test_a_wav_that_claims_more_than_it_holds_gives_what_it_holds(decoder: Decoder, data_bytes: int) -> None:
    recording = decoder.decode(wav_header(data_bytes=data_bytes) + bytes(32_000), MAX)

    assert recording.samples == 16_000


def test_a_recording_of_exactly_the_limit_is_not_too_long(decoder: Decoder) -> None:
    recording = decoder.decode(encoded(noise(2)), timedelta(seconds=2))

    assert (recording.samples, recording.too_long) == (32_000, False)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_a_recording_of_one_sample_more_is_too_long_and_cut_there(decoder: Decoder, rate_hz: int) -> None:
    recording = decoder.decode(encoded(np.zeros(2 * rate_hz + 1, np.int16), rate_hz), timedelta(seconds=2))

    assert (recording.samples, recording.too_long) == (32_000, True)


def test_a_plain_wav_needs_no_child() -> None:
    with Decoder() as decoder:
        recording = decoder.decode(encoded(noise(3)), timedelta(seconds=2))

        assert (recording.samples, recording.too_long, decoder.child_pid) == (32_000, True, None)


def test_an_hour_of_silence_costs_no_more_than_the_limit(decoder: Decoder) -> None:
    hour = encoded(np.zeros(3600 * 16_000, np.int16), container="FLAC")
    before = time.monotonic()

    recording = decoder.decode(hour, MAX)

    assert (recording.samples, recording.too_long) == (320_000, True)
    assert time.monotonic() - before < 5


@pytest.mark.parametrize(
    ("recording", "why"),
    [
        pytest.param(b"", "no WAV", id="nothing"),
        pytest.param(b"ffconcat version 1.0\nfile /etc/hostname\n", "no WAV", id="a-list-of-local-files"),
        pytest.param(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "no WAV", id="an-HLS-playlist"),
        pytest.param(
            wav_header(channels=1024, data_bytes=1 << 20) + bytes(1 << 20), "1024 channels", id="1024-channels"
        ),
        pytest.param(wav_header(rate_hz=1, data_bytes=2000) + bytes(2000), "1 samples a second", id="1-Hz"),
        pytest.param(wav_header(rate_hz=4_000, data_bytes=2000) + bytes(2000), "4000 samples", id="4-kHz"),
        pytest.param(encoded(np.full(9, np.nan), subtype="FLOAT"), "no numbers", id="not-a-number"),
        pytest.param(encoded(np.full(9, np.inf), subtype="FLOAT"), "no numbers", id="infinity"),
        pytest.param(encoded(noise(5), container="FLAC")[:-10_000], "cut short", id="a-FLAC-cut-short"),
        pytest.param(b"\x1aE\xdf\xa3" + bytes(100), "FFmpeg", id="the-head-of-a-WebM-and-nothing"),
        pytest.param(b"\0\0\0\x18ftypM4A " + bytes(100), "FFmpeg", id="the-head-of-an-M4A-and-nothing"),
        pytest.param(b"ID3" + bytes(100_000), "libsndfile", id="the-head-of-an-MP3-and-nothing"),
    ],
)
def test_what_is_no_recording_is_undecodable(decoder: Decoder, recording: bytes, why: str) -> None:
    with pytest.raises(Undecodable, match=why):
        decoder.decode(recording, MAX)


def test_the_child_can_open_nothing_and_is_nobody(decoder: Decoder) -> None:
    decoder.decode(encoded(noise(1), container="FLAC"), MAX)
    if not sys.platform.startswith("linux"):
        pytest.skip("the limits of another process are read from /proc")

    limits = Path(f"/proc/{decoder.child_pid}/limits").read_text()
    status = Path(f"/proc/{decoder.child_pid}/status").read_text()

    soft_and_hard = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    assert soft_and_hard["Max open files"] == ["3", "3"]
    assert soft_and_hard["Max file size"] == ["0", "0"]
    assert soft_and_hard["Max core file size"] == ["0", "0"]
    assert soft_and_hard["Max processes"] == ["0", "0"]
    assert int(soft_and_hard["Max address space"][0]) < 4 << 30
    assert int(soft_and_hard["Max cpu time"][0]) < 60
    assert "NoNewPrivs:\t1" in status
    assert "Uid:\t0" not in status


def test_a_recording_beyond_the_memory_of_a_child_kills_it_and_nothing_else() -> None:
    with Decoder() as decoder:
        with pytest.raises(DecoderCrashed):
            decoder.decode(bytes(600 << 20), MAX)

        assert decoder.decode(encoded(noise(1), container="FLAC"), MAX).samples == 16_000


def test_a_child_killed_from_outside_is_replaced() -> None:
    with Decoder() as decoder:
        decoder.decode(encoded(noise(1), container="FLAC"), MAX)
        killed = decoder.child_pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)

        recording = decoder.decode(encoded(noise(1), container="FLAC"), MAX)

        assert recording.samples == 16_000
        assert decoder.child_pid != killed


def test_a_child_is_retired_after_its_share_of_recordings() -> None:
    with Decoder(recordings_per_child=2) as decoder:
        served_by = []
        for _ in range(3):
            decoder.decode(encoded(noise(0.1), container="FLAC"), MAX)
            served_by.append(decoder.child_pid)

    assert served_by[0] == served_by[1] != served_by[2]


def test_a_closed_decoder_leaves_no_process() -> None:
    with Decoder() as decoder:
        decoder.decode(encoded(noise(0.1), container="FLAC"), MAX)
        pid = decoder.child_pid
        assert pid is not None

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_threads_that_share_a_decoder_get_each_their_own_answer(decoder: Decoder) -> None:
    lengths = {}

    def decode(samples: int) -> None:
        lengths[samples] = decoder.decode(encoded(np.zeros(samples, np.int16), container="FLAC"), MAX).samples

    threads = [threading.Thread(target=decode, args=(samples,)) for samples in range(1000, 1020)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert lengths == {samples: samples for samples in range(1000, 1020)}


@pytest.mark.parametrize(
    "does",
    [
        pytest.param("time.sleep(60)", id="never-reads"),
        pytest.param("sys.stdin.buffer.read(100); time.sleep(60)", id="never-answers"),
    ],
)
def test_a_child_that_hangs_is_killed_at_the_deadline(does: str) -> None:
    with Decoder(deadline=timedelta(seconds=0.3), child_command=child_that(does)) as decoder:
        before = time.monotonic()

        with pytest.raises(DecoderCrashed):
            decoder.decode(bytes(4 << 20), MAX)

        assert time.monotonic() - before < 3
        assert decoder.child_pid is None


def test_a_recording_that_kills_its_child_is_tried_once_more(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    dies = f"open({str(starts)!r}, 'a').write('x'); sys.stdin.buffer.read(1); sys.exit(1)"

    with Decoder(child_command=child_that(dies)) as decoder, pytest.raises(DecoderCrashed):
        decoder.decode(bytes(10), MAX)

    assert starts.read_text() == "xx"


@pytest.mark.parametrize(
    "does",
    [
        pytest.param("o.write(b'\\xff' * 1000)", id="lengths-of-4-GB"),
        pytest.param("o.write(b'\\0\\0\\0\\2\\0\\0\\0\\0[]')", id="a-header-that-is-none"),
        pytest.param("o.write(b'\\0\\0\\0\\2\\0\\0\\0\\1{}x')", id="half-a-sample"),
        pytest.param("o.write(b'\\0\\0\\0\\2\\0\\0\\0\\2{}xx')", id="no-facts"),
    ],
)
def test_a_child_that_talks_nonsense_is_not_believed(does: str) -> None:
    with Decoder(child_command=child_that(f"{does}; o.flush(); time.sleep(60)")) as decoder:
        with pytest.raises(DecoderCrashed):
            decoder.decode(bytes(10), MAX)

        assert decoder.child_pid is None


def test_a_child_that_cannot_start_is_no_fault_of_the_recording() -> None:
    with (
        Decoder(child_command=[sys.executable, "-I", "-c", "raise SystemExit(1)"]) as decoder,
        pytest.raises(Misconfigured, match="does not start"),
    ):
        decoder.decode(bytes(10), MAX)


def test_the_child_of_a_parent_that_was_killed_ends(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = f"""
import os, pathlib, signal
from datetime import timedelta
from corpus.errors import Undecodable
from corpus.speech.decoder import Decoder
decoder = Decoder()
try:
    decoder.decode(b"", timedelta(seconds=1))
except Undecodable:
    pathlib.Path({str(pid_file)!r}).write_text(str(decoder.child_pid))
os.kill(os.getpid(), signal.SIGKILL)
"""
    parent = subprocess.run([sys.executable, "-c", program], check=False)
    assert parent.returncode == -signal.SIGKILL
    child = int(pid_file.read_text())

    until = time.monotonic() + 10
    while _is_running(child) and time.monotonic() < until:
        time.sleep(0.01)

    assert not _is_running(child)


def _is_running(pid: int) -> bool:
    """A zombie that init has yet to collect is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_every_broken_recording_gives_pcm_or_a_reason_in_bounded_time_and_memory(decoder: Decoder) -> None:
    if not BROKEN.is_dir():
        pytest.skip(f"no collection of broken recordings at {BROKEN.parent.name}/{BROKEN.name} beside the repository")
    files = sorted(file for file in BROKEN.rglob("*") if file.is_file() and file.name != "manifest.csv")
    slowest_s, decoded, refused = 0.0, 0, 0

    for file in files:
        before = time.monotonic()
        try:
            decoder.decode(file.read_bytes(), MAX)
            decoded += 1
        except LoanwordError:
            refused += 1
        slowest_s = max(slowest_s, time.monotonic() - before)

    assert decoded + refused == len(files) > 300
    assert decoded > 150
    assert refused > 100
    assert slowest_s < 15
    assert decoder.child_pid is not None
    assert peak_memory_bytes(decoder.child_pid) < 300 << 20
