import { expect } from 'chai';
import { type SocketHandler, type StreamSocket, systemErrorCode } from '../../common/index.ts';
import { Simulation, type SimNetworkOptions } from './kernel/index.ts';

/** Collects what a socket brings; copies it, as a handler must. */
class Collector implements SocketHandler {
  readonly reads: number[] = [];
  readonly events: string[] = [];
  closeCode: string | undefined;
  readonly socket: StreamSocket;
  #space = Buffer.alloc(1 << 16);
  readonly #received: Buffer[] = [];

  constructor(socket: StreamSocket) {
    this.socket = socket;
    socket.start(this);
  }

  get text(): string {
    return Buffer.concat(this.#received).toString('latin1');
  }

  get retained(): Buffer {
    return this.#space;
  }

  /** @returns the memory used so far. */
  useOtherMemory(): Buffer {
    const old = this.#space;
    this.#space = Buffer.alloc(1 << 10);
    return old;
  }

  receiveSpace(): Uint8Array {
    return this.#space;
  }

  onReceived(byteCount: number): void {
    this.reads.push(byteCount);
    this.#received.push(Buffer.from(this.#space.subarray(0, byteCount)));
  }

  onDrain(): void {
    this.events.push('drain');
  }

  onEnd(): void {
    this.events.push('end');
  }

  onClose(error: Error | undefined): void {
    this.events.push('close');
    this.closeCode = systemErrorCode(error);
  }
}

interface Pair {
  readonly simulation: Simulation;
  readonly client: Collector;
  readonly server: Collector;
}

async function connected(seed = 1, network: SimNetworkOptions = {}): Promise<Pair> {
  const simulation = new Simulation({ seed, network });
  const [a, b] = [simulation.node('a'), simulation.node('b')];
  let server: Collector | undefined;
  const listening = b.environment().transport.listen({ host: 'b', port: 0 }, (socket) => {
    server = new Collector(socket);
  });
  const { address } = await simulation.settle(listening);
  const connecting = a.environment().transport.connect(address, { timeoutMs: 5000 });
  const client = new Collector(await simulation.settle(connecting));
  await simulation.run({ condition: () => server !== undefined });
  return { simulation, client, server: server as Collector };
}

const TEXT = 'a text of some length. '.repeat(500);

describe('simulation: network', () => {
  it('brings all bytes in order, cut at boundaries that nobody chose', async () => {
    let reads = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const { simulation, client, server } = await connected(seed);
      for (let at = 0; at < TEXT.length; at += 700) {
        client.socket.write([
          Buffer.from(TEXT.slice(at, at + 300)),
          Buffer.from(TEXT.slice(at + 300, at + 700)),
        ]);
      }
      await simulation.run({ condition: () => server.text.length === TEXT.length });
      expect(server.text).to.equal(TEXT);
      reads += server.reads.length;
    }
    expect(reads).to.be.greaterThan(25);
  });

  it('poisons the receive space before it is read into again', async () => {
    const { simulation, client, server } = await connected(1, { segments: false });
    client.socket.write([Buffer.from('first read')]);
    await simulation.run({ forMs: 100 });
    client.socket.write([Buffer.from('2nd')]);
    await simulation.run({ forMs: 100 });
    expect([...server.retained.subarray(0, 5)]).to.deep.equal([...Buffer.from('2nd'), 0xdb, 0xdb]);
  });

  it('takes chunks when it sends them, so that a change before onWritten shows', async () => {
    const { simulation, client, server } = await connected();
    const chunk = Buffer.from('before');
    let written = false;
    client.socket.write([chunk], () => {
      written = true;
    });
    expect(written).to.equal(false);
    chunk.write('AFTER!');
    await simulation.run({ condition: () => server.text.length === 6 });
    expect([written, server.text]).to.deep.equal([true, 'AFTER!']);
  });

  it('pushes back while the other side does not read, and drains when it does', async () => {
    const { simulation, client, server } = await connected(1, { windowBytes: 10_000 });
    server.socket.pause();
    const sent = client.socket.write([Buffer.alloc(100_000, 'x')]);
    await simulation.run({ forMs: 1000 });
    expect(sent).to.equal(false);
    expect(client.socket.bufferedBytes).to.equal(90_000);
    expect(server.reads).to.deep.equal([]);
    server.socket.resume();
    await simulation.run({ condition: () => client.events.includes('drain') });
    await simulation.run({ condition: () => server.text.length === 100_000 });
    expect(client.socket.bufferedBytes).to.equal(0);
  });

  it('asks for space anew when it reads again after a pause', async () => {
    const { simulation, client, server } = await connected();
    client.socket.write([Buffer.from('one')]);
    await simulation.run({ condition: () => server.text === 'one' });
    server.socket.pause();
    const old = server.useOtherMemory();
    server.socket.resume();
    client.socket.write([Buffer.from('two')]);
    await simulation.run({ condition: () => server.text === 'onetwo' });
    expect(old.toString('latin1', 0, 3)).to.equal('one');
  });

  it('closes in order: what was written arrives, then the end, then both are closed', async () => {
    const { simulation, client, server } = await connected();
    client.socket.write([Buffer.from('last words')]);
    client.socket.end();
    await simulation.run({ condition: () => server.events.includes('end') });
    expect(server.text).to.equal('last words');
    server.socket.write([Buffer.from('answer')]);
    server.socket.end();
    await simulation.run({ forMs: 1000 });
    expect([client.text, client.events, server.events]).to.deep.equal([
      'answer',
      ['end', 'close'],
      ['end', 'close'],
    ]);
    expect(simulation.network.openSocketCount).to.equal(0);
  });

  it('answers bytes for a destroyed socket with a reset', async () => {
    const { simulation, client, server } = await connected();
    server.socket.destroy();
    await simulation.run({ condition: () => client.events.includes('end') });
    client.socket.write([Buffer.from('anybody?')]);
    await simulation.run({ condition: () => client.events.includes('close') });
    expect(client.closeCode).to.equal('ECONNRESET');
    expect(server.events).to.deep.equal(['close']);
  });

  it('refuses a connection where nothing listens, and times out where no host answers', async () => {
    const simulation = new Simulation({ seed: 1 });
    const { transport } = simulation.node('a').environment();
    const b = simulation.node('b');
    const codeOf = (host: string): Promise<string | undefined> =>
      simulation.settle(
        transport
          .connect({ host, port: 9 }, { timeoutMs: 3000 })
          .then(() => undefined, systemErrorCode),
      );
    expect(await codeOf('b')).to.equal('ECONNREFUSED');
    b.environment();
    b.crash({ powerLoss: true });
    expect(await codeOf('b')).to.equal('ETIMEDOUT');
    b.restart();
    expect(await codeOf('b')).to.equal('ECONNREFUSED');
    expect(await codeOf('nowhere')).to.equal('ENOTFOUND');
  });

  it('stalls a cut connection and brings everything after the heal', async () => {
    const { simulation, client, server } = await connected();
    simulation.network.cut('a', 'b');
    client.socket.write([Buffer.from('one')]);
    server.socket.write([Buffer.from('two')]);
    await simulation.run({ forMs: 10_000 });
    expect([server.text, client.text]).to.deep.equal(['', '']);
    simulation.network.heal('a', 'b');
    await simulation.run({ forMs: 10_000 });
    expect([server.text, client.text]).to.deep.equal(['one', 'two']);
  });

  it('lets the other direction pass in a one-way cut, up to the window', async () => {
    const { simulation, client, server } = await connected(1, { windowBytes: 100 });
    simulation.network.cutOneWay('b', 'a');
    client.socket.write([Buffer.alloc(150, 'x')]);
    await simulation.run({ forMs: 10_000 });
    expect(server.text.length).to.equal(100);
    simulation.network.healAll();
    await simulation.run({ forMs: 10_000 });
    expect(server.text.length).to.equal(150);
  });

  it('gives up a connection that could send nothing for the time of TCP', async () => {
    const { simulation, client } = await connected(1, { tcpTimeoutMs: 30_000 });
    simulation.network.cut('a', 'b');
    client.socket.write([Buffer.from('x')]);
    await simulation.run({ forMs: 60_000 });
    expect([client.events, client.closeCode]).to.deep.equal([['close'], 'ETIMEDOUT']);
  });

  it('tells the peers of a killed process, and leaves those of a power loss half-open', async () => {
    const killed = await connected();
    killed.simulation.node('b').crash();
    await killed.simulation.run({ forMs: 1000 });
    expect(killed.client.events).to.deep.equal(['end']);

    const { simulation, client } = await connected();
    const b = simulation.node('b');
    b.crash({ powerLoss: true });
    await simulation.run({ forMs: 1000 });
    client.socket.write([Buffer.from('anybody?')]);
    await simulation.run({ forMs: 1000 });
    expect(client.events).to.deep.equal([]);
    b.restart();
    await simulation.run({ forMs: 1000 });
    expect([client.events, client.closeCode]).to.deep.equal([['close'], 'ECONNRESET']);
  });

  it('resets a connection after the second power loss, too', async () => {
    const { simulation, client } = await connected();
    const b = simulation.node('b');
    b.crash({ powerLoss: true });
    b.restart();
    await simulation.run({ forMs: 1000 });
    b.crash({ powerLoss: true });
    client.socket.write([Buffer.from('anybody?')]);
    await simulation.run({ forMs: 1000 });
    b.restart();
    await simulation.run({ forMs: 1000 });
    expect([client.events, client.closeCode]).to.deep.equal([['close'], 'ECONNRESET']);
  });

  it('resets connections on demand', async () => {
    const { simulation, client, server } = await connected();
    simulation.network.resetConnections({ host: 'a' });
    await simulation.run({ forMs: 100 });
    expect([client.closeCode, server.closeCode]).to.deep.equal(['ECONNRESET', 'ECONNRESET']);
  });

  it('gives a port to one listener only, and again after it closed', async () => {
    const simulation = new Simulation({ seed: 1 });
    const { transport } = simulation.node('a').environment();
    const listen = (): ReturnType<typeof transport.listen> =>
      transport.listen({ host: 'a', port: 1234 }, () => undefined);
    const listener = await simulation.settle(listen());
    expect(await simulation.settle(listen().catch(systemErrorCode))).to.equal('EADDRINUSE');
    await listener.close();
    expect((await simulation.settle(listen())).address.port).to.equal(1234);
  });
});
