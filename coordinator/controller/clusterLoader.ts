/** Reads from ZooKeeper what a controller must know; what cannot be understood is set aside by name. */

import { brokerEpoch, brokerId, type Logger, OdradekError } from '../../common/index.ts';
import {
  brokerIdsPath,
  brokerRegistrationZnode,
  parseKafkaEndpoint,
  deleteTopicsPath,
  partitionStateZnode,
  topicConfigZnode,
  topicsPath,
  topicZnode,
} from '../znodes/index.ts';
import type { CoordinatorSession } from '../zookeeper/session.ts';
import type {
  LoadedAssignment,
  LoadedCluster,
  LoadedConfigs,
  LoadedState,
  LoadedTopic,
  ModelBroker,
} from './clusterModel.ts';
import { topicNameProblem } from './topicName.ts';

/** Reads that wait in the session's queue at a time: enough to keep it full. */
const READS_AHEAD = 500;

export async function loadCluster(
  session: CoordinatorSession,
  logger: Logger,
): Promise<LoadedCluster> {
  const names = (await session.getChildren(topicsPath))?.names ?? [];
  const deletions = (await session.getChildren(deleteTopicsPath))?.names ?? [];
  const damagedTopics = new Map<string, string>();
  const bare = await inParallel(names, async (name) => {
    try {
      return await loadTopic(session, name);
    } catch (error) {
      damagedTopics.set(name, damageOf(error));
      return undefined;
    }
  });
  const topics = bare.filter((topic) => topic !== undefined);
  const states = await loadStates(session, topics);
  return {
    brokers: await loadBrokers(session, logger),
    topics: topics.map((topic) => ({ ...topic, states: states.get(topic.name) ?? [] })),
    damagedTopics,
    deletions,
  };
}

/** The live brokers that speak our protocol. */
export async function loadBrokers(
  session: CoordinatorSession,
  logger: Logger,
): Promise<readonly ModelBroker[]> {
  const names = (await session.getChildren(brokerIdsPath))?.names ?? [];
  const brokers = await inParallel(names, async (name) => {
    try {
      return await loadBroker(session, name);
    } catch (error) {
      logger.error('A live broker is left out', { broker: name, problem: damageOf(error) });
      return undefined;
    }
  });
  return brokers.filter((broker) => broker !== undefined);
}

/** One state znode, as it stands. */
export async function loadState(
  session: CoordinatorSession,
  topic: string,
  partition: number,
): Promise<LoadedState> {
  const path = partitionStateZnode.path(topic, partition);
  const content = await session.getData(path);
  if (content === undefined) return { kind: 'absent' };
  try {
    const state = partitionStateZnode.decode(path, content.data);
    return { kind: 'state', state, version: content.stat.version };
  } catch (error) {
    return { kind: 'damaged', problem: damageOf(error) };
  }
}

/** One topic znode, as it stands. */
export async function loadAssignment(
  session: CoordinatorSession,
  topic: string,
): Promise<LoadedAssignment> {
  const path = topicZnode.path(topic);
  const content = await session.getData(path);
  if (content === undefined) return { kind: 'damaged', problem: `"${path}" is gone` };
  try {
    const assignment = topicZnode.decode(topic, content.data);
    return { kind: 'assignment', assignment, version: content.stat.version };
  } catch (error) {
    return { kind: 'damaged', problem: damageOf(error) };
  }
}

/** The configuration of one topic, as it stands. */
export async function loadConfigs(
  session: CoordinatorSession,
  topic: string,
): Promise<LoadedConfigs> {
  const content = await session.getData(topicConfigZnode.path(topic));
  if (content === undefined) return { kind: 'configs', configs: new Map(), version: 'absent' };
  try {
    const configs = topicConfigZnode.decode(topic, content.data);
    return { kind: 'configs', configs, version: content.stat.version };
  } catch (error) {
    return { kind: 'damaged', problem: damageOf(error) };
  }
}

async function loadTopic(
  session: CoordinatorSession,
  name: string,
): Promise<LoadedTopic | undefined> {
  const [topic, config] = await Promise.all([
    session.getData(topicZnode.path(name)),
    loadConfigs(session, name),
  ]);
  // Removed since its name was read.
  if (topic === undefined) return undefined;
  const problem = topicNameProblem(name);
  if (problem !== undefined) throw new OdradekError('ZNODE_DAMAGED', problem);
  if (config.kind === 'damaged') throw new OdradekError('ZNODE_DAMAGED', config.problem);
  return {
    name,
    version: topic.stat.version,
    assignment: topicZnode.decode(name, topic.data),
    configs: config.configs,
    configVersion: config.version,
    states: [],
  };
}

async function loadStates(
  session: CoordinatorSession,
  topics: readonly LoadedTopic[],
): Promise<ReadonlyMap<string, LoadedState[]>> {
  const partitions = topics.flatMap(({ name, assignment }) =>
    assignment.replicas.map((_replicas, index) => ({ name, index })),
  );
  const states = new Map<string, LoadedState[]>(topics.map(({ name }) => [name, []]));
  await inParallel(partitions, async ({ name, index }) => {
    const loaded = await loadState(session, name, index);
    const list = states.get(name);
    if (list !== undefined) list[index] = loaded;
  });
  return states;
}

async function loadBroker(
  session: CoordinatorSession,
  name: string,
): Promise<ModelBroker | undefined> {
  const path = `${brokerIdsPath}/${name}`;
  const content = await session.getData(path);
  if (content === undefined) return undefined;
  const { odradek, rack, kafkaEndpoints } = brokerRegistrationZnode.decode(path, content.data);
  const [native] = odradek?.native ?? [];
  if (native === undefined || !/^\d{1,10}$/.test(name)) {
    throw new OdradekError('ZNODE_DAMAGED', `"${path}" is no broker of this platform`);
  }
  return {
    id: brokerId(Number(name)),
    epoch: brokerEpoch(content.stat.czxid),
    host: native.host,
    port: native.port,
    rack: rack ?? null,
    kafkaEndpoints: kafkaEndpoints.flatMap((text) => parseKafkaEndpoint(text) ?? []),
    ...(odradek?.cleanStopEpoch === undefined ? {} : { cleanStopEpoch: odradek.cleanStopEpoch }),
    ...(odradek?.offlineReplicas ? { offlineReplicas: true } : {}),
  };
}

/** The message of an error about a znode; anything else is not for us. */
function damageOf(error: unknown): string {
  if (error instanceof OdradekError && error.code === 'ZNODE_DAMAGED') return error.message;
  throw error;
}

/** Maps in order, with a bounded number of calls under way. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await map(items[index] as Item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(READS_AHEAD, items.length) }, work));
  return results;
}
