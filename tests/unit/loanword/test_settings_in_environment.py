from datetime import timedelta
from pathlib import Path

import pytest

from corpus.errors import Misconfigured
from corpus.settings import Settings, read_settings
from loanword import cli
from loanword.serve import as_environment


def test_a_worker_process_reads_the_settings_that_its_parent_had(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        home=Path("/srv/loanword"),
        object_store="s3://voices/all",
        public_url="https://voices.example",
        upload_deadline=timedelta(seconds=90),
        notice_grace=timedelta(days=7),
        upload_max_bytes=1_000,
    )

    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)

    assert read_settings() == settings


def test_a_duration_is_given_as_the_operators_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOANWORD_UPLOAD_DEADLINE", "PT90S")

    assert read_settings().upload_deadline == timedelta(seconds=90)


def test_the_home_that_was_named_goes_before_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOANWORD_HOME", "/srv/elsewhere")

    assert read_settings(Path("/srv/loanword")).home == Path("/srv/loanword")


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        pytest.param("LOANWORD_UPLOAD_DEADLINE", "x", "duration|timedelta", id="no-duration"),
        pytest.param("LOANWORD_CURATE_BATCH", "0", "greater than 0", id="too-small"),
        pytest.param("LOANWORD_PUBLIC_URL", "voices.example", "pattern", id="no-scheme"),
    ],
)
def test_a_setting_that_cannot_be_understood_is_named_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, wrong: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(Misconfigured, match=f"{name}: .*({wrong})"):
        read_settings()


def test_every_setting_that_is_wrong_is_told_at_once_and_the_command_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOANWORD_UPLOAD_DEADLINE", "x")
    monkeypatch.setenv("LOANWORD_CLIP_MAX", "y")

    status = cli.main(["sweep"])

    said = capsys.readouterr().err
    assert status == 1
    assert "LOANWORD_UPLOAD_DEADLINE" in said
    assert "LOANWORD_CLIP_MAX" in said


@pytest.mark.parametrize(
    ("public_url", "over_tls"),
    [
        ("https://voices.example", True),
        ("HTTPS://voices.example", True),
        ("http://voices.example", False),
        (None, False),
    ],
)
def test_people_come_over_tls_where_the_public_address_says_so(public_url: str | None, over_tls: bool) -> None:
    assert Settings(public_url=public_url).is_public_over_tls() == over_tls
