/* Meteora DAMM v2's rate limiter (base fee mode 2): while it lasts, buying a with b pays more the larger the order.
 *
 * The reference amount pays the cliff rate, each further reference amount one increment more, up to the maximum
 * rate. Rates are numerators over 1e9. */
#ifndef DAMM_V2_RATE_LIMITER_H
#define DAMM_V2_RATE_LIMITER_H

#include "damm_v2.h"

#define FEE_DENOMINATOR 1000000000

typedef struct {
    u64 cliff, increment, most, reference;
} rate_limiter;

/* fee = what is taken off `amount`. */
static u64 fee_within(u64 *fee, u64 amount, u64 rate) {
    REQUIRE(multiply_divide_64(fee, amount, rate, FEE_DENOMINATOR, UP), TypeCastFailed);
    REQUIRE(*fee <= amount, MathOverflow);
    return SUCCESS;
}

/* fee = what to add so that `amount` is left after the fee. */
static u64 fee_on_top(u64 *fee, u64 amount, u64 rate) {
    u64 gross;
    REQUIRE(rate < FEE_DENOMINATOR, MathOverflow);
    REQUIRE(multiply_divide_64(&gross, amount, FEE_DENOMINATOR, FEE_DENOMINATOR - rate, UP), TypeCastFailed);
    *fee = gross - amount;
    return SUCCESS;
}

static bool limiter_applies(const u8 *pool, u64 point, bool a_to_b) {
    u64 activation = load_64(pool + ACTIVATION_POINT), duration = load_32(pool + LIMITER_DURATION);
    bool set = load_64(pool + LIMITER_REFERENCE) || duration || load_32(pool + LIMITER_MOST_BPS) ||
               load_16(pool + LIMITER_INCREMENT_BPS);
    return set && !a_to_b && point >= activation && point - activation <= duration;
}

static void read_limiter(rate_limiter *l, const u8 *pool) {
    l->cliff = load_64(pool + BASE_FEE_CLIFF);
    l->increment = (u64)load_16(pool + LIMITER_INCREMENT_BPS) * (FEE_DENOMINATOR / BPS);
    l->most = (u64)load_32(pool + LIMITER_MOST_BPS) * (FEE_DENOMINATOR / BPS);
    l->reference = load_64(pool + LIMITER_REFERENCE);
}

INLINE u256 times(const u256 *x, u64 factor) {
    u256 by = wide(factor), product;
    multiply(&product, x, &by);
    return product;
}

INLINE u256 plus(const u256 *x, const u256 *y) {
    u256 sum;
    add(&sum, x, y);
    return sum;
}

/* steps = how many increments lie between the cliff and the maximum rate. */
static u64 limiter_steps(u64 *steps, const rate_limiter *l) {
    REQUIRE(l->most >= l->cliff && l->increment, MathOverflow);
    *steps = (l->most - l->cliff) / l->increment;
    return SUCCESS;
}

/* rate = the one rate that takes of `amount`, fee included, what the steps take. */
static NOINLINE u64 limiter_rate_within(u64 *rate, const rate_limiter *l, u64 amount) {
    u64 most_steps;
    *rate = l->cliff;
    if (amount <= l->reference) return SUCCESS;
    require_or_panic(l->reference);
    TRY(limiter_steps(&most_steps, l));
    u64 steps = (amount - l->reference) / l->reference, rest = (amount - l->reference) % l->reference;
    u64 full = steps < most_steps ? steps : most_steps;
    /* Sum of the rates of 1 + full reference amounts: (full + 1) * cliff + increment * full * (full + 1) / 2. */
    u256 one = wide(1), denominator = wide(FEE_DENOMINATOR), whole = wide(full), sum, part, top;
    whole = plus(&whole, &one);
    sum = times(&whole, full);
    sum = times(&sum, l->increment);
    sum = shift_right(&sum, 1);
    part = times(&whole, l->cliff);
    sum = plus(&sum, &part);
    sum = times(&sum, l->reference);
    /* What is left pays the next step's rate, or the maximum rate. */
    if (steps < most_steps) {
        top = times(&whole, l->increment);
        part = wide(l->cliff);
        top = plus(&top, &part);
        top = times(&top, rest);
    } else {
        top = wide(steps - full);
        part = wide(rest);
        top = times(&top, l->reference);
        top = plus(&top, &part);
        top = times(&top, l->most);
    }
    sum = plus(&sum, &top);
    divide(&sum, &sum, &denominator, UP);
    REQUIRE(fits_64(&sum), TypeCastFailed);
    REQUIRE(multiply_divide_64(rate, sum.w[0], FEE_DENOMINATOR, amount, UP), TypeCastFailed);
    return SUCCESS;
}

/* left = what the limiter leaves of `amount`. */
static u64 limiter_net(u64 *left, const rate_limiter *l, u64 amount) {
    u64 rate, fee;
    TRY(limiter_rate_within(&rate, l, amount));
    TRY(fee_within(&fee, amount, rate));
    *left = amount - fee;
    return SUCCESS;
}

