/* A stand-in for Meteora DAMM v2 (cp_amm 0.2): swap and swap2.
 *
 * Accounts, layouts, fees, rounding and error codes are the real program's. Left out: the event that the
 * real program emits to itself, a rate-limited swap called by another program (refused), every other instruction. */
#include "damm_v2_curve.h"
#include "damm_v2_fees.h"

#define AUTHORITY_SEED "pool_authority"
#define EVENT_AUTHORITY_SEED "__event_authority"
#define WHITELIST_SLOTS 9000
#define WHITELIST_SECONDS 3600

enum {
    AUTHORITY,
    POOL_ACCOUNT,
    USER_IN,
    USER_OUT,
    VAULT_OF_A,
    VAULT_OF_B,
    MINT_A,
    MINT_B,
    PAYER,
    PROGRAM_A,
    PROGRAM_B,
    REFERRAL,
    EVENT_AUTHORITY,
    PROGRAM,
    ACCOUNTS
};

enum { EXACT_IN, PARTIAL_FILL, EXACT_OUT };

/* Base units. Exact out: `amount` is what to receive and `limit` the most to send, else what to send and the least
 * to receive. */
typedef struct {
    u64 amount, limit;
    u8 mode;
} order;

/* How a swap runs: where the fee is taken, and what the mints take on transfers. */
typedef struct {
    curve curve;
    bool fee_on_input, fee_on_a, has_referral;
    const u8 *pool;
    u64 point;
    transfer_fee mint_in, mint_out;
} terms;

/* Base units: `sent` leaves the user, `out` leaves the vault for the user, `gross_in` is `sent` without the input
 * mint's fee; `moved` is what reaches and leaves the curve. */
typedef struct {
    u64 sent, gross_in, out;
    step moved;
    fee_parts fee;
} trade;

static u64 check_token_account(const account *a) {
    REQUIRE(a->is_writable, AccountNotMutable);
    REQUIRE(!never_created(a), AccountNotInitialized);
    REQUIRE(is_token_program(&a->owner), AccountOwnedByWrongProgram);
    return SUCCESS;
}

static u64 check_address(const invocation *call, int which, const char *seed, u64 length, u8 *bump) {
    slice seeds = {seed, length};
    pubkey address;
    TRY(sol_try_find_program_address(&seeds, 1, call->program_id, &address, bump));
    if (same_key(&call->accounts[which]->key, &address)) return SUCCESS;
    return which == AUTHORITY ? FAILURE(ConstraintAddress) : FAILURE(ConstraintSeeds);
}

static u64 check_pool(const invocation *call) {
    account *const *a = call->accounts, *pool = a[POOL_ACCOUNT];
    REQUIRE(same_key(&pool->owner, call->program_id), AccountOwnedByWrongProgram);
    REQUIRE(pool->is_writable, AccountNotMutable);
    REQUIRE(pool->data_length >= DISCRIMINATOR_BYTES, AccountDiscriminatorNotFound);
    REQUIRE(load_64(pool->data) == POOL, AccountDiscriminatorMismatch);
    require_or_panic(pool->data_length >= POOL_BYTES);
    REQUIRE(key_at(pool->data + VAULT_A, &a[VAULT_OF_A]->key), ConstraintHasOne);
    REQUIRE(key_at(pool->data + VAULT_B, &a[VAULT_OF_B]->key), ConstraintHasOne);
    return SUCCESS;
}

static u64 check_mint(const account *mint, const account *vault) {
    require_or_panic(vault->data_length >= sizeof(pubkey));
    pubkey of_vault = token_mint(vault);
    REQUIRE(same_key(&mint->key, &of_vault), ConstraintTokenMint);
    REQUIRE(is_token_program(&mint->owner), AccountOwnedByWrongProgram);
    return SUCCESS;
}

