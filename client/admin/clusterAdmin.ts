/** The admin client: each call is one request, or one per leader. */

import {
  type Api,
  alterConfigsApi,
  alterReassignmentsApi,
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  describeClusterApi,
  describeConfigsApi,
  describePartitionsApi,
  type ErrorName,
  electLeadersApi,
  errorName,
  listReassignmentsApi,
  ProtocolError,
  type ResponseOf,
} from '../../protocol/index.ts';
import type { CallOptions } from '../callOptions.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { connectReason } from '../cluster/connectFailure.ts';
import { Deadline } from '../cluster/deadline.ts';
import { groupBy } from '../cluster/groupBy.ts';
import { mergeTopic, type TopicMetadata } from '../cluster/metadata.ts';
import { queryOffsets } from '../cluster/offsetQuery.ts';
import { unknownTopicError } from '../cluster/topicSuggestion.ts';
import { ClientError } from '../errors.ts';
import { checkedTopic } from '../options.ts';
import type {
  Admin,
  ClusterDescription,
  ClusterHealth,
  ConfigEntry,
  ConfigResource,
  ConfigSource,
  CreatedTopic,
  CreateTopicRequest,
  ListedOffset,
  ListedTopic,
  OffsetQuery,
  PartitionDescription,
  PartitionName,
  PartitionResult,
  Reassignment,
  ReassignmentRequest,
  ReplicaDescription,
  TopicDescription,
  UnreachableBroker,
} from './admin.ts';
import { healthOf } from './clusterHealth.ts';
import { byTopic, resultsOf, resultsOrRefusal } from './partitionAnswers.ts';

const TOPIC_RESOURCE = 2;
const BROKER_RESOURCE = 4;
const PREFERRED_ELECTION = 0;
const UNCLEAN_ELECTION = 1;
const RETRY_PAUSE_MS = 100;
/** A broker that takes longer to answer does not serve. */
const PROBE_MS_MAX = 2_500;
const configSources: Readonly<Record<number, ConfigSource>> = {
  1: 'topic',
  4: 'file',
  5: 'default',
};

type LogDescription = ResponseOf<
  typeof describePartitionsApi
>['topics'][number]['partitions'][number];

