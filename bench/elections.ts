/**
 * `npm run bench -- --elections HOST:PORT`: how long the controller takes to elect other leaders when
 * a broker dies, against a ZooKeeper that runs there. The coordinator's part of three brokers runs in
 * this process; what they are told is taken down, not served.
 *
 * The clock starts when the ephemeral node of the dead broker is seen to be gone, and stops when every
 * state is written and a live broker has been told the last of them.
 */

import { createProductionEnvironment } from '../broker/index.ts';
import { brokerId, silentLogger } from '../common/index.ts';
import {
  Controller,
  CoordinatorSession,
  Membership,
  type MetadataPusher,
  type UpdateMetadataRequest,
} from '../coordinator/index.ts';
import { machineReport } from './load/machine.ts';

const BROKERS = [1, 2, 3];
const SIZES = [1_000, 10_000];
const TOPICS = 10;
const SESSION_TIMEOUT_MS = 6_000;

interface Node {
  readonly id: number;
  readonly session: CoordinatorSession;
  readonly controller: Controller;
}

/** What broker 1 has been told: who leads each partition. */
class Told implements MetadataPusher {
  readonly #leaders = new Map<string, number>();
  #byLeader = new Map<number, number>();
  brokerCount = 0;

  ledBy(id: number): number {
    return this.#byLeader.get(id) ?? 0;
  }

  open({ id }: { readonly id: number }): ReturnType<MetadataPusher['open']> {
    return {
      push: async (request) => {
        if (id === 1) this.#take(request);
        return { errorCode: 0, version: request.version, failedTopics: [] };
      },
      close: () => undefined,
    };
  }

  #take({ baseVersion, brokers, topics }: UpdateMetadataRequest): void {
    if (brokers !== null) this.brokerCount = brokers.length;
    if (baseVersion === -1) {
      this.#leaders.clear();
      this.#byLeader = new Map();
    }
    for (const { name, partitions } of topics) {
      for (const { index, leader } of partitions) {
        const key = `${name}-${index}`;
        const before = this.#leaders.get(key);
        if (before !== undefined) this.#byLeader.set(before, this.ledBy(before) - 1);
        this.#leaders.set(key, leader);
        this.#byLeader.set(leader, this.ledBy(leader) + 1);
      }
    }
  }
}

/** @param servers of a ZooKeeper; what is written there stays, under a root named for this process. */
export async function benchElections(servers: string): Promise<void> {
  const rows: object[] = [];
  for (const partitions of SIZES)
    rows.push(
      await measure(`${servers}/odradek-elections-${process.pid}-${partitions}`, partitions),
    );
  const report = { machine: machineReport(), date: new Date().toISOString(), elections: rows };
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
}

async function measure(servers: string, partitions: number): Promise<object> {
  const told = new Told();
  const nodes: Node[] = [];
  for (const id of BROKERS) nodes.push(await startNode(servers, id, told));
  const [first] = nodes;
  const victim = nodes.at(-1);
  if (first === undefined || victim === undefined) throw new Error('There are three brokers');
  await until(() => told.brokerCount === BROKERS.length, 'the controller sees all brokers');
  const names = Array.from({ length: TOPICS }, (_, index) => `elections-${partitions}-${index}`);
  const createdFromMs = performance.now();
  const created = await first.controller.createTopics({
    timeoutMs: 300_000,
    validateOnly: false,
    forwarded: false,
    topics: names.map((name) => ({
      name,
      partitionCount: partitions / TOPICS,
      replicationFactor: 3,
      assignments: null,
      configs: [{ name: 'min.insync.replicas', value: '2' }],
    })),
  });
  if (created.topics.some(({ errorCode }) => errorCode !== 0)) {
    throw new Error(`Not created: ${JSON.stringify(created)}`);
  }
  const createMs = performance.now() - createdFromMs;
  const ledBefore = told.ledBy(victim.id);
  let goneMs: number | undefined;
  const watch = first.session.watchData(`/brokers/ids/${victim.id}`, (content) => {
    if (content === undefined) goneMs ??= performance.now();
  });
  await victim.session.close();
  await until(() => goneMs !== undefined && told.ledBy(victim.id) === 0, 'other leaders');
  const electedMs = performance.now() - (goneMs ?? 0);
  watch.close();
  for (const { controller, session } of nodes) {
    await controller.close();
    await session.close();
  }
  const round = (ms: number): number => Math.round(ms);
  return { partitions, ledBefore, createMs: round(createMs), electedMs: round(electedMs) };
}

async function startNode(servers: string, id: number, told: Told): Promise<Node> {
  const environment = createProductionEnvironment();
  const options = { servers, sessionTimeoutMs: SESSION_TIMEOUT_MS };
  const session = new CoordinatorSession(environment, options, silentLogger);
  const membership = new Membership(environment, session, silentLogger);
  const controller = new Controller(
    environment,
    { session, membership, pusher: told },
    {
      brokerId: brokerId(id),
      defaultPartitionCount: 1,
      defaultReplicationFactor: 3,
      validateTopicConfigs: () => undefined,
    },
    silentLogger,
  );
  session.start();
  await membership.joinCluster();
  await membership.register({
    brokerId: brokerId(id),
    nativeEndpoints: [{ host: '127.0.0.1', port: 9192 }],
  });
  controller.start();
  if (id === 1) await until(() => controller.active, 'the first broker is the controller');
  return { id, session, controller };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + 300_000;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
