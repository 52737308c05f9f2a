/* SPL Token and Token-2022: accounts, mints, the transfer fee extension, transfer_checked by CPI.
 *
 * Layouts: spl-token 8 (Account 165 bytes, Mint 82 bytes), spl-token-2022 9 (type-length-value extensions). */
#ifndef TOKEN_H
#define TOKEN_H

#include "anchor.h"

#define TOKEN_ACCOUNT_BYTES 165
#define MINT_BYTES 82
#define ACCOUNT_TYPE_AT 165
#define TYPE_MINT 1
#define TYPE_ACCOUNT 2
#define EXTENSIONS_AT 166
#define TRANSFER_FEE_CONFIG 1
#define TRANSFER_FEE_CONFIG_BYTES 108
#define TRANSFER_CHECKED 12
#define BPS 10000

static const pubkey TOKEN_PROGRAM = {
    {0x93a165d7e1f6dd06, 0xac79ebce46e1cbd9, 0x91375b5fed85b41c, 0xa900ff7e85f58c3a}};
static const pubkey TOKEN_2022_PROGRAM = {
    {0xde8f75eee1f6dd06, 0xdacd6ce4bc5d4218, 0x270db9834dfc1ab6, 0xfc8ba1d828f9bdfe}};

/* A Token-2022 fee on transfers: `bps` of the amount, at most `maximum` base units. */
typedef struct {
    u64 bps, maximum;
} transfer_fee;

static inline bool is_token_program(const pubkey *id) {
    return same_key(id, &TOKEN_PROGRAM) || same_key(id, &TOKEN_2022_PROGRAM);
}

INLINE pubkey token_mint(const account *a) { return load_key(a->data); }

static inline u64 token_amount(const account *a) { return load_64(a->data + 64); }

static inline bool unpacks(const account *a, u64 length, u8 type) {
    if (same_key(&a->owner, &TOKEN_PROGRAM)) return a->data_length == length;
    if (a->data_length == length) return true;
    return a->data_length > ACCOUNT_TYPE_AT && a->data[ACCOUNT_TYPE_AT] == type;
}

#define REQUIRE_TOKEN_ACCOUNT(name, a) \
    do { \
        REQUIRE_OF(name, !never_created(a), AccountNotInitialized); \
        REQUIRE_OF(name, is_token_program(&(a)->owner), AccountOwnedByWrongProgram); \
        if (!unpacks(a, TOKEN_ACCOUNT_BYTES, TYPE_ACCOUNT)) return INVALID_ACCOUNT_DATA; \
        if (!(a)->data[108]) return UNINITIALIZED_ACCOUNT; \
    } while (0)

#define REQUIRE_MINT(name, a) \
    do { \
        REQUIRE_OF(name, !never_created(a), AccountNotInitialized); \
        REQUIRE_OF(name, is_token_program(&(a)->owner), AccountOwnedByWrongProgram); \
        if (!unpacks(a, MINT_BYTES, TYPE_MINT)) return INVALID_ACCOUNT_DATA; \
        if (!(a)->data[45]) return UNINITIALIZED_ACCOUNT; \
    } while (0)

/* fee = what `mint` takes on a transfer in `epoch`; zero for a mint without a fee. */
static NOINLINE void fee_of_mint(transfer_fee *fee, const account *mint, u64 epoch) {
    *fee = (transfer_fee){0, 0};
    if (!same_key(&mint->owner, &TOKEN_2022_PROGRAM)) return;
    for (u64 at = EXTENSIONS_AT; at + 4 <= mint->data_length;) {
        const u8 *extension = mint->data + at;
        u64 type = load_16(extension), length = load_16(extension + 2);
        at += 4 + length;
        if (!type || at > mint->data_length) return;
        if (type == TRANSFER_FEE_CONFIG && length == TRANSFER_FEE_CONFIG_BYTES) {
            const u8 *older = extension + 4 + 72, *newer = older + 18;
            const u8 *now = epoch >= load_64(newer) ? newer : older;
            *fee = (transfer_fee){load_16(now + 16), load_64(now + 8)};
            return;
        }
    }
}

/* Base units that a transfer of `amount` leaves behind. */
static u64 fee_on_sent(const transfer_fee *fee, u64 amount) {
    u64 raw;
    require_or_panic(multiply_divide_64(&raw, amount, fee->bps, BPS, UP));
    return raw < fee->maximum ? raw : fee->maximum;
}

/* extra = base units to add so that `amount` arrives; false where no u64 holds them. At 10,000 bps no sum arrives
 * but one above the maximum fee. */
static bool fee_on_received(u64 *extra, const transfer_fee *fee, u64 amount) {
    u64 sent;
    *extra = 0;
    if (!fee->bps || !amount) return true;
    if (fee->bps >= BPS || !multiply_divide_64(&sent, amount, BPS, BPS - fee->bps, UP) || sent - amount >= fee->maximum)
        sent = amount + fee->maximum;
    if (sent < amount) return false;
    *extra = fee->bps >= BPS ? fee->maximum : fee_on_sent(fee, sent);
    return true;
}

typedef struct {
    account *program, *from, *mint, *to, *authority;
} token_transfer;

/* Moves `amount` base units by CPI, signed with `seeds` for a program's own authority (count 0: the authority
 * signed the transaction). An error of the token program ends the transaction. */
static NOINLINE u64 transfer_checked(const token_transfer *how, u64 amount, const slice *seeds, u64 seed_count) {
    u8 data[10] = {TRANSFER_CHECKED};
    store_64(data + 1, amount);
    data[9] = how->mint->data[44];
    account *accounts[4] = {how->from, how->mint, how->to, how->authority};
    account_meta metas[4];
    account_info infos[5];
    for (int i = 0; i < 4; i++) {
        metas[i] = (account_meta){&accounts[i]->key, i == 0 || i == 2, i == 3};
        describe(&infos[i], accounts[i]);
    }
    describe(&infos[4], how->program);
    instruction transfer = {&how->program->key, metas, 4, data, sizeof(data)};
    slice signer = {seeds, seed_count};
    return sol_invoke_signed_c(&transfer, infos, 5, &signer, seed_count ? 1 : 0);
}

#endif
