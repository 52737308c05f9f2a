/* Meteora DAMM v2's fees: the base fee's schedules, the dynamic fee, and how a fee is divided. Rates are numerators
 * over 1e9. */
#ifndef DAMM_V2_FEES_H
#define DAMM_V2_FEES_H

#include "damm_v2_rate_limiter.h"

#define MAX_FEE_V0 500000000
#define MAX_FEE_V1 990000000
#define VARIABLE_FEE_SCALE 100000000000

enum { TIME_LINEAR, TIME_EXPONENTIAL, RATE_LIMITER, MARKET_CAP_LINEAR, MARKET_CAP_EXPONENTIAL };

/* What a rate is asked for: the amount (with the fee within it, or the fee to come on top), the direction, and the
 * slot or unix time, as the pool counts. */
typedef struct {
    u64 amount, point;
    bool includes_fee, a_to_b;
} fee_question;

/* Base units of one fee. */
typedef struct {
    u64 claiming, compounding, protocol, referral;
} fee_parts;

/* fee = floor(cliff * (1 - reduction / 10,000)^period), the power in Q64 by squaring. */
static u64 reduced_exponentially(u64 *fee, u64 cliff, u64 reduction, u64 period) {
    u256 base = {{0, 1, 0, 0}}, result = {{0, 1, 0, 0}}, cut = {{0, reduction, 0, 0}};
    u256 bps = wide(BPS), by = wide(cliff);
    *fee = cliff;
    if (!reduction) return SUCCESS;
    divide(&cut, &cut, &bps, DOWN);
    REQUIRE(subtract(&base, &base, &cut), MathOverflow);
    for (u64 exponent = period; exponent; exponent >>= 1) {
        if (exponent & 1) {
            multiply(&result, &result, &base);
            result = shift_right(&result, 64);
        }
        multiply(&base, &base, &base);
        base = shift_right(&base, 64);
    }
    REQUIRE(!is_zero(&result), MathOverflow);
    multiply(&result, &result, &by);
    *fee = result.w[1];
    return SUCCESS;
}

/* fee = cliff - reduction * period. */
static u64 reduced_linearly(u64 *fee, u64 cliff, u64 reduction, u64 period) {
    u64 low, high;
    multiply_64(reduction, period, &low, &high);
    REQUIRE(!high && low <= cliff, MathOverflow);
    *fee = cliff - low;
    return SUCCESS;
}

/* period = the steps by which the price has grown since the pool began, at most `periods`. */
static u64 market_cap_period(u64 *period, const u8 *pool, u64 periods) {
    u256 price = load_128(pool + PRICE), initial = load_128(pool + INITIAL_PRICE), growth, bps = wide(BPS);
    u256 price_step = wide(load_32(pool + BASE_FEE_PRICE_STEP)), most = wide(periods);
    *period = 0;
    if (compare(&price, &initial) <= 0) return SUCCESS;
    subtract(&growth, &price, &initial);
    multiply(&growth, &growth, &bps);
    REQUIRE(divide(&growth, &growth, &initial, DOWN), MathOverflow);
    REQUIRE(divide(&growth, &growth, &price_step, DOWN), MathOverflow);
    *period = compare(&growth, &most) > 0 ? periods : growth.w[0];
    return SUCCESS;
}

static u64 limited_fee(u64 *fee, const u8 *pool, const fee_question *asked) {
    rate_limiter limiter;
    read_limiter(&limiter, pool);
    *fee = limiter.cliff;
    if (!limiter_applies(pool, asked->point, asked->a_to_b)) return SUCCESS;
    return asked->includes_fee ? limiter_rate_within(fee, &limiter, asked->amount)
                               : limiter_rate_on_top(fee, &limiter, asked->amount);
}

/* The periods passed since activation, at most `periods`; before it (an early buyer) all of them. */
static u64 time_period(const u8 *pool, u64 point, u64 periods) {
    u64 activation = load_64(pool + ACTIVATION_POINT);
    if (point < activation) return periods;
    u64 passed = (point - activation) / load_64(pool + BASE_FEE_FREQUENCY);
    return passed < periods ? passed : periods;
}

/* fee = the base fee's rate. */
static u64 base_fee(u64 *fee, const u8 *pool, const fee_question *asked) {
    u64 cliff = load_64(pool + BASE_FEE_CLIFF), activation = load_64(pool + ACTIVATION_POINT);
    u64 periods = load_16(pool + BASE_FEE_PERIODS), period = periods, reduction = load_64(pool + BASE_FEE_REDUCTION);
    u64 expiration = activation + load_32(pool + BASE_FEE_EXPIRATION);
    bool exponential = false;
    *fee = cliff;
    switch (pool[BASE_FEE_MODE]) {
    case RATE_LIMITER:
        return limited_fee(fee, pool, asked);
    case TIME_EXPONENTIAL:
        exponential = true;
        /* fall through */
    case TIME_LINEAR:
        if (!load_64(pool + BASE_FEE_FREQUENCY)) return SUCCESS;
        period = time_period(pool, asked->point, periods);
        break;
    case MARKET_CAP_EXPONENTIAL:
        exponential = true;
        /* fall through */
    case MARKET_CAP_LINEAR:
        REQUIRE(expiration >= activation, MathOverflow);
        if (asked->point >= activation && asked->point <= expiration)
            TRY(market_cap_period(&period, pool, periods));
        break;
    default:
        return FAILURE(InvalidBaseFeeMode);
    }
    return exponential ? reduced_exponentially(fee, cliff, reduction, period)
                       : reduced_linearly(fee, cliff, reduction, period);
}

