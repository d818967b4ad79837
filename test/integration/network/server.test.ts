import { expect } from 'chai';
import type { ClientConnection, NetworkServer, ServerRequest } from '../../../network/index.ts';
import {
  authenticateApi,
  decodeBody,
  errorCode,
  errorName,
  FRAME_KIND_ERROR,
  FRAME_KIND_RESPONSE,
  frameErrorSchema,
  metadataApi,
  type ProtocolError,
  produceApi,
  updateMetadataApi,
} from '../../../protocol/index.ts';
import {
  CollectingLogger,
  connect,
  copyingNetwork,
  emptyMetadata,
  openingFrames,
  productionNetwork,
  produceRequest,
  RawClient,
  type RawFrame,
  random,
  recordsOf,
  requestFrame,
  ScriptedHandler,
  startServer,
  until,
} from './harness.ts';

const modes = [
  { name: 'reading into owned memory', environment: productionNetwork },
  { name: 'reading by data events', environment: copyingNetwork },
];

for (const { name, environment } of modes) {
  describe(`network server, ${name}`, () => {
    let handler: ScriptedHandler;
    let server: NetworkServer;
    const clients: ClientConnection[] = [];
    const rawClients: RawClient[] = [];

    async function start(options: Parameters<typeof startServer>[1] = {}): Promise<void> {
      server = await startServer(handler, { environment, ...options });
    }
    async function client(options: Parameters<typeof connect>[1] = {}): Promise<ClientConnection> {
      const connection = await connect(server, options, environment);
      clients.push(connection);
      return connection;
    }
    async function raw(): Promise<RawClient> {
      const connection = await RawClient.connect(server.address);
      rawClients.push(connection);
      return connection;
    }
    /** Takes a copy of all records before the turn ends, and answers with their length and sum. */
    function answerProduce(): void {
      handler.onRequest = (request) => {
        if (request.api.key === metadataApi.key) request.respond(emptyMetadata());
        else request.respond(produceAnswer(sum(recordsOf(request))));
      };
    }

    beforeEach(() => {
      handler = new ScriptedHandler();
    });
    afterEach(async () => {
      for (const connection of clients.splice(0)) await connection.close();
      for (const connection of rawClients.splice(0)) connection.destroy();
      await server.close();
    });

    it('answers Hello with who it is and what it serves', async () => {
      await start();
      const { hello } = await client();
      expect(hello).to.include({ clusterId: 'test-cluster', brokerId: 7, inFlightMax: 100 });
      expect(hello.apis.map(({ key }) => key)).to.deep.equal([0, 1, 2, 3, 4, 64]);
    });

    it('hands over requests and matches responses that come out of order', async () => {
      await start();
      const held: ServerRequest[] = [];
      handler.onRequest = (request) => held.push(request);
      const connection = await client();
      const names = ['first', 'second', 'third'];
      const calls = names.map((topic) =>
        connection.call(metadataApi, { topics: [topic] }, { timeoutMs: 5000 }),
      );
      await until('all requests came', () => held.length === 3);
      for (const request of held.reverse()) {
        const { topics } = request.body as { topics: string[] };
        request.respond(emptyMetadata(topics[0]));
      }
      const answers = await Promise.all(calls);
      expect(answers.map(({ clusterId }) => clusterId)).to.deep.equal(names);
    });

    it('takes produce frames of every size around the size of its buffer, whole', async () => {
      await start();
      answerProduce();
      const connection = await client();
      for (const size of [1, 100, 16_300, 16_384, 65_536, 262_144 - 64, 262_144, 1_000_003]) {
        const records = random.bytes(size);
        const answer = await connection.call(produceApi, produceRequest(records), {
          timeoutMs: 5000,
        });
        expect(answer.topics[0]!.partitions[0]!.baseOffset).to.equal(sum(records));
      }
    });

    it('takes a frame that exactly fills the receive buffer, and the one after it', async () => {
      await start();
      const records: Buffer[] = [];
      handler.onRequest = (request) => {
        records.push(Buffer.from(recordsOf(request)));
        request.dropResponse();
      };
      const connection = await raw();
      connection.write(openingFrames());
      await until('the session is open', () => connection.frames().length === 2);
      const empty = requestFrame(produceApi, 3, produceRequest(new Uint8Array(0), 0)).length;
      let filling = random.bytes(16_384 - empty);
      let frame = requestFrame(produceApi, 3, produceRequest(filling, 0));
      filling = filling.subarray(0, filling.length - (frame.length - 16_384));
      frame = requestFrame(produceApi, 3, produceRequest(filling, 0));
      expect(frame.length).to.equal(16_384);
      connection.write(Buffer.concat([frame, frame, frame]));
      await until('three frames came', () => records.length === 3);
      for (const received of records) expect(received.equals(filling)).to.equal(true);
    });

    it('takes frames that are split at every byte', async () => {
      await start();
      const topics: (string[] | null)[] = [];
      handler.onRequest = (request) => {
        topics.push((request.body as { topics: string[] | null }).topics);
        request.dropResponse();
      };
      const connection = await raw();
      connection.write(openingFrames());
      await until('the session is open', () => connection.frames().length === 2);
      const frame = requestFrame(metadataApi, 3, { topics: ['split'] });
      for (let cut = 1; cut < frame.length; cut += 1) {
        const before = server.stats.receivedBytes;
        connection.write(frame.subarray(0, cut));
        await until('the first part came', () => server.stats.receivedBytes === before + cut);
        connection.write(frame.subarray(cut));
        await until('the frame was handled', () => topics.length === cut);
      }
      expect(topics.every((names) => names?.[0] === 'split')).to.equal(true);
    });

    it('handles many frames of one read in order and ends the turn once after them', async () => {
      await start();
      const events: string[] = [];
      handler.onRequest = (request) => {
        events.push(String((request.body as { topics: string[] }).topics[0]));
        request.dropResponse();
      };
      handler.onReceiveTurnEnd = () => events.push('end');
      const connection = await raw();
      const frames = [0, 1, 2, 3].map((n) =>
        requestFrame(metadataApi, n + 3, { topics: [`${n}`] }),
      );
      connection.write(Buffer.concat([openingFrames(), ...frames]));
      await until('all came', () => events.length >= 5);
      expect(events).to.deep.equal(['0', '1', '2', '3', 'end']);
    });

    it('stops reading above the in-flight cap and goes on when answers are given', async () => {
      await start({ limits: { inFlightMax: 2 } });
      const held: ServerRequest[] = [];
      handler.onRequest = (request) => held.push(request);
      const connection = await raw();
      const frames = Array.from({ length: 50 }, (_, n) =>
        requestFrame(produceApi, n + 3, produceRequest(random.bytes(100_000))),
      );
      connection.write(Buffer.concat([openingFrames(), ...frames]));
      await until('two came', () => held.length === 2);
      for (let answered = 0; answered < 50; answered += 1) {
        expect(held.length).to.be.at.most(answered + 2);
        held[answered]!.respond(produceAnswer(answered));
        await until('the next came', () => held.length >= Math.min(answered + 2, 50));
      }
      await until('all answers came', () => connection.frames().length === 52);
      expect(server.stats.inFlightCount).to.equal(0);
    });

    it('obeys as a client the in-flight cap that Hello told', async () => {
      await start({ limits: { inFlightMax: 3 } });
      const held: ServerRequest[] = [];
      handler.onRequest = (request) => held.push(request);
      const connection = await client();
      const calls = Array.from({ length: 7 }, () =>
        connection.call(metadataApi, { topics: null }, { timeoutMs: 5000 }),
      );
      await until('three came', () => held.length === 3);
      expect(connection.inFlight).to.equal(3);
      for (let answered = 0; answered < 7; answered += 1) {
        await until('one is there', () => held.length > answered);
        held[answered]!.respond(emptyMetadata());
      }
      await Promise.all(calls);
    });

    it('refuses what it does not serve, each with its error, and lives on', async () => {
      await start();
      const connection = await raw();
      connection.write(openingFrames());
      const good = requestFrame(metadataApi, 3, { topics: null });
      const unknown = Buffer.from(good);
      unknown.writeUInt16BE(999, 6);
      const version = Buffer.from(good);
      version[5] = 9;
      const kind = Buffer.from(good);
      kind[4] = 2;
      const body = Buffer.from(good);
      body[FRAME_BODY] = 0xc1;
      const broker = requestFrame(updateMetadataApi, 3, {
        controllerId: 1,
        controllerEpoch: 1,
        brokerEpoch: 1,
        baseVersion: -1,
        version: 1,
        brokers: null,
        topics: [],
        removedTopics: [],
      });
      connection.write(Buffer.concat([unknown, version, kind, body, broker, good]));
      await until('all are answered', () => connection.frames().length === 8);
      const frames = connection.frames().slice(2);
      expect(frames.slice(0, 5).map(frameError)).to.deep.equal([
        'UNKNOWN_API',
        'UNSUPPORTED_VERSION',
        'INVALID_REQUEST',
        'INVALID_REQUEST',
        'CLUSTER_AUTHORIZATION_FAILED',
      ]);
      expect(frames[5]!.header.kind).to.equal(FRAME_KIND_RESPONSE);
    });

    it('serves the API of brokers to a connection that named its broker id', async () => {
      await start();
      handler.onRequest = (request) =>
        request.respond({ errorCode: 0, version: request.connection.brokerId, failedTopics: [] });
      const connection = await client({ brokerId: 3, brokerEpoch: 44 });
      const answer = await connection.call(
        updateMetadataApi,
        {
          controllerId: 1,
          controllerEpoch: 1,
          brokerEpoch: 1,
          baseVersion: -1,
          version: 1,
          brokers: null,
          topics: [],
          removedTopics: [],
        },
        { timeoutMs: 5000 },
      );
      expect(answer.version).to.equal(3);
    });

    it('serves nothing but Hello and Authenticate before the session is open', async () => {
      await start();
      const connection = await raw();
      connection.write(requestFrame(metadataApi, 5, { topics: null }));
      await until('it is closed', () => connection.closed);
      expect(frameError(connection.frames()[0]!)).to.equal('ILLEGAL_SASL_STATE');
    });

    it('answers Authenticate again on a live connection, and closes one that fails', async () => {
      await start();
      const connection = await raw();
      connection.write(openingFrames());
      const again = { mechanism: 'ANONYMOUS', bytes: new Uint8Array(0) };
      connection.write(requestFrame(authenticateApi, 3, again));
      connection.write(requestFrame(metadataApi, 4, { topics: null }));
      await until('both are answered', () => connection.frames().length === 4);
      connection.write(requestFrame(authenticateApi, 5, { ...again, mechanism: 'PLAIN' }));
      await until('it is closed', () => connection.closed);
      const last = connection.frames().at(-1)!;
      expect(decodeBody(authenticateApi.response, 0, last.body)).to.include({
        errorCode: errorCode('UNSUPPORTED_SASL_MECHANISM'),
        complete: 0,
      });
    });

    it('refuses a frame above the cap with FRAME_TOO_LARGE and closes', async () => {
      await start({ limits: { frameBytesMax: 100_000 } });
      const before = await raw();
      const large = requestFrame(metadataApi, 9, { topics: ['x'.repeat(200)] });
      large.writeUInt32BE(64 * 1024 + 1, 0);
      before.write(large);
      await until('it is closed', () => before.closed);
      expect(frameError(before.frames()[0]!)).to.equal('FRAME_TOO_LARGE');

      const after = await raw();
      after.write(openingFrames());
      after.write(requestFrame(produceApi, 3, produceRequest(random.bytes(100_001))));
      await until('it is closed', () => after.closed);
      const last = after.frames().at(-1)!;
      expect(frameError(last)).to.equal('FRAME_TOO_LARGE');
      expect(last.header.correlationId).to.equal(3);
    });

    it('rejects a call with what the broker answered', async () => {
      await start();
      handler.onRequest = (request) => request.respondError('BROKER_OVERLOADED', 'too much');
      const connection = await client();
      const error = await rejection(
        connection.call(metadataApi, { topics: null }, { timeoutMs: 5000 }),
      );
      expect(error).to.include({ code: 'BROKER_OVERLOADED', message: 'too much', retriable: true });
    });

    it('answers UNKNOWN_SERVER_ERROR where a response does not fit its schema', async () => {
      await start();
      handler.onRequest = (request) => request.respond({ clusterId: 5 });
      const connection = await client();
      const error = await rejection(
        connection.call(metadataApi, { topics: null }, { timeoutMs: 5000 }),
      );
      expect(error.code).to.equal('UNKNOWN_SERVER_ERROR');
    });

    it('tells HTTP, Kafka and TLS speakers the right port and closes', async () => {
      const logger = new CollectingLogger();
      await start({ logger, kafkaPortHint: 9092, adminPortHint: 9292 });
      const http = await raw();
      http.write(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
      await until('HTTP is closed', () => http.closed);
      expect(http.received.toString()).to.match(/^HTTP\/1\.1 400 .*admin REST endpoint.*9292/s);
      const kafka = await raw();
      kafka.write(Buffer.from('0000001600120003000000010006706c61696e00010000', 'hex'));
      await until('Kafka is closed', () => kafka.closed);
      const tls = await raw();
      tls.write(Buffer.from('160301020001000001fc0303', 'hex'));
      await until('TLS is closed', () => tls.closed);
      expect(logger.lines.join('\n')).to.match(/HTTP.*9292/);
      expect(logger.lines.join('\n')).to.match(/Kafka.*9092/);
      expect(logger.lines.join('\n')).to.match(/TLS/);
      expect(logger.lines).to.have.length(3);
    });

    it('reads no more from a client that does not read, and closes it after a deadline', async () => {
      const limits = { responseBytesMax: 100_000, slowReaderMs: 300 };
      await start({ limits });
      let handled = 0;
      handler.onRequest = (request) => {
        handled += 1;
        request.respond(produceAnswer(1, 'x'.repeat(20_000)));
      };
      const connection = await raw();
      connection.write(openingFrames());
      await until('the session is open', () => connection.frames().length === 2);
      connection.socket.pause();
      const frames = Array.from({ length: 3000 }, (_, n) =>
        requestFrame(produceApi, n + 3, produceRequest(Buffer.alloc(10))),
      );
      connection.write(Buffer.concat(frames));
      await until('the server has closed', () => server.stats.connectionCount === 0);
      expect(handled).to.be.lessThan(3000);
      expect(server.stats.responseMemoryBytes).to.equal(0);
    });

    it('goes on with a slow reader once it reads', async () => {
      await start({ limits: { responseBytesMax: 100_000 } });
      handler.onRequest = (request) => request.respond(produceAnswer(1, 'x'.repeat(20_000)));
      const connection = await raw();
      connection.write(openingFrames());
      await until('the session is open', () => connection.frames().length === 2);
      connection.socket.pause();
      const count = 600;
      const frames = Array.from({ length: count }, (_, n) =>
        requestFrame(produceApi, n + 3, produceRequest(Buffer.alloc(10))),
      );
      connection.write(Buffer.concat(frames));
      await until('responses are held', () => server.stats.responseMemoryBytes > 100_000);
      expect(server.stats.responseMemoryBytes).to.be.lessThan(200_000);
      connection.socket.resume();
      await until('all answers came', () => connection.frames().length === count + 2);
      expect(server.stats.responseMemoryBytes).to.equal(0);
    });

    it('closes connections that are idle, never said Hello, or leave a frame half sent', async () => {
      await start({ limits: { idleMs: 100 } });
      const idle = await client();
      await until('the idle one is closed', () => idle.closed);
      await server.close();
      await start({ limits: { authenticationMs: 100 } });
      const silent = await raw();
      await until('the silent one is closed', () => silent.closed);
      await server.close();
      await start({ limits: { partialFrameMs: 100 } });
      const half = await raw();
      half.write(openingFrames());
      half.write(Buffer.from([0, 0]));
      await until('the half sent one is closed', () => half.closed);
      expect(half.frames()).to.have.length(2);
    });

    it('keeps a connection with a request in flight, however long nothing moves', async () => {
      await start({ limits: { idleMs: 60 } });
      const held: ServerRequest[] = [];
      handler.onRequest = (request) => held.push(request);
      const waiting = await client();
      const idle = await client();
      const call = waiting.call(metadataApi, { topics: null }, { timeoutMs: 5000 });
      await until('the idle one is closed', () => idle.closed);
      expect(waiting.closed).to.equal(false);
      held[0]!.respond(emptyMetadata());
      await call;
    });

    it('caps connections in all and per address', async () => {
      await start({ limits: { connectionsPerAddressMax: 2 } });
      await client();
      const second = await client();
      const third = await rejection(client());
      expect(third.code).to.equal('NETWORK_EXCEPTION');
      expect(server.stats.refusedCount).to.equal(1);
      await second.close();
      await until('the slot is free', () => server.stats.connectionCount === 1);
      await client();
    });

    it('gives the memory of a large frame back when the connection is quiet', async () => {
      await start({ limits: { idleMs: 40 * 60_000, partialFrameMs: 40 } });
      answerProduce();
      const connection = await client();
      const call = () =>
        connection.call(produceApi, produceRequest(random.bytes(3_000_000)), { timeoutMs: 5000 });
      await call();
      expect(server.stats.receiveMemoryBytes).to.be.at.least(3_000_000);
      await until('memory shrinks', () => server.stats.receiveMemoryBytes === 16_384);
      const records = random.bytes(3_000_000);
      const answer = await connection.call(produceApi, produceRequest(records), {
        timeoutMs: 5000,
      });
      expect(answer.topics[0]!.partitions[0]!.baseOffset).to.equal(sum(records));
    });

    it('keeps all receive buffers under the cap: others wait, none fails', async () => {
      const cap = 4 * 1024 * 1024;
      await start({ limits: { receiveMemoryBytesMax: cap, frameBytesMax: 1024 * 1024 } });
      let highest = 0;
      answerProduce();
      const answer = handler.onRequest;
      handler.onRequest = (request) => {
        highest = Math.max(highest, server.stats.receiveMemoryBytes);
        answer(request);
      };
      const connections = await Promise.all(Array.from({ length: 12 }, () => client()));
      const records = random.bytes(900_000);
      const expected = sum(records);
      for (let round = 0; round < 3; round += 1) {
        const answers = await Promise.all(
          connections.map((connection) =>
            connection.call(produceApi, produceRequest(records), { timeoutMs: 9000 }),
          ),
        );
        for (const { topics } of answers) {
          expect(topics[0]!.partitions[0]!.baseOffset).to.equal(expected);
        }
      }
      expect(highest).to.be.within(1024 * 1024, cap);
    });

    it('takes memory back from quiet connections when another needs it', async () => {
      const cap = 4 * 1024 * 1024;
      await start({ limits: { receiveMemoryBytesMax: cap, frameBytesMax: 1024 * 1024 } });
      answerProduce();
      const records = random.bytes(900_000);
      const connections = await Promise.all(Array.from({ length: 6 }, () => client()));
      for (const connection of connections) {
        // Before the reaper has looked three times, one second apart.
        await connection.call(produceApi, produceRequest(records), { timeoutMs: 2500 });
      }
      expect(server.stats.receiveMemoryBytes).to.be.at.most(cap);
    });

    it('overwrites records that a handler keeps past the end of the turn', async () => {
      await start();
      const kept: { view: Uint8Array; copy: Buffer }[] = [];
      handler.onRequest = (request) => {
        const view = recordsOf(request);
        kept.push({ view, copy: Buffer.from(view) });
        request.respond(produceAnswer(0));
      };
      const connection = await client();
      for (let n = 0; n < 2; n += 1) {
        await connection.call(produceApi, produceRequest(Buffer.alloc(5000, n + 1)), {
          timeoutMs: 5000,
        });
      }
      expect(kept[0]!.copy.every((byte) => byte === 1)).to.equal(true);
      expect(Buffer.from(kept[0]!.view).equals(kept[0]!.copy)).to.equal(false);
    });

    it('closes gracefully: answers what is in flight, takes nothing new', async () => {
      await start();
      const held: ServerRequest[] = [];
      handler.onRequest = (request) => held.push(request);
      const connection = await client();
      const idle = await client();
      const call = connection.call(metadataApi, { topics: null }, { timeoutMs: 5000 });
      await until('it is in flight', () => held.length === 1);
      const closing = server.close({ graceMs: 5000 });
      await until('the idle one is closed', () => idle.closed);
      expect((await rejection(client())).code).to.equal('NETWORK_EXCEPTION');
      held[0]!.respond(emptyMetadata('late'));
      expect((await call).clusterId).to.equal('late');
      await closing;
      expect(server.stats.connectionCount).to.equal(0);
    });

    it('cuts what is in flight when the grace is over', async () => {
      await start();
      let request: ServerRequest | undefined;
      handler.onRequest = (received) => {
        request = received;
      };
      const connection = await client();
      const call = rejection(connection.call(metadataApi, { topics: null }, { timeoutMs: 5000 }));
      await until('it is in flight', () => request !== undefined);
      await server.close({ graceMs: 50 });
      const error = await call;
      expect(error.code).to.equal('NETWORK_EXCEPTION');
      expect(error.details['sent']).to.equal(true);
      request!.respond(emptyMetadata());
    });

    it('answers what is in flight to a client that has ended its half', async () => {
      await start();
      let request: ServerRequest | undefined;
      handler.onRequest = (received) => {
        request = received;
      };
      const connection = await raw();
      connection.socket.allowHalfOpen = true;
      connection.write(openingFrames());
      connection.socket.end(requestFrame(metadataApi, 3, { topics: null }));
      await until('it came', () => request !== undefined);
      request!.respond(emptyMetadata());
      await until('the answer came', () => connection.frames().length === 3);
    });
  });
}

const FRAME_BODY = 16;

function sum(bytes: Uint8Array): number {
  let total = bytes.length;
  for (const byte of bytes) total = (total * 31 + byte) % 1_000_000_007;
  return total;
}

function produceAnswer(baseOffset: number, errorMessage: string | null = null) {
  return {
    topics: [
      {
        name: 't',
        partitions: [
          {
            index: 0,
            errorCode: 0,
            errorMessage,
            baseOffset,
            logAppendTimeMs: -1,
            logStartOffset: 0,
            leader: -1,
            leaderEpoch: -1,
          },
        ],
      },
    ],
  };
}

function frameError({ header, body }: RawFrame): string {
  expect(header.kind).to.equal(FRAME_KIND_ERROR);
  return errorName(decodeBody(frameErrorSchema, 0, body).errorCode);
}

async function rejection(promise: Promise<unknown>): Promise<ProtocolError> {
  try {
    await promise;
  } catch (error) {
    return error as ProtocolError;
  }
  throw new Error('The promise was expected to reject');
}
