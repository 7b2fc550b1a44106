"""What `loanword keys` prints."""

from pathlib import Path

import pytest

from corpus.settings import Settings
from corpus.signing import Signer
from export.client import proofs
from loanword import cli
from loanword.prepare import prepare


def test_a_new_signing_key_is_told_with_the_fingerprint_that_pull_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(home=tmp_path / "home")
    prepare(settings)
    capsys.readouterr()

    status = cli.main(["keys", "rotate", "--signing", "--home", str(settings.home)])

    public_key = Signer.read(settings.resolved_signing_key_file()).public_key
    assert status == 0
    assert capsys.readouterr().out.splitlines() == [
        f"The signing key is now {public_key.hex()}: restart the servers.",
        f"Its fingerprint is {proofs.fingerprint(public_key)}.",
    ]