/** @see Admin */
export class ClusterAdmin implements Admin {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async createTopic(request: CreateTopicRequest, options?: CallOptions): Promise<CreatedTopic> {
    const name = checkedTopic(request.topic);
    const deadline = this.#deadline('createTopic', options);
    const wanted = {
      name,
      partitionCount: request.partitions ?? -1,
      replicationFactor: request.replicationFactor ?? -1,
      assignments: request.assignments ?? null,
      configs: Object.entries(request.configs ?? {}).map(([configName, value]) => ({
        name: configName,
        value: String(value),
      })),
    };
    const created = await this.#call(
      createTopicsApi,
      deadline,
      (timeoutMs) => ({
        timeoutMs,
        validateOnly: request.validateOnly ?? false,
        forwarded: false,
        topics: [wanted],
      }),
      { read: ({ topics }) => succeeded(topics, `topic "${name}" could not be created`) },
    );
    return {
      topic: name,
      topicId: created.topicId ?? '',
      partitions: created.partitionCount,
      replicationFactor: created.replicationFactor,
    };
  }

  async deleteTopic(topic: string, options?: CallOptions): Promise<void> {
    const name = checkedTopic(topic);
    const deadline = this.#deadline('deleteTopic', options);
    const deleted = this.#call(
      deleteTopicsApi,
      deadline,
      (timeoutMs) => ({ timeoutMs, forwarded: false, names: [name] }),
      { read: ({ topics }) => succeeded(topics, `topic "${name}" could not be deleted`) },
    );
    await this.#ofTopic(name, deadline, deleted);
  }

  async describeTopic(topic: string, options?: CallOptions): Promise<TopicDescription> {
    const deadline = this.#deadline('describeTopic', options);
    const metadata = await this.#topic(checkedTopic(topic), deadline);
    const logs = await this.#describeLogs(metadata, deadline);
    return {
      topic: metadata.topic,
      topicId: metadata.topicId ?? '',
      internal: metadata.internal,
      partitions: metadata.partitions.map((partition): PartitionDescription => {
        const log = logs.get(partition.partition);
        return {
          ...partition,
          leaderEpoch: log?.leaderEpoch ?? partition.leaderEpoch,
          logStartOffset: log?.logStartOffset ?? -1,
          highWatermark: log?.highWatermark ?? -1,
          logEndOffset: log?.logEndOffset ?? -1,
          sizeBytes: log?.sizeBytes ?? -1,
          segmentCount: log?.segmentCount ?? -1,
          replicaStates: log === undefined ? [] : replicaStatesOf(log),
        };
      }),
    };
  }

  async listTopics(options?: CallOptions): Promise<readonly ListedTopic[]> {
    const deadline = this.#deadline('listTopics', options);
    const response = await this.#retry(deadline, () => this.#cluster.metadata.ask(null));
    const topics = response.topics.filter(({ errorCode }) => errorCode === 0);
    const listed = topics.map(
      ({ name, topicId, internal, partitions }): ListedTopic => ({
        topic: name,
        topicId: topicId ?? '',
        partitions: partitions.length,
        replicationFactor: partitions[0]?.replicas.length ?? 0,
        internal,
      }),
    );
    return listed.sort((a, b) => (a.topic < b.topic ? -1 : 1));
  }

  async describeConfigs(
    resource: ConfigResource,
    options?: CallOptions,
  ): Promise<readonly ConfigEntry[]> {
    const deadline = this.#deadline('describeConfigs', options);
    const isTopic = 'topic' in resource;
    const name = isTopic ? checkedTopic(resource.topic) : String(resource.broker);
    const type = isTopic ? TOPIC_RESOURCE : BROKER_RESOURCE;
    const request = () => ({ resources: [{ type, name }] });
    // A broker tells only of itself.
    const brokerId = isTopic ? undefined : resource.broker;
    if (brokerId !== undefined) await this.#retry(deadline, () => this.#cluster.metadata.ask([]));
    const what = `configuration of ${isTopic ? 'topic' : 'broker'} "${name}"`;
    const answer = this.#call(describeConfigsApi, deadline, request, {
      brokerId,
      read: ({ resources }) => succeeded(resources, what),
    });
    const described = await (isTopic ? this.#ofTopic(name, deadline, answer) : answer);
    return described.entries.map(({ source, ...entry }) => ({
      ...entry,
      source: configSources[source] ?? 'default',
    }));
  }

  async alterConfigs(
    topic: string,
    changes: Readonly<Record<string, string | number | boolean | null>>,
    options: CallOptions & { readonly validateOnly?: boolean } = {},
  ): Promise<void> {
    const name = checkedTopic(topic);
    const deadline = this.#deadline('alterConfigs', options);
    const wanted = Object.entries(changes).map(([configName, value]) => ({
      name: configName,
      value: value === null ? null : String(value),
    }));
    const altered = this.#call(
      alterConfigsApi,
      deadline,
      () => ({
        validateOnly: options.validateOnly ?? false,
        forwarded: false,
        topics: [{ name, changes: wanted }],
      }),
      { read: ({ topics }) => succeeded(topics, `topic "${name}" could not be altered`) },
    );
    await this.#ofTopic(name, deadline, altered);
  }

  async describeCluster(options?: CallOptions): Promise<ClusterDescription> {
    return this.#call(describeClusterApi, this.#deadline('describeCluster', options), () => ({}), {
      read: (response) => response,
    });
  }

  async describeHealth(options?: CallOptions): Promise<ClusterHealth> {
    const deadline = this.#deadline('describeHealth', options);
    const { coordinatorState } = await this.#call(describeClusterApi, deadline, () => ({}), {
      read: (response) => response,
    });
    const metadata = await this.#retry(deadline, () => this.#cluster.metadata.ask(null));
    const unreachable = await this.#unreachable(metadata.brokers, deadline);
    return healthOf(metadata, { coordinatorState, unreachable });
  }

  /** Asks each broker something, once. */
  async #unreachable(
    brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[],
    deadline: Deadline,
  ): Promise<readonly UnreachableBroker[]> {
    const { pool, environment } = this.#cluster;
    const { signal } = deadline;
    const timeoutMs = Math.min(deadline.remainingMs, PROBE_MS_MAX);
    const probed = brokers.map(async ({ id, host, port }) => {
      const options = { timeoutMs, ...(signal === undefined ? {} : { signal }) };
      const answer = pool
        .broker(id)
        .then((connection) => connection.call(describeClusterApi, {}, { timeoutMs }));
      try {
        await new Deadline(environment, `a question to broker ${id}`, options).race(answer);
        return [];
      } catch (error) {
        deadline.check(error);
        return [{ id, host, port, reason: connectReason(error) }];
      }
    });
    return (await Promise.all(probed)).flat();
  }

  async createPartitions(
    request: {
      readonly topic: string;
      readonly partitions: number;
      readonly assignments?: readonly (readonly number[])[];
      readonly validateOnly?: boolean;
    },
    options?: CallOptions,
  ): Promise<void> {
    const name = checkedTopic(request.topic);
    const deadline = this.#deadline('createPartitions', options);
    const assignments = request.assignments?.map((replicas) => [...replicas]) ?? null;
    const created = this.#call(
      createPartitionsApi,
      deadline,
      (timeoutMs) => ({
        timeoutMs,
        validateOnly: request.validateOnly ?? false,
        forwarded: false,
        topics: [{ name, partitionCount: request.partitions, assignments }],
      }),
      { read: ({ topics }) => succeeded(topics, `topic "${name}" got no further partitions`) },
    );
    await this.#ofTopic(name, deadline, created);
  }

  async alterReassignments(
    changes: readonly ReassignmentRequest[],
    options?: CallOptions,
  ): Promise<readonly PartitionResult[]> {
    const topics = byTopic(changes, ({ partition, replicas, throttle }) => ({
      index: partition,
      replicas: replicas === null ? null : [...replicas],
      throttle: throttle === undefined ? 0 : checkedThrottle(throttle),
    }));
    return this.#call(
      alterReassignmentsApi,
      this.#deadline('alterReassignments', options),
      (timeoutMs) => ({ timeoutMs, forwarded: false, topics }),
      { read: (response) => resultsOrRefusal(response.topics) },
    );
  }

  async listReassignments(
    query: { readonly topics?: readonly string[] } = {},
    options?: CallOptions,
  ): Promise<readonly Reassignment[]> {
    const topics = query.topics?.map(checkedTopic) ?? null;
    const deadline = this.#deadline('listReassignments', options);
    return this.#call(listReassignmentsApi, deadline, () => ({ topics }), {
      read: (response) =>
        response.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ index, ...move }) => ({ topic: name, partition: index, ...move })),
        ),
    });
  }

  async electLeaders(
    request: {
      readonly election: 'preferred' | 'unclean';
      readonly partitions?: readonly PartitionName[];
    },
    options?: CallOptions,
  ): Promise<readonly PartitionResult[]> {
    const { election, partitions } = request;
    const topics =
      partitions === undefined ? null : byTopic(partitions, ({ partition }) => partition);
    return this.#call(
      electLeadersApi,
      this.#deadline('electLeaders', options),
      (timeoutMs) => ({
        electionType: election === 'unclean' ? UNCLEAN_ELECTION : PREFERRED_ELECTION,
        timeoutMs,
        forwarded: false,
        topics,
      }),
      {
        read: (response) =>
          topics === null ? resultsOf(response.topics) : resultsOrRefusal(response.topics),
      },
    );
  }

  async listOffsets(
    query: {
      readonly topic: string;
      readonly partitions?: readonly number[];
      readonly at: OffsetQuery;
      readonly isolation?: 'uncommitted' | 'committed';
    },
    options?: CallOptions,
  ): Promise<readonly ListedOffset[]> {
    const deadline = this.#deadline('listOffsets', options);
    const topic = checkedTopic(query.topic);
    const timestamp = timestampOf(query.at);
    this.#cluster.metadata.retain(topic);
    try {
      const metadata = await this.#cluster.metadata.resolve(topic, deadline);
      const partitions = query.partitions ?? metadata.partitions.map(({ partition }) => partition);
      const found = await queryOffsets(this.#cluster, {
        wanted: partitions.map((partition) => ({ topic, partition, timestamp })),
        isolation: query.isolation ?? 'uncommitted',
        deadline,
      });
      return [...found].sort((a, b) => a.partition - b.partition);
    } finally {
      this.#cluster.metadata.release(topic);
    }
  }

  #deadline(what: string, options: CallOptions = {}): Deadline {
    const timeoutMs = options.timeoutMs ?? this.#cluster.context.requestTimeoutMs;
    return new Deadline(this.#cluster.environment, what, { ...options, timeoutMs });
  }

  /**
   * One request to any broker, or to one. Tried again as long as no bytes have left, or the answer
   * says that it was not done; a lost answer is the caller's to judge.
   *
   * @param options.read takes the result out of the response, or throws what it says.
   */
  #call<Request, Response, Result>(
    api: Api<Request, Response>,
    deadline: Deadline,
    request: (timeoutMs: number) => Request,
    options: { readonly brokerId?: number | undefined; readonly read: (r: Response) => Result },
  ): Promise<Result> {
    const { pool } = this.#cluster;
    const { brokerId, read } = options;
    const attempt = async (): Promise<Result> => {
      const connection = await (brokerId === undefined ? pool.any() : pool.broker(brokerId));
      const timeoutMs = Math.max(Math.ceil(deadline.remainingMs), 1);
      const { signal } = deadline;
      return read(await connection.call(api, request(timeoutMs), { timeoutMs, signal }));
    };
    return this.#retry(deadline, attempt, wasNotDone);
  }

  /** The answer about a topic; that it does not exist is said with the nearest name. */
  async #ofTopic<T>(topic: string, deadline: Deadline, answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (!isUnknownTopic(error)) throw error;
      throw await this.#unknownTopic(topic, deadline);
    }
  }

  /** @param isRepeatable whether the attempt that failed so may be made again; see `wasNotDone`. */
  async #retry<T>(
    deadline: Deadline,
    attempt: () => Promise<T>,
    isRepeatable: (error: ProtocolError) => boolean = () => true,
  ): Promise<T> {
    for (;;) {
      deadline.check();
      try {
        return await deadline.race(attempt());
      } catch (error) {
        if (!(error instanceof ProtocolError && error.retriable && isRepeatable(error))) {
          throw error;
        }
        await deadline.sleep(RETRY_PAUSE_MS, error);
      }
    }
  }

  async #topic(topic: string, deadline: Deadline): Promise<TopicMetadata> {
    const response = await this.#retry(deadline, () => this.#cluster.metadata.ask([topic]));
    const answer = only(response.topics, `topic "${topic}"`);
    const name = errorName(answer.errorCode);
    if (name === 'UNKNOWN_TOPIC_OR_PARTITION') throw await this.#unknownTopic(topic, deadline);
    throwIfFailed({ ...answer, errorMessage: null }, `topic "${topic}"`);
    return mergeTopic(undefined, answer);
  }

  async #unknownTopic(topic: string, deadline: Deadline): Promise<ProtocolError> {
    const response = await this.#retry(deadline, () => this.#cluster.metadata.ask(null));
    return unknownTopicError(
      topic,
      response.topics.map(({ name }) => name),
    );
  }

  /** By partition; what no leader could tell is missing. */
  async #describeLogs(
    { topic, partitions }: TopicMetadata,
    deadline: Deadline,
  ): Promise<ReadonlyMap<number, LogDescription>> {
    const byLeader = groupBy(partitions, ({ leader }) => leader);
    byLeader.delete(-1);
    const logs = new Map<number, LogDescription>();
    const asked = [...byLeader].map(async ([leader, led]) => {
      const indexes = led.map(({ partition }) => partition);
      const request = () => ({ topics: [{ name: topic, partitions: indexes }] });
      const response = await this.#call(describePartitionsApi, deadline, request, {
        brokerId: leader,
        read: (answer) => answer,
      });
      for (const log of response.topics.flatMap((answer) => answer.partitions)) {
        if (log.errorCode === 0) logs.set(log.index, log);
      }
    });
    for (const result of await Promise.allSettled(asked)) {
      // A leader that is away leaves its partitions without offsets; the description still helps.
      if (result.status === 'rejected' && !isAway(result.reason)) throw result.reason;
    }
    return logs;
  }
}

