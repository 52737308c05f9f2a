/* A stand-in for Raydium CPMM (raydium-cp-swap): swap_base_input and swap_base_output.
 *
 * Accounts, layouts, fees, rounding and error codes are the real program's, creator fees included. Left out: the
 * SwapEvent log and every other instruction. */
#include "token.h"

#define SWAP_BASE_INPUT 0xde331ec4da5abe8f
#define SWAP_BASE_OUTPUT 0xadb44aa35662d937
#define POOL_STATE 0x46dec3d7f5e3edf7
#define AMM_CONFIG 0x6f2bcbcb6821f4da
#define OBSERVATION_STATE 0x84a5098135c5ae7a
#define POOL_BYTES 637
#define CONFIG_BYTES 236
#define OBSERVATION_BYTES 4075
#define AUTHORITY_SEED "vault_and_lp_mint_auth_seed"
#define RATE_DENOMINATOR 1000000
#define SWAP_DISABLED 4
#define OBSERVATIONS 100
#define OBSERVATION_SECONDS 15

#define NotApproved(X) X(NotApproved, 6000, "Not approved")
#define ExceededSlippage(X) X(ExceededSlippage, 6005, "Exceeds desired slippage limit")
#define ZeroTradingTokens(X) \
    X(ZeroTradingTokens, 6006, "Given pool token amount results in zero trading tokens")
#define InvalidVault(X) X(InvalidVault, 6008, "invaild vault")
#define MathOverflow(X) X(MathOverflow, 6011, "Math overflow")
#define InsufficientVault(X) X(InsufficientVault, 6012, "Insufficient vault")
#define InvalidFeeModel(X) X(InvalidFeeModel, 6013, "Invalid fee model")

enum {
    PAYER,
    AUTHORITY,
    CONFIG,
    POOL,
    USER_IN,
    USER_OUT,
    VAULT_IN,
    VAULT_OUT,
    PROGRAM_IN,
    PROGRAM_OUT,
    MINT_IN,
    MINT_OUT,
    OBSERVATION,
    ACCOUNTS
};

/* Byte offsets in PoolState; where a field exists for both tokens, token 1's follows token 0's. */
enum {
    POOL_CONFIG = 8,
    POOL_VAULTS = 72,
    POOL_OBSERVATION = 296,
    POOL_AUTH_BUMP = 328,
    POOL_STATUS = 329,
    POOL_PROTOCOL_FEES = 341,
    POOL_FUND_FEES = 357,
    POOL_OPEN_TIME = 373,
    POOL_RECENT_EPOCH = 381,
    POOL_CREATOR_FEE_ON = 389,
    POOL_ENABLE_CREATOR_FEE = 390,
    POOL_CREATOR_FEES = 397
};

enum { CONFIG_TRADE_RATE = 12, CONFIG_PROTOCOL_RATE = 20, CONFIG_FUND_RATE = 28, CONFIG_CREATOR_RATE = 108 };

enum {
    OBSERVED_INITIALIZED = 8,
    OBSERVED_INDEX = 9,
    OBSERVED_FIRST = 43,
    OBSERVED_STEP = 40,
    OBSERVED_LAST_UPDATE = 4043
};

/* What a swap is priced from: reserves in base units without fees owed, rates over a million. */
typedef struct {
    u64 reserve_in, reserve_out;
    u64 trade_rate, creator_rate;
    bool zero_for_one, creator_fee_on_input;
} terms;

/* Base units; the limit is the least to receive of an exact-in order, the most to send of an exact-out one. */
typedef struct {
    bool exact_in;
    u64 amount, limit;
} order;

/* What the mints take on a transfer in and on one out. */
typedef struct {
    transfer_fee in, out;
} fees;

/* Base units: `sent` leaves the user, `in` arrives, `out` leaves the vault. */
typedef struct {
    u64 sent, in, out, trade_fee, creator_fee;
} trade;

