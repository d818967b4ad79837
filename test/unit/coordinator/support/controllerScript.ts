/**
 * Plays a script against the controller's state machine.
 *
 * A line that begins with ">" is a command; the lines below it, up to the next empty line, are what
 * it led to. "#" begins a comment. Writes are numbered in the order in which they are asked for and
 * stay open until a command answers them.
 *
 *     > load brokers=1,2 topics=t:1/2 deletions=u      two partitions, led by 1 and 2
 *     > brokers 1,2@9                                  broker 2 with epoch 9 (default: its id)
 *     > create t 3 | delete t | alter t k=v            requests are numbered
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

/** Replies that name topics. */
interface AdminReply {
  readonly topics: readonly {
    readonly name: string;
    readonly errorCode: number;
    readonly errorMessage: string | null;
  }[];
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
      topics: split(options.get('topics')).map((text) => parseTopic(text)),
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
          `  ${p.index}: leader ${p.leader} epoch ${p.leaderEpoch} isr [${p.isr.join(' ')}]`,
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
        return (effect.response as AdminReply).topics.map(
          ({ name, errorCode, errorMessage }) =>
            `reply ${effect.requestId} ${name} ${errorName(errorCode)}` +
            (errorMessage === null ? '' : `: ${errorMessage}`),
        );
      case 'log':
        return effect.level === 'info' ? [] : [`${effect.level}: ${effect.message}`];
      case 'readConfigs':
        return [`read configs ${effect.topic}`];
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

function split(text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : text.split(',');
}

function parseBrokers(text: string): ModelBroker[] {
  return split(text).map((each) => {
    const [id = '', epoch = id] = each.split('@');
    const host = `host-${id}`;
    return {
      id: brokerId(Number(id)),
      epoch: brokerEpoch(Number(epoch)),
      host,
      port: 9192,
      rack: null,
    };
  });
}

/** `name:1/2`: a partition led by broker 1, another by 2; `-` for one that has no state yet. */
function parseTopic(text: string): LoadedCluster['topics'][number] {
  const [name = '', leaders = ''] = text.split(':');
  const parts = leaders.split('/');
  return {
    name,
    version: 0,
    assignment: {
      topicId: `${name.padEnd(22, 'x')}` as TopicId,
      replicas: parts.map((leader) => [leader === '-' ? 1 : Number(leader)]),
      addingReplicas: {},
      removingReplicas: {},
    },
    configs: new Map(),
    configVersion: 0,
    states: parts.map((leader) =>
      leader === '-'
        ? { kind: 'absent' }
        : stateOf({ leader: Number(leader), epoch: 0, version: 0 }),
    ),
  };
}

function parseState(words: readonly string[]): LoadedState {
  if (words[0] === 'absent') return { kind: 'absent' };
  if (words[0] === 'damaged') return { kind: 'damaged', problem: 'garbage' };
  const value = (name: string): number =>
    Number(words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1));
  return stateOf({ leader: value('leader'), epoch: value('epoch'), version: value('version') });
}

function stateOf(o: { leader: number; epoch: number; version: number }): LoadedState {
  // Where nobody leads, the last leader was broker 1.
  const isr = [o.leader === -1 ? 1 : o.leader];
  const state = { leader: o.leader, leaderEpoch: o.epoch, isr, controllerEpoch: 1, others: {} };
  return { kind: 'state', state, version: o.version };
}
