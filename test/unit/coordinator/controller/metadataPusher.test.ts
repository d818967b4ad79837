import { expect } from 'chai';
import { brokerEpoch, brokerId } from '../../../../common/index.ts';
import { PushLoop } from '../../../../coordinator/controller/metadataPusher.ts';
import type {
  UpdateMetadataRequest,
  UpdateMetadataResponse,
} from '../../../../coordinator/index.ts';
import { type ErrorName, errorCode, ProtocolError } from '../../../../protocol/index.ts';
import { Simulation } from '../../../simulation/kernel/index.ts';
import { CollectingLogger } from '../support/collectingLogger.ts';

describe('PushLoop', () => {
  let simulation: Simulation;
  let loop: PushLoop;
  let version: number;
  let pushed: UpdateMetadataRequest[];
  let acked: number[];
  let deposed: number;
  let closed: number;
  /** Answers the next update; undefined keeps it waiting. */
  let answer: (request: UpdateMetadataRequest) => ErrorName | ProtocolError | undefined;
  let waiting: ((response: UpdateMetadataResponse) => void)[];

  const pass = async (milliseconds: number): Promise<void> => {
    await simulation.run({ untilMs: simulation.nowMs + milliseconds });
  };

  const response = (error: ErrorName): UpdateMetadataResponse => ({
    errorCode: errorCode(error),
    version: 0,
    failedTopics: [],
  });

  const bases = (): number[] => pushed.map(({ baseVersion }) => baseVersion);

  beforeEach(() => {
    simulation = new Simulation({ seed: 1 });
    version = 1;
    pushed = [];
    acked = [];
    waiting = [];
    deposed = 0;
    closed = 0;
    answer = () => 'NONE';
    loop = new PushLoop({
      channel: {
        push: (request) => {
          pushed.push(request);
          const verdict = answer(request);
          if (verdict === undefined) return new Promise((resolve) => waiting.push(resolve));
          if (verdict instanceof ProtocolError) return Promise.reject(verdict);
          return Promise.resolve(response(verdict));
        },
        close: () => {
          closed += 1;
        },
      },
      target: { id: brokerId(2), epoch: brokerEpoch(9), host: 'host', port: 1 },
      nextUpdate: (ackedVersion) =>
        ackedVersion === version
          ? undefined
          : {
              controllerId: 1,
              controllerEpoch: 3,
              brokerEpoch: 9,
              baseVersion: ackedVersion ?? -1,
              version,
              brokers: null,
              topics: [],
              removedTopics: [],
            },
      onAcknowledged: (at) => acked.push(at),
      onDeposed: () => {
        deposed += 1;
      },
      timers: simulation.node('controller').environment().timers,
      logger: new CollectingLogger(),
    });
  });

  it('begins with a snapshot, then sends differences', async () => {
    loop.wake();
    await pass(1);
    version = 2;
    loop.wake();
    await pass(1);
    expect(bases()).to.deep.equal([-1, 1]);
    expect(acked).to.deep.equal([1, 2]);
    loop.wake();
    await pass(1);
    expect(pushed).to.have.lengthOf(2);
  });

  it('has one update on its way at a time, and then sends all that came meanwhile as one', async () => {
    answer = () => undefined;
    loop.wake();
    version = 2;
    loop.wake();
    version = 3;
    loop.wake();
    await pass(100);
    expect(pushed).to.have.lengthOf(1);
    waiting[0]?.(response('NONE'));
    await pass(1);
    expect(pushed.map((each) => [each.baseVersion, each.version])).to.deep.equal([
      [-1, 1],
      [1, 3],
    ]);
  });

  it('sends a snapshot at once when the broker stands elsewhere', async () => {
    loop.wake();
    await pass(1);
    version = 2;
    answer = ({ baseVersion }) => (baseVersion === -1 ? 'NONE' : 'INVALID_REQUEST');
    loop.wake();
    await pass(1);
    expect(bases()).to.deep.equal([-1, 1, -1]);
    expect(acked).to.deep.equal([1, 2]);
  });

  it('tries again with a snapshot after a lost connection, ever more slowly', async () => {
    loop.wake();
    await pass(1);
    version = 2;
    answer = () => new ProtocolError('NETWORK_EXCEPTION');
    loop.wake();
    await pass(10_000);
    expect(bases().slice(1, 3)).to.deep.equal([1, -1]);
    expect(pushed.length).to.be.within(8, 20);
    answer = () => 'NONE';
    await pass(2_000);
    expect(acked).to.deep.equal([1, 2]);
  });

  it('does not spin on a broker that refuses snapshots too', async () => {
    answer = () => 'INVALID_REQUEST';
    loop.wake();
    await pass(10_000);
    expect(pushed.length).to.be.within(8, 20);
  });

  it('reports that the broker has seen a newer controller', async () => {
    answer = () => 'STALE_CONTROLLER_EPOCH';
    loop.wake();
    await pass(5_000);
    expect(pushed).to.have.lengthOf(1);
    expect(deposed).to.equal(1);
    expect(acked).to.deep.equal([]);
  });

  it('stops when closed, whatever is on its way', async () => {
    answer = () => undefined;
    loop.wake();
    loop.close();
    waiting[0]?.(response('NONE'));
    await pass(5_000);
    expect(acked).to.deep.equal([]);
    expect(pushed).to.have.lengthOf(1);
    expect(closed).to.equal(1);
  });
});
