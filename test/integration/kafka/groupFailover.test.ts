/** A coordinator dies: its members, their generation and their offsets live on, on another broker. */

import { expect } from 'chai';
import {
  kafkaFindCoordinator,
  kafkaHeartbeat,
  kafkaJoinGroup,
  kafkaOffsetCommit,
  kafkaOffsetFetch,
  kafkaSyncGroup,
} from '../../../broker/index.ts';
import { errorCatalogue } from '../../../protocol/index.ts';
import type { KafkaTestClient } from '../../harness/kafkaClient.ts';
import { waitFor } from '../../harness/waitFor.ts';
import { KafkaFixture } from './fixture.ts';

const GROUP = 'failover';

describe('A group whose coordinator is killed', function () {
  this.timeout(90_000);
  let fixture: KafkaFixture;

  before(async () => {
    fixture = await KafkaFixture.start({ 'offsets.topic.replication.factor': '3' }, 3);
  });
  after(() => fixture.stop());

  it('goes on with its members, its generation and its offsets', async () => {
    const first = await coordinator();
    const topic = await fixture.topic(first.client);
    const memberId = (await join(first.client, '')).memberId;
    const joined = await join(first.client, memberId);
    expect(joined).to.include({ errorCode: 0, generationId: 1, leader: memberId });
    const identity = { groupId: GROUP, memberId, generationId: 1 };
    const synced = await first.client.call(kafkaSyncGroup, 5, {
      ...identity,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [{ memberId, assignment: Buffer.from('all of it') }],
    });
    expect(synced.errorCode).to.equal(0);
    const committed = await first.client.call(kafkaOffsetCommit, 8, {
      groupId: GROUP,
      memberId,
      generationIdOrMemberEpoch: 1,
      topics: [
        {
          name: topic,
          partitions: [{ partitionIndex: 0, committedOffset: 42, committedMetadata: 'größe' }],
        },
      ],
    });
    expect(committed.topics[0]?.partitions[0]?.errorCode).to.equal(0);

    await fixture.cluster.brokers.find(({ id }) => id === first.id)?.kill9();
    const second = await coordinator(first.id);
    const offsets = await waitFor(
      async () => {
        const { groups } = await second.client.call(kafkaOffsetFetch, 8, {
          groups: [{ groupId: GROUP, topics: null }],
        });
        return groups[0]?.errorCode === 0 ? groups[0].topics : undefined;
      },
      { what: 'the next coordinator has loaded the group' },
    );
    expect(offsets[0]?.partitions[0]).to.include({ committedOffset: 42, metadata: 'größe' });
    const heartbeat = await second.client.call(kafkaHeartbeat, 4, identity);
    expect(heartbeat.errorCode).to.equal(0);
    const again = await second.client.call(kafkaSyncGroup, 5, { ...identity, assignments: [] });
    expect(again.assignment.toString()).to.equal('all of it');
    expect(await join(second.client, memberId)).to.include({ errorCode: 0, generationId: 2 });
  });

  /** Who coordinates the group, as the living brokers say, once it is not `except`. */
  function coordinator(except = 0): Promise<{ readonly id: number; client: KafkaTestClient }> {
    const asked = fixture.cluster.brokers.find(({ id }) => id !== except)!;
    return waitFor(
      async () => {
        const client = await fixture.client(asked.kafka);
        const { coordinators } = await client.call(kafkaFindCoordinator, 4, {
          keyType: 0,
          coordinatorKeys: [GROUP],
        });
        client.close();
        const [found] = coordinators;
        if (found?.errorCode !== 0 || found.nodeId === except) return undefined;
        return { id: found.nodeId, client: await fixture.client(`${found.host}:${found.port}`) };
      },
      { what: 'the group has a coordinator', timeoutMs: 30_000, intervalMs: 100 },
    );
  }

  async function join(
    client: KafkaTestClient,
    memberId: string,
  ): Promise<{ errorCode: number; generationId: number; leader: string; memberId: string }> {
    const passing: readonly number[] = [
      errorCatalogue.COORDINATOR_LOAD_IN_PROGRESS.code,
      errorCatalogue.NOT_COORDINATOR.code,
    ];
    return waitFor(
      async () => {
        const joined = await client.call(kafkaJoinGroup, 7, {
          groupId: GROUP,
          memberId,
          protocolType: 'consumer',
          protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
          sessionTimeoutMs: 30_000,
          rebalanceTimeoutMs: 30_000,
        });
        return passing.includes(joined.errorCode) ? undefined : joined;
      },
      { what: 'the coordinator has loaded the group' },
    );
  }
});
