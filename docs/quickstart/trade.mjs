// Make an account, get test funds, swap 1.5 SOL for USDC, and watch every step of it over Socket.IO.
// Needs: npm install socket.io-client, then node trade.mjs (or bun trade.mjs)
import { randomUUID } from "node:crypto";
import { io } from "socket.io-client";

const BASE = process.argv[2] ?? "http://localhost:8000";
let token = "";

async function call(method, path, body, headers = {}) {
  const answer = await fetch(BASE + path, {
    method,
    headers: {
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body && { "Content-Type": "application/json" }),
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  const document = await answer.json();
  if (!answer.ok) throw new Error(`${document.code}: ${document.detail}`);
  return document;
}

const account = { username: `js-${randomUUID().slice(0, 13)}`, password: "correct horse battery", mode: "create" };
({ token } = await call("POST", "/api/auth", account));
await call("POST", "/api/wallet/airdrop");

const socket = io(BASE, { auth: { token }, transports: ["websocket"] });
const seen = {}; // the last seq of each order under way, to go on from after a lost connection
const done = new Promise((resolve, reject) => {
  socket.on("order:update", (order) => {
    seen[order.orderId] = order.seq;
    if (order.finalizedAt || order.status === "failed") delete seen[order.orderId]; // It has ended for good.
    console.log(order.seq, order.status, order.waitingFor?.reason ?? "");
    if (["confirmed", "failed"].includes(order.status)) resolve(order);
  });
  socket.on("connect_error", (error) => reject(new Error(error.data?.code ?? error.message)));
});
// The first time, and again after every lost connection: nothing is missed in between.
socket.on("connect", async () => {
  for (const wish of Object.keys(seen).length ? [{ after: seen }, {}] : [{}]) {
    const ack = await socket.emitWithAck("subscribe", wish);
    if (!ack.ok) throw new Error(ack.error.code);
  }
});
await new Promise((resolve) => socket.once("connect", resolve));

// The same Idempotency-Key and body give the same order: after a timeout this may safely be sent again.
await call(
  "POST",
  "/api/orders/execute",
  { tokenIn: "SOL", tokenOut: "USDC", amount: "1.5", slippage: "0.01" },
  { "Idempotency-Key": randomUUID() },
);
const order = await done;
console.log(order.orderId, order.status, order.executionPrice, order.txHash);
socket.disconnect();
