import { expect } from 'chai';
import { CoordinatorError, silentLogger, type Timers } from '../../../../common/index.ts';
import { CoordinatorSession } from '../../../../coordinator/index.ts';
import { Simulation } from '../../../simulation/kernel/index.ts';
import {
  anyStat,
  type ScriptedConnection,
  ScriptedConnector,
  type SeenOperation,
} from '../support/scriptedConnector.ts';

const SESSION_ID = '00000000000000aa';

interface Scripted {
  readonly simulation: Simulation;
  readonly connector: ScriptedConnector;
  readonly session: CoordinatorSession;
  readonly states: string[];
  connected(timeoutMs?: number, sessionId?: string): ScriptedConnection;
  pass(milliseconds: number): Promise<void>;
}

/** A session above a connection that the test plays by hand, in virtual time. */
function scripted(
  options: { outstandingMax?: number; requestTimeoutMs?: number } = {},
  wrapTimers: (timers: Timers) => Timers = (timers) => timers,
): Scripted {
  const simulation = new Simulation({ seed: 1 });
  const world = simulation.node('broker').environment();
  const environment = { ...world, timers: wrapTimers(world.timers) };
  const connector = new ScriptedConnector(() => environment.clock.monotonicMs());
  const session = new CoordinatorSession(
    { ...environment, coordinator: connector },
    { servers: 'zk:2181', sessionTimeoutMs: 9_000, ...options },
    silentLogger,
  );
  const states: string[] = [];
  session.onStateChange((state) => states.push(state));
  session.start();
  return {
    simulation,
    connector,
    session,
    states,
    connected: (negotiatedTimeoutMs = 9_000, sessionId = SESSION_ID) => {
      connector.last.listener.onConnected({ sessionId, negotiatedTimeoutMs });
      return connector.last;
    },
    pass: async (milliseconds) => {
      await simulation.run({ untilMs: simulation.nowMs + milliseconds });
    },
  };
}

const lost = (): CoordinatorError => new CoordinatorError('CONNECTION_LOSS', 'lost');

/** Keeps the first outcome of a promise, to be looked at later. */
function outcome(promise: Promise<unknown>): { value?: unknown; error?: Error } {
  const kept: { value?: unknown; error?: Error } = {};
  promise.then(
    (value) => {
      kept.value = value;
    },
    (error: Error) => {
      kept.error = error;
    },
  );
  return kept;
}

