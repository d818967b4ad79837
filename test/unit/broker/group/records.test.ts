/** Records and partitions as Apache Kafka 3.9.2 itself writes and chooses them. */

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { groupPartition } from '../../../../broker/group/groupPartition.ts';
import {
  type CommittedOffset,
  decodeGroupMetadataValue,
  decodeGroupRecordKey,
  decodeOffsetCommitValue,
  encodeGroupMetadataKey,
  encodeGroupMetadataValue,
  encodeOffsetCommitKey,
  encodeOffsetCommitValue,
  type StoredGroup,
} from '../../../../broker/group/records/index.ts';
import { CorruptionError } from '../../../../common/index.ts';
import { plain } from '../../../harness/protocol/plain.ts';

/** Lines `name version hex`, and `hash partition group`; made by Kafka's own classes. */
const golden = readFileSync(new URL('../../../golden/group/kafka-3.9.2.txt', import.meta.url), {
  encoding: 'utf8',
})
  .trimEnd()
  .split('\n');

function bytes(name: string, version: number): Buffer {
  const prefix = `${name} ${version} `;
  const line = golden.find((it) => it.startsWith(prefix));
  return Buffer.from(line?.slice(prefix.length) ?? '', 'hex');
}

const committed: CommittedOffset = {
  offset: 1_234_567_890_123,
  leaderEpoch: 5,
  metadata: 'm€ta',
  commitTimestampMs: 1_700_000_000_123,
  expireTimestampMs: -1,
};

const group: StoredGroup = {
  protocolType: 'consumer',
  generationId: 42,
  protocolName: 'range',
  leader: 'client-1',
  stateTimestampMs: 1_700_000_000_456,
  members: [
    {
      memberId: 'client-1',
      groupInstanceId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      rebalanceTimeoutMs: 300_000,
      sessionTimeoutMs: 10_000,
      subscription: Buffer.from([0, 1, 2]),
      assignment: Buffer.alloc(0),
    },
    {
      memberId: 'inst-2',
      groupInstanceId: 'inst',
      clientId: '',
      clientHost: '/::1',
      rebalanceTimeoutMs: 60_000,
      sessionTimeoutMs: 45_000,
      subscription: Buffer.alloc(0),
      assignment: Buffer.from([9, 8, 7]),
    },
  ],
};

/** What a record of an older version can tell of the group. */
function groupAsOf(version: number): StoredGroup {
  return {
    ...group,
    stateTimestampMs: version >= 2 ? group.stateTimestampMs : -1,
    members: group.members.map((member) => ({
      ...member,
      groupInstanceId: version >= 3 ? member.groupInstanceId : null,
      rebalanceTimeoutMs: version >= 1 ? member.rebalanceTimeoutMs : member.sessionTimeoutMs,
    })),
  };
}

describe('records of groups and offsets', () => {
  it("are written as Kafka's, byte for byte", () => {
    const key = { groupId: 'größe', topic: 'orders', partition: 7 };
    expect(encodeOffsetCommitKey(key)).to.deep.equal(bytes('OffsetCommitKey', 1));
    expect(encodeOffsetCommitValue(committed)).to.deep.equal(bytes('OffsetCommitValue', 3));
    const expiring = { ...committed, expireTimestampMs: 1_700_000_600_123 };
    expect(encodeOffsetCommitValue(expiring)).to.deep.equal(bytes('OffsetCommitValue', 1));
    expect(encodeGroupMetadataKey('größe')).to.deep.equal(bytes('GroupMetadataKey', 2));
    expect(encodeGroupMetadataValue(group)).to.deep.equal(bytes('GroupMetadataValue', 3));
    const empty: StoredGroup = {
      protocolType: 'consumer',
      generationId: 43,
      protocolName: null,
      leader: null,
      stateTimestampMs: 1_700_000_000_789,
      members: [],
    };
    expect(encodeGroupMetadataValue(empty)).to.deep.equal(bytes('GroupMetadataValueEmpty', 3));
  });

  it('are read in every version that Kafka 3.9 knows', () => {
    for (const version of [0, 1, 2, 3, 4]) {
      const offset = decodeOffsetCommitValue(bytes('OffsetCommitValue', version));
      expect(offset, `offset version ${version}`).to.deep.equal({
        ...committed,
        leaderEpoch: version >= 3 ? 5 : -1,
        expireTimestampMs: version === 1 ? 1_700_000_600_123 : -1,
      });
      const found = decodeGroupMetadataValue(bytes('GroupMetadataValue', version));
      expect(plain(found), `group version ${version}`).to.deep.equal(plain(groupAsOf(version)));
    }
  });

  it('are told apart by the version of their key', () => {
    expect(decodeGroupRecordKey(bytes('OffsetCommitKey', 1))).to.deep.equal({
      kind: 'offset',
      groupId: 'größe',
      topic: 'orders',
      partition: 7,
    });
    expect(decodeGroupRecordKey(bytes('GroupMetadataKey', 2))).to.deep.equal({
      kind: 'group',
      groupId: 'größe',
    });
    expect(decodeGroupRecordKey(Buffer.from([0, 99, 1]))).to.deep.equal({
      kind: 'unknown',
      version: 99,
    });
  });

  it('cut short anywhere are corrupt, and nothing worse', () => {
    const whole = [
      [decodeGroupRecordKey, bytes('OffsetCommitKey', 1)],
      ...[0, 1, 2, 3, 4].flatMap((version) => [
        [decodeOffsetCommitValue, bytes('OffsetCommitValue', version)] as const,
        [decodeGroupMetadataValue, bytes('GroupMetadataValue', version)] as const,
      ]),
    ] as const;
    for (const [decode, value] of whole) {
      // The last byte of the newest version counts tagged fields, which nobody needs.
      for (let length = 0; length < value.length - 2; length += 1) {
        expect(() => decode(value.subarray(0, length))).to.throw(CorruptionError);
      }
    }
    expect(() => decodeOffsetCommitValue(Buffer.from([0, 5]))).to.throw(CorruptionError);
    expect(() => decodeGroupMetadataValue(Buffer.from([0, 5]))).to.throw(CorruptionError);
  });

  it("belong to the partition that Java's hash of the group says", () => {
    const lines = golden.filter((line) => line.startsWith('hash '));
    expect(lines).to.have.length(8);
    for (const line of lines) {
      const [, partition, ...rest] = line.split(' ');
      expect(groupPartition(rest.join(' '), 50), line).to.equal(Number(partition));
    }
  });
});