static u64 check_accounts(const invocation *call, u8 *bump) {
    account *const *a = call->accounts;
    u8 event_bump;
    TRY(check_address(call, AUTHORITY, AUTHORITY_SEED, sizeof(AUTHORITY_SEED) - 1, bump));
    TRY(check_pool(call));
    TRY(check_token_account(a[USER_IN]));
    TRY(check_token_account(a[USER_OUT]));
    TRY(check_token_account(a[VAULT_OF_A]));
    REQUIRE(same_key(&a[VAULT_OF_A]->owner, &a[PROGRAM_A]->key), ConstraintTokenTokenProgram);
    TRY(check_token_account(a[VAULT_OF_B]));
    REQUIRE(same_key(&a[VAULT_OF_B]->owner, &a[PROGRAM_B]->key), ConstraintTokenTokenProgram);
    TRY(check_mint(a[MINT_A], a[VAULT_OF_A]));
    TRY(check_mint(a[MINT_B], a[VAULT_OF_B]));
    REQUIRE(a[PAYER]->is_signer, AccountNotSigner);
    TRY(check_address(call, EVENT_AUTHORITY, EVENT_AUTHORITY_SEED, sizeof(EVENT_AUTHORITY_SEED) - 1, &event_bump));
    if (!same_key(&a[REFERRAL]->key, call->program_id)) TRY(check_token_account(a[REFERRAL]));
    return SUCCESS;
}

/* Who may swap when: everyone from the activation point on, the whitelisted vault an hour before. */
static u64 check_open(const u8 *pool, const account *payer, u64 point) {
    u64 activation = load_64(pool + ACTIVATION_POINT);
    u64 early = pool[ACTIVATION_TYPE] ? WHITELIST_SECONDS : WHITELIST_SLOTS;
    if (key_at(pool + WHITELISTED_VAULT, &payer->key)) activation = activation > early ? activation - early : 0;
    REQUIRE(!pool[POOL_STATUS] && point >= activation, PoolDisabled);
    return SUCCESS;
}

/* Pools of the first layout do not know their reserves yet. */
static u64 update_layout(u8 *pool) {
    curve c;
    u256 a, b;
    REQUIRE(pool[LAYOUT_VERSION] <= 1, TypeCastFailed);
    REQUIRE(pool[COLLECT_FEE_MODE] <= COLLECT_COMPOUNDING, TypeCastFailed);
    if (pool[LAYOUT_VERSION]) return SUCCESS;
    read_curve(&c, pool, false);
    pool[LAYOUT_VERSION] = 1;
    if (c.compounding) return SUCCESS;
    TRY(amount_a(&a, &c.price, &c.highest, &c.liquidity, UP));
    TRY(amount_b(&b, &c.lowest, &c.price, &c.liquidity, UP));
    REQUIRE(fits_64(&a) && fits_64(&b), MathOverflow);
    store_64(pool + RESERVES, a.w[0]);
    store_64(pool + RESERVES + 8, b.w[0]);
    return SUCCESS;
}

static u64 rate_of(u64 *rate, const terms *t, u64 amount, bool includes_fee) {
    fee_question asked = {amount, t->point, includes_fee, t->curve.a_to_b};
    return trading_fee(rate, t->pool, &asked);
}

/* fee = what comes on top of `amount` at the rate of an order that leaves it. */
static u64 fee_added(u64 *fee, const terms *t, u64 amount) {
    u64 rate;
    TRY(rate_of(&rate, t, amount, false));
    return fee_on_top(fee, amount, rate);
}

/* Exact in, and partial fill where the price range may end before the input does. */
static u64 trade_input(trade *done, const terms *t, const order *asked) {
    u64 fee = 0, rate, extra, received;
    done->gross_in = asked->amount - fee_on_sent(&t->mint_in, asked->amount);
    done->sent = asked->amount;
    REQUIRE(done->gross_in > 0, AmountIsZero);
    TRY(rate_of(&rate, t, done->gross_in, true));
    if (t->fee_on_input) TRY(fee_within(&fee, done->gross_in, rate));
    u64 net = done->gross_in - fee;
    TRY(asked->mode == EXACT_IN ? step_exact_in(&done->moved, &t->curve, net)
                                : step_partial(&done->moved, &t->curve, net));
    if (done->moved.in < net) {
        if (t->fee_on_input) TRY(fee_added(&fee, t, done->moved.in));
        done->gross_in = done->moved.in + fee;
    }
    if (!t->fee_on_input) TRY(fee_within(&fee, done->moved.out, rate));
    done->out = t->fee_on_input ? done->moved.out : done->moved.out - fee;
    TRY(divide_fee(&done->fee, t->pool, fee, t->has_referral));
    REQUIRE(done->gross_in > 0, AmountIsZero);
    received = done->out - fee_on_sent(&t->mint_out, done->out);
    REQUIRE(received >= asked->limit, ExceededSlippage);
    if (asked->mode == PARTIAL_FILL) {
        REQUIRE(fee_on_received(&extra, &t->mint_in, done->gross_in), MathOverflow);
        done->sent = done->gross_in + extra;
    }
    return SUCCESS;
}

