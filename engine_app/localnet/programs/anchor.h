/* Anchor's error codes and its way of logging them, which clients read for the error's name. */
#ifndef ANCHOR_H
#define ANCHOR_H

#include "sbpf.h"

#define DISCRIMINATOR_BYTES 8

/* Anchor's own errors (anchor-lang 0.31): X(name, number, message). */
#define InstructionFallbackNotFound(X) X(InstructionFallbackNotFound, 101, "Fallback functions are not supported")
#define InstructionDidNotDeserialize(X) \
    X(InstructionDidNotDeserialize, 102, "The program could not deserialize the given instruction")
#define ConstraintMut(X) X(ConstraintMut, 2000, "A mut constraint was violated")
#define ConstraintHasOne(X) X(ConstraintHasOne, 2001, "A has one constraint was violated")
#define ConstraintRaw(X) X(ConstraintRaw, 2003, "A raw constraint was violated")
#define ConstraintSeeds(X) X(ConstraintSeeds, 2006, "A seeds constraint was violated")
#define ConstraintAddress(X) X(ConstraintAddress, 2012, "An address constraint was violated")
#define ConstraintTokenMint(X) X(ConstraintTokenMint, 2014, "A token mint constraint was violated")
#define ConstraintTokenTokenProgram(X) \
    X(ConstraintTokenTokenProgram, 2021, "A token account token program constraint was violated")
#define RequireGtViolated(X) X(RequireGtViolated, 2505, "A require_gt expression was violated")
#define AccountDiscriminatorNotFound(X) \
    X(AccountDiscriminatorNotFound, 3001, "No discriminator was found on the account")
#define AccountDiscriminatorMismatch(X) \
    X(AccountDiscriminatorMismatch, 3002, "Account discriminator did not match what was expected")
#define AccountDidNotDeserialize(X) X(AccountDidNotDeserialize, 3003, "Failed to deserialize the account")
#define AccountNotEnoughKeys(X) X(AccountNotEnoughKeys, 3005, "Not enough account keys given to the instruction")
#define AccountNotMutable(X) X(AccountNotMutable, 3006, "The given account is not mutable")
#define AccountOwnedByWrongProgram(X) \
    X(AccountOwnedByWrongProgram, 3007, "The given account is owned by a different program than expected")
#define InvalidProgramId(X) X(InvalidProgramId, 3008, "Program ID was not as expected")
#define AccountNotSigner(X) X(AccountNotSigner, 3010, "The given account did not sign")
#define AccountNotInitialized(X) \
    X(AccountNotInitialized, 3012, "The program expected this account to be already initialized")

#define ERROR_NUMBER(name, number, message) number
#define ERROR_TEXT(name, number, message) \
    ". Error Code: " #name ". Error Number: " #number ". Error Message: " message "."

static NOINLINE u64 logged(const char *text, u64 length, u64 code) {
    sol_log_(text, length);
    return code;
}

#define FAILURE_(text, code) logged(text, sizeof(text) - 1, code)
/* The code of `error`, logged as Anchor does. */
#define FAILURE(error) FAILURE_("AnchorError occurred" error(ERROR_TEXT), error(ERROR_NUMBER))
#define FAILURE_OF(name, error) FAILURE_("AnchorError caused by account: " name error(ERROR_TEXT), error(ERROR_NUMBER))

#define REQUIRE(holds, error) \
    do { \
        if (!(holds)) return FAILURE(error); \
    } while (0)
#define REQUIRE_OF(name, holds, error) \
    do { \
        if (!(holds)) return FAILURE_OF(name, error); \
    } while (0)
#define TRY(expression) \
    do { \
        u64 code_ = (expression); \
        if (code_ != SUCCESS) return code_; \
    } while (0)

static inline bool never_created(const account *a) {
    return !(a->owner.w[0] | a->owner.w[1] | a->owner.w[2] | a->owner.w[3]) && !a->lamports;
}

/* A state account of this program with this discriminator (as a little-endian word); panics when it is shorter than
 * its state. */
#define REQUIRE_STATE(name, a, program_id, discriminator, length) \
    do { \
        REQUIRE_OF(name, same_key(&(a)->owner, program_id), AccountOwnedByWrongProgram); \
        REQUIRE_OF(name, (a)->data_length >= DISCRIMINATOR_BYTES, AccountDiscriminatorNotFound); \
        REQUIRE_OF(name, load_64((a)->data) == (discriminator), AccountDiscriminatorMismatch); \
        require_or_panic((a)->data_length >= (length)); \
    } while (0)

#endif
