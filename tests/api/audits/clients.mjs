// Asks a gateway through the clients that most programs use and prints what they got as JSON: node clients.mjs PORT TOKEN
import { createClient as createSocket } from 'graphql-ws';
import { createClient as createStream } from 'graphql-sse';
import WebSocket from 'ws';

const [port, token] = process.argv.slice(2);
const authorization = `Bearer ${token}`;
const address = `127.0.0.1:${port}/graphql`;

async function all(iterable) {
  const found = [];
  for await (const one of iterable) found.push(one);
  return found;
}

async function told(work) {
  try {
    return await work();
  } catch (error) {
    if (Array.isArray(error)) return { errors: error.map((one) => one.extensions?.code) };
    return { closed: error.code, reason: error.reason, message: error.message };
  }
}

const query = '{ viewer { email } }';
const ask = (client, payload) => told(() => all(client.iterate(payload)));

const stream = createStream({ url: `http://${address}`, headers: { authorization }, retryAttempts: 0 });
const socket = createSocket({
  url: `ws://${address}`,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: authorization },
  retryAttempts: 0,
});
const stranger = createSocket({ url: `ws://${address}`, webSocketImpl: WebSocket, retryAttempts: 0 });

const results = {
  stream: await ask(stream, { query }),
  streamRefused: await ask(stream, { query: '{ nothing }' }),
  socket: await ask(socket, { query }),
  socketAtOnce: await Promise.all([1, 2, 3].map(() => ask(socket, { query }))),
  socketRefused: await ask(socket, { query: '{ nothing }' }),
  stranger: await ask(stranger, { query }),
};
stream.dispose();
await socket.dispose();
console.log(JSON.stringify(results));
process.exit(0);
