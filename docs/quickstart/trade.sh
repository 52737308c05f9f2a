#!/bin/sh
# Make an account, get test funds, swap 1.5 SOL for USDC, wait until it is done. Needs curl and a shell.
set -eu
BASE=${1:-http://localhost:8000}
NAME="curl-$(date +%s)-$$"

field() { # the text value of a field in the JSON on standard input
    sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"
}

TOKEN=$(curl -sS --fail-with-body "$BASE/api/auth" -H 'Content-Type: application/json' \
    -d "{\"username\": \"$NAME\", \"password\": \"correct horse battery\", \"mode\": \"create\"}" | field token)

curl -sS --fail-with-body -X POST "$BASE/api/wallet/airdrop" -H "Authorization: Bearer $TOKEN" >/dev/null

curl -sS --fail-with-body "$BASE/api/quote?tokenIn=SOL&tokenOut=USDC&amount=1.5"
echo

# The same Idempotency-Key and body give the same order: after a timeout this may safely be sent again.
ORDER=$(curl -sS --fail-with-body "$BASE/api/orders/execute" -H "Authorization: Bearer $TOKEN" \
    -H 'Content-Type: application/json' -H "Idempotency-Key: $NAME" \
    -d '{"tokenIn": "SOL", "tokenOut": "USDC", "amount": 1.5, "slippage": 0.01}' | field orderId)

while :; do
    STATUS=$(curl -sS --fail-with-body "$BASE/api/orders/history?search=$ORDER" \
        -H "Authorization: Bearer $TOKEN" | field status)
    case $STATUS in confirmed | failed) break ;; esac
    sleep 0.5
done

curl -sS --fail-with-body "$BASE/api/orders/history.csv" -H "Authorization: Bearer $TOKEN"
echo "$ORDER $STATUS"
