/* Meteora DAMM v2 (cp_amm): error codes and the layout of its Pool account. */
#ifndef DAMM_V2_H
#define DAMM_V2_H

#include "token.h"

#define MathOverflow(X) X(MathOverflow, 6000, "Math operation overflow")
#define ExceededSlippage(X) X(ExceededSlippage, 6002, "Exceeded slippage tolerance")
#define PoolDisabled(X) X(PoolDisabled, 6003, "Pool disabled")
#define AmountIsZero(X) X(AmountIsZero, 6006, "Amount is zero")
#define TypeCastFailed(X) X(TypeCastFailed, 6007, "Type cast error")
#define InvalidActivationType(X) X(InvalidActivationType, 6010, "Invalid activation type")
#define PriceRangeViolation(X) X(PriceRangeViolation, 6015, "Trade is over price range")
#define InvalidInput(X) X(InvalidInput, 6018, "Invalid input")
#define InvalidBaseFeeMode(X) X(InvalidBaseFeeMode, 6047, "Invalid base fee mode")
#define FailToValidateSingleSwapInstruction(X) \
    X(FailToValidateSingleSwapInstruction, 6049, "Fail to validate single swap instruction in rate limiter")
#define UndeterminedError(X) X(UndeterminedError, 6051, "Undetermined error")
#define InvalidPoolVersion(X) X(InvalidPoolVersion, 6052, "Invalid pool version")

#define SWAP 0xc88775e1919ec6f8
#define SWAP_2 0x885b5beb4c3f4b41
#define POOL 0xbc6db111046d9af1
#define POOL_BYTES 1112

/* Byte offsets in Pool; where a field exists for both tokens, token b's follows token a's. Prices are square roots
 * of b per a in Q64, liquidity is in Q64, fees per liquidity are in Q128. */
enum {
    BASE_FEE_CLIFF = 8,
    BASE_FEE_MODE = 16,
    BASE_FEE_PERIODS = 22,
    BASE_FEE_FREQUENCY = 24,
    BASE_FEE_PRICE_STEP = 24,
    BASE_FEE_EXPIRATION = 28,
    BASE_FEE_REDUCTION = 32,
    LIMITER_INCREMENT_BPS = 22,
    LIMITER_DURATION = 24,
    LIMITER_MOST_BPS = 28,
    LIMITER_REFERENCE = 32,
    PROTOCOL_FEE_PERCENT = 48,
    REFERRAL_FEE_PERCENT = 50,
    COMPOUNDING_FEE_BPS = 54,
    DYNAMIC_FEE = 56,
    INITIAL_PRICE = 152,
    VAULT_A = 232,
    VAULT_B = 264,
    WHITELISTED_VAULT = 296,
    LIQUIDITY = 360,
    PROTOCOL_FEES = 392,
    LOWEST_PRICE = 424,
    HIGHEST_PRICE = 440,
    PRICE = 456,
    ACTIVATION_POINT = 472,
    ACTIVATION_TYPE = 480,
    POOL_STATUS = 481,
    COLLECT_FEE_MODE = 484,
    FEE_VERSION = 486,
    FEES_PER_LIQUIDITY = 488,
    TOTAL_LP_FEES = 568,
    TOTAL_PROTOCOL_FEES = 600,
    RESERVES = 680,
    LAYOUT_VERSION = 696
};

/* Byte offsets in the dynamic fee. */
enum {
    DYNAMIC_INITIALIZED = DYNAMIC_FEE,
    DYNAMIC_MAX_ACCUMULATOR = DYNAMIC_FEE + 8,
    DYNAMIC_CONTROL = DYNAMIC_FEE + 12,
    DYNAMIC_BIN_STEP = DYNAMIC_FEE + 16,
    DYNAMIC_FILTER_PERIOD = DYNAMIC_FEE + 18,
    DYNAMIC_DECAY_PERIOD = DYNAMIC_FEE + 20,
    DYNAMIC_REDUCTION = DYNAMIC_FEE + 22,
    DYNAMIC_LAST_UPDATE = DYNAMIC_FEE + 24,
    DYNAMIC_BIN_STEP_Q64 = DYNAMIC_FEE + 32,
    DYNAMIC_PRICE_REFERENCE = DYNAMIC_FEE + 48,
    DYNAMIC_ACCUMULATOR = DYNAMIC_FEE + 64,
    DYNAMIC_REFERENCE = DYNAMIC_FEE + 80
};

enum { COLLECT_ON_OUTPUT, COLLECT_ONLY_B, COLLECT_COMPOUNDING };

#endif