static u64 check_states(const invocation *call, account *const *a) {
    const pubkey *id = call->program_id;
    REQUIRE_OF("payer", a[PAYER]->is_signer, AccountNotSigner);
    const account *config = a[CONFIG];
    REQUIRE_OF("amm_config", !never_created(config), AccountNotInitialized);
    REQUIRE_OF("amm_config", same_key(&config->owner, id), AccountOwnedByWrongProgram);
    REQUIRE_OF("amm_config", config->data_length >= DISCRIMINATOR_BYTES, AccountDiscriminatorNotFound);
    REQUIRE_OF("amm_config", load_64(config->data) == AMM_CONFIG, AccountDiscriminatorMismatch);
    REQUIRE_OF("amm_config", config->data_length >= CONFIG_BYTES, AccountDidNotDeserialize);
    REQUIRE_STATE("pool_state", a[POOL], id, POOL_STATE, POOL_BYTES);
    REQUIRE_TOKEN_ACCOUNT("input_token_account", a[USER_IN]);
    REQUIRE_TOKEN_ACCOUNT("output_token_account", a[USER_OUT]);
    REQUIRE_TOKEN_ACCOUNT("input_vault", a[VAULT_IN]);
    REQUIRE_TOKEN_ACCOUNT("output_vault", a[VAULT_OUT]);
    REQUIRE_OF("input_token_program", is_token_program(&a[PROGRAM_IN]->key), InvalidProgramId);
    REQUIRE_OF("output_token_program", is_token_program(&a[PROGRAM_OUT]->key), InvalidProgramId);
    REQUIRE_MINT("input_token_mint", a[MINT_IN]);
    REQUIRE_MINT("output_token_mint", a[MINT_OUT]);
    REQUIRE_STATE("observation_state", a[OBSERVATION], id, OBSERVATION_STATE, OBSERVATION_BYTES);
    return SUCCESS;
}

static bool is_vault(const account *pool, const account *vault) {
    return key_at(pool->data + POOL_VAULTS, &vault->key) || key_at(pool->data + POOL_VAULTS + 32, &vault->key);
}

static u64 check_relations(const invocation *call, account *const *a) {
    const u8 *pool = a[POOL]->data;
    slice seed = {AUTHORITY_SEED, sizeof(AUTHORITY_SEED) - 1};
    pubkey authority, mint_in = token_mint(a[VAULT_IN]), mint_out = token_mint(a[VAULT_OUT]);
    u8 bump;
    TRY(sol_try_find_program_address(&seed, 1, call->program_id, &authority, &bump));
    REQUIRE_OF("authority", same_key(&a[AUTHORITY]->key, &authority), ConstraintSeeds);
    REQUIRE_OF("amm_config", key_at(pool + POOL_CONFIG, &a[CONFIG]->key), ConstraintAddress);
    REQUIRE_OF("pool_state", a[POOL]->is_writable, ConstraintMut);
    REQUIRE_OF("input_token_account", a[USER_IN]->is_writable, ConstraintMut);
    REQUIRE_OF("output_token_account", a[USER_OUT]->is_writable, ConstraintMut);
    REQUIRE_OF("input_vault", a[VAULT_IN]->is_writable, ConstraintMut);
    REQUIRE_OF("input_vault", is_vault(a[POOL], a[VAULT_IN]), ConstraintRaw);
    REQUIRE_OF("output_vault", a[VAULT_OUT]->is_writable, ConstraintMut);
    REQUIRE_OF("output_vault", is_vault(a[POOL], a[VAULT_OUT]), ConstraintRaw);
    REQUIRE_OF("input_token_mint", same_key(&a[MINT_IN]->key, &mint_in), ConstraintAddress);
    REQUIRE_OF("output_token_mint", same_key(&a[MINT_OUT]->key, &mint_out), ConstraintAddress);
    REQUIRE_OF("observation_state", a[OBSERVATION]->is_writable, ConstraintMut);
    REQUIRE_OF("observation_state", key_at(pool + POOL_OBSERVATION, &a[OBSERVATION]->key), ConstraintAddress);
    return SUCCESS;
}

