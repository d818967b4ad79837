/** The numbers are those of the pitfalls that a Kafka listener must not fall into. */

import { expect } from 'chai';
import {
  kafkaFetch,
  kafkaInitProducerId,
  kafkaListOffsets,
  kafkaOffsetForLeaderEpoch,
  kafkaProduce,
} from '../../../broker/index.ts';
import { crc32c } from '../../../common/index.ts';
import { buildControlBatch, RecordBatchView } from '../../../protocol/index.ts';
import type { KafkaTestClient } from '../../harness/kafkaClient.ts';
import { batchOf, batchOfCount } from '../../harness/protocol/batches.ts';
import { fetchInput, KafkaFixture } from './fixture.ts';

const TIMESTAMP = 1_700_000_000_000;

/** Changes bytes of a batch and makes its checksum right again. */
function altered(batch: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(batch);
  change(copy);
  copy.writeUInt32BE(crc32c(copy, 21, copy.length), 17);
  return copy;
}

describe('The Kafka listener: records', function () {
  this.timeout(60_000);
  let fixture: KafkaFixture;
  let client: KafkaTestClient;
  let topic: string;
  before(async () => {
    fixture = await KafkaFixture.start();
    client = await fixture.client();
  });
  after(() => fixture.stop());
  beforeEach(async () => {
    topic = await fixture.topic(client);
  });

  const highWatermark = async (name = topic): Promise<number> =>
    (await fixture.fetch(client, { topic: name })).responses[0]!.partitions[0]!.highWatermark;

  for (const [what, records, code] of [
    ['no batch', Buffer.alloc(0), 87],
    ['null', null, 87],
    ['two batches', Buffer.concat([batchOfCount(1), batchOfCount(1)]), 87],
    ['magic 1', altered(batchOfCount(1), (batch) => batch.writeInt8(1, 16)), 87],
    ['a wrong checksum', batchOfCount(3).fill(0xff, 70, 71), 2],
    ['a count that lies', altered(batchOfCount(3), (batch) => batch.writeInt32BE(2, 57)), 87],
    ['no record', altered(batchOfCount(1), (batch) => batch.writeInt32BE(0, 57)), 87],
    [
      'a control batch',
      Buffer.from(
        buildControlBatch({
          type: 'commit',
          producerId: 1,
          producerEpoch: 0,
          coordinatorEpoch: 0,
          timestamp: TIMESTAMP,
        } as never),
      ),
      undefined,
    ],
    [
      'a producer without a sequence',
      altered(batchOfCount(1), (batch) => {
        batch.writeBigInt64BE(5n, 43);
        batch.writeInt16BE(0, 51);
      }),
      87,
    ],
  ] as const) {
    it(`21, 22: refuses ${what} and appends nothing`, async () => {
      const result = await fixture.produce(client, topic, records);
      expect(result.baseOffset).to.equal(-1);
      if (code === undefined) expect(result.errorCode).to.be.oneOf([53, 87]);
      else expect(result.errorCode).to.equal(code);
      expect(await highWatermark()).to.equal(0);
    });
  }

  it('21: takes zstd from version 7 on', async () => {
    const batch = batchOfCount(20, 'zstd');
    expect((await fixture.produce(client, topic, batch, { version: 6 })).errorCode).to.equal(76);
    expect((await fixture.produce(client, topic, batch, { version: 7 })).errorCode).to.equal(0);
  });

  it('21: lets the partitions that can be appended to have their records', async () => {
    const { responses } = await client.call(kafkaProduce, 9, {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [
        {
          name: topic,
          partitionData: [
            { index: 7, records: batchOfCount(1) },
            { index: 0, records: batchOfCount(2) },
            { index: 0, records: Buffer.alloc(0) },
          ],
        },
      ],
    });
    const results = responses[0]!.partitionResponses;
    expect(results.map(({ index, errorCode }) => [index, errorCode])).to.deep.equal([
      [7, 3],
      [0, 0],
      [0, 87],
    ]);
  });

  it('23: measures a batch as it was sent', async () => {
    const small = await fixture.topic(client, { configs: { 'max.message.bytes': '500' } });
    expect((await fixture.produce(client, small, batchOfCount(20))).errorCode).to.equal(10);
    expect((await fixture.produce(client, small, batchOfCount(20, 'gzip'))).errorCode).to.equal(0);
  });

  it('25: tells the offset, and a time only where the broker gave one', async () => {
    const first = await fixture.produce(client, topic, batchOfCount(3));
    const second = await fixture.produce(client, topic, batchOfCount(3));
    expect(first).to.include({ baseOffset: 0, logAppendTimeMs: -1, logStartOffset: 0 });
    expect(second).to.include({ baseOffset: 3 });
    const configs = { 'message.timestamp.type': 'LogAppendTime' };
    const stamped = await fixture.topic(client, { configs });
    const result = await fixture.produce(client, stamped, batchOfCount(1));
    expect(result.logAppendTimeMs).to.be.greaterThan(TIMESTAMP);
  });

  it('26: shows what it has acknowledged at once', async () => {
    for (let n = 1; n <= 5; n++) {
      await fixture.produce(client, topic, batchOfCount(1));
      expect(await highWatermark()).to.equal(n);
    }
  });

  it('28: gives a repeated batch its first offset, and sees gaps and old epochs', async () => {
    const ids = await client.call(kafkaInitProducerId, 0, {
      transactionalId: null,
      transactionTimeoutMs: 1_000,
    });
    expect(ids.errorCode).to.equal(0);
    const numbered = (baseSequence: number, producerEpoch: number): Buffer =>
      batchOf([{ value: 'x' }], { producerId: ids.producerId, producerEpoch, baseSequence });
    const send = async (sequence: number, epoch = 0): Promise<[number, number]> => {
      const result = await fixture.produce(client, topic, numbered(sequence, epoch));
      return [result.errorCode, result.baseOffset];
    };
    expect(await send(0)).to.deep.equal([0, 0]);
    expect(await send(1)).to.deep.equal([0, 1]);
    expect(await send(0)).to.deep.equal([0, 0]);
    expect(await send(5)).to.deep.equal([45, -1]);
    expect(await send(0, 1)).to.deep.equal([0, 2]);
    expect(await send(2, 0)).to.deep.equal([47, -1]);
    expect(await highWatermark()).to.equal(3);
  });

  it('29: refuses transactions, as a whole', async () => {
    const batch = batchOf([{ value: 'x' }], {
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
    } as never);
    const { responses } = await client.call(kafkaProduce, 9, {
      transactionalId: 't',
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records: batch }] }],
    });
    expect(responses[0]!.partitionResponses[0]!.errorCode).to.equal(53);
  });

  it('30: gives an empty partition records of no length, not null', async () => {
    for (const version of [4, 11, 12]) {
      const [read] = (await fixture.fetch(client, { topic, version })).responses[0]!.partitions;
      expect(read!.records, `version ${version}`).to.have.length(0);
      expect(read!.errorCode).to.equal(0);
    }
  });

  it('31: gives the whole batch around an offset', async () => {
    await fixture.produce(client, topic, batchOfCount(10));
    const [read] = (await fixture.fetch(client, { topic, fetchOffset: 7 })).responses[0]!
      .partitions;
    const view = new RecordBatchView().at(read!.records!);
    expect([view.baseOffset, view.lastOffset]).to.deep.equal([0, 9]);
  });

  it('32, 33: sends one whole batch though it is too large, and then no more', async () => {
    const two = await fixture.topic(client, { partitions: 2 });
    for (const index of [0, 1]) await fixture.produce(client, two, batchOfCount(50), { index });
    const wanted = (partition: number): object => ({
      partition,
      fetchOffset: 0,
      partitionMaxBytes: 10,
    });
    const more = { maxBytes: 10, topics: [{ topic: two, partitions: [wanted(1), wanted(0)] }] };
    const { partitions } = (await fixture.fetch(client, { more: more as never })).responses[0]!;
    expect(partitions.map((it) => it.partitionIndex)).to.deep.equal([1, 0]);
    expect(partitions.map((it) => it.records!.length > 0)).to.deep.equal([true, false]);
    expect(new RecordBatchView().at(partitions[0]!.records!).sizeBytes).to.equal(
      partitions[0]!.records!.length,
    );
  });

  it('34: answers at once where there is enough, an error, or nothing to wait for', async () => {
    const waits = { maxWaitMs: 30_000, minBytes: 1 };
    await fixture.produce(client, topic, batchOfCount(1));
    await fixture.fetch(client, { topic, more: waits as never });
    await fixture.fetch(client, { topic: 'nowhere', more: waits as never });
    await fixture.fetch(client, { more: { ...waits, topics: [] } as never });
  });

  it('34: wakes a waiting fetch with the records that come', async () => {
    const reader = await fixture.client();
    const more = { maxWaitMs: 30_000, minBytes: 1 };
    reader.send(kafkaFetch, 12, fetchInput({ topic, more: more as never }) as never);
    await fixture.produce(client, topic, batchOfCount(2));
    const { responses } = reader.decode(kafkaFetch, 12, await reader.next());
    expect(responses[0]!.partitions[0]!.records!.length).to.be.greaterThan(0);
  });

  it('35: knows what is out of range, and the end, which is not', async () => {
    await fixture.produce(client, topic, batchOfCount(2));
    const at = async (fetchOffset: number): Promise<[number, number]> => {
      const [read] = (await fixture.fetch(client, { topic, fetchOffset })).responses[0]!.partitions;
      return [read!.errorCode, read!.highWatermark];
    };
    expect(await at(2)).to.deep.equal([0, 2]);
    expect(await at(3)).to.deep.equal([1, -1]);
  });

  it('37: names no aborted transactions to who reads uncommitted', async () => {
    const aborted = async (isolationLevel: number): Promise<unknown> => {
      const more = { isolationLevel } as never;
      const { responses } = await fixture.fetch(client, { topic, more });
      return responses[0]!.partitions[0]!.abortedTransactions;
    };
    expect(await aborted(0)).to.equal(null);
    expect(await aborted(1)).to.deep.equal([]);
  });

  it('38, 39: keeps a session and answers only what is new', async () => {
    const session = (sessionId: number, sessionEpoch: number, more: object = {}): never =>
      ({ sessionId, sessionEpoch, ...more }) as never;
    const full = await fixture.fetch(client, { topic, more: session(0, 0) });
    expect(full.sessionId).to.be.greaterThan(0);
    expect(full.responses).to.have.length(1);
    const none = { topics: [] };
    const quiet = await fixture.fetch(client, { more: session(full.sessionId, 1, none) });
    expect(quiet).to.include({ sessionId: full.sessionId, errorCode: 0 });
    expect(quiet.responses).to.deep.equal([]);
    await fixture.produce(client, topic, batchOfCount(1));
    const news = await fixture.fetch(client, { more: session(full.sessionId, 2, none) });
    expect(news.responses[0]!.partitions[0]!.records!.length).to.be.greaterThan(0);
    const stale = await fixture.fetch(client, { more: session(full.sessionId, 2, none) });
    expect(stale.errorCode).to.equal(71);
    const forgotten = { ...none, forgottenTopicsData: [{ topic, partitions: [0] }] };
    const less = await fixture.fetch(client, { more: session(full.sessionId, 3, forgotten) });
    expect(less.responses).to.deep.equal([]);
    await fixture.fetch(client, { more: session(full.sessionId, -1, none) });
    const gone = await fixture.fetch(client, { more: session(full.sessionId, 4, none) });
    expect(gone.errorCode).to.equal(70);
    expect((await fixture.fetch(client, { topic, more: session(0, -1) })).sessionId).to.equal(0);
  });

  it('40: checks the leader epoch that a client names', async () => {
    const at = async (currentLeaderEpoch: number): Promise<number> => {
      const partition = { currentLeaderEpoch } as never;
      return (await fixture.fetch(client, { topic, partition })).responses[0]!.partitions[0]!
        .errorCode;
    };
    const epoch = (await fixture.metadata(client, topic)).topics[0]!.partitions[0]!.leaderEpoch;
    expect([await at(epoch), await at(-1), await at(epoch + 1)]).to.deep.equal([0, 0, 75]);
  });

  it('40: says where an epoch ended, and where logs part', async () => {
    await fixture.produce(client, topic, batchOfCount(4));
    const epoch = (await fixture.metadata(client, topic)).topics[0]!.partitions[0]!.leaderEpoch;
    const { topics } = await client.call(kafkaOffsetForLeaderEpoch, 4, {
      topics: [
        {
          topic,
          partitions: [
            { partition: 0, leaderEpoch: epoch },
            { partition: 0, leaderEpoch: epoch + 9 },
          ],
        },
      ],
    });
    expect(topics[0]!.partitions.map((it) => [it.errorCode, it.endOffset])).to.deep.equal([
      [0, 4],
      [0, -1],
    ]);
  });

  it('43: finds topics by their ids from version 13 on', async () => {
    await fixture.produce(client, topic, batchOfCount(1));
    const { topicId } = (await fixture.metadata(client, topic)).topics[0]!;
    const known = await fixture.fetch(client, { version: 13, topicId });
    expect(known.responses[0]!.topicId).to.equal(topicId);
    expect(known.responses[0]!.partitions[0]!.records!.length).to.be.greaterThan(0);
    const unknown = await fixture.fetch(client, { version: 13, topicId: `${'A'.repeat(21)}Q` });
    expect(unknown.responses[0]!.partitions[0]!.errorCode).to.equal(100);
  });

  it('45, 46: finds offsets by time inside a batch, at both ends, and the newest record', async () => {
    await fixture.produce(client, topic, batchOfCount(10, 'gzip'));
    const find = async (timestamp: number, version = 7): Promise<[number, number, number]> => {
      const { topics } = await client.call(kafkaListOffsets, version, {
        replicaId: -1,
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }],
      });
      const { errorCode, offset, timestamp: found } = topics[0]!.partitions[0]!;
      return [errorCode, offset, found];
    };
    expect(await find(-1)).to.deep.equal([0, 10, -1]);
    expect(await find(-2)).to.deep.equal([0, 0, -1]);
    expect(await find(-3)).to.deep.equal([0, 9, TIMESTAMP + 9]);
    expect(await find(TIMESTAMP + 4)).to.deep.equal([0, 4, TIMESTAMP + 4]);
    expect(await find(TIMESTAMP + 99)).to.deep.equal([0, -1, -1]);
    expect(await find(-3, 6)).to.deep.equal([35, -1, -1]);
    expect(await find(-4, 8)).to.deep.equal([0, 0, -1]);
    expect(await find(-5, 9)).to.deep.equal([0, -1, -1]);
  });

  it('64: passes batches through as they were compressed', async () => {
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const name = await fixture.topic(client);
      const sent = batchOfCount(30, codec);
      await fixture.produce(client, name, sent);
      const [read] = (await fixture.fetch(client, { topic: name })).responses[0]!.partitions;
      // All but the base offset and the leader epoch, which the broker gives.
      expect(Buffer.from(read!.records!).subarray(16).equals(sent.subarray(16)), codec).to.equal(
        true,
      );
    }
  });
});