static u64 trade_output(trade *done, const terms *t, const order *asked) {
    u64 fee = 0, extra;
    REQUIRE(fee_on_received(&extra, &t->mint_out, asked->amount), MathOverflow);
    done->out = asked->amount + extra;
    REQUIRE(done->out > 0, AmountIsZero);
    if (!t->fee_on_input) TRY(fee_added(&fee, t, done->out));
    TRY(step_exact_out(&done->moved, &t->curve, done->out + fee));
    if (t->fee_on_input) TRY(fee_added(&fee, t, done->moved.in));
    done->gross_in = t->fee_on_input ? done->moved.in + fee : done->moved.in;
    TRY(divide_fee(&done->fee, t->pool, fee, t->has_referral));
    REQUIRE(fee_on_received(&extra, &t->mint_in, done->gross_in), MathOverflow);
    done->sent = done->gross_in + extra;
    REQUIRE(done->sent <= asked->limit, ExceededSlippage);
    return SUCCESS;
}

static u64 accrue(u8 *counter, u64 amount) {
    u64 total = load_64(counter) + amount;
    REQUIRE(total >= amount, MathOverflow);
    store_64(counter, total);
    return SUCCESS;
}

static u64 accrue_fees(u8 *pool, const fee_parts *fee, bool on_a) {
    u64 token = on_a ? 0 : 1;
    u8 *per_liquidity = pool + FEES_PER_LIQUIDITY + 32 * token, *total = pool + TOTAL_LP_FEES + 16 * token;
    u256 claiming = {{0, 0, fee->claiming, 0}}, liquidity = load_128(pool + LIQUIDITY);
    pubkey stored = load_key(per_liquidity);
    u256 sum = {{stored.w[0], stored.w[1], stored.w[2], stored.w[3]}};
    REQUIRE(divide(&claiming, &claiming, &liquidity, DOWN) && add(&sum, &sum, &claiming), MathOverflow);
    for (int i = 0; i < 4; i++) store_64(per_liquidity + 8 * i, sum.w[i]);
    u256 earned = wide(fee->claiming + fee->compounding), so_far = load_128(total);
    add(&so_far, &so_far, &earned);
    REQUIRE(fits_128(&so_far), MathOverflow);
    store_128(total, &so_far);
    TRY(accrue(pool + PROTOCOL_FEES + 8 * token, fee->protocol));
    return accrue(pool + TOTAL_PROTOCOL_FEES + 8 * token, fee->protocol);
}

static u64 apply(u8 *pool, const trade *done, const terms *t, u64 now) {
    int in = t->curve.a_to_b ? 0 : 8;
    TRY(accrue_fees(pool, &done->fee, t->fee_on_a));
    TRY(accrue(pool + RESERVES + in, done->moved.in));
    u64 reserve_out = load_64(pool + RESERVES + 8 - in);
    REQUIRE(reserve_out >= done->moved.out, MathOverflow);
    store_64(pool + RESERVES + 8 - in, reserve_out - done->moved.out);
    TRY(accrue(pool + RESERVES + 8, done->fee.compounding));
    u256 price = done->moved.price;
    if (t->curve.compounding) TRY(price_of_reserves(&price, pool));
    store_128(pool + PRICE, &price);
    return update_accumulator(pool, &t->curve.price, now);
}

