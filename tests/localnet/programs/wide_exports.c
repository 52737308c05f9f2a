/* The wide arithmetic of the stand-in programs, callable from the host. */
#include "wide.h"

bool exported_add(u256 *sum, const u256 *x, const u256 *y) { return add(sum, x, y); }

bool exported_subtract(u256 *difference, const u256 *x, const u256 *y) { return subtract(difference, x, y); }

int exported_compare(const u256 *x, const u256 *y) { return compare(x, y); }

bool exported_multiply(u256 *product, const u256 *x, const u256 *y) { return multiply(product, x, y); }

bool exported_divide(u256 *quotient, const u256 *x, const u256 *y, bool up) {
    return divide(quotient, x, y, up ? UP : DOWN);
}

void exported_divide_remainder(u256 *quotient, u256 *remainder, const u256 *x, const u256 *y) {
    divide_remainder(quotient, remainder, x, y);
}

bool exported_multiply_divide_64(u64 *result, u64 x, u64 y, u64 denominator, bool up) {
    return multiply_divide_64(result, x, y, denominator, up ? UP : DOWN);
}

void exported_shift_left(u256 *shifted, const u256 *x, u32 bits) { *shifted = shift_left(x, bits); }

void exported_shift_right(u256 *shifted, const u256 *x, u32 bits) { *shifted = shift_right(x, bits); }

void exported_square_root(u256 *root, const u256 *x) { *root = square_root(x); }
