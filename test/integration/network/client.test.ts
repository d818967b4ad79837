import net from 'node:net';
import { expect } from 'chai';
import {
  ClientConnection,
  type NetworkServer,
  type ServerRequest,
} from '../../../network/index.ts';
import {
  encodeFrame,
  FRAME_KIND_RESPONSE,
  fetchApi,
  helloApi,
  listOffsetsApi,
  metadataApi,
  type ProtocolError,
  produceApi,
  type RequestOf,
} from '../../../protocol/index.ts';
import {
  connect,
  emptyMetadata,
  productionNetwork,
  produceRequest,
  random,
  recordsOf,
  ScriptedHandler,
  startServer,
  until,
} from './harness.ts';

const fetchRequest: RequestOf<typeof fetchApi> = {
  rack: null,
  maxWaitMs: 0,
  minBytes: 1,
  maxBytes: 1 << 20,
  isolationLevel: 0,
  topics: [],
};

function fetchResponse(records: readonly (Uint8Array | readonly Uint8Array[])[]) {
  const partitions = records.map((bytes, index) => ({
    index,
    errorCode: 0,
    highWatermark: 0,
    lastStableOffset: 0,
    preferredReadReplica: -1,
    logStartOffset: 0,
    leader: -1,
    leaderEpoch: -1,
    records: bytes,
  }));
  return { errorCode: 0, topics: [{ name: 't', partitions }] };
}

