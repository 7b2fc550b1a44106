"""`python -m benchmarks`: what Loanword costs, as ratios to a floor measured in the same run."""

from benchmarks import dask_rate, disguise, fingerprints, recogniser, releases, stages, uploads


def main() -> None:
    """Prints both raw rates beside each ratio, and the bound that the ratio is held to."""
    print("durable uploads of 160 KB clips, 8 clients; floor: a bare route that writes and fsyncs the body")
    print("  " + uploads.compare().line("uploads/s") + "; bound 0.50", flush=True)
    print("release build of 2,000 five-second clips; floor: tar of the same PCM")
    compared, peak_bytes = releases.compare()
    print("  " + compared.line("MB/s") + f"; bound 0.30; peak memory {peak_bytes / 1e6:.0f} MB", flush=True)
    print("disguising voices, seconds of one core to a second of speech")
    print(f"  {disguise.real_time_factor():.3f}; bound 0.050", flush=True)
    print("\n".join(stages.lines(stages.compare())), flush=True)
    print("hearing what is said with tiny.en on one core, seconds of audio a second, behind the gate, with word times")
    print(f"  {recogniser.measure().line()}; bound 6 x real time", flush=True)
    print("curation of 256 three-second recordings on two Dask workers; floor: on one")
    print("  " + dask_rate.compare().line("clips/s"), flush=True)
    print("copies looked for among stored fingerprints, the few and the many by turns")
    print(f"  {fingerprints.compare().line()}; bounds 0.50, 1 GB")


if __name__ == "__main__":
    main()
