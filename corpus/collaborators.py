"""What use cases are handed: database, store, vault, keys, signer, clock and settings, wired from the settings.

Called in entry points (the roof, and a curation worker's start) and nowhere else.
"""

from dataclasses import dataclass

from corpus.database import Database, check_up_to_date
from corpus.keys import Keyring, MasterKey
from corpus.object_store import DirectoryStore, ObjectStore
from corpus.settings import Settings
from corpus.signing import Signer
from corpus.stores import open_store
from corpus.vault import Vault
from corpus.words import Clock, utc_now


@dataclass(frozen=True, slots=True)
class Collaborators:
    """What a process works with. `store` holds sealed voices (through `vault`) and open releases."""

    settings: Settings
    database: Database
    store: ObjectStore
    vault: Vault
    keyring: Keyring
    master: MasterKey
    signer: Signer
    clock: Clock

    @property
    def is_embedded(self) -> bool:
        """Whether rows and objects are files of this machine: work on them waits for one disk, and for no network."""
        return self.database.is_sqlite and isinstance(self.store, DirectoryStore)


def collaborators(settings: Settings, clock: Clock = utc_now) -> Collaborators:
    """Opens everything. Raises `Misconfigured` where the home was not prepared (`loanword database upgrade`)."""
    master = MasterKey.read(settings.resolved_master_key_file())
    check_up_to_date(settings.resolved_database_url())
    store = open_store(settings.resolved_object_store(), s3_endpoint_url=settings.s3_endpoint_url)
    wrapped_keys = open_store(settings.resolved_key_store(), s3_endpoint_url=settings.s3_endpoint_url)
    return Collaborators(
        settings=settings,
        database=Database(settings.resolved_database_url()),
        store=store,
        vault=Vault(store),
        keyring=Keyring(master, wrapped_keys),
        master=master,
        signer=Signer.read(settings.resolved_signing_key_file()),
        clock=clock,
    )
