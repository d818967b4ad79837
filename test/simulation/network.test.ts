/** The classes of `network/` over a network that segments, stalls, cuts and resets. */

import { expect } from 'chai';
import { silentLogger } from '../../common/index.ts';
import {
  ClientConnection,
  type NetworkHandler,
  NetworkServer,
  type ServerRequest,
} from '../../network/index.ts';
import {
  type Api,
  fetchApi,
  ProtocolError,
  produceApi,
  type RequestOf,
  type ResponseOf,
} from '../../protocol/index.ts';
import { type SimNode, type SimRandom, Simulation } from './kernel/index.ts';

type ProduceRequest = RequestOf<typeof produceApi>;
type FetchRequest = RequestOf<typeof fetchApi>;
type FetchResponse = ResponseOf<typeof fetchApi>;

const CALL_TIMEOUT_MS = 3000;

/** What a record says of itself, so that both sides can check it: number, length, then a pattern. */
function payload(number: number, byteCount: number): Buffer {
  const bytes = Buffer.alloc(8 + byteCount);
  bytes.writeUInt32BE(number, 0);
  bytes.writeUInt32BE(byteCount, 4);
  for (let index = 0; index < byteCount; index += 1) bytes[8 + index] = (number + index) & 0xff;
  return bytes;
}

function numberOf(bytes: Uint8Array | null | undefined): number {
  const buffer = Buffer.from(bytes ?? []);
  const number = buffer.readUInt32BE(0);
  expect(buffer.equals(payload(number, buffer.length - 8)), `payload ${number}`).to.equal(true);
  return number;
}

/** Answers late and in any order; checks that views hold until the end of the receive turn. */
class CheckingHandler implements NetworkHandler {
  readonly produced = new Map<string, number[]>();
  closedCount = 0;
  readonly #node: SimNode;
  readonly #random: SimRandom;
  #turn: { connection: string; views: Uint8Array[] }[] = [];

  constructor(node: SimNode, random: SimRandom) {
    this.#node = node;
    this.#random = random;
  }

  onRequest(request: ServerRequest): void {
    const delayMs = this.#random.chance(0.3) ? 0 : this.#random.exponential(20);
    if (request.api === produceApi) this.#produce(request);
    const respond = (): void => {
      if (request.api === fetchApi) request.respond(fetchResponse(request.body as FetchRequest));
      else if ((request.body as ProduceRequest).acks === 0) request.dropResponse();
      else request.respond({ topics: [] });
    };
    if (delayMs === 0) respond();
    else this.#node.environment().timers.set(delayMs, respond);
  }

  onReceiveTurnEnd(): void {
    for (const { connection, views } of this.#turn) {
      const numbers = this.produced.get(connection) ?? [];
      numbers.push(...views.map(numberOf));
      this.produced.set(connection, numbers);
    }
    this.#turn = [];
  }

  onConnectionClosed(): void {
    this.closedCount += 1;
  }

  #produce(request: ServerRequest): void {
    const { topics } = request.body as ProduceRequest;
    const views = topics.flatMap(({ partitions }) => partitions.map(({ records }) => records));
    this.#turn.push({
      connection: request.connection.clientId ?? '',
      views: views.filter((view) => view !== null) as Uint8Array[],
    });
  }
}

/** `fetchOffset` names the payload asked for, `maxBytes` its size. */
function fetchResponse(request: FetchRequest): FetchResponse {
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ index, fetchOffset, maxBytes }) => ({
      index,
      errorCode: 0,
      highWatermark: 0,
      lastStableOffset: 0,
      preferredReadReplica: -1,
      logStartOffset: 0,
      leader: -1,
      leaderEpoch: -1,
      records: payload(fetchOffset, maxBytes),
    })),
  }));
  return { errorCode: 0, topics };
}

async function startServer(simulation: Simulation) {
  const node = simulation.node('server');
  const handler = new CheckingHandler(node, simulation.random.fork('handler'));
  const server = new NetworkServer(
    node.environment(),
    {
      listen: { host: 'server', port: 9192 },
      logger: silentLogger,
      brokerId: 1,
      clusterId: () => 'cluster',
      softwareVersion: '0',
      apis: [produceApi, fetchApi] as readonly Api[],
      limits: { partialFrameMs: 5000, slowReaderMs: 5000 },
    },
    handler,
  );
  await simulation.settle(server.listen());
  return { node, handler, server };
}

function produceRequest(number: number, byteCount: number, acks: number): ProduceRequest {
  const records = payload(number, byteCount);
  const partitions = [{ index: 0, leaderEpoch: -1, records }];
  return { acks, timeoutMs: 1000, topics: [{ name: 't', topicId: null, partitions }] };
}

