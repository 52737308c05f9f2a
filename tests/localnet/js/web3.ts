// What people do with @solana/web3.js, against a local chain: RPC_URL and WS_URL. Any surprise ends it with an error.
import assert from "node:assert/strict";
import {
  ComputeBudgetProgram,
  Connection,
  Keypair,
  LAMPORTS_PER_SOL,
  PublicKey,
  sendAndConfirmTransaction,
  SystemProgram,
  Transaction,
  TransactionMessage,
  VersionedTransaction,
} from "@solana/web3.js";
import { address, createSolanaRpc } from "@solana/kit";

const url = process.env.RPC_URL!;
const connection = new Connection(url, { commitment: "confirmed", wsEndpoint: process.env.WS_URL! });
const TOKEN_PROGRAM = new PublicKey("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
const [payer, friend] = [Keypair.generate(), Keypair.generate()];

// An airdrop, confirmed over the websocket.
const airdrop = await connection.requestAirdrop(payer.publicKey, 5 * LAMPORTS_PER_SOL);
const latest = await connection.getLatestBlockhash();
const landed = await connection.confirmTransaction({ signature: airdrop, ...latest });
assert.equal(landed.value.err, null);
assert.equal(await connection.getBalance(payer.publicKey), 5 * LAMPORTS_PER_SOL);

// Subscriptions: an account, its logs, slots, a signature.
const seen = { account: 0, logs: 0, slots: 0, signature: 0 };
const account = connection.onAccountChange(friend.publicKey, () => void seen.account++);
const logs = connection.onLogs(payer.publicKey, () => void seen.logs++);
const slots = connection.onSlotChange(() => void seen.slots++);
const subscribed = Date.now() + 10_000;
while (seen.slots === 0) {
  assert(Date.now() < subscribed, "no slot was told");
  await Bun.sleep(20);
}

// A transfer in a legacy transaction.
const lamports = LAMPORTS_PER_SOL / 4;
const pay = SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: friend.publicKey, lamports });
const first = await sendAndConfirmTransaction(connection, new Transaction().add(pay), [payer]);

// Another in a versioned one, simulated before it is sent.
const blockhash = await connection.getLatestBlockhash();
const message = new TransactionMessage({
  payerKey: payer.publicKey,
  recentBlockhash: blockhash.blockhash,
  instructions: [ComputeBudgetProgram.setComputeUnitLimit({ units: 2_000 }), pay],
}).compileToV0Message();
assert.equal((await connection.getFeeForMessage(message)).value, 5_000);
const versioned = new VersionedTransaction(message);
versioned.sign([payer]);
const simulated = await connection.simulateTransaction(versioned, { sigVerify: true });
assert.equal(simulated.value.err, null);
assert(simulated.value.unitsConsumed! > 0);
const second = await connection.sendTransaction(versioned);
connection.onSignature(second, () => void seen.signature++);
assert.equal((await connection.confirmTransaction({ signature: second, ...blockhash })).value.err, null);
assert.equal(await connection.getBalance(friend.publicKey), 2 * lamports);

const told = Date.now() + 10_000;
while (seen.account < 1 || seen.logs < 1 || seen.signature < 1) {
  assert(Date.now() < told, JSON.stringify(seen));
  await Bun.sleep(20);
}
await connection.removeAccountChangeListener(account);
await connection.removeOnLogsListener(logs);
await connection.removeSlotChangeListener(slots);

// A transfer that the chain refuses.
const broke = Keypair.generate();
const tooMuch = SystemProgram.transfer({ fromPubkey: payer.publicKey, toPubkey: broke.publicKey, lamports: 1e12 });
await assert.rejects(sendAndConfirmTransaction(connection, new Transaction().add(tooMuch), [payer]), /custom program error: 0x1|insufficient/);

// What became of them.
const parsed = await connection.getParsedTransaction(first, { maxSupportedTransactionVersion: 0 });
assert.deepEqual(parsed!.transaction.message.instructions[0].parsed, {
  info: { destination: friend.publicKey.toBase58(), lamports, source: payer.publicKey.toBase58() },
  type: "transfer",
});
const raw = await connection.getTransaction(second, { maxSupportedTransactionVersion: 0 });
assert.equal(raw!.version, 0);
assert.equal(raw!.meta!.fee, 5_000);
const history = await connection.getSignaturesForAddress(payer.publicKey);
assert.deepEqual(history.map((entry) => entry.signature), [second, first, airdrop]);
const statuses = await connection.getSignatureStatuses([first, second], { searchTransactionHistory: true });
assert.deepEqual(statuses.value.map((status) => status!.err), [null, null]);