/* fee = ceil((accumulator * bin step)^2 * control / 1e11), from the accumulator as stored before the swap. */
static u64 variable_fee(u256 *fee, const u8 *pool) {
    u256 accumulator = load_128(pool + DYNAMIC_ACCUMULATOR), bin_step = wide(load_16(pool + DYNAMIC_BIN_STEP));
    u256 control = wide(load_32(pool + DYNAMIC_CONTROL)), scale = wide(VARIABLE_FEE_SCALE);
    *fee = wide(0);
    if (!pool[DYNAMIC_INITIALIZED]) return SUCCESS;
    multiply(fee, &accumulator, &bin_step);
    REQUIRE(fits_128(fee), MathOverflow);
    multiply(fee, fee, fee);
    REQUIRE(fits_128(fee), TypeCastFailed);
    multiply(fee, fee, &control);
    REQUIRE(fits_128(fee), MathOverflow);
    divide(fee, fee, &scale, UP);
    return SUCCESS;
}

/* rate = base and dynamic fee, at most the cap of the pool's fee version. */
static u64 trading_fee(u64 *rate, const u8 *pool, const fee_question *asked) {
    u64 most = pool[FEE_VERSION] ? MAX_FEE_V1 : MAX_FEE_V0, base;
    u256 variable, total;
    REQUIRE(pool[FEE_VERSION] <= 1, InvalidPoolVersion);
    TRY(base_fee(&base, pool, asked));
    TRY(variable_fee(&variable, pool));
    total = wide(base);
    add(&total, &total, &variable);
    REQUIRE(fits_64(&total), TypeCastFailed);
    *rate = total.w[0] < most ? total.w[0] : most;
    return SUCCESS;
}

static u64 part_of(u64 amount, u64 share, u64 whole) {
    u64 part = 0;
    require_or_panic(multiply_divide_64(&part, amount, share, whole, DOWN));
    return part;
}

static u64 divide_fee(fee_parts *parts, const u8 *pool, u64 fee, bool has_referral) {
    u64 protocol = part_of(fee, pool[PROTOCOL_FEE_PERCENT], 100);
    REQUIRE(protocol <= fee, MathOverflow);
    parts->compounding = part_of(fee - protocol, load_16(pool + COMPOUNDING_FEE_BPS), BPS);
    REQUIRE(parts->compounding <= fee - protocol, MathOverflow);
    parts->claiming = fee - protocol - parts->compounding;
    parts->referral = has_referral ? part_of(protocol, pool[REFERRAL_FEE_PERCENT], 100) : 0;
    REQUIRE(parts->referral <= protocol, MathOverflow);
    parts->protocol = protocol - parts->referral;
    return SUCCESS;
}

/* bins = twice the whole bin steps between two prices. */
static u64 bins_between(u256 *bins, const u8 *pool, const u256 *x, const u256 *y) {
    u256 bin_step = load_128(pool + DYNAMIC_BIN_STEP_Q64), one = {{0, 1, 0, 0}};
    const u256 *upper = compare(x, y) > 0 ? x : y, *lower = upper == x ? y : x;
    u256 ratio = shift_left(upper, 64);
    REQUIRE(divide(&ratio, &ratio, lower, DOWN) && fits_128(&ratio), MathOverflow);
    subtract(&ratio, &ratio, &one);
    REQUIRE(divide(&ratio, &ratio, &bin_step, DOWN), MathOverflow);
    add(bins, &ratio, &ratio);
    return SUCCESS;
}

/* Before the price moves: renews the references after a pause. The fee of this swap does not feel it. */
static u64 update_references(u8 *pool, u64 now) {
    u64 last = load_64(pool + DYNAMIC_LAST_UPDATE), elapsed = now > last ? now - last : 0;
    u256 reference = load_128(pool + DYNAMIC_ACCUMULATOR), reduction = wide(load_16(pool + DYNAMIC_REDUCTION));
    u256 bps = wide(BPS), price = load_128(pool + PRICE);
    if (!pool[DYNAMIC_INITIALIZED] || elapsed < load_16(pool + DYNAMIC_FILTER_PERIOD)) return SUCCESS;
    store_128(pool + DYNAMIC_PRICE_REFERENCE, &price);
    if (elapsed < load_16(pool + DYNAMIC_DECAY_PERIOD)) {
        multiply(&reference, &reference, &reduction);
        REQUIRE(fits_128(&reference), MathOverflow);
        divide(&reference, &reference, &bps, DOWN);
    } else {
        reference = wide(0);
    }
    store_128(pool + DYNAMIC_REFERENCE, &reference);
    return SUCCESS;
}

/* After the price moved from `old`: the accumulator that the next swap pays by. */
static u64 update_accumulator(u8 *pool, const u256 *old, u64 now) {
    u256 price = load_128(pool + PRICE), from = load_128(pool + DYNAMIC_PRICE_REFERENCE), bps = wide(BPS), bins;
    u256 accumulator = load_128(pool + DYNAMIC_REFERENCE), most = wide(load_32(pool + DYNAMIC_MAX_ACCUMULATOR));
    if (!pool[DYNAMIC_INITIALIZED]) return SUCCESS;
    TRY(bins_between(&bins, pool, &price, &from));
    multiply(&bins, &bins, &bps);
    add(&accumulator, &accumulator, &bins);
    REQUIRE(fits_128(&accumulator), MathOverflow);
    store_128(pool + DYNAMIC_ACCUMULATOR, compare(&accumulator, &most) < 0 ? &accumulator : &most);
    TRY(bins_between(&bins, pool, old, &price));
    if (!is_zero(&bins)) store_64(pool + DYNAMIC_LAST_UPDATE, now);
    return SUCCESS;
}

#endif
