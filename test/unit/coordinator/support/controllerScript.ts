/**
 * Plays a script against the controller's state machine.
 *
 * A line that begins with ">" is a command; the lines below it, up to the next empty line, are what
 * it led to. "#" begins a comment. Writes are numbered in the order in which they are asked for and
 * stay open until a command answers them.
 *
 *     > load brokers=1,2 topics=t:1/2 deletions=u      two partitions, led by 1 and 2
 *     > load brokers=1,2 topics=t:1[1.2.3][1.2] configs=t:min.isr=2      replicas and ISR
 *     > load brokers=1,2,3 topics=t:2[2.3.1][2] moves=t:0:3:1              3 comes, 1 goes
 *     > isr t 0 from=1 epoch=0 version=0 isr=1,2@9     a leader asks for another ISR
 *     > brokers 1,2@9                                  broker 2 with epoch 9 (default: its id)
 *     > brokers 1,2?                                   broker 2 may have offline replicas
 *     > create t 3 | delete t | alter t k=v            requests are numbered
 *     > partitions t 4 | reassign t 0 2,3 | reassign t 0 cancel | reassignments
 *     > reassign t 0 2,3 1000                          at most 1000 bytes per second
 *     > elect preferred t 0 | elect unclean | rebalance 10
 *     > shutdown 1@1 | logdir 1@1 t 0
 *     > timeout 1
 *     > written W1 | written W1 fail BAD_VERSION 1 2   the operation 1 of the unit 2 (default: 0 0)
 *     > read t 0 leader=1 epoch=4 version=7 | read t 0 absent | read t 0 damaged
 *     > readConfigs t k=v 3 | readConfigs t damaged    at version 3
 *     > ack 1 | ack 1 failed=t                         with all that broker 1 is to be told
 *     > removed t | removed t error | tick
 *     > update 1 | update 1 from 2                     what broker 1 is to be told
 */

import {
  brokerEpoch,
  brokerId,
  type CoordinatorErrorCode,
  controllerEpoch,
  type TopicId,
} from '../../../../common/index.ts';
import type { AdminRequest } from '../../../../coordinator/controller/activeController.ts';
import type {
  LoadedCluster,
  LoadedState,
  ModelBroker,
} from '../../../../coordinator/controller/clusterModel.ts';
import type {
  ControllerEffect,
  ControllerEvent,
  UnitResult,
  WriteUnit,
} from '../../../../coordinator/controller/controllerEvents.ts';
import { ControllerState } from '../../../../coordinator/controller/controllerState.ts';
import { errorName } from '../../../../protocol/index.ts';
import { SimRandom } from '../../../simulation/kernel/index.ts';

interface Verdict {
  readonly errorCode?: number;
  readonly errorMessage?: string | null;
}

/** What the replies to all requests have, as far as it is shown. */
interface AnyReply extends Verdict {
  readonly remaining?: number;
  readonly topics?: readonly (Verdict & {
    readonly name?: string;
    readonly partitions?: readonly (Verdict & {
      readonly index: number;
      readonly leader?: number;
      readonly leaderEpoch?: number;
      readonly partitionEpoch?: number;
      readonly isr?: readonly number[];
      readonly replicas?: readonly number[];
      readonly addingReplicas?: readonly number[];
      readonly removingReplicas?: readonly number[];
      readonly throttle?: number;
    })[];
  })[];
}

export class ControllerScript {
  #state: ControllerState | undefined;
  readonly #writes = new Map<string, readonly WriteUnit[]>();
  /** Names for topic ids, which are random. */
  readonly #ids = new Map<string, string>();
  #requestCount = 0;

