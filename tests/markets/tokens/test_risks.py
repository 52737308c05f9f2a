"""What a mint's account warns of."""

from __future__ import annotations

from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import TOKEN_2022_PROGRAM, TOKEN_PROGRAM, Mint
from engine_app.markets.tokens import TokenWarning
from engine_app.markets.tokens.token import risks, unlisted_token

SOMEBODY = Pubkey.new_unique()


def mint(*extensions: int, mints: Pubkey | None = None, freezes: Pubkey | None = None) -> Mint:
    return Mint(
        decimals=7,
        supply=1,
        token_program=TOKEN_2022_PROGRAM if extensions else TOKEN_PROGRAM,
        mint_authority=mints,
        freeze_authority=freezes,
        extensions=dict.fromkeys(extensions, b""),
    )


def test_a_mint_that_nobody_can_touch_any_more_warns_of_nothing() -> None:
    assert risks(mint()) == ()
    assert risks(mint(18, 19, 20, 21, 22, 23)) == (), "metadata and groups are harmless"


def test_authorities_warn() -> None:
    assert risks(mint(mints=SOMEBODY)) == (TokenWarning.MINT_AUTHORITY,)
    assert risks(mint(freezes=SOMEBODY)) == (TokenWarning.FREEZE_AUTHORITY,)


@pytest.mark.parametrize(
    ("extension", "warning"),
    [
        (1, TokenWarning.TRANSFER_FEE),
        (3, TokenWarning.CLOSABLE_MINT),
        (4, TokenWarning.CONFIDENTIAL_TRANSFERS),
        (6, TokenWarning.DEFAULT_FROZEN),
        (9, TokenWarning.NON_TRANSFERABLE),
        (10, TokenWarning.CHANGING_AMOUNTS),
        (12, TokenWarning.PERMANENT_DELEGATE),
        (14, TokenWarning.TRANSFER_HOOK),
        (16, TokenWarning.CONFIDENTIAL_TRANSFERS),
        (24, TokenWarning.CONFIDENTIAL_TRANSFERS),
        (25, TokenWarning.CHANGING_AMOUNTS),
        (26, TokenWarning.PAUSABLE),
        (27, TokenWarning.OTHER_EXTENSION),
        (4711, TokenWarning.OTHER_EXTENSION),
    ],
)
def test_each_extension_warns_of_its_own(extension: int, warning: TokenWarning) -> None:
    assert risks(mint(extension, 18)) == (warning,)


def test_each_warning_is_given_once_and_that_it_is_unlisted_first() -> None:
    token = unlisted_token(SOMEBODY, mint(4, 16, 12, mints=SOMEBODY))
    assert token.warnings == (
        TokenWarning.UNLISTED,
        TokenWarning.MINT_AUTHORITY,
        TokenWarning.PERMANENT_DELEGATE,
        TokenWarning.CONFIDENTIAL_TRANSFERS,
    )
    assert (token.symbol, token.decimals, token.program) == (str(SOMEBODY), 7, TOKEN_2022_PROGRAM)
    assert not token.listed


def test_the_page_of_tokens_explains_every_code() -> None:
    page = (Path(__file__).parents[3] / "docs" / "tokens.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{warning.value}` | {warning.text} |" for warning in TokenWarning]
