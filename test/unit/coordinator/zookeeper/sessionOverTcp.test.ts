import { expect } from 'chai';
import {
  systemClock,
  systemRandom,
  systemTimers,
} from '../../../../common/environment/production/index.ts';
import { silentLogger } from '../../../../common/index.ts';
import { CoordinatorSession, nodeZookeeperConnector } from '../../../../coordinator/index.ts';
import { waitFor } from '../../../harness/waitFor.ts';
import {
  type FakeScript,
  FakeZookeeper,
  multiOfChecks,
  opCode,
  stat,
} from '../support/fakeZookeeper.ts';

describe('CoordinatorSession over TCP', () => {
  let fake: FakeZookeeper;
  let session: CoordinatorSession;

  const begin = async (script: FakeScript): Promise<string[]> => {
    fake = await FakeZookeeper.start(script);
    fake.sessionTimeoutMs = 900;
    session = new CoordinatorSession(
      {
        clock: systemClock,
        timers: systemTimers,
        coordinator: nodeZookeeperConnector({ timers: systemTimers, random: systemRandom }),
      },
      { servers: `127.0.0.1:${fake.port}`, sessionTimeoutMs: 900 },
      silentLogger,
    );
    const states: string[] = [];
    session.onStateChange((state) => states.push(state));
    session.start();
    session.proveBy('/brokers/ids/1');
    return states;
  };

  afterEach(async () => {
    await session.close();
    await fake.stop();
  });

  it('is unproven at a follower that is cut from its leader but answers pings and reads', async () => {
    let cut = false;
    const states = await begin({
      onRequest: ({ type, connection }) => {
        if (type !== opCode.multi) return stat();
        return cut && connection.index === 0 ? undefined : multiOfChecks(1);
      },
    });
    await waitFor(() => session.state === 'proven', { what: 'the leader confirms' });
    cut = true;
    await waitFor(() => session.state === 'unproven' || fake.connections.length > 1, {
      what: 'the session stops to trust it',
    });
    // It leaves that server, though its pings were answered, and is proven by the next.
    await waitFor(() => fake.connections.length > 1, { what: 'it goes elsewhere' });
    await waitFor(() => session.state === 'proven', { what: 'the next server confirms' });
    expect(states).to.not.include('fenced');
  });

  it('notices a server that has fallen silent on a connection that stands', async () => {
    let silent = false;
    const states = await begin({
      onConnect: () => (silent ? 'silent' : 'accept'),
      onRequest: ({ type }) => {
        if (silent) return undefined;
        return type === opCode.multi ? multiOfChecks(1) : stat();
      },
    });
    await waitFor(() => session.state === 'proven', { what: 'it is proven' });
    silent = true;
    await waitFor(() => states.includes('unproven'), { what: 'its own deadline passes' });
    await waitFor(() => !session.connected, { what: 'it gives the connection up' });
    silent = false;
    await waitFor(() => session.state === 'proven', { what: 'it is proven again' });
    expect(states).to.not.include('fenced');
  });

  it('makes a new session when the server says that the old one is expired', async () => {
    const states = await begin({
      onConnect: ({ index }) => (index === 1 ? 'expired' : 'accept'),
      onRequest: ({ type }) => (type === opCode.multi ? multiOfChecks(1) : stat()),
    });
    await waitFor(() => session.state === 'proven', { what: 'it is proven' });
    const first = session.sessionId;
    fake.last.socket.destroy();
    await waitFor(() => states.includes('fenced'), { what: 'it hears of the expiry' });
    await waitFor(() => session.connected && session.sessionId !== first, {
      what: 'a new session',
    });
    expect(session.state).to.equal('fenced');
    session.proveBy('/brokers/ids/1');
    await waitFor(() => session.state === 'proven', { what: 'it is proven anew' });
  });
});