/* reserve = the vault's balance without the protocol's, the fund's and the creator's fees. */
static u64 reserve_of(u64 *reserve, const u8 *pool, int token, u64 balance) {
    u64 protocol = load_64(pool + POOL_PROTOCOL_FEES + 8 * token);
    u64 with_fund = protocol + load_64(pool + POOL_FUND_FEES + 8 * token);
    u64 owed = with_fund + load_64(pool + POOL_CREATOR_FEES + 8 * token);
    REQUIRE(with_fund >= protocol && owed >= with_fund, MathOverflow);
    REQUIRE(balance >= owed, InsufficientVault);
    *reserve = balance - owed;
    return SUCCESS;
}

static u64 read_terms(terms *t, account *const *a) {
    const u8 *pool = a[POOL]->data, *config = a[CONFIG]->data;
    t->zero_for_one = key_at(pool + POOL_VAULTS, &a[VAULT_IN]->key);
    REQUIRE(key_at(pool + POOL_VAULTS + (t->zero_for_one ? 32 : 0), &a[VAULT_OUT]->key), InvalidVault);
    TRY(reserve_of(&t->reserve_in, pool, !t->zero_for_one, token_amount(a[VAULT_IN])));
    TRY(reserve_of(&t->reserve_out, pool, t->zero_for_one, token_amount(a[VAULT_OUT])));
    require_or_panic(t->reserve_in && t->reserve_out);
    u8 fee_on = pool[POOL_CREATOR_FEE_ON];
    REQUIRE(fee_on <= 2, InvalidFeeModel);
    t->creator_fee_on_input = fee_on == 0 || (fee_on == 1) == t->zero_for_one;
    t->trade_rate = load_64(config + CONFIG_TRADE_RATE);
    t->creator_rate = pool[POOL_ENABLE_CREATOR_FEE] ? load_64(config + CONFIG_CREATOR_RATE) : 0;
    require_or_panic(t->trade_rate + t->creator_rate >= t->trade_rate);
    return SUCCESS;
}

/* The creator's part of a fee that was taken at the sum of both rates. */
static u64 creator_part(const terms *t, u64 fee) {
    u64 part = 0;
    if (t->creator_rate)
        require_or_panic(multiply_divide_64(&part, fee, t->creator_rate, t->trade_rate + t->creator_rate, DOWN));
    return part;
}

/* A trade of exactly t->in. False where a fee is above what it is taken from. */
static bool price_input(trade *result, const terms *t) {
    u64 fee, rate = t->trade_rate + (t->creator_fee_on_input ? t->creator_rate : 0);
    if (!multiply_divide_64(&fee, result->in, rate, RATE_DENOMINATOR, UP) || fee > result->in) return false;
    result->creator_fee = t->creator_fee_on_input ? creator_part(t, fee) : 0;
    result->trade_fee = fee - result->creator_fee;
    u256 net = wide(result->in - fee), in = wide(t->reserve_in), out = wide(t->reserve_out), product, sum;
    multiply(&product, &net, &out);
    add(&sum, &in, &net);
    divide(&out, &product, &sum, DOWN);
    result->out = out.w[0];
    if (!t->creator_fee_on_input) {
        if (!multiply_divide_64(&result->creator_fee, result->out, t->creator_rate, RATE_DENOMINATOR, UP)) return false;
        if (result->creator_fee > result->out) return false;
        result->out -= result->creator_fee;
    }
    return true;
}

/* What is `amount` after a fee at `rate`, before it: ceil(amount / (1 - rate)). */
static u64 before_fee(u64 amount, u64 rate) {
    u64 gross;
    require_or_panic(rate <= RATE_DENOMINATOR);
    require_or_panic(multiply_divide_64(&gross, amount, RATE_DENOMINATOR, RATE_DENOMINATOR - rate, UP));
    return gross;
}

