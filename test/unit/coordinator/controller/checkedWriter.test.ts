import { expect } from 'chai';
import {
  type CoordinatorConnection,
  CoordinatorError,
  type CoordinatorWrite,
  silentLogger,
} from '../../../../common/index.ts';
import {
  CheckedWriter,
  type CheckedWriterOptions,
  ControllerMovedError,
} from '../../../../coordinator/controller/checkedWriter.ts';
import { CoordinatorSession } from '../../../../coordinator/index.ts';
import { Simulation } from '../../../simulation/kernel/index.ts';

describe('CheckedWriter', () => {
  let simulation: Simulation;
  let session: CoordinatorSession;
  /** Operations of every multi that was sent, but for proofs. */
  let multis: (readonly CoordinatorWrite[])[];
  /** Refuses a multi before it is sent. */
  let refuse: (operations: readonly CoordinatorWrite[]) => Error | undefined;

  const settle = <Value>(promise: Promise<Value>): Promise<Value> =>
    simulation.settle(promise, { timeoutMs: 120_000 });

  const writer = (options: Partial<CheckedWriterOptions> = {}): CheckedWriter => {
    const { timers } = simulation.node('controller').environment();
    return new CheckedWriter(
      { session, timers, logger: silentLogger },
      { epochVersion: 0, ...options },
    );
  };

  const create = (path: string, data = ''): { operations: CoordinatorWrite[] } => ({
    operations: [{ type: 'create', path, data: Buffer.from(data) }],
  });

  const watchMultis = (raw: CoordinatorConnection): CoordinatorConnection => {
    const multi = raw.multi.bind(raw);
    raw.multi = (operations) => {
      const error = refuse(operations);
      multis.push(operations);
      return error === undefined ? multi(operations) : Promise.reject(error);
    };
    return raw;
  };

  beforeEach(async () => {
    simulation = new Simulation({ seed: 5, coordinator: { tickMs: 500 } });
    multis = [];
    refuse = () => undefined;
    const environment = simulation.node('controller').environment();
    const { coordinator } = environment;
    session = new CoordinatorSession(
      {
        ...environment,
        coordinator: {
          connect: (options, listener) => watchMultis(coordinator.connect(options, listener)),
        },
      },
      { servers: 'coordinator:2181', sessionTimeoutMs: 6_000 },
      silentLogger,
    );
    session.start();
    await settle(
      session.write({ type: 'create', path: '/controller_epoch', data: Buffer.from('1') }),
    );
  });

  it('checks the controller epoch first in every multi', async () => {
    const results = await settle(writer().write([create('/a'), create('/b')]));
    expect(results).to.deep.equal([{ ok: true }, { ok: true }]);
    expect(multis).to.have.lengthOf(1);
    expect(multis[0]?.[0]).to.deep.equal({ type: 'check', path: '/controller_epoch', version: 0 });
  });

  it('writes nothing once another controller has raised the epoch', async () => {
    await settle(
      session.write({
        type: 'setData',
        path: '/controller_epoch',
        data: Buffer.from('2'),
        version: 0,
      }),
    );
    const error = await settle(
      writer()
        .write([create('/a')])
        .catch((caught: unknown) => caught),
    );
    expect(error).to.be.instanceOf(ControllerMovedError);
    expect(simulation.coordinator.data('/a')).to.equal(undefined);
  });

  it('does everything but what is refused, and says which operation of it was', async () => {
    await settle(session.write({ type: 'create', path: '/b', data: Buffer.from('other') }));
    const pair = {
      operations: [...create('/p').operations, ...create('/b').operations],
    };
    const results = await settle(writer().write([create('/a'), pair, create('/c'), create('/b')]));
    expect(results.map(({ ok }) => ok)).to.deep.equal([true, false, true, false]);
    expect(results[1]).to.include({ code: 'NODE_EXISTS', failedIndex: 1 });
    expect(results[3]).to.include({ code: 'NODE_EXISTS', failedIndex: 0 });
    expect(simulation.coordinator.paths()).to.include.members(['/a', '/c']);
    expect(simulation.coordinator.paths()).to.not.include('/p');
  });

  it('bounds a multi in bytes and in operations', async () => {
    const units = Array.from({ length: 20 }, (_, i) => create(`/n${i}`, 'x'.repeat(1_000)));
    await settle(writer({ batchBytesMax: 4_500 }).write(units));
    expect(multis.map(({ length }) => length)).to.deep.equal([5, 5, 5, 5, 5]);
    multis = [];
    const more = Array.from({ length: 7 }, (_, i) => create(`/m${i}`));
    await settle(writer({ batchOperationsMax: 3 }).write(more));
    expect(multis.map(({ length }) => length)).to.deep.equal([4, 4, 2]);
  });

  it('finds the bad one by halves where ZooKeeper does not say which', async () => {
    refuse = (operations) =>
      operations.some(({ path }) => path === '/n5')
        ? new CoordinatorError('OTHER', 'something')
        : undefined;
    const units = Array.from({ length: 8 }, (_, i) => create(`/n${i}`));
    const results = await settle(writer().write(units));
    expect(results.map(({ ok }) => ok)).to.deep.equal([
      true,
      true,
      true,
      true,
      true,
      false,
      true,
      true,
    ]);
  });

  for (const applied of [true, false]) {
    it(`reads and compares after a lost answer (applied: ${applied})`, async () => {
      await settle(session.write({ type: 'create', path: '/s', data: Buffer.from('0') }));
      await settle(session.write({ type: 'create', path: '/d', data: Buffer.alloc(0) }));
      simulation.coordinator.loseNext({ path: '/s', applied });
      const results = await settle(
        writer().write([
          create('/new', 'x'),
          {
            operations: [{ type: 'setData', path: '/s', data: Buffer.from('1'), version: 0 }],
          },
          { operations: [{ type: 'delete', path: '/d', version: -1 }] },
        ]),
      );
      expect(results.every(({ ok }) => ok)).to.equal(true);
      expect(multis).to.have.lengthOf(applied ? 1 : 2);
      expect(simulation.coordinator.data('/s')?.toString()).to.equal('1');
      expect(simulation.coordinator.data('/new')?.toString()).to.equal('x');
      expect(simulation.coordinator.data('/d')).to.equal(undefined);
    });
  }

  it('takes a refusal after an unknown outcome for its own work where it is', async () => {
    await settle(session.write({ type: 'create', path: '/s', data: Buffer.from('0') }));
    // The first try is lost for the client, but reaches ZooKeeper after the comparison.
    const late = simulation.node('late').environment();
    const other = new CoordinatorSession(
      late,
      { servers: 'coordinator:2181', sessionTimeoutMs: 6_000 },
      silentLogger,
    );
    other.start();
    const operation = { type: 'setData', path: '/s', data: Buffer.from('1'), version: 0 } as const;
    let tries = 0;
    refuse = (operations) => {
      if (!operations.some(({ path }) => path === '/s')) return undefined;
      tries += 1;
      return tries === 1 ? new CoordinatorError('CONNECTION_LOSS', 'lost') : undefined;
    };
    const writing = writer().write([{ operations: [operation] }]);
    const read = session.getData.bind(session);
    session.getData = async (path) => {
      const content = await read(path);
      if (tries === 1) await other.write(operation);
      return content;
    };
    expect(await settle(writing)).to.deep.equal([{ ok: true }]);
    expect(tries).to.equal(2);
  });

  it('gives up when the session is over', async () => {
    simulation.network.cut('controller', 'coordinator');
    const writing = writer()
      .write([create('/a')])
      .catch((caught: unknown) => caught);
    await simulation.run({ untilMs: simulation.nowMs + 20_000 });
    simulation.network.heal('controller', 'coordinator');
    expect(await settle(writing)).to.be.instanceOf(ControllerMovedError);
    expect(simulation.coordinator.data('/a')).to.equal(undefined);
  });
});
