/* Meteora DAMM v2's curves: one constant-liquidity range, or a constant product of the pool's reserves where fees
 * compound. Amounts are base units, prices square roots of b per a in Q64. */
#ifndef DAMM_V2_CURVE_H
#define DAMM_V2_CURVE_H

#include "damm_v2.h"

typedef struct {
    u256 price, lowest, highest, liquidity;
    u64 reserve_a, reserve_b;
    bool compounding, a_to_b;
} curve;

/* What the curve takes and gives, without fees; a compounding pool's price comes from its reserves afterwards. */
typedef struct {
    u64 in, out;
    u256 price;
} step;

static void read_curve(curve *c, const u8 *pool, bool a_to_b) {
    c->price = load_128(pool + PRICE);
    c->lowest = load_128(pool + LOWEST_PRICE);
    c->highest = load_128(pool + HIGHEST_PRICE);
    c->liquidity = load_128(pool + LIQUIDITY);
    c->reserve_a = load_64(pool + RESERVES);
    c->reserve_b = load_64(pool + RESERVES + 8);
    c->compounding = pool[COLLECT_FEE_MODE] == COLLECT_COMPOUNDING;
    c->a_to_b = a_to_b;
}

/* amount = L * (upper - lower) / (lower * upper). */
static NOINLINE u64 amount_a(
    u256 *amount, const u256 *lower, const u256 *upper, const u256 *liquidity, rounding round) {
    u256 difference, numerator, denominator;
    require_or_panic(subtract(&difference, upper, lower));
    multiply(&numerator, liquidity, &difference);
    multiply(&denominator, lower, upper);
    require_or_panic(divide(amount, &numerator, &denominator, round));
    return SUCCESS;
}

/* amount = L * (upper - lower) / 2^128. */
static NOINLINE u64 amount_b(
    u256 *amount, const u256 *lower, const u256 *upper, const u256 *liquidity, rounding round) {
    u256 difference, product, scale = {{0, 0, 1, 0}};
    REQUIRE(subtract(&difference, upper, lower), MathOverflow);
    multiply(&product, liquidity, &difference);
    divide(amount, &product, &scale, round);
    return SUCCESS;
}

/* What lies between the price and `to` in the token that flows in (rounded up) or out (rounded down). */
static NOINLINE u64 amount_between(u256 *amount, const curve *c, const u256 *to, bool of_input) {
    rounding round = of_input ? UP : DOWN;
    const u256 *lower = c->a_to_b ? to : &c->price, *upper = c->a_to_b ? &c->price : to;
    return of_input == c->a_to_b ? amount_a(amount, lower, upper, &c->liquidity, round)
                                 : amount_b(amount, lower, upper, &c->liquidity, round);
}

static u64 amount_64(u64 *amount, const curve *c, const u256 *to, bool of_input) {
    u256 wide_amount;
    TRY(amount_between(&wide_amount, c, to, of_input));
    REQUIRE(fits_64(&wide_amount), MathOverflow);
    *amount = wide_amount.w[0];
    return SUCCESS;
}

/* next = ceil(L * price / (L +- amount * price)): the price after `amount` of a came in (or went out). */
static NOINLINE u64 price_after_a(u256 *next, const curve *c, u64 amount, bool came_in) {
    u256 moved = wide(amount), denominator, numerator;
    multiply(&moved, &moved, &c->price);
    if (came_in)
        add(&denominator, &c->liquidity, &moved);
    else
        REQUIRE(subtract(&denominator, &c->liquidity, &moved), MathOverflow);
    multiply(&numerator, &c->liquidity, &c->price);
    REQUIRE(divide(next, &numerator, &denominator, UP), MathOverflow);
    REQUIRE(fits_128(next), TypeCastFailed);
    return SUCCESS;
}

/* next = price + floor(amount * 2^128 / L), or price - ceil(…): the price after b came in (or went out). */
static NOINLINE u64 price_after_b(u256 *next, const curve *c, u64 amount, bool came_in) {
    u256 moved = {{0, 0, amount, 0}};
    divide(&moved, &moved, &c->liquidity, came_in ? DOWN : UP);
    if (came_in)
        add(next, &c->price, &moved);
    else
        REQUIRE(subtract(next, &c->price, &moved), MathOverflow);
    REQUIRE(fits_128(next), TypeCastFailed);
    return SUCCESS;
}

static u64 price_after(u256 *next, const curve *c, u64 amount, bool of_input) {
    require_or_panic(!is_zero(&c->price) && !is_zero(&c->liquidity));
    *next = c->price;
    if (!amount) return SUCCESS;
    return of_input == c->a_to_b ? price_after_a(next, c, amount, of_input) : price_after_b(next, c, amount, of_input);
}

static bool in_range(const curve *c, const u256 *price) {
    return c->a_to_b ? compare(price, &c->lowest) >= 0 : compare(price, &c->highest) <= 0;
}

/* The constant product: result = from * amount / (to +- amount). */
static u64 product_step(u64 *result, const curve *c, u64 amount, bool of_input) {
    u64 in = c->a_to_b ? c->reserve_a : c->reserve_b, out = c->a_to_b ? c->reserve_b : c->reserve_a;
    if (of_input) {
        REQUIRE(in + amount >= in, MathOverflow);
        REQUIRE(in + amount > 0, MathOverflow);
        REQUIRE(multiply_divide_64(result, out, amount, in + amount, DOWN), TypeCastFailed);
    } else {
        REQUIRE(out > amount, MathOverflow);
        REQUIRE(multiply_divide_64(result, in, amount, out - amount, UP), TypeCastFailed);
    }
    return SUCCESS;
}

static u64 step_exact_in(step *s, const curve *c, u64 in) {
    s->in = in;
    s->price = wide(0);
    if (c->compounding) return product_step(&s->out, c, in, true);
    TRY(price_after(&s->price, c, in, true));
    REQUIRE(in_range(c, &s->price), PriceRangeViolation);
    return amount_64(&s->out, c, &s->price, false);
}

/* Takes no more of `in` than carries the price to the end of the range. */
static u64 step_partial(step *s, const curve *c, u64 in) {
    if (c->compounding) return step_exact_in(s, c, in);
    const u256 *end = c->a_to_b ? &c->lowest : &c->highest;
    u256 capacity, wanted = wide(in);
    TRY(amount_between(&capacity, c, end, true));
    if (compare(&wanted, &capacity) >= 0) {
        s->in = capacity.w[0];
        s->price = *end;
    } else {
        s->in = in;
        TRY(price_after(&s->price, c, in, true));
    }
    return amount_64(&s->out, c, &s->price, false);
}

static u64 step_exact_out(step *s, const curve *c, u64 out) {
    s->out = out;
    s->price = wide(0);
    if (c->compounding) return product_step(&s->in, c, out, false);
    TRY(price_after(&s->price, c, out, false));
    REQUIRE(in_range(c, &s->price), PriceRangeViolation);
    return amount_64(&s->in, c, &s->price, true);
}

/* price = floor(sqrt(b * 2^128 / a)) of the reserves. */
static u64 price_of_reserves(u256 *price, const u8 *pool) {
    u256 a = wide(load_64(pool + RESERVES)), b = {{0, 0, load_64(pool + RESERVES + 8), 0}};
    REQUIRE(divide(&b, &b, &a, DOWN), MathOverflow);
    *price = square_root(&b);
    return SUCCESS;
}

#endif
