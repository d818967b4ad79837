/** Sends spoiled frames over many connections while one good connection must go on being served. */

import net from 'node:net';
import type { SocketAddress } from '../../common/index.ts';
import type { FuzzDialect } from './fuzzDialect.ts';
import { FuzzRandom } from './fuzzRandom.ts';

export interface FuzzOptions {
  readonly frames: number;
  readonly seed: number;
  readonly address: SocketAddress;
  readonly dialect: FuzzDialect;
  /** Called now and then with the frames sent so far. */
  readonly onProgress?: (frameCount: number) => void;
}

export interface FuzzResult {
  readonly frames: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly connections: number;
  /** Calls of the good connection, all answered. */
  readonly goodCalls: number;
  readonly goodLatencyMsMax: number;
  readonly seconds: number;
}

const CONNECTIONS_AT_ONCE = 8;
/** Frames handed to a socket together. */
const BURST_FRAMES = 32;
const GOOD_CALL_EVERY_FRAMES = 500;
/** A connection is given up after so many frames, so that openings are fuzzed too. */
const FRAMES_PER_CONNECTION = 2000;
/** The server says why, or nothing, for at most so long after the stream was spoiled. */
const LAST_WORDS_MS = 100;

/** @throws when the good connection is not served or the target is gone. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const startedMs = performance.now();
  const good = await options.dialect.connectGood(options.address);
  const totals = { frames: 0, bytesSent: 0, bytesReceived: 0, connections: 0 };
  let goodCalls = 0;
  let goodLatencyMsMax = 0;
  let isDone = false;
  const callGood = async (): Promise<void> => {
    let nextAt = 0;
    while (!isDone) {
      if (totals.frames >= nextAt) {
        nextAt = totals.frames + GOOD_CALL_EVERY_FRAMES;
        const calledMs = performance.now();
        await good.call();
        goodCalls += 1;
        goodLatencyMsMax = Math.max(goodLatencyMsMax, performance.now() - calledMs);
      }
      await turn();
    }
  };
  const senders = Array.from({ length: CONNECTIONS_AT_ONCE }, (_, index) =>
    send(options, totals, new FuzzRandom(options.seed * CONNECTIONS_AT_ONCE + index)),
  );
  const caller = callGood();
  try {
    await Promise.race([Promise.all(senders), caller]);
  } finally {
    isDone = true;
  }
  await caller;
  await good.call();
  await good.close();
  const seconds = (performance.now() - startedMs) / 1000;
  return { ...totals, goodCalls: goodCalls + 1, goodLatencyMsMax, seconds };
}

interface Totals {
  frames: number;
  bytesSent: number;
  bytesReceived: number;
  connections: number;
}

async function send(options: FuzzOptions, totals: Totals, random: FuzzRandom): Promise<void> {
  const maker = options.dialect.maker(random);
  while (totals.frames < options.frames) {
    const socket = await open(options.address);
    totals.connections += 1;
    let isClosed = false;
    socket.on('data', (bytes) => {
      totals.bytesReceived += bytes.length;
    });
    socket.on('close', () => {
      isClosed = true;
    });
    const opening = options.dialect.opening(random);
    if (opening.length > 0) socket.write(opening);
    for (let sent = 0; sent < FRAMES_PER_CONNECTION && !isClosed; ) {
      const burst: Buffer[] = [];
      let isLast = false;
      while (burst.length < BURST_FRAMES && !isLast) {
        const frame = maker.next();
        burst.push(frame.bytes);
        ({ isLast } = frame);
      }
      const bytes = Buffer.concat(burst);
      sent += burst.length;
      totals.frames += burst.length;
      totals.bytesSent += bytes.length;
      if (!isClosed) await write(socket, bytes, () => isClosed);
      if ((totals.frames / BURST_FRAMES) % 100 < 1) options.onProgress?.(totals.frames);
      if (isLast || totals.frames >= options.frames) break;
    }
    await lastWords(() => isClosed);
    // A reset: no port stays behind waiting, and servers must take that too.
    socket.resetAndDestroy();
  }
}

async function open({ host, port }: SocketAddress): Promise<net.Socket> {
  const socket = net.connect({ host, port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.removeAllListeners('error');
  socket.on('error', () => undefined);
  return socket;
}

/** Waits where the server takes no more at the moment: it may, for requests in flight. */
async function write(socket: net.Socket, bytes: Buffer, isClosed: () => boolean): Promise<void> {
  if (socket.write(bytes)) {
    await turn();
    return;
  }
  while (socket.writableLength > 0 && !isClosed() && !socket.destroyed) await turn();
}

async function lastWords(isClosed: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + LAST_WORDS_MS;
  while (!isClosed() && performance.now() < deadlineMs) await turn();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