/* gross = what leaves `net` after the limiter, where the rate still grows: the root of
 * increment * g^2 - (2d + increment - 2 cliff) * reference * g + 2d * reference * net, plus its last step's part. */
static NOINLINE u64 limiter_gross(u64 *gross, const rate_limiter *l, u64 net) {
    u64 covered, fee, denominator = FEE_DENOMINATOR;
    REQUIRE(2 * denominator + l->increment >= 2 * l->cliff, MathOverflow);
    u256 linear = wide(2 * denominator + l->increment - 2 * l->cliff), constant = wide(net), discriminant, root;
    linear = times(&linear, l->reference);
    constant = times(&constant, 2 * denominator);
    constant = times(&constant, l->reference);
    constant = times(&constant, 4 * l->increment);
    multiply(&discriminant, &linear, &linear);
    REQUIRE(subtract(&discriminant, &discriminant, &constant), MathOverflow);
    root = square_root(&discriminant);
    subtract(&root, &linear, &root);
    u256 twice = wide(2 * l->increment);
    REQUIRE(divide(&root, &root, &twice, DOWN), MathOverflow);
    REQUIRE(fits_64(&root), TypeCastFailed);
    TRY(limiter_net(&covered, l, root.w[0]));
    REQUIRE(net >= covered, MathOverflow);
    TRY(fee_on_top(&fee, net - covered, l->cliff + l->increment * (root.w[0] / l->reference)));
    *gross = root.w[0] + (net - covered) + fee;
    REQUIRE(*gross >= root.w[0], TypeCastFailed);
    return SUCCESS;
}

/* rate = the one rate that leaves `net` of what it is taken from. */
static NOINLINE u64 limiter_rate_on_top(u64 *rate, const rate_limiter *l, u64 net) {
    u64 reference_net, steps, last_net, last = UINT64_MAX, gross, fee;
    TRY(limiter_net(&reference_net, l, l->reference));
    *rate = l->cliff;
    if (net <= reference_net) return SUCCESS;
    TRY(limiter_steps(&steps, l));
    u256 end = wide(steps), one = wide(1);
    end = plus(&end, &one);
    end = times(&end, l->reference);
    if (fits_64(&end)) last = end.w[0];
    TRY(limiter_net(&last_net, l, last));
    if (net == last_net) return limiter_rate_within(rate, l, last);
    if (net < last_net) {
        TRY(limiter_gross(&gross, l, net));
    } else {
        REQUIRE(fits_64(&end), MathOverflow);
        TRY(fee_on_top(&fee, net - last_net, l->most));
        gross = last + (net - last_net) + fee;
        REQUIRE(gross >= last, MathOverflow);
    }
    REQUIRE(multiply_divide_64(rate, gross - net, FEE_DENOMINATOR, gross, UP), TypeCastFailed);
    REQUIRE(*rate >= l->cliff, UndeterminedError);
    return SUCCESS;
}

/* An instruction of the instructions sysvar: its accounts (33 bytes each, the key from the second), its program and
 * its data. */
typedef struct {
    const u8 *accounts, *program, *data;
    u64 account_count, data_length;
} listed_instruction;

static void read_listed(listed_instruction *listed, const u8 *sysvar, u64 index) {
    const u8 *at = sysvar + load_16(sysvar + 2 + 2 * index);
    listed->account_count = load_16(at);
    listed->accounts = at + 2;
    listed->program = listed->accounts + 33 * listed->account_count;
    listed->data_length = load_16(listed->program + 32);
    listed->data = listed->program + 34;
}

static bool swaps_pool(const listed_instruction *listed, const pubkey *program_id, const pubkey *pool) {
    if (key_at(listed->program, program_id)) {
        if (listed->data_length < DISCRIMINATOR_BYTES || listed->account_count < 2) return false;
        u64 name = load_64(listed->data);
        return (name == SWAP || name == SWAP_2) && key_at(listed->accounts + 33 + 1, pool);
    }
    for (u64 i = 0; i < listed->account_count; i++)
        if (key_at(listed->accounts + 33 * i + 1, pool)) return true;
    return false;
}

/* One limited swap a transaction, called directly: else an order could be cut up to pay the cliff rate throughout. */
static u64 check_single_swap(const invocation *call, const account *pool, u64 sysvar_at) {
    listed_instruction listed;
    REQUIRE(call->count > sysvar_at, FailToValidateSingleSwapInstruction);
    const account *sysvar = call->accounts[sysvar_at];
    if (!same_key(&sysvar->key, &INSTRUCTIONS_SYSVAR)) return UNSUPPORTED_SYSVAR;
    u64 current = load_16(sysvar->data + sysvar->data_length - 2);
    read_listed(&listed, sysvar->data, current);
    REQUIRE(key_at(listed.program, call->program_id), FailToValidateSingleSwapInstruction);
    for (u64 i = 0; i < current; i++) {
        read_listed(&listed, sysvar->data, i);
        REQUIRE(!swaps_pool(&listed, call->program_id, &pool->key), FailToValidateSingleSwapInstruction);
    }
    return SUCCESS;
}

#endif