/**
 * Whether the request surely changed nothing: it never left, or the answer says so. A topic that does
 * not exist will not come into being by asking.
 */
function wasNotDone(error: ProtocolError): boolean {
  if (isUnknownTopic(error)) return false;
  return error.details['sent'] === false || error.definition.outcomeUnknown !== true;
}

function isAway(error: unknown): boolean {
  if (error instanceof ClientError) return error.code === 'NO_BROKER_AVAILABLE';
  return error instanceof ProtocolError && error.code === 'NETWORK_EXCEPTION';
}

function replicaStatesOf({
  logEndOffset,
  replicas,
}: LogDescription): readonly ReplicaDescription[] {
  return replicas.map(({ id, ...state }) => ({
    broker: id,
    ...state,
    lag: state.logEndOffset < 0 ? -1 : Math.max(logEndOffset - state.logEndOffset, 0),
  }));
}

function checkedThrottle(bytesPerSecond: number): number {
  if (Number.isSafeInteger(bytesPerSecond) && bytesPerSecond > 0) return bytesPerSecond;
  throw new TypeError(`throttle must be whole bytes per second from 1, not ${bytesPerSecond}`);
}

function timestampOf(at: OffsetQuery): number {
  if (at === 'earliest') return -2;
  if (at === 'latest') return -1;
  if (at === 'maxTimestamp') return -3;
  const time = at.time instanceof Date ? at.time.getTime() : at.time;
  if (Number.isSafeInteger(time) && time >= 0) return time;
  throw new TypeError(
    `time must be whole milliseconds since 1970 or a Date, not ${String(at.time)}`,
  );
}

function isUnknownTopic(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION';
}

/** The only answer. @throws {ProtocolError} what it says, if it is an error. */
function succeeded<T extends { readonly errorCode: number; readonly errorMessage?: string | null }>(
  answers: readonly T[],
  what: string,
): T {
  const answer = only(answers, what);
  throwIfFailed(answer, what);
  return answer;
}

function only<T>(answers: readonly T[], what: string): T {
  const [answer] = answers;
  if (answer !== undefined && answers.length === 1) return answer;
  throw new ProtocolError('UNKNOWN_SERVER_ERROR', `the broker did not answer for ${what}`);
}

function throwIfFailed(
  answer: { readonly errorCode: number; readonly errorMessage?: string | null },
  what: string,
): void {
  if (answer.errorCode === 0) return;
  const name: ErrorName = errorName(answer.errorCode);
  throw new ProtocolError(
    name,
    answer.errorMessage ?? `${what}: ${new ProtocolError(name).message}`,
  );
}
