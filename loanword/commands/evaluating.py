"""What measures before a release promises: `loanword evaluate`."""

import json
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from corpus.audio import RATE_HZ
from corpus.errors import BadRequest, Undecodable
from corpus.settings import Settings, read_settings
from corpus.speech.decoder import Decoder
from corpus.speech.detector import load_detector
from corpus.speech.hearing import Hearing, load_hearing
from export.datasheet import EQUAL_ERROR_RATES, WORD_ERROR_RATES, rates, sources
from export.disguise import HIGHEST_ALPHA, LOWEST_ALPHA, Disguise, Figures, Method, Per, check, format_figures
from loanword.commands.options import AsJson
from loanword.commands.progress import progress_bar
from loanword.demo.recordings import read_manifest
from loanword.evaluation.disguise import Progress, measure_attacks, measure_words
from loanword.evaluation.encoders import load_encoder
from loanword.evaluation.voices import LONGEST_SAMPLES, Said

Alpha = Annotated[float, typer.Option(help="Bounds of the coefficient.", min=LOWEST_ALPHA, max=HIGHEST_ALPHA)]


def add_to(app: typer.Typer) -> None:
    """Adds evaluate disguise."""
    evaluate = typer.Typer(help="Measure what a release will promise.", no_args_is_help=True)
    evaluate.callback()(lambda: None)  # one command is still a command of its own name
    evaluate.command("disguise")(evaluate_disguise)
    app.add_typer(evaluate, name="evaluate")


def evaluate_disguise(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Recordings with a manifest.csv (file, transcript, speaker; source and language are used).",
            file_okay=False,
            exists=True,
        ),
    ],
    per: Annotated[Per, typer.Option(help="What gets a coefficient of its own.")],
    alpha_from: Alpha = 0.5,
    alpha_to: Alpha = 0.9,
    to: Annotated[
        Path | None, typer.Option(help="Write the figures to this file, for a release policy to name.")
    ] = None,
    described: Annotated[
        str | None, typer.Option(help="What the recordings are, as the datasheet shall say; else the folder's name.")
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(
            help="Weights of Resemblyzer 0.1.4, or its wheel; else the installed ones, or a classical encoder."
        ),
    ] = None,
    recogniser: Annotated[
        str | None,
        typer.Option(help="In place of LOANWORD_RECOGNISER, and on this machine. Without one no words are counted."),
    ] = None,
    words_on: Annotated[int, typer.Option(help="Count words on at most so many recordings.", min=0)] = 100,
    seed: Annotated[int, typer.Option(help="Draws coefficients for the evaluation alone, no release's.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Measure how far a disguise goes: equal error rates of three attackers, and word errors before and after.

    Reads the recordings of the folder, and nothing of what people have lent here; embeddings are kept nowhere.
    """
    disguise = Disguise(method=Method.MCADAMS, per=per, alpha_from=alpha_from, alpha_to=alpha_to)
    check(disguise)
    if to and not to.parent.is_dir():  # said before the work, not after it
        raise BadRequest(f"There is no folder {to.parent} to write the figures to.")
    settings, chosen = read_settings(None), load_encoder(encoder)
    hearing = _hearing_here(settings.model_copy(update={"recogniser": recogniser}) if recogniser else settings)
    with progress_bar("decoding") as on_progress:
        said, locale = decoded(folder, on_progress)
    with progress_bar("comparing voices") as on_progress:
        attacks = measure_attacks(said, disguise, chosen, seed, on_progress)
    words = None
    if hearing and words_on:
        with progress_bar("counting words") as on_progress:
            words = measure_words(said, disguise, hearing, locale, seed, on_progress, words_on)
    figures = Figures(
        method=disguise.method,
        version=disguise.version,
        per=per,
        alpha_from=alpha_from,
        alpha_to=alpha_to,
        recordings=described or folder.resolve().name,
        measured_on=datetime.now(UTC).date().isoformat(),
        attacks=attacks,
        words=words,
    )
    if to:
        to.write_text(format_figures(figures), encoding="utf-8")
    _tell(figures, as_json)


def decoded(folder: Path, on_progress: Progress) -> tuple[list[Said], str]:
    """The recordings of a folder that can be decoded, at most as long as a clip may be, and the first one's locale.

    What is said in another locale is not kept.
    Raises `BadManifest`.
    """
    rows, said = read_manifest(folder), []
    longest = timedelta(seconds=LONGEST_SAMPLES / RATE_HZ + 1)  # one more, to tell what is longer
    with Decoder() as decoder:
        for done, row in enumerate(rows):
            on_progress(done, len(rows))
            with suppress(Undecodable):
                pcm = decoder.decode(row.path.read_bytes(), longest).pcm
                transcript = row.transcript if row.locale == rows[0].locale else ""
                said.append(Said(row.speaker, row.source, np.frombuffer(pcm, "<i2"), transcript))
    if not said:
        raise BadRequest(f"No recording in {folder} can be decoded.")
    return said, rows[0].locale


def _hearing_here(settings: Settings) -> Hearing | None:
    """The recognisers of the settings. Raises `BadRequest` where one is on another machine.

    Nobody was asked whether the folder may be sent there.
    """
    if elsewhere := settings.remote_recognisers():
        raise BadRequest(
            f"The recordings would be sent to {' and '.join(elsewhere)}. Name a recogniser on this machine with "
            "--recogniser; `--recogniser none` counts no words."
        )
    return load_hearing(settings.recogniser, load_detector(settings.speech_detector), locale=settings.locale)


def _tell(figures: Figures, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(figures), sort_keys=True))
        return
    attacks, words = figures.attacks, figures.words
    for what, share in (*rates(EQUAL_ERROR_RATES, attacks), *rates(WORD_ERROR_RATES, words)):
        typer.echo(f"{what}: {share}")
    for line in sources(figures):
        typer.echo(line)