  /** @returns the script with the effects that its commands have now. */
  play(script: string): string {
    const lines: string[] = [];
    for (const line of script.split('\n')) {
      if (line.startsWith('#') || (line === '' && lines.at(-1) !== '')) lines.push(line);
      if (!line.startsWith('>')) continue;
      lines.push(line, ...this.#command(line.slice(1).trim().split(/\s+/)));
    }
    return `${lines.join('\n').trimEnd()}\n`;
  }

  #command(words: readonly string[]): string[] {
    const [command = '', ...rest] = words;
    const [first = '', second = '', third = ''] = rest;
    switch (command) {
      case 'load':
        return this.#load(rest);
      case 'brokers':
        return this.#step({ type: 'brokersChanged', brokers: parseBrokers(first) });
      case 'create':
        return this.#create(first, Number(second));
      case 'delete': {
        const request = { timeoutMs: 1, forwarded: false, names: [first] };
        return this.#step({ type: 'deleteTopics', requestId: this.#nextRequest(), request });
      }
      case 'alter':
        return this.#alter(first, second);
      case 'isr':
        return this.#isr(first, Number(second), rest.slice(2));
      case 'partitions':
      case 'reassign':
      case 'reassignments':
      case 'elect':
      case 'shutdown':
      case 'logdir':
        return this.#step({ requestId: this.#nextRequest(), ...this.#request(command, rest) });
      case 'rebalance':
        return this.#step({ type: 'rebalance', percentage: Number(first) });
      case 'readTopic': {
        const loaded = { kind: 'damaged', problem: 'garbage' } as const;
        return this.#step({ type: 'topicRead', topic: first, loaded });
      }
      case 'timeout':
        return this.#step({ type: 'requestTimedOut', requestId: Number(first) });
      case 'written':
        return this.#written(rest);
      case 'read': {
        const loaded = parseState(rest.slice(2));
        return this.#step({ type: 'stateRead', topic: first, partition: Number(second), loaded });
      }
      case 'readConfigs':
        return this.#readConfigs(first, second, Number(third));
      case 'ack':
        return this.#ack(Number(first), second);
      case 'removed': {
        const error = second === '' ? {} : { error: second };
        return this.#step({ type: 'topicRemoved', topic: first, ...error });
      }
      case 'tick':
        return this.#step({ type: 'tick' });
      case 'update':
        return this.#update(Number(first), third === '' ? undefined : Number(third));
      default:
        throw new Error(`The script has an unknown command "${command}"`);
    }
  }

