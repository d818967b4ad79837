import { expect } from 'chai';
import type { StreamSocket } from '../../common/index.ts';
import { Simulation } from './kernel/index.ts';

/** A little world that uses every part: files, sockets, timers, sessions, crashes. */
async function runWorld(seed: number, disturb: (world: Simulation) => void = () => undefined) {
  const world = new Simulation({ seed, coordinator: { lossProbability: 0.2 } });
  const server = world.node('server');
  const serve = async (): Promise<void> => {
    const { transport, fileSystem } = server.environment();
    const file = fileSystem.openSync('/data/log', 'create');
    await transport.listen({ host: 'server', port: 1 }, (socket) =>
      echo(socket, (bytes) => {
        file.writevSync([bytes], file.sizeSync());
        return file.datasync();
      }),
    );
  };
  void serve();
  for (const name of ['a', 'b']) void ping(world, name);
  world.scheduler.after(400, 'crash', () => {
    server.crash({ powerLoss: true });
    server.restart();
    void serve();
  });
  disturb(world);
  const { events } = await world.run({ untilMs: 3000 });
  return { hash: world.traceHash, events };
}

function echo(socket: StreamSocket, store: (bytes: Buffer) => Promise<void>): void {
  const space = Buffer.alloc(4096);
  socket.start({
    receiveSpace: () => space,
    onReceived: (count) => {
      const bytes = Buffer.from(space.subarray(0, count));
      void store(bytes).then(() => socket.write([bytes]));
    },
    onDrain: () => undefined,
    onEnd: () => socket.end(),
    onClose: () => undefined,
  });
}

async function ping(world: Simulation, name: string): Promise<void> {
  const { transport, timers, coordinator, random } = world.node(name).environment();
  const session = coordinator.connect(
    { servers: 'coordinator:1', sessionTimeoutMs: 4000 },
    {
      onConnected: () => undefined,
      onDisconnected: () => undefined,
      onExpired: () => undefined,
      onWatchEvent: () => undefined,
    },
  );
  const pause = (ms: number): Promise<void> => new Promise((resolve) => timers.set(ms, resolve));
  for (;;) {
    const address = { host: 'server', port: 1 };
    const socket = await transport.connect(address, { timeoutMs: 500 }).catch(() => undefined);
    let isOpen = socket !== undefined;
    const space = Buffer.alloc(64);
    socket?.start({
      receiveSpace: () => space,
      onReceived: () => undefined,
      onDrain: () => undefined,
      onEnd: () => socket.end(),
      onClose: () => {
        isOpen = false;
      },
    });
    while (isOpen) {
      socket?.write([random.bytes(1 + random.below(2000))]);
      const path = `/${name}-${random.below(1000)}`;
      await session.write({ type: 'create', path, data: random.bytes(8) }).catch(() => undefined);
      await pause(5);
    }
    await pause(20);
  }
}

describe('simulation: trace', () => {
  it('has the same hash twice for the same seed, and another for another seed', async () => {
    const hashes = new Set<string>();
    for (let seed = 1; seed <= 5; seed += 1) {
      const first = await runWorld(seed);
      expect(first.events).to.be.greaterThan(1000);
      expect(await runWorld(seed)).to.deep.equal(first);
      hashes.add(first.hash);
    }
    expect(hashes.size).to.equal(5);
  });

  it('shows a difference of one byte on the wire and of one event', async () => {
    const plain = await runWorld(1);
    const oneEvent = await runWorld(1, (world) => {
      world.scheduler.after(2999, 'one more', () => undefined);
    });
    expect(oneEvent.hash).to.not.equal(plain.hash);
    const sentBytes = async (byte: number): Promise<string> => {
      const world = new Simulation({ seed: 1 });
      const { transport } = world.node('server').environment();
      await world.settle(transport.listen({ host: 'server', port: 1 }, () => undefined));
      const client = world.node('a').environment().transport;
      const connecting = client.connect({ host: 'server', port: 1 }, { timeoutMs: 100 });
      (await world.settle(connecting)).write([Buffer.from([byte])]);
      await world.run({ forMs: 10 });
      return world.traceHash;
    };
    expect(await sentBytes(1)).to.equal(await sentBytes(1));
    expect(await sentBytes(1)).to.not.equal(await sentBytes(2));
  });
});
