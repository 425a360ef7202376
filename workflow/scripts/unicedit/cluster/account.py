"""Accounting: whether the cluster keeps it, and which accounts this user may charge."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass

from unicedit.cluster.slurm import SlurmError, ask

_FORMAT = "Account,Partition,QOS,DefaultQOS,MaxSubmit"
_USUAL = "normal"  # the QOS of an association that names no default one


@dataclass(frozen=True, slots=True)
class Association:
    """An account this user may charge, everywhere or on one partition, with the QOS open to it; ``most_jobs`` may be queued at once, None: no limit."""

    account: str
    partition: str
    most_jobs: int | None
    qos: tuple[str, ...] = ()
    default_qos: str = ""


def keeps_accounts(configuration: Mapping[str, str]) -> bool:
    """Whether ``sacct`` and ``sacctmgr`` have a database to ask."""
    return configuration.get("AccountingStorageType", "accounting_storage/none") not in ("accounting_storage/none", "(null)", "")


def parse_associations(text: str) -> list[Association]:
    """Associations from ``sacctmgr --parsable2`` in this module's format."""
    rows = [line.split("|") for line in text.splitlines() if line.count("|") == _FORMAT.count(",")]
    return [
        Association(account, partition, int(most) if most.isdigit() else None, tuple(filter(None, names.split(","))), default or _USUAL)
        for account, partition, names, default, most in rows
        if account
    ]


def associations() -> list[Association]:
    """The accounts of this user. Raises ``SlurmError`` where the database does not answer."""
    return parse_associations(
        ask("sacctmgr", "--noheader", "--parsable2", "list", "associations", f"user={getpass.getuser()}", f"format={_FORMAT}")
    )


def accounts_or_fault() -> tuple[list[Association], str]:
    """The accounts of this user, or none and why they are not known."""
    try:
        return associations(), ""
    except SlurmError as error:
        return [], str(error)