  #load(words: readonly string[]): string[] {
    const options = new Map(words.map((word) => word.split('=') as [string, string]));
    const loaded: LoadedCluster = {
      brokers: parseBrokers(options.get('brokers') ?? ''),
      topics: split(options.get('topics')).map((text) =>
        withMoves(
          parseTopic(text, split(words.find((word) => word.startsWith('configs='))?.slice(8))),
          split(options.get('moves')),
        ),
      ),
      damagedTopics: new Map(split(options.get('damaged')).map((name) => [name, 'garbage'])),
      deletions: split(options.get('deletions')),
    };
    for (const { name, assignment } of loaded.topics) {
      if (assignment.topicId !== undefined) this.#ids.set(assignment.topicId, `id(${name})`);
    }
    this.#state = new ControllerState(
      {
        controllerId: brokerId(1),
        controllerEpoch: controllerEpoch(7),
        defaultPartitionCount: 2,
        defaultReplicationFactor: 1,
        deleteTopicEnable: true,
        validateTopicConfigs: (configs) => (configs.has('bad') ? 'Unknown "bad"' : undefined),
        topicRules: {
          minInsyncReplicas: (configs) => Number(configs.get('min.isr') ?? 1),
          isDurable: (configs) => !configs.has('volatile'),
          allowsUncleanElection: (configs) => configs.has('unclean'),
        },
      },
      new SimRandom(4, 'controller'),
      loaded,
    );
    return this.#step({ type: 'started' });
  }

  #create(name: string, partitionCount: number): string[] {
    const topic = { name, partitionCount, replicationFactor: -1, assignments: null, configs: [] };
    const request = { timeoutMs: 1, validateOnly: false, forwarded: false, topics: [topic] };
    return this.#step({ type: 'createTopics', requestId: this.#nextRequest(), request });
  }

  #request(command: string, words: readonly string[]): AdminRequest {
    const [first = '', second = '', third = '', fourth = '0'] = words;
    const common = { timeoutMs: 1, forwarded: false };
    const [broker] = /^\d/.test(first) ? parseBrokers(first) : [];
    const sender = { brokerId: broker?.id ?? -1, brokerEpoch: broker?.epoch ?? -1 };
    switch (command) {
      case 'partitions': {
        const topics = [{ name: first, partitionCount: Number(second), assignments: null }];
        return { type: 'createPartitions', request: { ...common, validateOnly: false, topics } };
      }
      case 'reassign': {
        const replicas = third === 'cancel' ? null : split(third).map(Number);
        const throttle = Number(fourth);
        const topics = [
          { name: first, partitions: [{ index: Number(second), replicas, throttle }] },
        ];
        return { type: 'alterReassignments', request: { ...common, topics } };
      }
      case 'reassignments':
        return { type: 'listReassignments', request: { topics: null } };
      case 'elect': {
        const electionType = first === 'preferred' ? 0 : 1;
        const topics = second === '' ? null : [{ name: second, partitions: [Number(third)] }];
        return { type: 'electLeaders', request: { ...common, electionType, topics } };
      }
      case 'shutdown':
        return { type: 'controlledShutdown', request: sender };
      default: {
        const topicId = this.#idOf(second);
        const topics = [{ topicId, partitions: [Number(third)] }];
        return { type: 'logDirFailure', request: { ...sender, topics } };
      }
    }
  }

  #idOf(name: string): string {
    return [...this.#ids].find(([, id]) => id === `id(${name})`)?.[0] ?? 'unknown';
  }

  #isr(name: string, index: number, words: readonly string[]): string[] {
    const value = valuesOf(words);
    const [leader] = parseBrokers(value('from'));
    const request = {
      brokerId: leader?.id ?? -1,
      brokerEpoch: leader?.epoch ?? -1,
      topics: [
        {
          topicId: this.#idOf(name),
          partitions: [
            {
              index,
              leaderEpoch: Number(value('epoch')),
              partitionEpoch: Number(value('version')),
              isr: parseBrokers(value('isr')).map(({ id, epoch }) => ({ id, epoch })),
            },
          ],
        },
      ],
    };
    return this.#step({ type: 'alterPartition', requestId: this.#nextRequest(), request });
  }

  #alter(name: string, change: string): string[] {
    const [key = '', value = ''] = change.split('=');
    const changes = [{ name: key, value: value === '' ? null : value }];
    const request = { validateOnly: false, forwarded: false, topics: [{ name, changes }] };
    return this.#step({ type: 'alterConfigs', requestId: this.#nextRequest(), request });
  }

  #readConfigs(topic: string, entry: string, version: number): string[] {
    if (entry === 'damaged') {
      const loaded = { kind: 'damaged', problem: 'garbage' } as const;
      return this.#step({ type: 'configsRead', topic, loaded });
    }
    const configs = new Map([entry.split('=') as [string, string]]);
    const loaded = { kind: 'configs', configs, version } as const;
    return this.#step({ type: 'configsRead', topic, loaded });
  }

  #written([
    id = '',
    verdict = '',
    code = '',
    failedIndex = '0',
    unit = '0',
  ]: readonly string[]): string[] {
    const units = this.#writes.get(id);
    if (units === undefined)
      throw new Error(`No open write "${id}" among ${[...this.#writes.keys()].join(' ')}`);
    this.#writes.delete(id);
    const failure: UnitResult = {
      ok: false,
      code: code as CoordinatorErrorCode,
      message: `refused: ${code}`,
      failedIndex: Number(failedIndex),
    };
    const results = units.map(
      (_unit, index): UnitResult =>
        verdict === 'fail' && index === Number(unit) ? failure : { ok: true },
    );
    return this.#step({ type: 'written', units, results });
  }

  #ack(id: number, failed: string): string[] {
    const update = this.#loaded.updateFor(id, undefined);
    if (update === undefined) return [`broker ${id} is not alive`];
    const names = failed === '' ? [] : split(failed.slice('failed='.length));
    const failedTopics = update.topics
      .filter(({ name }) => names.includes(name))
      .map(({ topicId }) => topicId);
    const { brokerEpoch: epoch, version } = update;
    return this.#step({ type: 'pushed', brokerId: id, brokerEpoch: epoch, version, failedTopics });
  }

  #update(id: number, from: number | undefined): string[] {
    const update = this.#loaded.updateFor(id, from);
    if (update === undefined) return ['nothing'];
    const { brokers, topics, removedTopics, baseVersion, version } = update;
    const lines = [`${baseVersion === -1 ? 'snapshot' : `from ${baseVersion}`} to ${version}`];
    if (brokers !== null)
      lines.push(`brokers ${brokers.map((b) => `${b.id}@${b.epoch}`).join(' ')}`);
    for (const { name, deleting, configs, partitions } of topics) {
      const config = configs.map((each) => ` ${each.name}=${each.value}`).join('');
      lines.push(`topic ${name}${deleting ? ' deleting' : ''}${config}`);
      for (const p of partitions) {
        lines.push(
          `  ${p.index}: leader ${p.leader} epoch ${p.leaderEpoch} isr [${p.isr.join(' ')}]` +
            (p.replicas.length > 1 ? ` of [${p.replicas.join(' ')}]` : '') +
            (p.eligibleLeaders.length > 0 ? ` eligible [${p.eligibleLeaders.join(' ')}]` : '') +
            (p.throttle > 0 ? ` throttle ${p.throttle}` : ''),
        );
      }
    }
    for (const topicId of removedTopics) lines.push(`removed ${this.#ids.get(topicId)}`);
    return lines;
  }

  get #loaded(): ControllerState {
    if (this.#state === undefined) throw new Error('The script must begin with "load"');
    return this.#state;
  }

  #nextRequest(): number {
    this.#requestCount += 1;
    return this.#requestCount;
  }

  #step(event: ControllerEvent): string[] {
    return this.#loaded.step(event).flatMap((effect) => this.#show(effect));
  }

  #show(effect: ControllerEffect): string[] {
    switch (effect.type) {
      case 'write': {
        const id = `W${this.#writeCount()}`;
        this.#writes.set(id, effect.units);
        return [`write ${id}`, ...effect.units.map((unit) => `  ${this.#showUnit(unit)}`)];
      }
      case 'reply':
        return showReply(effect.response as AnyReply).map(
          (text) => `reply ${effect.requestId} ${text}`,
        );
      case 'log':
        return effect.level === 'info' ? [] : [`${effect.level}: ${effect.message}`];
      case 'readConfigs':
        return [`read configs ${effect.topic}`];
      case 'readTopic':
        return [`read topic ${effect.topic}`];
      case 'readState':
        return [`read ${effect.topic} ${effect.partition}`];
      case 'removeTopic':
        return [`remove ${effect.topic}`];
      case 'push':
        return ['push'];
    }
  }

  #writesSoFar = 0;

  #writeCount(): number {
    this.#writesSoFar += 1;
    return this.#writesSoFar;
  }

  #showUnit({ operations, purpose }: WriteUnit): string {
    if (purpose.kind === 'createTopic') {
      this.#ids.set(purpose.plan.topicId, `id(${purpose.plan.name})`);
    }
    return operations
      .map((operation) => {
        const data = 'data' in operation ? Buffer.from(operation.data).toString() : '';
        const text = [...this.#ids].reduce((all, [id, name]) => all.replaceAll(id, name), data);
        const version = 'version' in operation ? `@${operation.version}` : '';
        return `${operation.type} ${operation.path}${version}${text === '' ? '' : ` ${text}`}`;
      })
      .join(' + ');
  }
}

