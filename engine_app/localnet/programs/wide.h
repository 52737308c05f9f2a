/* Unsigned 256-bit integers, for the 64 x 64, 128 x 128 and Q64.64 arithmetic of the pools.
 *
 * sBPF has no 128-bit library calls, so nothing here uses __int128. Pure C without syscalls: the tests build this
 * file for the host and compare it with Python's integers. */
#ifndef WIDE_H
#define WIDE_H

#include <stdbool.h>
#include <stdint.h>

#define NOINLINE __attribute__((noinline))
/* sBPF functions return one word: what returns a structure must be inlined. */
#define INLINE static inline __attribute__((always_inline))

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

/* w[0] is the least significant limb. */
typedef struct {
    u64 w[4];
} u256;

typedef enum { DOWN, UP } rounding;

INLINE u256 wide(u64 value) { return (u256){{value, 0, 0, 0}}; }

static inline bool is_zero(const u256 *x) { return !(x->w[0] | x->w[1] | x->w[2] | x->w[3]); }

static inline bool fits_64(const u256 *x) { return !(x->w[1] | x->w[2] | x->w[3]); }

static inline bool fits_128(const u256 *x) { return !(x->w[2] | x->w[3]); }

/* -1, 0 or 1 as x is below, equal to or above y. */
static inline int compare(const u256 *x, const u256 *y) {
    for (int i = 3; i >= 0; i--)
        if (x->w[i] != y->w[i]) return x->w[i] < y->w[i] ? -1 : 1;
    return 0;
}

/* sum = x + y modulo 2^256; false where it wrapped. */
static inline bool add(u256 *sum, const u256 *x, const u256 *y) {
    u64 carry = 0;
    for (int i = 0; i < 4; i++) {
        u64 partial = x->w[i] + carry;
        carry = partial < carry;
        u64 limb = partial + y->w[i];
        carry += limb < partial;
        sum->w[i] = limb;
    }
    return !carry;
}

/* difference = x - y modulo 2^256; false where it wrapped. */
static inline bool subtract(u256 *difference, const u256 *x, const u256 *y) {
    u64 borrow = 0;
    for (int i = 0; i < 4; i++) {
        u64 partial = x->w[i] - borrow;
        borrow = partial > x->w[i];
        u64 limb = partial - y->w[i];
        borrow += limb > partial;
        difference->w[i] = limb;
    }
    return !borrow;
}

static inline void multiply_64(u64 x, u64 y, u64 *low, u64 *high) {
    u64 x0 = x & 0xffffffff, x1 = x >> 32, y0 = y & 0xffffffff, y1 = y >> 32;
    /* Hides the halves' origin: clang would see a 128-bit product here and call the __multi3 that sBPF lacks. */
    __asm__("" : "+r"(x1), "+r"(y1));
    u64 middle = x1 * y0 + (x0 * y0 >> 32);
    u64 cross = x0 * y1 + (middle & 0xffffffff);
    *low = x * y;
    *high = x1 * y1 + (middle >> 32) + (cross >> 32);
}

/* product = x * y; false, and no meaningful product, where it does not fit 256 bits. */
static NOINLINE bool multiply(u256 *product, const u256 *x, const u256 *y) {
    u64 limbs[8] = {0};
    for (int i = 0; i < 4; i++) {
        u64 carry = 0;
        for (int j = 0; j < 4; j++) {
            u64 low, high;
            multiply_64(x->w[i], y->w[j], &low, &high);
            u64 partial = limbs[i + j] + low;
            high += partial < low;
            limbs[i + j] = partial + carry;
            carry = high + (limbs[i + j] < partial);
        }
        limbs[i + 4] = carry;
    }
    for (int i = 0; i < 4; i++) product->w[i] = limbs[i];
    return !(limbs[4] | limbs[5] | limbs[6] | limbs[7]);
}

/* The low 256 bits of x * 2^bits, bits < 256. */
INLINE u256 shift_left(const u256 *x, u32 bits) {
    u256 shifted = wide(0);
    u32 limbs = bits / 64, rest = bits % 64;
    for (u32 i = limbs; i < 4; i++) {
        shifted.w[i] = x->w[i - limbs] << rest;
        if (rest && i > limbs) shifted.w[i] |= x->w[i - limbs - 1] >> (64 - rest);
    }
    return shifted;
}

/* floor(x / 2^bits), bits < 256. */
INLINE u256 shift_right(const u256 *x, u32 bits) {
    u256 shifted = wide(0);
    u32 limbs = bits / 64, rest = bits % 64;
    for (u32 i = limbs; i < 4; i++) {
        shifted.w[i - limbs] = x->w[i] >> rest;
        if (rest && i < 3) shifted.w[i - limbs] |= x->w[i + 1] << (64 - rest);
    }
    return shifted;
}