/* A trade for exactly result->out. */
static void price_output(trade *result, const terms *t) {
    u64 gross = result->out, net;
    if (!t->creator_fee_on_input) gross = before_fee(result->out, t->creator_rate);
    require_or_panic(gross < t->reserve_out);
    require_or_panic(multiply_divide_64(&net, t->reserve_in, gross, t->reserve_out - gross, UP));
    result->in = before_fee(net, t->trade_rate + (t->creator_fee_on_input ? t->creator_rate : 0));
    u64 fee = result->in - net;
    result->creator_fee = t->creator_fee_on_input ? creator_part(t, fee) : gross - result->out;
    result->trade_fee = t->creator_fee_on_input ? fee - result->creator_fee : fee;
}

static void accrue(u8 *counter, u64 amount) {
    u64 total = load_64(counter) + amount;
    require_or_panic(total >= amount);
    store_64(counter, total);
}

static void accrue_fees(u8 *pool, const u8 *config, const trade *done, const terms *t) {
    u64 protocol, fund;
    int in = t->zero_for_one ? 0 : 8, creator = t->creator_fee_on_input ? in : 8 - in;
    require_or_panic(multiply_divide_64(
        &protocol, done->trade_fee, load_64(config + CONFIG_PROTOCOL_RATE), RATE_DENOMINATOR, DOWN));
    require_or_panic(
        multiply_divide_64(&fund, done->trade_fee, load_64(config + CONFIG_FUND_RATE), RATE_DENOMINATOR, DOWN));
    accrue(pool + POOL_PROTOCOL_FEES + in, protocol);
    accrue(pool + POOL_FUND_FEES + in, fund);
    accrue(pool + POOL_CREATOR_FEES + creator, done->creator_fee);
}

/* to = from + seconds * reserve / by in Q32, modulo 2^128. False where the added part is above 128 bits. */
static bool accumulate_price(u8 *to, const u8 *from, u64 reserve, u64 by, u64 seconds) {
    u256 price = wide(reserve), divisor = wide(by), elapsed = wide(seconds), sum = load_128(from);
    price = shift_left(&price, 32);
    divide(&price, &price, &divisor, DOWN);
    multiply(&price, &price, &elapsed);
    if (!fits_128(&price)) return false;
    add(&sum, &sum, &price);
    store_128(to, &sum);
    return true;
}

/* The price oracle: adds the pre-swap prices for the time they stood, a new observation every 15 seconds. */
static u64 observe(u8 *oracle, const terms *t, u64 now) {
    u64 zero = t->zero_for_one ? t->reserve_in : t->reserve_out, one = t->zero_for_one ? t->reserve_out : t->reserve_in;
    u16 index = load_16(oracle + OBSERVED_INDEX);
    require_or_panic(index < OBSERVATIONS);
    u8 *last = oracle + OBSERVED_FIRST + OBSERVED_STEP * index, *next = last;
    u256 none = wide(0);
    if (!oracle[OBSERVED_INITIALIZED]) {
        oracle[OBSERVED_INITIALIZED] = 1;
        store_64(last, now);
        store_128(last + 8, &none);
        store_128(last + 24, &none);
        store_64(oracle + OBSERVED_LAST_UPDATE, now);
        return SUCCESS;
    }
    u64 observed = load_64(last), updated = load_64(oracle + OBSERVED_LAST_UPDATE);
    if (!updated) updated = observed;
    store_64(oracle + OBSERVED_LAST_UPDATE, updated);
    if (now <= observed || now <= updated) return SUCCESS;
    if (now - observed >= OBSERVATION_SECONDS) {
        index = index == OBSERVATIONS - 1 ? 0 : index + 1;
        next = oracle + OBSERVED_FIRST + OBSERVED_STEP * index;
    }
    REQUIRE(accumulate_price(next + 8, last + 8, one, zero, now - updated), MathOverflow);
    REQUIRE(accumulate_price(next + 24, last + 24, zero, one, now - updated), MathOverflow);
    if (next != last) store_64(next, now);
    store_16(oracle + OBSERVED_INDEX, index);
    store_64(oracle + OBSERVED_LAST_UPDATE, now);
    return SUCCESS;
}