function showVerdict({ errorCode, errorMessage }: Verdict): string {
  if (errorCode === undefined) return '';
  return ` ${errorName(errorCode)}${errorMessage ? `: ${errorMessage}` : ''}`;
}

function showReply(reply: AnyReply): string[] {
  const { topics = [], remaining } = reply;
  const whole = reply.errorCode !== undefined && (topics.length === 0 || reply.errorCode !== 0);
  return [
    ...(whole ? [showVerdict(reply).trim()] : []),
    ...(remaining === undefined ? [] : [`remaining ${remaining}`]),
    ...topics.flatMap(({ name, partitions, ...verdict }) =>
      partitions === undefined
        ? [`${name}${showVerdict(verdict)}`]
        : partitions.map((p) =>
            [
              `${name ?? ''}-${p.index}${showVerdict(p)}`,
              p.leader === undefined
                ? ''
                : ` leader ${p.leader} epoch ${p.leaderEpoch} version ${p.partitionEpoch}`,
              p.isr === undefined ? '' : ` isr [${p.isr.join(' ')}]`,
              p.replicas === undefined
                ? ''
                : ` [${p.replicas.join(' ')}] adding [${p.addingReplicas?.join(' ')}] ` +
                  `removing [${p.removingReplicas?.join(' ')}]` +
                  (p.throttle ? ` throttle ${p.throttle}` : ''),
            ].join(''),
          ),
    ),
  ];
}