function fetchRequest(number: number, byteCount: number): FetchRequest {
  const partition = { index: 0, leaderEpoch: -1, fetchOffset: number, maxBytes: byteCount };
  const topics = [{ name: 't', topicId: null, partitions: [partition] }];
  const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: byteCount };
  return { rack: null, isolationLevel: 0, ...limits, topics };
}

interface Tally {
  answered: number;
  unknown: number;
  notSent: number;
}

/** Calls in bursts until its connection ends; every answer must be the one to its question. */
async function runClient(simulation: Simulation, name: string, tally: Tally): Promise<void> {
  const environment = simulation.node(name).environment();
  const random = simulation.random.fork(`client ${name}`);
  const connection = await ClientConnection.connect(
    environment,
    { host: 'server', port: 9192 },
    { software: { name: 'test', version: '0' }, clientId: name, timeoutMs: CALL_TIMEOUT_MS },
  );
  let number = 0;
  const once = async (): Promise<void> => {
    number += 1;
    const mine = number;
    const size = random.below(random.chance(0.1) ? 200_000 : 2000);
    try {
      if (random.chance(0.5)) {
        const acks = random.chance(0.2) ? 0 : 1;
        const request = produceRequest(mine, size, acks);
        if (acks === 0) await connection.send(produceApi, request);
        else await connection.call(produceApi, request, { timeoutMs: CALL_TIMEOUT_MS });
      } else {
        const response = await connection.call(fetchApi, fetchRequest(mine, size), {
          timeoutMs: CALL_TIMEOUT_MS,
        });
        const records = response.topics[0]?.partitions[0]?.records;
        expect(numberOf(records as Uint8Array)).to.equal(mine);
      }
      tally.answered += 1;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      expect(error.code).to.be.oneOf(['NETWORK_EXCEPTION', 'REQUEST_TIMED_OUT']);
      if (error.details['sent'] === true) tally.unknown += 1;
      else tally.notSent += 1;
    }
  };
  while (!connection.closed && number < 60) {
    await Promise.all(Array.from({ length: 1 + random.below(6) }, once));
  }
  await connection.close();
}

async function runSeed(seed: number, withFaults: boolean): Promise<Tally & { hash: string }> {
  const simulation = new Simulation({ seed, network: { windowBytes: 20_000 } });
  const { handler, server } = await startServer(simulation);
  const tally: Tally = { answered: 0, unknown: 0, notSent: 0 };
  const names = ['a', 'b', 'c'];
  const clients = Promise.all(names.map((name) => runClient(simulation, name, tally)));
  if (withFaults) scheduleFaults(simulation, names);
  await simulation.settle(clients);
  simulation.network.healAll();
  await simulation.settle(server.close({ graceMs: 100 }));
  await simulation.run({ forMs: 1000 });
  expect(simulation.network.openSocketCount).to.equal(0);
  expect(server.stats.connectionCount).to.equal(0);
  expect(server.stats.inFlightCount).to.equal(0);
  expect(handler.closedCount).to.equal(names.length);
  for (const numbers of handler.produced.values()) {
    const sorted = [...numbers].sort((one, other) => one - other);
    expect(numbers, 'produces arrive once each, in the order sent').to.deep.equal([
      ...new Set(sorted),
    ]);
  }
  return { ...tally, hash: simulation.traceHash };
}

function scheduleFaults(simulation: Simulation, names: readonly string[]): void {
  const random = simulation.random.fork('faults');
  for (const name of names) {
    const atMs = 10 + random.exponential(80);
    simulation.scheduler.after(atMs, 'fault', () => {
      if (random.chance(0.4)) simulation.network.resetConnections({ host: name });
      else if (random.chance(0.5)) simulation.network.cut(name, 'server');
      else simulation.network.cutOneWay('server', name);
    });
    simulation.scheduler.after(atMs + random.exponential(3000), 'heal', () =>
      simulation.network.heal(name, 'server'),
    );
  }
}

describe('simulation: network classes on a hostile network', () => {
  it('answer every call with its own answer over segmented streams', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const { answered, unknown, notSent } = await runSeed(seed, false);
      expect([unknown, notSent]).to.deep.equal([0, 0]);
      expect(answered).to.be.at.least(180);
    }
  });

  it('settle every call and free everything whatever is cut or reset', async () => {
    const total: Tally = { answered: 0, unknown: 0, notSent: 0 };
    for (let seed = 1; seed <= 25; seed += 1) {
      const { answered, unknown, notSent } = await runSeed(seed, true);
      total.answered += answered;
      total.unknown += unknown;
      total.notSent += notSent;
    }
    expect(total.answered).to.be.greaterThan(500);
    expect(total.unknown).to.be.greaterThan(10);
  });

  it('do the same twice for one seed', async () => {
    expect(await runSeed(3, true)).to.deep.equal(await runSeed(3, true));
  });
});
