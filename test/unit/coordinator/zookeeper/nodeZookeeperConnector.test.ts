import { expect } from 'chai';
import { systemRandom, systemTimers } from '../../../../common/environment/production/index.ts';
import {
  type CoordinatorConnection,
  CoordinatorError,
  type WatchEvent,
} from '../../../../common/index.ts';
import { nodeZookeeperConnector } from '../../../../coordinator/index.ts';
import { waitFor } from '../../../harness/waitFor.ts';
import {
  bytes,
  type FakeScript,
  FakeZookeeper,
  failedMulti,
  frame,
  int,
  long,
  multiOfChecks,
  opCode,
  reply,
  stat,
} from '../support/fakeZookeeper.ts';

interface Client {
  readonly raw: CoordinatorConnection;
  readonly log: string[];
  readonly events: WatchEvent[];
}

describe('nodeZookeeperConnector', () => {
  let fake: FakeZookeeper;
  const clients: Client[] = [];

  const connect = (servers: string): Client => {
    const log: string[] = [];
    const events: WatchEvent[] = [];
    const connector = nodeZookeeperConnector({ timers: systemTimers, random: systemRandom });
    const raw = connector.connect(
      { servers, sessionTimeoutMs: 3_000 },
      {
        onConnected: ({ sessionId }) => log.push(`connected ${sessionId}`),
        onDisconnected: () => log.push('disconnected'),
        onExpired: () => log.push('expired'),
        onWatchEvent: (event) => events.push(event),
      },
    );
    clients.push({ raw, log, events });
    return { raw, log, events };
  };

  const begin = async (script: FakeScript): Promise<Client> => {
    fake = await FakeZookeeper.start(script);
    const client = connect(`127.0.0.1:${fake.port}`);
    await waitFor(() => client.log.length > 0, { what: 'it connects' });
    return client;
  };

  const again = (client: Client, count: number): Promise<unknown> =>
    waitFor(() => client.log.filter((line) => line.startsWith('connected')).length === count, {
      what: `it connects for the ${count}th time`,
    });

  const codeOf = async (promise: Promise<unknown>): Promise<string> => {
    try {
      await promise;
      return 'none';
    } catch (error) {
      expect(error).to.be.instanceOf(CoordinatorError);
      return (error as CoordinatorError).code;
    }
  };

  afterEach(async () => {
    for (const { raw } of clients.splice(0)) await raw.close();
    await fake.stop();
  });

  it('1: drops a half-open connection when told, and rejects what waits on it', async () => {
    const client = await begin({
      onRequest: ({ connection }) => (connection.index === 0 ? undefined : stat()),
    });
    const hanging = codeOf(client.raw.read({ type: 'exists', path: '/a' }));
    await waitFor(() => fake.last.received.length === 1, { what: 'the request arrives' });
    client.raw.reconnect();
    expect(await hanging).to.equal('CONNECTION_LOSS');
    await again(client, 2);
    expect(client.log).to.deep.equal([
      'connected 0000000000000001',
      'disconnected',
      'connected 0000000000000001',
    ]);
    expect((await client.raw.read({ type: 'exists', path: '/a' })).stat?.czxid).to.equal(7);
  });

  it('1: tries anew when a server accepts but never answers the handshake', async () => {
    fake = await FakeZookeeper.start({
      onConnect: ({ index }) => (index === 0 ? 'silent' : 'accept'),
    });
    const client = connect(`127.0.0.1:${fake.port}`);
    await waitFor(() => fake.connections.length === 1 && fake.last.askedSession !== '', {
      what: 'it waits in the handshake',
    });
    client.raw.reconnect();
    await again(client, 1);
  });

  it('2: tells a lost server as disconnected, never as expired', async () => {
    const client = await begin({});
    await fake.stop();
    await waitFor(() => client.log.length === 2, { what: 'it notices' });
    expect(client.log[1]).to.equal('disconnected');
  });

  it('3: settles every request across an expiry, and those after it', async () => {
    const client = await begin({
      onConnect: ({ index }) => (index === 0 ? 'accept' : 'expired'),
      onRequest: () => undefined,
    });
    const inFlight = [1, 2, 3].map(() => codeOf(client.raw.read({ type: 'exists', path: '/a' })));
    await waitFor(() => fake.last.received.length === 3, { what: 'they arrive' });
    fake.last.socket.destroy();
    expect(await Promise.all(inFlight)).to.deep.equal(inFlight.map(() => 'CONNECTION_LOSS'));
    const between = codeOf(client.raw.read({ type: 'exists', path: '/a' }));
    expect(await between).to.be.oneOf(['CONNECTION_LOSS', 'SESSION_EXPIRED']);
    await waitFor(() => client.log.includes('expired'), { what: 'it expires' });
    const after = await codeOf(client.raw.write({ type: 'delete', path: '/a', version: -1 }));
    expect(after).to.equal('SESSION_EXPIRED');
    await waitFor(() => fake.last.socket.destroyed, { what: 'the socket goes' });
    expect(client.log).to.deep.equal(['connected 0000000000000001', 'disconnected', 'expired']);
  });

  it('4: sends version 0 in a multi as 0', async () => {
    const sent: Buffer[] = [];
    const client = await begin({
      onRequest: ({ body }) => {
        sent.push(body);
        return multiOfChecks(3);
      },
    });
    await client.raw.multi([
      { type: 'check', path: '/v', version: 0 },
      { type: 'setData', path: '/v', data: Buffer.from('x'), version: 0 },
      { type: 'delete', path: '/v', version: 0 },
    ]);
    const body = sent[0] as Buffer;
    // Each operation: header (int type, bool done, int error), path, [data,] version.
    const header = 9;
    const path = 4 + 2;
    const first = header + path;
    expect(body.readInt32BE(first)).to.equal(0);
    const second = first + 4 + header + path + 4 + 1;
    expect(body.readInt32BE(second)).to.equal(0);
    const third = second + 4 + header + path;
    expect(body.readInt32BE(third)).to.equal(0);
  });

  it('5: survives error codes that the library does not know', async () => {
    const client = await begin({
      onRequest: ({ type }) => (type === opCode.multi ? failedMulti([0, -127, -2]) : -124),
    });
    expect(await codeOf(client.raw.read({ type: 'getData', path: '/a' }))).to.equal('OTHER');
    const multi = client.raw.multi([
      { type: 'check', path: '/a', version: 1 },
      { type: 'delete', path: '/b', version: 1 },
      { type: 'check', path: '/c', version: 1 },
    ]);
    expect(await codeOf(multi)).to.equal('OTHER');
    const error = await multi.catch((caught: CoordinatorError) => caught);
    expect(error).to.include({ failedIndex: 1 });
    expect((error as CoordinatorError).message)
      .to.include('-127')
      .and.to.include('"/b"');
  });

  it('6: writes empty data, and refuses what ZooKeeper would hang up on', async () => {
    const client = await begin({});
    const empty = { type: 'setData', path: '/a', data: new Uint8Array(0), version: 3 } as const;
    expect((await client.raw.write(empty)).stat?.version).to.equal(0);
    const data = Buffer.alloc(1024 * 1024);
    expect(await codeOf(client.raw.write({ type: 'create', path: '/a', data }))).to.equal(
      'INVALID_ARGUMENTS',
    );
    expect(await codeOf(client.raw.read({ type: 'exists', path: 'no-slash' }))).to.equal(
      'INVALID_ARGUMENTS',
    );
    expect(client.log).to.have.lengthOf(1);
  });

  it('7: lets nothing that was asked for while disconnected leave after a reconnect', async () => {
    const client = await begin({
      onConnect: ({ index }) => (index === 1 ? 'silent' : 'accept'),
    });
    fake.last.socket.destroy();
    await waitFor(() => fake.connections.length === 2, { what: 'it waits in a handshake' });
    expect(client.log).to.have.lengthOf(2);
    const write = { type: 'setData', path: '/a', data: Buffer.from('x'), version: -1 } as const;
    expect(await codeOf(client.raw.write(write))).to.equal('CONNECTION_LOSS');
    client.raw.reconnect();
    await again(client, 2);
    await client.raw.read({ type: 'exists', path: '/a' });
    expect(fake.last.received).to.deep.equal([opCode.exists]);
  });

  it('8: sets no watch again by itself, however many there were', async () => {
    const client = await begin({});
    await Promise.all(
      Array.from({ length: 500 }, (_, i) =>
        client.raw.read({ type: 'exists', path: `/${'long-name-'.repeat(20)}${i}`, watch: true }),
      ),
    );
    fake.last.socket.destroy();
    await again(client, 2);
    await client.raw.read({ type: 'exists', path: '/a', watch: true });
    expect(fake.last.received).to.deep.equal([opCode.exists]);
    fake.last.notify(3, '/a');
    await waitFor(() => client.events.length === 1, { what: 'the event arrives' });
    expect(client.events).to.deep.equal([{ type: 'dataChanged', path: '/a' }]);
  });

  it('8: connects to an IPv6 address', async function () {
    try {
      fake = await FakeZookeeper.start({}, '::1');
    } catch {
      fake = await FakeZookeeper.start({});
      // Skipped where the machine has no IPv6 loopback to connect to.
      this.skip();
    }
    const client = connect(`[::1]:${fake.port}`);
    await again(client, 1);
  });

  it('9: takes thousands of answers at once, and answers in single bytes', async () => {
    const count = 20_000;
    const waiting: Buffer[] = [];
    const client = await begin({
      onRequest: ({ xid, connection }) => {
        waiting.push(frame(...reply(xid, xid, Buffer.concat([bytes(Buffer.from('v')), stat()]))));
        if (waiting.length === count) connection.socket.write(Buffer.concat(waiting.splice(0)));
        else if (xid >= count) {
          for (const byte of waiting.splice(0)[0] ?? [])
            connection.socket.write(Buffer.from([byte]));
        }
        return undefined;
      },
    });
    const read = (): Promise<unknown> => client.raw.read({ type: 'getData', path: '/a' });
    await Promise.all(Array.from({ length: count }, read));
    expect(await read()).to.deep.include({ data: Buffer.from('v') });
    expect(client.log).to.have.lengthOf(1);
  });

  it('forgets half a frame when the connection ends', async () => {
    const client = await begin({
      onRequest: ({ connection, xid }) => {
        if (connection.index > 0) return stat();
        connection.socket.end(frame(...reply(xid, 1, stat())).subarray(0, 20));
        return undefined;
      },
    });
    const half = await codeOf(client.raw.read({ type: 'exists', path: '/a' }));
    expect(half).to.equal('CONNECTION_LOSS');
    await again(client, 2);
    expect((await client.raw.read({ type: 'exists', path: '/a' })).stat?.czxid).to.equal(7);
  });

  for (const [what, garbage] of [
    ['an impossible length', int(-5)],
    ['an answer that nobody asked for', frame(int(77), long(1), int(0))],
    ['an answer that cannot be decoded', frame(int(0), long(1), int(0), int(5))],
    ['an event of an unknown kind', frame(int(-1), long(-1), int(0), int(99), int(3), int(0))],
  ] as const) {
    it(`reconnects after ${what}`, async () => {
      const client = await begin({
        onRequest: ({ connection }) => {
          if (connection.index > 0) return stat();
          connection.socket.write(garbage);
          return undefined;
        },
      });
      const code = await codeOf(client.raw.read({ type: 'exists', path: '/a' }));
      expect(code).to.equal('CONNECTION_LOSS');
      await again(client, 2);
    });
  }

  it('closes at once where it never connected, and does not come back', async () => {
    fake = await FakeZookeeper.start({ onConnect: () => 'silent' });
    const early = connect(`127.0.0.1:${fake.port}`);
    await early.raw.close();
    const late = connect(`127.0.0.1:${fake.port}`);
    await waitFor(() => fake.connections.length === 1, { what: 'the second connects' });
    await late.raw.close();
    await waitFor(() => fake.last.socket.destroyed, { what: 'its socket goes' });
    expect(fake.connections).to.have.lengthOf(1);
    expect([...early.log, ...late.log]).to.deep.equal([]);
  });

  it('ends the session with the server when closed', async () => {
    const client = await begin({});
    await client.raw.close();
    expect(fake.last.received).to.deep.equal([opCode.closeSession]);
    expect(await codeOf(client.raw.read({ type: 'exists', path: '/' }))).to.equal(
      'SESSION_EXPIRED',
    );
  });
});
