"""Every measured case of Raydium CPMM, as a signed transaction through the stand-in."""

from solders.pubkey import Pubkey

from tests.localnet.programs import cpmm
from tests.localnet.programs.vectors import USER_IN, USER_OUT, Chain, load

CASES = 364


def test_the_stand_in_gives_the_measured_outcome() -> None:
    file = load("raydium_cpmm")
    states = {state["id"]: state for state in file["states"]}
    wrong = []
    for case in file["cases"]:
        pool, mint_in, mint_out = (Pubkey.from_string(case[k]) for k in ("pool", "in_mint", "out_mint"))
        amount = int(case["amount_in"])
        chain = Chain(cpmm.PROGRAM_ID, cpmm.PROGRAM, states[case["state"]])
        chain.give(USER_IN, mint_in, amount)
        chain.give(USER_OUT, mint_out, 0)
        outcome = chain.send(cpmm.exact_in(amount), cpmm.metas(chain, pool, mint_in, mint_out))
        fees = None if outcome.error else cpmm.fees_owed(chain, pool, mint_in)
        measured = (int(case.get("out", 0)), int(case.get("spent", 0)), case.get("error"), case.get("fee"))
        if (outcome.received, outcome.spent, outcome.error, fees) != measured:
            wrong.append((case, outcome, fees))
    print(f"raydium_cpmm: {len(file['cases'])} cases ran, 0 out of scope, {len(wrong)} wrong")
    assert wrong == []
    assert len(file["cases"]) == CASES
