/* The interface of the Solana runtime to an sBPF program: syscalls, the serialized input, errors, the clock.
 *
 * Layouts: solana-program-entrypoint 2.x (aligned input), solana-cpi C structures. */
#ifndef SBPF_H
#define SBPF_H

#include "wide.h"

#define SUCCESS 0
/* Builtin program errors stand in the upper half of the returned word, custom ones in the lower. */
#define BUILTIN(number) ((u64)(number) << 32)
#define INVALID_ACCOUNT_DATA BUILTIN(4)
#define UNINITIALIZED_ACCOUNT BUILTIN(10)
#define UNSUPPORTED_SYSVAR BUILTIN(17)

#define MAX_ACCOUNTS 24
#define MAX_PERMITTED_DATA_INCREASE 10240
#define NOT_A_DUPLICATE 0xff

typedef struct {
    u64 w[4];
} pubkey;

static const pubkey INSTRUCTIONS_SYSVAR = {
    {0x66d17b1817d5a706, 0xc0c2fd5504d4da35, 0xa57556218fc624c1, 0x85fcbbadb}};

/* An account of the input, as it lies there; `data_length` bytes of data follow. */
typedef struct {
    u8 duplicate, is_signer, is_writable, executable, padding[4];
    pubkey key, owner;
    u64 lamports, data_length;
    u8 data[];
} account;

typedef struct {
    u64 count;
    account *accounts[MAX_ACCOUNTS];
    const u8 *data;
    u64 data_length;
    const pubkey *program_id;
} invocation;

typedef struct {
    const void *address;
    u64 length;
} slice;

typedef struct {
    const pubkey *key;
    bool is_writable, is_signer;
} account_meta;

typedef struct {
    const pubkey *program_id;
    const account_meta *accounts;
    u64 account_count;
    const u8 *data;
    u64 data_length;
} instruction;

typedef struct {
    const pubkey *key;
    u64 *lamports;
    u64 data_length;
    u8 *data;
    const pubkey *owner;
    u64 rent_epoch;
    bool is_signer, is_writable, executable;
} account_info;

typedef struct {
    u64 slot;
    i64 epoch_start_timestamp;
    u64 epoch, leader_schedule_epoch;
    i64 unix_timestamp;
} clock_sysvar;

void sol_log_(const char *text, u64 length);
u64 sol_get_clock_sysvar(clock_sysvar *clock);
u64 sol_try_find_program_address(const slice *seeds, u64 count, const pubkey *program_id, pubkey *address, u8 *bump);
u64 sol_invoke_signed_c(
    const instruction *what, const account_info *infos, u64 count, const slice *signers, u64 signer_count);
_Noreturn void abort(void);

#define LOG(text) sol_log_(text, sizeof(text) - 1)

/* Where the real program panics: the transaction fails with ProgramFailedToComplete. */
static inline void require_or_panic(bool holds) {
    if (!holds) abort();
}

static inline u16 load_16(const u8 *at) { return (u16)(at[0] | at[1] << 8); }

static inline u32 load_32(const u8 *at) { return load_16(at) | (u32)load_16(at + 2) << 16; }

static inline u64 load_64(const u8 *at) { return load_32(at) | (u64)load_32(at + 4) << 32; }

static inline void store_16(u8 *at, u16 value) {
    at[0] = (u8)value;
    at[1] = (u8)(value >> 8);
}

static inline void store_64(u8 *at, u64 value) {
    for (int i = 0; i < 8; i++) at[i] = (u8)(value >> 8 * i);
}

INLINE u256 load_128(const u8 *at) { return (u256){{load_64(at), load_64(at + 8), 0, 0}}; }

static inline void store_128(u8 *at, const u256 *value) {
    store_64(at, value->w[0]);
    store_64(at + 8, value->w[1]);
}

INLINE pubkey load_key(const u8 *at) {
    return (pubkey){{load_64(at), load_64(at + 8), load_64(at + 16), load_64(at + 24)}};
}

static inline bool same_key(const pubkey *x, const pubkey *y) {
    return x->w[0] == y->w[0] && x->w[1] == y->w[1] && x->w[2] == y->w[2] && x->w[3] == y->w[3];
}

static inline bool key_at(const u8 *at, const pubkey *key) {
    pubkey stored = load_key(at);
    return same_key(&stored, key);
}

static inline u64 *rent_epoch_of(account *a) {
    u64 end = (u64)a->data + a->data_length + MAX_PERMITTED_DATA_INCREASE;
    return (u64 *)((end + 7) & ~(u64)7);
}

static void read_invocation(invocation *call, u8 *input) {
    u64 count = *(u64 *)input;
    require_or_panic(count <= MAX_ACCOUNTS);
    u8 *at = input + 8;
    for (u64 i = 0; i < count; i++) {
        account *here = (account *)at;
        if (here->duplicate != NOT_A_DUPLICATE) {
            call->accounts[i] = call->accounts[here->duplicate];
            at += 8;
        } else {
            call->accounts[i] = here;
            at = (u8 *)(rent_epoch_of(here) + 1);
        }
    }
    call->count = count;
    call->data_length = *(u64 *)at;
    call->data = at + 8;
    call->program_id = (const pubkey *)(call->data + call->data_length);
}

static inline void describe(account_info *info, account *a) {
    info->key = &a->key;
    info->lamports = &a->lamports;
    info->data_length = a->data_length;
    info->data = a->data;
    info->owner = &a->owner;
    info->rent_epoch = *rent_epoch_of(a);
    info->is_signer = a->is_signer;
    info->is_writable = a->is_writable;
    info->executable = a->executable;
}

#endif