describe('client connection', () => {
  let handler: ScriptedHandler;
  let server: NetworkServer;
  const clients: ClientConnection[] = [];
  const listeners: net.Server[] = [];

  async function client(options: Parameters<typeof connect>[1] = {}): Promise<ClientConnection> {
    const connection = await connect(server, options);
    clients.push(connection);
    return connection;
  }
  /** A server that does with each socket what the test says. */
  async function bareServer(onSocket: (socket: net.Socket) => void): Promise<number> {
    const listener = net.createServer((socket) => {
      socket.on('error', () => undefined);
      onSocket(socket);
    });
    listeners.push(listener);
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    return (listener.address() as net.AddressInfo).port;
  }
  function connectBare(port: number, timeoutMs = 2000): Promise<ClientConnection> {
    return ClientConnection.connect(
      productionNetwork,
      { host: '127.0.0.1', port },
      { software: { name: 'test', version: '1' }, timeoutMs },
    );
  }

  beforeEach(async () => {
    handler = new ScriptedHandler();
    server = await startServer(handler);
  });
  afterEach(async () => {
    for (const connection of clients.splice(0)) await connection.close();
    for (const listener of listeners.splice(0)) listener.close();
    await server.close();
  });

  it('gives the caller records of his own, of small and of large responses', async () => {
    const sent = [random.bytes(10), random.bytes(200_000), Buffer.alloc(0), random.bytes(70_000)];
    handler.onRequest = (request) => request.respond(fetchResponse(sent));
    const connection = await client();
    const first = await connection.call(fetchApi, fetchRequest, { timeoutMs: 5000 });
    const copies = sent.map((bytes) => Buffer.from(bytes));
    for (const bytes of sent) bytes.fill(0);
    await connection.call(fetchApi, fetchRequest, { timeoutMs: 5000 });
    handler.onRequest = (request) => request.respond(fetchResponse([Buffer.alloc(100)]));
    await connection.call(fetchApi, fetchRequest, { timeoutMs: 5000 });
    const received = first.topics[0]!.partitions.map(({ records }) =>
      Buffer.from(records as Uint8Array),
    );
    expect(received.map((bytes, index) => bytes.equals(copies[index]!))).to.deep.equal([
      true,
      true,
      true,
      true,
    ]);
  });

  it('takes responses of every size around the size of its buffer', async () => {
    let sent: Buffer = Buffer.alloc(0);
    handler.onRequest = (request) => request.respond(fetchResponse([sent]));
    const connection = await client();
    for (let size = 65_380; size < 65_560; size += 1) {
      sent = random.bytes(size);
      const { topics } = await connection.call(fetchApi, fetchRequest, { timeoutMs: 5000 });
      expect(sent.equals(topics[0]!.partitions[0]!.records as Uint8Array)).to.equal(true);
    }
  });

  it('sends chunked records of a response in order and tells when they have left', async () => {
    const chunks = [random.bytes(100_000), random.bytes(3), random.bytes(2_500_000)];
    let sentCount = 0;
    handler.onRequest = (request) => {
      request.respond(fetchResponse([chunks]), () => {
        sentCount += 1;
      });
    };
    const connection = await client();
    const { topics } = await connection.call(fetchApi, fetchRequest, { timeoutMs: 5000 });
    const received = topics[0]!.partitions[0]!.records as Uint8Array;
    expect(Buffer.concat(chunks).equals(received)).to.equal(true);
    await until('it has left', () => sentCount === 1);
  });

  it('rejects with REQUEST_TIMED_OUT and ignores the answer that comes too late', async () => {
    const held: ServerRequest[] = [];
    handler.onRequest = (request) => held.push(request);
    const connection = await client();
    const error = await rejection(
      connection.call(metadataApi, { topics: null }, { timeoutMs: 30 }),
    );
    expect(error.code).to.equal('REQUEST_TIMED_OUT');
    expect(error.details['sent']).to.equal(true);
    expect(connection.inFlight).to.equal(1);
    const next = connection.call(metadataApi, { topics: null }, { timeoutMs: 5000 });
    await until('the second came', () => held.length === 2);
    held[0]!.respond(emptyMetadata('late'));
    held[1]!.respond(emptyMetadata('in time'));
    expect((await next).clusterId).to.equal('in time');
    expect(connection.inFlight).to.equal(0);
  });

  it('tells that a call which never left has a known outcome', async () => {
    handler.onRequest = () => undefined;
    await server.close();
    server = await startServer(handler, { limits: { inFlightMax: 1 } });
    const connection = await client();
    const first = rejection(connection.call(metadataApi, { topics: null }, { timeoutMs: 5000 }));
    const second = await rejection(
      connection.call(metadataApi, { topics: null }, { timeoutMs: 30 }),
    );
    expect(second.code).to.equal('REQUEST_TIMED_OUT');
    expect(second.details['sent']).to.equal(false);
    await server.close();
    const lost = await first;
    expect(lost.code).to.equal('NETWORK_EXCEPTION');
    expect(lost.details['sent']).to.equal(true);
  });

  it('gives up at a signal, before and after sending', async () => {
    handler.onRequest = () => undefined;
    const connection = await client();
    const controller = new AbortController();
    const call = rejection(
      connection.call(
        metadataApi,
        { topics: null },
        { timeoutMs: 5000, signal: controller.signal },
      ),
    );
    controller.abort(new Error('enough'));
    expect((await call).message).to.equal('enough');
    const late = rejection(
      connection.call(
        metadataApi,
        { topics: null },
        { timeoutMs: 5000, signal: controller.signal },
      ),
    );
    expect((await late).message).to.equal('enough');
  });

  it('sends requests without response and tells when they have left', async () => {
    const lengths: number[] = [];
    handler.onRequest = (request) => {
      lengths.push(recordsOf(request).length);
      request.dropResponse();
    };
    const connection = await client();
    const sent = [10, 2_000_000, 30].map((size) =>
      connection.send(produceApi, produceRequest(random.bytes(size), 0)),
    );
    expect(await Promise.all(sent)).to.deep.equal([true, true, true]);
    await until('all came', () => lengths.length === 3);
    expect(lengths).to.deep.equal([10, 2_000_000, 30]);
    await connection.close();
    expect(await connection.send(produceApi, produceRequest(random.bytes(1), 0))).to.equal(false);
  });

  it('calls its close listeners once, also those that come later', async () => {
    const connection = await client();
    let early = 0;
    let late = 0;
    connection.onClose(() => {
      early += 1;
    });
    await server.close();
    await until('the client has seen it', () => connection.closed);
    connection.onClose(() => {
      late += 1;
    });
    await until('the late one was called', () => late === 1);
    await connection.close();
    expect(early).to.equal(1);
  });

  it('refuses to send what the broker does not serve, or what is too large for it', async () => {
    await server.close();
    server = await startServer(handler, { limits: { frameBytesMax: 100_000 } });
    const connection = await client();
    const unserved = connection.call(
      listOffsetsApi,
      { isolationLevel: 0, topics: [] },
      { timeoutMs: 5000 },
    );
    expect((await rejection(unserved)).code).to.equal('UNKNOWN_API');
    const large = connection.call(produceApi, produceRequest(random.bytes(100_000)), {
      timeoutMs: 5000,
    });
    expect((await rejection(large)).code).to.equal('FRAME_TOO_LARGE');
    expect(connection.closed).to.equal(false);
  });

  it('reports a refused connection with the system code as cause', async () => {
    const port = await bareServer(() => undefined);
    listeners.pop()!.close();
    const error = await rejection(connectBare(port));
    expect(error.code).to.equal('NETWORK_EXCEPTION');
    expect(error.cause).to.include({ code: 'ECONNREFUSED' });
  });

  it('gives up on a server that accepts and says nothing', async () => {
    const port = await bareServer(() => undefined);
    const error = await rejection(connectBare(port, 50));
    expect(error.code).to.equal('REQUEST_TIMED_OUT');
  });

  it('survives a server that speaks first, nonsense, or ends at once', async () => {
    const talks = await bareServer((socket) => socket.write(Buffer.alloc(100_000, 1)));
    expect((await rejection(connectBare(talks))).code).to.equal('NETWORK_EXCEPTION');
    const ends = await bareServer((socket) => socket.end());
    expect((await rejection(connectBare(ends))).code).to.equal('NETWORK_EXCEPTION');
    const resets = await bareServer((socket) => socket.resetAndDestroy());
    expect((await rejection(connectBare(resets))).code).to.equal('NETWORK_EXCEPTION');
  });

  it('ends a connection whose server answers what was never asked', async () => {
    const port = await bareServer((socket) => {
      socket.on('data', () => {
        const address = { kind: FRAME_KIND_RESPONSE, apiKey: 0, apiVersion: 0, correlationId: 99 };
        const hello = {
          errorCode: 0,
          errorMessage: null,
          serverSoftwareVersion: '0',
          clusterId: 'c',
          brokerId: 1,
          inFlightMax: 1,
          frameBytesMax: 1000,
          mechanisms: [],
          apis: [],
        };
        socket.write(Buffer.concat(encodeFrame(address as never, helloApi.response, hello)));
      });
    });
    const error = await rejection(connectBare(port));
    expect(error.code).to.equal('NETWORK_EXCEPTION');
    expect((error.cause as Error).message).to.match(/never asked/);
  });

  it('lets the process end while it is open, when told so', async () => {
    const connection = await client();
    connection.setKeepsProcessAlive(false);
    connection.setKeepsProcessAlive(true);
    const answer = await connection.call(metadataApi, { topics: null }, { timeoutMs: 5000 });
    expect(answer.clusterId).to.equal('test-cluster');
  });
});

async function rejection(promise: Promise<unknown>): Promise<ProtocolError> {
  try {
    await promise;
  } catch (error) {
    return error as ProtocolError;
  }
  throw new Error('The promise was expected to reject');
}
