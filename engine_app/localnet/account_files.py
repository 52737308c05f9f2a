"""Accounts as files, in the form in which Solana's own tools write and read them: `<address>.json`."""

import base64
from pathlib import Path

import orjson
from solders.account import Account
from solders.pubkey import Pubkey


def write_account(directory: Path, address: Pubkey, account: Account) -> None:
    """Write one account."""
    document = {
        "pubkey": str(address),
        "account": {
            "lamports": account.lamports,
            "data": [base64.b64encode(account.data).decode(), "base64"],
            "owner": str(account.owner),
            "executable": account.executable,
            "rentEpoch": account.rent_epoch,
            "space": len(account.data),
        },
    }
    (directory / f"{address}.json").write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def read_accounts(directory: Path) -> dict[Pubkey, Account]:
    """Every account in a directory; raises ValueError, naming the file, for one that is none."""
    found = {}
    for file in sorted(directory.glob("*.json")):
        try:
            document = orjson.loads(file.read_bytes())
            stored = document["account"]
            found[Pubkey.from_string(document["pubkey"])] = Account(
                stored["lamports"],
                base64.b64decode(stored["data"][0], validate=True),
                Pubkey.from_string(stored["owner"]),
                stored["executable"],
                stored["rentEpoch"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{file} is no account file: {error}") from None
    return found