// Blocks.
const block = await connection.getBlock(raw!.slot, { maxSupportedTransactionVersion: 0 });
assert(block!.transactions.some((entry) => entry.transaction.signatures[0] === second));
assert((await connection.getBlocks(raw!.slot, raw!.slot)).includes(raw!.slot));
assert.equal(await connection.getBlockTime(raw!.slot), block!.blockTime);
assert((await connection.getBlockSignatures(raw!.slot)).signatures.includes(second));

// Accounts and tokens: one of the pools' vaults is a token account of USDC.
const usdc = new PublicKey("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v");
const mint = await connection.getParsedAccountInfo(usdc);
assert.equal((mint.value!.data as any).parsed.info.decimals, 6);
const [largest] = (await connection.getTokenLargestAccounts(usdc)).value;
const holder = await connection.getParsedAccountInfo(largest.address);
const owner = new PublicKey((holder.value!.data as any).parsed.info.owner);
const held = await connection.getParsedTokenAccountsByOwner(owner, { programId: TOKEN_PROGRAM });
assert(held.value.some((entry) => entry.pubkey.equals(largest.address)));
assert.equal((await connection.getTokenAccountBalance(largest.address)).value.decimals, 6);
assert(BigInt((await connection.getTokenSupply(usdc)).value.amount) >= BigInt(largest.amount));
const found = await connection.getProgramAccounts(TOKEN_PROGRAM, {
  filters: [{ dataSize: 165 }, { memcmp: { offset: 0, bytes: usdc.toBase58() } }],
});
assert(found.length > 1);
const several = await connection.getMultipleAccountsInfo([usdc, broke.publicKey]);
assert.deepEqual(several.map((info) => info !== null), [true, false]);
assert((await connection.getMinimumBalanceForRentExemption(165)) > 0);

// The cluster.
assert.equal((await connection.getVoteAccounts()).current.length, 1);
assert.equal((await connection.getClusterNodes()).length, 1);
assert((await connection.getSupply()).value.circulating >= 5 * LAMPORTS_PER_SOL);
assert((await connection.getLargestAccounts()).value.length > 1);
assert.equal((await connection.getInflationGovernor()).initial, 0);
assert.equal((await connection.getInflationRate()).total, 0);
assert.deepEqual(await connection.getInflationReward([payer.publicKey], 0), [null]);
const [sample] = await connection.getRecentPerformanceSamples(1);
assert(sample.numSlots > 0 && sample.samplePeriodSecs > 0);
const epoch = await connection.getEpochInfo();
assert.equal((await connection.getEpochSchedule()).getEpoch(epoch.absoluteSlot), epoch.epoch);
assert.equal((await connection.getSlotLeaders(epoch.absoluteSlot, 3)).length, 3);
assert.equal(Object.keys(await connection.getLeaderSchedule()).length, 1);
assert((await connection.getBlockProduction()).value.range.lastSlot > 0);
assert((await connection.getStakeMinimumDelegation()).value > 0);
assert((await connection.getRecentPrioritizationFees()).length > 0);
assert((await connection.getFirstAvailableBlock()) <= raw!.slot);
assert((await connection.getVersion())["solana-core"]);
assert.equal((await connection.getGenesisHash()).length > 30, true);

// The same chain through @solana/kit, whose numbers are bigints.
const rpc = createSolanaRpc(url);
assert.equal((await rpc.getBalance(address(friend.publicKey.toBase58())).send()).value, BigInt(2 * lamports));
const kitBlock = await rpc.getBlock(BigInt(raw!.slot), { encoding: "base64", maxSupportedTransactionVersion: 0 }).send();
assert(kitBlock!.transactions.length > 0);

console.log(JSON.stringify({ first, second, payer: payer.publicKey.toBase58(), slot: raw!.slot }));
process.exit(0);
