/** Kafka's DumpLogSegments reads the groups and offsets that we wrote, with its --offsets-decoder. */

import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { OFFSETS_TOPIC } from '../../broker/group/index.ts';
import { defaultLogConfig, type LogConfig, LogManager } from '../../broker/log/index.ts';
import {
  NodeFileSystem,
  NodeHost,
  systemClock,
  systemRandom,
  systemTimers,
} from '../../common/environment/production/index.ts';
import { type LeaderEpoch, silentLogger, type TopicId } from '../../common/index.ts';
import { dumpLogSegments } from '../harness/dumpLogSegments.ts';
import { GROUP, GroupFixture } from '../harness/group/groupFixture.ts';
import { temporaryDirectory } from '../harness/temporaryDirectory.ts';

/** When the manual time of the fixture begins: all of it happens at once. */
const COMMITTED_MS = 1_767_225_605_000;
const config: LogConfig = { ...defaultLogConfig, cleanupPolicy: ['compact'] };

/** What a group coordinator did, as the batches of its partition. */
async function batchesOfAGroup(): Promise<{
  readonly partition: number;
  readonly batches: readonly Buffer[];
}> {
  const group = await new GroupFixture().lead();
  const [one, two] = [group.member(), group.member({ groupInstanceId: 'instance-1' })];
  await group.stable(one, two);
  await one.commit(42, { metadata: 'größe' });
  await two.commit(43, { topic: 'payments' });
  await group.coordinator.commitOffsets({
    groupId: GROUP,
    memberId: one.memberId,
    groupInstanceId: null,
    generationIdOrMemberEpoch: one.generationId,
    retentionMs: 60_000,
    topics: [
      {
        name: 'orders',
        partitions: [
          { partition: 1, committedOffset: 7, committedLeaderEpoch: -1, metadata: null },
        ],
      },
    ],
  });
  await one.leave();
  await two.leave();
  await group.time.advance(0);
  await group.coordinator.deleteGroups([GROUP]);
  return { partition: group.partition, batches: group.log.batches(group.partition) };
}

async function writeLog(directory: string): Promise<string> {
  const { partition, batches } = await batchesOfAGroup();
  const environment = {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    fileSystem: new NodeFileSystem(),
    host: new NodeHost(),
  };
  const manager = new LogManager(
    environment,
    { logDirs: [directory], brokerId: 1, clusterId: 'compat', configFor: () => config },
    silentLogger,
  );
  manager.start();
  const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ' as TopicId;
  const log = manager.create({ topic: OFFSETS_TOPIC, partition }, topicId, config);
  for (const batch of batches) {
    log.append(Buffer.from(batch), { leaderEpoch: 0 as LeaderEpoch, origin: 'client' });
  }
  manager.flushTurn();
  await manager.close();
  return path.join(directory, `${OFFSETS_TOPIC}-${partition}`, '00000000000000000000.log');
}

describe("Kafka's offsets decoder on a log directory that we wrote", function () {
  this.timeout(60_000);
  const root = temporaryDirectory('offsets-decoder');
  let output = '';

  before(async () => {
    output = await dumpLogSegments([await writeLog(path.join(root, 'log'))], ['--offsets-decoder']);
  });

  after(() => fs.rmSync(root, { recursive: true, force: true }));

  it('finds every batch valid', () => {
    expect(output).to.match(/isvalid: true/);
    expect(output).not.to.match(/isvalid: false|Failed to decode|Error|Exception/);
  });

  it('reads offsets with their metadata, epochs and expiry', () => {
    const value = { commitTimestamp: COMMITTED_MS };
    expect(payloads({ group: GROUP, topic: 'orders', partition: 0 })).to.deep.equal([
      { version: '3', data: { ...value, offset: 42, leaderEpoch: 3, metadata: 'größe' } },
      '<DELETE>',
    ]);
    expect(payloads({ group: GROUP, topic: 'orders', partition: 1 })).to.deep.equal([
      {
        version: '1',
        data: { ...value, offset: 7, metadata: '', expireTimestamp: COMMITTED_MS + 60_000 },
      },
      '<DELETE>',
    ]);
  });

  it('reads the group with its members, then empty, then gone', () => {
    const [stable, empty, gone, ...more] = payloads({ group: GROUP });
    expect(more).to.deep.equal([]);
    expect(gone).to.equal('<DELETE>');
    expect(empty).to.deep.equal({
      version: '3',
      data: {
        protocolType: 'consumer',
        generation: 2,
        protocol: null,
        leader: null,
        currentStateTimestamp: COMMITTED_MS,
        members: [],
      },
    });
    const { data } = stable as { readonly data: { readonly members: readonly object[] } };
    expect(data).to.include({ protocolType: 'consumer', generation: 1, protocol: 'range' });
    expect(data.members).to.have.length(2);
    expect(data.members[1]).to.deep.include({
      groupInstanceId: 'instance-1',
      clientHost: '/127.0.0.1',
      rebalanceTimeout: 60_000,
      sessionTimeout: 10_000,
      subscription: { topics: ['orders'], userData: null },
    });
  });

  /** What the records of one key held, in the order of the log. */
  function payloads(key: object): readonly unknown[] {
    return output.split('\n').flatMap((line) => {
      const match = /key: (\{.*?\}\}) payload: (.*)$/.exec(line);
      if (match === null) return [];
      const [, keyText = '', payload = ''] = match;
      const found = JSON.parse(keyText) as { readonly data: object };
      if (JSON.stringify(found.data) !== JSON.stringify(key)) return [];
      return [payload.startsWith('{') ? (JSON.parse(payload) as unknown) : payload];
    });
  }
});