static inline u32 digits_of(const u64 digits[8]) {
    u32 count = 8;
    while (count && !digits[count - 1]) count--;
    return count;
}

static inline void split(u64 digits[8], const u256 *x) {
    for (int i = 0; i < 4; i++) {
        digits[2 * i] = x->w[i] & 0xffffffff;
        digits[2 * i + 1] = x->w[i] >> 32;
    }
}

INLINE u256 join(const u64 digits[8]) {
    u256 x;
    for (int i = 0; i < 4; i++) x.w[i] = digits[2 * i] | digits[2 * i + 1] << 32;
    return x;
}

/* quotient = floor(x / y), remainder = x mod y; y is not zero. Knuth's algorithm D on 32-bit digits. */
static NOINLINE void divide_remainder(u256 *quotient, u256 *remainder, const u256 *x, const u256 *y) {
    u64 u[9] = {0}, v[8], q[8] = {0};
    split(v, y);
    u32 n = digits_of(v);
    if (n == 1) {
        u64 rest = 0;
        split(u, x);
        for (int i = 7; i >= 0; i--) {
            u64 part = rest << 32 | u[i];
            q[i] = part / v[0];
            rest = part % v[0];
        }
        *quotient = join(q);
        *remainder = wide(rest);
        return;
    }
    u32 shift = 0;
    while (!(v[n - 1] << shift & 0x80000000)) shift++;
    u256 scaled = shift_left(y, shift);
    split(v, &scaled);
    scaled = shift_left(x, shift);
    split(u, &scaled);
    u[8] = shift ? x->w[3] >> (64 - shift) : 0;
    for (int j = 8 - (int)n; j >= 0; j--) {
        u64 top = u[j + n] << 32 | u[j + n - 1];
        u64 guess = top / v[n - 1], rest = top % v[n - 1];
        while (guess >> 32 || guess * v[n - 2] > (rest << 32 | u[j + n - 2])) {
            guess--;
            rest += v[n - 1];
            if (rest >> 32) break;
        }
        i64 borrow = 0;
        for (u32 i = 0; i < n; i++) {
            u64 product = guess * v[i];
            i64 digit = (i64)u[i + j] - borrow - (i64)(product & 0xffffffff);
            u[i + j] = (u64)digit & 0xffffffff;
            borrow = (i64)(product >> 32) - (digit >> 32);
        }
        i64 digit = (i64)u[j + n] - borrow;
        u[j + n] = (u64)digit & 0xffffffff;
        if (digit < 0) {
            guess--;
            u64 carry = 0;
            for (u32 i = 0; i < n; i++) {
                carry += u[i + j] + v[i];
                u[i + j] = carry & 0xffffffff;
                carry >>= 32;
            }
            u[j + n] = (u[j + n] + carry) & 0xffffffff;
        }
        q[j] = guess;
    }
    *quotient = join(q);
    u256 rest = join(u);
    *remainder = shift_right(&rest, shift);
}

/* quotient = x / y rounded; false where y is zero. */
static NOINLINE bool divide(u256 *quotient, const u256 *x, const u256 *y, rounding round) {
    if (is_zero(y)) return false;
    u256 remainder;
    divide_remainder(quotient, &remainder, x, y);
    if (round == UP && !is_zero(&remainder)) {
        u256 one = wide(1);
        add(quotient, quotient, &one);
    }
    return true;
}

/* result = x * y / denominator rounded; false where the denominator is zero or the result is above 64 bits. */
static NOINLINE bool multiply_divide_64(u64 *result, u64 x, u64 y, u64 denominator, rounding round) {
    u256 product = wide(0), by = wide(denominator), quotient;
    multiply_64(x, y, &product.w[0], &product.w[1]);
    if (!divide(&quotient, &product, &by, round) || !fits_64(&quotient)) return false;
    *result = quotient.w[0];
    return true;
}

/* floor(sqrt(x)), digit by digit. */
INLINE u256 square_root(const u256 *x) {
    u256 root = wide(0), rest = *x;
    u256 bit = {{0, 0, 0, (u64)1 << 62}};
    while (compare(&bit, x) > 0) bit = shift_right(&bit, 2);
    for (; !is_zero(&bit); bit = shift_right(&bit, 2)) {
        u256 trial;
        add(&trial, &root, &bit);
        root = shift_right(&root, 1);
        if (compare(&rest, &trial) >= 0) {
            subtract(&rest, &rest, &trial);
            add(&root, &root, &bit);
        }
    }
    return root;
}

#endif