describe('CoordinatorSession', () => {
  describe('calls', () => {
    it('keeps requests in line until the connection stands', async () => {
      const { session, connected, pass, connector } = scripted();
      const read = outcome(session.getData('/a'));
      await pass(1_000);
      expect(connector.last.seen).to.have.lengthOf(0);
      const connection = connected();
      const sent = connection.seen.filter(({ operations }) => operations[0]?.path === '/a');
      expect(sent).to.have.lengthOf(1);
      sent[0]?.answer({ data: Buffer.from('x'), stat: anyStat });
      await pass(1);
      expect(read.value).to.deep.equal({ data: Buffer.from('x'), stat: anyStat });
    });

    it('rejects at the deadline, saying whether the request was sent', async () => {
      const { session, connected, pass } = scripted({ requestTimeoutMs: 2_000, outstandingMax: 1 });
      connected();
      const sent = outcome(session.write({ type: 'delete', path: '/sent', version: -1 }));
      const waiting = outcome(session.write({ type: 'delete', path: '/waiting', version: -1 }));
      await pass(2_100);
      expect(sent.error).to.include({ code: 'CONNECTION_LOSS' });
      expect(sent.error?.message).to.include('"/sent"').and.to.include('unknown');
      expect(waiting.error?.message).to.include('not sent');
    });

    it('repeats a read after a lost connection, and never a write', async () => {
      const { session, connected, pass } = scripted();
      const connection = connected();
      const read = outcome(session.getChildren('/a'));
      const write = outcome(session.write({ type: 'delete', path: '/b', version: -1 }));
      connection.listener.onDisconnected();
      for (const operation of connection.seen.splice(0)) operation.fail(lost());
      await pass(10);
      expect(write.error).to.include({ code: 'CONNECTION_LOSS' });
      expect(read).to.deep.equal({});
      connected();
      const again = connection.seen.filter(({ operations }) => operations[0]?.path !== '/');
      expect(again.map(({ operations }) => operations[0]?.type)).to.deep.equal(['getChildren']);
      again[0]?.answer({ children: ['z', 'a'], stat: anyStat });
      await pass(1);
      expect(read.value).to.deep.equal({ names: ['a', 'z'], stat: anyStat });
    });

    it('puts no more requests on the wire than it may', async () => {
      const { session, connected, pass } = scripted({ outstandingMax: 3 });
      const connection = connected();
      connection.seen.splice(0);
      const reads = Array.from({ length: 10 }, (_, i) => outcome(session.exists(`/${i}`)));
      expect(connection.seen).to.have.lengthOf(3);
      connection.seen[1]?.answer({ stat: anyStat });
      await pass(1);
      expect(connection.seen).to.have.lengthOf(4);
      connection.onOperation = (operation) => operation.answer({ stat: anyStat });
      for (const operation of connection.seen.slice()) operation.answer({ stat: anyStat });
      await pass(1);
      expect(reads.every(({ value }) => value === anyStat)).to.equal(true);
    });

    it('rejects everything when the session expires, and makes a new one', async () => {
      const { session, connected, connector, pass, states } = scripted({ outstandingMax: 1 });
      const sessions: string[] = [];
      session.onNewSession((id) => sessions.push(id));
      connected();
      const sent = outcome(session.getData('/a'));
      const waiting = outcome(session.write({ type: 'delete', path: '/b', version: -1 }));
      connector.last.listener.onExpired();
      await pass(1);
      expect(sent.error).to.include({ code: 'SESSION_EXPIRED' });
      expect(waiting.error).to.include({ code: 'SESSION_EXPIRED' });
      expect(connector.connections).to.have.lengthOf(2);
      expect(session.sessionId).to.equal(undefined);
      expect(states).to.deep.equal(['fenced']);
      connected(9_000, '00000000000000bb');
      expect(sessions).to.deep.equal([SESSION_ID, '00000000000000bb']);
      // What comes late from the dead connection is not for us.
      connector.connections[0]?.listener.onExpired();
      expect(connector.connections).to.have.lengthOf(2);
    });

    it('puts the chroot before every path, and takes it off again', async () => {
      const simulation = new Simulation({ seed: 1 });
      const environment = simulation.node('broker').environment();
      const options = { servers: 'coordinator:2181/kafka/one', sessionTimeoutMs: 9_000 };
      const session = new CoordinatorSession(environment, options, silentLogger);
      session.start();
      await simulation.settle(session.ensurePath('/brokers/ids'));
      const created = await simulation.settle(
        session.write({ type: 'create', path: '/n-', data: Buffer.alloc(0), sequential: true }),
      );
      expect(created.path).to.match(/^\/n-\d{10}$/);
      expect(simulation.coordinator.paths()).to.include.members([
        '/kafka/one/brokers/ids',
        `/kafka/one${created.path}`,
      ]);
    });
  });

  it('reads a watched znode again when its event comes right behind the answer', async () => {
    const { session, connected, pass } = scripted();
    const connection = connected();
    const seen: (string | undefined)[] = [];
    session.watchData('/a', (content) => seen.push(content?.data.toString()));
    const reads = (): typeof connection.seen =>
      connection.seen.filter(({ operations }) => operations[0]?.path === '/a');
    // Both in one packet: nobody has looked at the answer yet.
    reads()[0]?.answer({ data: Buffer.from('old'), stat: anyStat });
    connection.listener.onWatchEvent({ type: 'dataChanged', path: '/a' });
    await pass(1);
    reads()[1]?.answer({ data: Buffer.from('new'), stat: { ...anyStat, version: 1 } });
    await pass(1);
    expect(seen).to.deep.equal(['old', 'new']);
  });

  describe('proof', () => {
    it('is unproven until a write that checks the registration is answered', async () => {
      const { session, connected, pass, states } = scripted();
      const connection = connected();
      connection.onOperation = (operation) => operation.answer({ stat: anyStat });
      await pass(20_000);
      expect(session.state).to.equal('unproven');
      session.proveBy('/brokers/ids/1');
      await pass(1);
      expect(session.state).to.equal('proven');
      expect(states).to.deep.equal(['proven']);
      const proofs = connection.seen.filter(({ isMulti }) => isMulti);
      expect(proofs[0]?.operations).to.deep.equal([
        { type: 'check', path: '/brokers/ids/1', version: -1 },
      ]);
    });

    it('sends a proof every third of the timeout', async () => {
      const { session, connected, pass } = scripted();
      const connection = connected();
      connection.onOperation = (operation) => operation.answer();
      session.proveBy('/brokers/ids/1');
      await pass(30_100);
      expect(connection.seen.filter(({ isMulti }) => isMulti)).to.have.lengthOf(11);
      expect(session.state).to.equal('proven');
    });

    it('counts from when the proof was sent, and holds one tick back', async () => {
      const { session, connected, pass } = scripted();
      const connection = connected();
      session.proveBy('/brokers/ids/1');
      await pass(1_500);
      connection.seen.find(({ isMulti }) => isMulti)?.answer();
      await pass(1);
      expect(session.state).to.equal('proven');
      await pass(9_000 - 2_000 - 1_500 - 10);
      expect(session.state).to.equal('proven');
      await pass(20);
      expect(session.state).to.equal('unproven');
    });

    it('takes an answer after the deadline for no proof', async () => {
      const { session, connected, pass } = scripted();
      const connection = connected();
      session.proveBy('/brokers/ids/1');
      await pass(7_100);
      connection.seen.find(({ isMulti }) => isMulti)?.answer();
      await pass(1);
      expect(session.state).to.equal('unproven');
    });

    it('is not fooled by a follower that is cut from its leader: reads prove nothing', async () => {
      const { session, connected, pass, states } = scripted();
      const connection = connected();
      connection.onOperation = (operation) => operation.answer({ stat: anyStat });
      session.proveBy('/brokers/ids/1');
      await pass(100);
      expect(session.state).to.equal('proven');
      // From now on it answers reads only.
      connection.onOperation = (operation) => {
        if (!operation.isMulti) operation.answer({ stat: anyStat, data: Buffer.alloc(0) });
      };
      await pass(3_500);
      expect((await session.getData('/a'))?.stat).to.equal(anyStat);
      await pass(4_000);
      expect(states).to.deep.equal(['proven', 'unproven']);
      expect(connection.reconnects).to.be.greaterThan(0);
      // Another server answers writes too.
      connection.listener.onDisconnected();
      connection.onOperation = (operation) => operation.answer({ stat: anyStat });
      connected();
      await pass(1);
      expect(session.state).to.equal('proven');
    });

    it('drops a connection on which nothing is answered', async () => {
      const { connected, pass } = scripted();
      const connection = connected();
      await pass(3_100);
      expect(connection.reconnects).to.equal(1);
    });

    it('is fenced when its registration is gone, until there is a new one', async () => {
      const { session, connected, pass, states } = scripted();
      const connection = connected();
      connection.onOperation = (operation) => {
        if (operation.isMulti) operation.fail(new CoordinatorError('NO_NODE', 'gone'));
      };
      session.proveBy('/brokers/ids/1');
      await pass(1);
      expect(session.state).to.equal('fenced');
      connection.onOperation = (operation) => operation.answer({ stat: anyStat });
      await pass(30_000);
      expect(session.state).to.equal('fenced');
      session.proveBy('/brokers/ids/1');
      await pass(1);
      expect(states).to.deep.equal(['fenced', 'unproven', 'proven']);
    });

    it('looks for an answer in its sockets before it judges a deadline after a stall', async () => {
      let judge = (): void => undefined;
      const { session, connected, pass, states } = scripted({}, (timers) => ({
        afterTurn: (callback) => timers.afterTurn(callback),
        set: (delayMs, callback, options) => {
          if (delayMs < 6_900 || delayMs > 7_000) return timers.set(delayMs, callback, options);
          judge = callback;
          return { cancel: () => undefined };
        },
      }));
      const connection = connected();
      session.proveBy('/r');
      const proof = (index: number): SeenOperation | undefined =>
        connection.seen.filter(({ isMulti }) => isMulti)[index];
      proof(0)?.answer();
      await pass(7_500);
      expect(proof(1)?.sentMs).to.be.a('number');
      // After a stall timers come first; the answer that has been waiting comes just after them.
      judge();
      proof(1)?.answer();
      await pass(10);
      expect(states).to.deep.equal(['proven']);
    });

    it('closes for good', async () => {
      const { session, connected, connector, pass, states } = scripted();
      connected();
      const waiting = outcome(session.getData('/a'));
      await session.close();
      await session.close();
      await pass(30_000);
      expect(waiting.error).to.include({ code: 'SESSION_EXPIRED' });
      expect(connector.last.closed).to.equal(true);
      expect(connector.connections).to.have.lengthOf(1);
      expect(states).to.deep.equal([]);
    });
  });
});
