"""Every measured case of Meteora DAMM v2, as a signed transaction through the stand-in."""

from solders.pubkey import Pubkey

from tests.localnet.programs import damm_v2
from tests.localnet.programs.vectors import USER_IN, USER_OUT, Chain, load

CASES = 874


def test_the_stand_in_gives_the_measured_outcome() -> None:
    file = load("meteora_damm_v2")
    states = {state["id"]: state for state in file["states"]}
    wrong = []
    for case in file["cases"]:
        pool, mint_in, mint_out = (Pubkey.from_string(case[k]) for k in ("pool", "in_mint", "out_mint"))
        amount = int(case["amount_in"])
        chain = Chain(damm_v2.PROGRAM_ID, damm_v2.PROGRAM, states[case["state"]])
        chain.give(USER_IN, mint_in, amount)
        chain.give(USER_OUT, mint_out, 0)
        data = damm_v2.swap(amount) if case["ix"] == "swap" else damm_v2.swap2(amount, 0, damm_v2.EXACT_IN)
        outcome = chain.send(data, damm_v2.metas(chain, pool))
        fees = None if outcome.error else damm_v2.fees_earned(chain, pool)
        measured = (int(case.get("out", 0)), int(case.get("spent", 0)), case.get("error"), case.get("fee"))
        if (outcome.received, outcome.spent, outcome.error, fees) != measured:
            wrong.append((case, outcome, fees))
    print(f"meteora_damm_v2: {len(file['cases'])} cases ran, 0 out of scope, {len(wrong)} wrong")
    assert wrong == []
    assert len(file["cases"]) == CASES