static u64 move_tokens(account *const *a, const trade *done, const terms *t, const u8 *bump) {
    bool a_to_b = t->curve.a_to_b;
    account *vault_a = a[VAULT_OF_A], *vault_b = a[VAULT_OF_B];
    slice seeds[2] = {{AUTHORITY_SEED, sizeof(AUTHORITY_SEED) - 1}, {bump, 1}};
    token_transfer in = {a[a_to_b ? PROGRAM_A : PROGRAM_B],
                         a[USER_IN],
                         a[a_to_b ? MINT_A : MINT_B],
                         a_to_b ? vault_a : vault_b,
                         a[PAYER]};
    token_transfer out = {a[a_to_b ? PROGRAM_B : PROGRAM_A],
                          a_to_b ? vault_b : vault_a,
                          a[a_to_b ? MINT_B : MINT_A],
                          a[USER_OUT],
                          a[AUTHORITY]};
    token_transfer referral = {a[t->fee_on_a ? PROGRAM_A : PROGRAM_B],
                               t->fee_on_a ? vault_a : vault_b,
                               a[t->fee_on_a ? MINT_A : MINT_B],
                               a[REFERRAL],
                               a[AUTHORITY]};
    TRY(transfer_checked(&in, done->sent, seeds, 0));
    TRY(transfer_checked(&out, done->out, seeds, 2));
    if (t->has_referral) TRY(transfer_checked(&referral, done->fee.referral, seeds, 2));
    return SUCCESS;
}

static u64 swap(const invocation *call, const order *asked) {
    account *const *a = call->accounts;
    u8 *pool = a[POOL_ACCOUNT]->data, bump;
    clock_sysvar clock;
    terms t;
    trade done;
    TRY(check_accounts(call, &bump));
    TRY(sol_get_clock_sysvar(&clock));
    u64 now = (u64)clock.unix_timestamp, point = pool[ACTIVATION_TYPE] ? now : clock.slot;
    REQUIRE(pool[ACTIVATION_TYPE] <= 1, InvalidActivationType);
    TRY(check_open(pool, a[PAYER], point));
    TRY(update_layout(pool));
    REQUIRE(asked->mode <= EXACT_OUT, InvalidInput);
    REQUIRE(asked->amount > 0, AmountIsZero);
    require_or_panic(a[USER_IN]->data_length >= sizeof(pubkey));
    pubkey mint_in = token_mint(a[USER_IN]);
    bool a_to_b = same_key(&mint_in, &a[MINT_A]->key);
    if (pool[BASE_FEE_MODE] == RATE_LIMITER && limiter_applies(pool, point, a_to_b))
        TRY(check_single_swap(call, a[POOL_ACCOUNT], ACCOUNTS));
    TRY(update_references(pool, now));
    read_curve(&t.curve, pool, a_to_b);
    t.fee_on_input = !a_to_b && pool[COLLECT_FEE_MODE] != COLLECT_ON_OUTPUT;
    t.fee_on_a = !a_to_b && pool[COLLECT_FEE_MODE] == COLLECT_ON_OUTPUT;
    t.has_referral = !same_key(&a[REFERRAL]->key, call->program_id);
    t.pool = pool;
    t.point = point;
    fee_of_mint(&t.mint_in, a[a_to_b ? MINT_A : MINT_B], clock.epoch);
    fee_of_mint(&t.mint_out, a[a_to_b ? MINT_B : MINT_A], clock.epoch);
    TRY(asked->mode == EXACT_OUT ? trade_output(&done, &t, asked) : trade_input(&done, &t, asked));
    TRY(apply(pool, &done, &t, now));
    return move_tokens(a, &done, &t, &bump);
}

u64 entrypoint(u8 *input) {
    invocation call;
    read_invocation(&call, input);
    REQUIRE(call.data_length >= DISCRIMINATOR_BYTES, InstructionFallbackNotFound);
    u64 name = load_64(call.data);
    REQUIRE(name == SWAP || name == SWAP_2, InstructionFallbackNotFound);
    REQUIRE(call.count >= ACCOUNTS, AccountNotEnoughKeys);
    REQUIRE(call.data_length >= DISCRIMINATOR_BYTES + (name == SWAP ? 16 : 17), InstructionDidNotDeserialize);
    if (name == SWAP)
        LOG("Instruction: Swap");
    else
        LOG("Instruction: Swap2");
    order asked = {load_64(call.data + 8), load_64(call.data + 16), name == SWAP ? EXACT_IN : call.data[24]};
    return swap(&call, &asked);
}