function valuesOf(words: readonly string[]): (name: string) => string {
  return (name) => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
}

function split(text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : text.split(',');
}

function parseBrokers(text: string): ModelBroker[] {
  return split(text).map((each) => {
    const [id = '', epoch = id] = each.replace('?', '').split('@');
    const host = `host-${id}`;
    return {
      id: brokerId(Number(id)),
      epoch: brokerEpoch(Number(epoch)),
      host,
      port: 9192,
      rack: null,
      ...(each.endsWith('?') ? { offlineReplicas: true as const } : {}),
      kafkaEndpoints: [],
    };
  });
}

/**
 * `name:1/2`: a partition led by broker 1, another by 2; `-` for one that has no state yet. With
 * more than one replica `1[1.2.3][1.2]`: replicas and ISR.
 */
function parseTopic(text: string, configs: readonly string[]): LoadedCluster['topics'][number] {
  const [name = '', leaders = ''] = text.split(':');
  const parts = leaders.split('/').map((part) => {
    const [leader = '', replicas, isr] = part.split('[').map((each) => each.replace(']', ''));
    const known = leader === '-' ? 1 : Number(leader);
    return {
      leader,
      replicas: replicas?.split('.').map(Number) ?? [known],
      isr: (isr ?? replicas)?.split('.').map(Number) ?? [known],
    };
  });
  const own = configs
    .filter((each) => each.startsWith(`${name}:`))
    .map((each) => each.slice(name.length + 1).split('=') as [string, string]);
  return {
    name,
    version: 0,
    assignment: {
      topicId: `${name.padEnd(22, 'x')}` as TopicId,
      replicas: parts.map(({ replicas }) => replicas),
      addingReplicas: {},
      removingReplicas: {},
    },
    configs: new Map(own),
    configVersion: 0,
    states: parts.map(({ leader, isr }) =>
      leader === '-'
        ? { kind: 'absent' }
        : stateOf({ leader: Number(leader), epoch: 0, version: 0, isr }),
    ),
  };
}

/** `t:0:3:1`: of partition 0 the replica 3 comes and 1 goes. */
function withMoves(
  topic: LoadedCluster['topics'][number],
  moves: readonly string[],
): LoadedCluster['topics'][number] {
  const own = moves.map((each) => each.split(':')).filter(([name]) => name === topic.name);
  const lists = (at: number): Record<string, readonly number[]> =>
    Object.fromEntries(
      own.map((parts) => [parts[1] ?? '', (parts[at] ?? '').split('.').map(Number)]),
    );
  const assignment = { ...topic.assignment, addingReplicas: lists(2), removingReplicas: lists(3) };
  return { ...topic, assignment };
}

function parseState(words: readonly string[]): LoadedState {
  if (words[0] === 'absent') return { kind: 'absent' };
  if (words[0] === 'damaged') return { kind: 'damaged', problem: 'garbage' };
  const value = valuesOf(words);
  const [leader, epoch, version] = ['leader', 'epoch', 'version'].map((name) =>
    Number(value(name)),
  ) as [number, number, number];
  // Where nobody leads, the last leader was broker 1.
  const isr = value('isr') === '' ? [leader === -1 ? 1 : leader] : split(value('isr')).map(Number);
  return stateOf({ leader, epoch, version, isr });
}

function stateOf(o: {
  leader: number;
  epoch: number;
  version: number;
  isr: readonly number[];
}): LoadedState {
  const { isr } = o;
  const state = { leader: o.leader, leaderEpoch: o.epoch, isr, controllerEpoch: 1, others: {} };
  return { kind: 'state', state, version: o.version };
}