static u64 quote_input(trade *done, const terms *t, const order *asked, const fees *taken) {
    done->in = asked->amount - fee_on_sent(&taken->in, asked->amount);
    done->sent = asked->amount;
    REQUIRE(price_input(done, t), ZeroTradingTokens);
    u64 received = done->out - fee_on_sent(&taken->out, done->out);
    REQUIRE(received > 0, RequireGtViolated);
    REQUIRE(received >= asked->limit, ExceededSlippage);
    return SUCCESS;
}

static u64 quote_output(trade *done, const terms *t, const order *asked, const fees *taken) {
    u64 fee;
    require_or_panic(fee_on_received(&fee, &taken->out, asked->amount));
    done->out = asked->amount + fee;
    price_output(done, t);
    REQUIRE(done->in > 0, RequireGtViolated);
    require_or_panic(fee_on_received(&fee, &taken->in, done->in));
    done->sent = done->in + fee;
    REQUIRE(done->sent <= asked->limit, ExceededSlippage);
    return SUCCESS;
}

static u64 swap(const invocation *call, const order *asked) {
    account *const *a = call->accounts;
    u8 *pool = a[POOL]->data;
    clock_sysvar now;
    terms t;
    fees taken;
    trade done;
    TRY(check_states(call, a));
    TRY(check_relations(call, a));
    TRY(sol_get_clock_sysvar(&now));
    REQUIRE(asked->exact_in || asked->amount > 0, RequireGtViolated);
    REQUIRE(!(pool[POOL_STATUS] & SWAP_DISABLED), NotApproved);
    REQUIRE((u64)now.unix_timestamp >= load_64(pool + POOL_OPEN_TIME), NotApproved);
    fee_of_mint(&taken.in, a[MINT_IN], now.epoch);
    fee_of_mint(&taken.out, a[MINT_OUT], now.epoch);
    REQUIRE(!asked->exact_in || asked->amount > fee_on_sent(&taken.in, asked->amount), RequireGtViolated);
    TRY(read_terms(&t, a));
    TRY(asked->exact_in ? quote_input(&done, &t, asked, &taken) : quote_output(&done, &t, asked, &taken));
    accrue_fees(pool, a[CONFIG]->data, &done, &t);
    token_transfer in = {a[PROGRAM_IN], a[USER_IN], a[MINT_IN], a[VAULT_IN], a[PAYER]};
    token_transfer out = {a[PROGRAM_OUT], a[VAULT_OUT], a[MINT_OUT], a[USER_OUT], a[AUTHORITY]};
    slice seeds[2] = {{AUTHORITY_SEED, sizeof(AUTHORITY_SEED) - 1}, {pool + POOL_AUTH_BUMP, 1}};
    TRY(transfer_checked(&in, done.sent, seeds, 0));
    TRY(transfer_checked(&out, done.out, seeds, 2));
    TRY(observe(a[OBSERVATION]->data, &t, (u64)now.unix_timestamp));
    store_64(pool + POOL_RECENT_EPOCH, now.epoch);
    return SUCCESS;
}

u64 entrypoint(u8 *input) {
    invocation call;
    read_invocation(&call, input);
    REQUIRE(call.data_length >= DISCRIMINATOR_BYTES, InstructionFallbackNotFound);
    u64 name = load_64(call.data);
    REQUIRE(name == SWAP_BASE_INPUT || name == SWAP_BASE_OUTPUT, InstructionFallbackNotFound);
    if (name == SWAP_BASE_INPUT)
        LOG("Instruction: SwapBaseInput");
    else
        LOG("Instruction: SwapBaseOutput");
    REQUIRE(call.data_length >= DISCRIMINATOR_BYTES + 16, InstructionDidNotDeserialize);
    REQUIRE(call.count >= ACCOUNTS, AccountNotEnoughKeys);
    u64 first = load_64(call.data + 8), second = load_64(call.data + 16);
    order asked = name == SWAP_BASE_INPUT ? (order){true, first, second} : (order){false, second, first};
    return swap(&call, &asked);
}
