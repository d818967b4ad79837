/**
 * Topics are created and deleted while the controller dies, or loses the answer of the coordinator,
 * at each of its steps in turn.
 */

import { expect } from 'chai';
import type { OdradekError } from '../../common/index.ts';
import { SimCluster } from './cluster/simCluster.ts';

const PARTITIONS = 3;

interface Striking {
  /** Which write of the controller, counted from 0 since the request. */
  readonly step: number;
  readonly when: 'before' | 'after';
  /** The controller's process is killed, its machine loses power, or only the answer is lost. */
  readonly how: 'kill' | 'powerLoss' | 'lostAnswer';
}

async function startedCluster(seed: number): Promise<SimCluster> {
  const cluster = new SimCluster({ seed, brokerCount: 3 });
  cluster.startAll();
  await cluster.until('all brokers are ready', () => cluster.areAllReady);
  return cluster;
}

function controllerName(cluster: SimCluster): string | undefined {
  const data = cluster.simulation.coordinator.data('/controller');
  if (data === undefined) return undefined;
  return `broker-${(JSON.parse(data.toString()) as { brokerid: number }).brokerid}`;
}

/** Strikes at the controller's n-th write from now on. @returns whether it came that far. */
function strikeAt(cluster: SimCluster, { step, when, how }: Striking): { struck: boolean } {
  const { coordinator, scheduler } = cluster.simulation;
  const state = { struck: false };
  let count = 0;
  // A write whose answer is to be lost has its fate decided before it is applied or not.
  const moment = how === 'lostAnswer' ? 'decide' : when;
  coordinator.onWrite = (write) => {
    const isProof = write.paths.every((path) => path.startsWith('/brokers/ids/'));
    if (state.struck || isProof || write.host !== controllerName(cluster)) return;
    if (write.when !== moment) return;
    count += 1;
    if (count <= step) return;
    state.struck = true;
    cluster.lines.add('FAULT', `${how} of ${write.host} ${when} ${step}: ${write.paths.join()}`);
    if (how === 'lostAnswer') {
      coordinator.loseNext({ host: write.host, applied: when === 'after' });
      return;
    }
    const broker = cluster.brokers.find(({ node }) => node.name === write.host);
    broker?.crash({ powerLoss: how === 'powerLoss' });
    scheduler.after(2000, 'operator: start again', () => broker?.start());
  };
  return state;
}

/** Creates, writes to and deletes a topic, with one strike in between. */
async function runCase(
  during: 'create' | 'delete',
  striking: Striking,
): Promise<{ struck: boolean }> {
  const cluster = await startedCluster(1 + striking.step);
  try {
    const client = cluster.client('client');
    const admin = client.admin();
    const patience = { timeoutMs: 60_000 };
    const request = { topic: 'flights', partitions: PARTITIONS };
    let state = { struck: false };
    if (during === 'create') state = strikeAt(cluster, striking);
    await cluster.settle(
      'creation is decided',
      admin.createTopic(request, patience).catch(() => 0),
    );
    await cluster.until('all brokers are ready', () => cluster.areAllReady);
    const known = await cluster.settle('topics are listed', admin.listTopics(patience));
    if (!known.some(({ topic }) => topic === 'flights')) {
      // The broker that was asked may not have heard of it, or it was made only now.
      const creation = admin.createTopic(request, patience).catch((error: OdradekError) => {
        if (error.code !== 'TOPIC_ALREADY_EXISTS') throw error;
      });
      await cluster.settle('the topic is created', creation);
    }
    const producer = client.producer();
    const sends = Array.from({ length: PARTITIONS }, (_, partition) =>
      producer.send({ topic: 'flights', partition, value: `to ${partition}` }),
    );
    const results = await cluster.settle('every partition takes records', Promise.all(sends));
    expect(results.map(({ offset }) => offset)).to.deep.equal([0, 0, 0]);
    if (during === 'delete') state = strikeAt(cluster, striking);
    const deletion = admin.deleteTopic('flights', patience).catch(() => undefined);
    await cluster.settle('deletion is decided', deletion);
    await cluster.until('all brokers are ready', () => cluster.areAllReady);
    const left = await cluster.settle('topics are listed', admin.listTopics(patience));
    if (left.length > 0) {
      const again = admin.deleteTopic('flights', patience).catch((error: OdradekError) => {
        if (error.code !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
      });
      await cluster.settle('the topic is deleted', again);
    }
    await cluster.until('no trace of the topic is left', () => isGone(cluster));
    cluster.simulation.coordinator.onWrite = undefined;
    await cluster.settle('the client is closed', client.close());
    return state;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const what = `${during}, ${JSON.stringify(striking)}`;
    throw new Error(`${what}: ${message}\n${cluster.lines.toString()}`, { cause: error });
  }
}

function isGone({ simulation, brokers }: SimCluster): boolean {
  if (simulation.coordinator.paths().some((path) => path.includes('flights'))) return false;
  return brokers.every(({ node }) => {
    if (!node.isUp) return false;
    const names = node.fileSystem.readDirectorySync('/data/a');
    return !names.some((name) => /^flights-\d+$/.test(name));
  });
}

describe('simulation: a controller that is struck at every step', function () {
  this.timeout(120_000);

  const cases = [
    { what: 'is killed', how: 'kill' },
    { what: 'loses power', how: 'powerLoss' },
    { what: 'loses the answer', how: 'lostAnswer' },
  ] as const;
  for (const { what, how } of cases) {
    for (const when of ['before', 'after'] as const) {
      it(`leaves a topic whole or absent when it ${what} ${when} a write`, async () => {
        for (const during of ['create', 'delete'] as const) {
          let step = 0;
          while ((await runCase(during, { step, when, how })).struck) step += 1;
          expect(step, `steps of ${during}`).to.be.greaterThan(0);
        }
      });
    }
  }
});
