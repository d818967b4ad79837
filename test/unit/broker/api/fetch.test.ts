import { expect } from 'chai';
import { batchPositions, errorCode } from '../../../../protocol/index.ts';
import { batchOf, DataPath, type FetchResponse, type TestRequest } from './fixture.ts';

function results(request: TestRequest) {
  expect(request.response, 'an answer').to.not.equal(undefined);
  return (request.response as FetchResponse).topics[0]!.partitions;
}

function batchesIn(records: Uint8Array | readonly Uint8Array[]): number {
  const bytes = records instanceof Uint8Array ? records : Buffer.concat([...records]);
  return [...batchPositions(bytes)].length;
}

describe('Fetch', () => {
  let path: DataPath;

  const write = async (...batches: readonly Uint8Array[]): Promise<void> => {
    for (const batch of batches) path.produce([batch], { acks: 0 });
    path.flush();
    await path.settle();
  };

  beforeEach(async () => {
    path = new DataPath();
    await path.lead();
  });

  const settled = async (request: TestRequest): Promise<TestRequest> => {
    await path.settle();
    return request;
  };

  it('reads from the file what is there', async () => {
    await write(batchOf('a', 'b'), batchOf('c'));
    const [result] = results(await settled(path.fetch(0)));
    expect(result).to.include({ errorCode: 0, highWatermark: 3, lastStableOffset: 3 });
    expect(batchesIn(result!.records)).to.equal(2);
  });

  it('returns the whole batch that holds the offset', async () => {
    await write(batchOf('a', 'b', 'c'));
    expect(batchesIn(results(await settled(path.fetch(2)))[0]!.records)).to.equal(1);
  });

  it('waits at the end and is woken by the sync that makes a record safe', async () => {
    const request = path.fetch(0);
    expect(request.response).to.equal(undefined);
    path.produce([batchOf('a')], { acks: 0 });
    path.flush();
    expect(request.response, 'written but not yet safe').to.equal(undefined);
    await path.settle();
    expect(batchesIn(results(request)[0]!.records)).to.equal(1);
    expect(path.fetchWaits.size).to.equal(0);
  });

  it('is woken by the append itself where the topic acknowledges from the page cache', async () => {
    await path.lead({ topicConfigs: { 'flush.messages': '9223372036854775807' } });
    const request = path.fetch(0);
    path.produce([batchOf('a')], { acks: 0 });
    path.flush();
    expect(batchesIn(results(request)[0]!.records)).to.equal(1);
  });

  it('answers with nothing when the time is over', () => {
    const request = path.fetch(0, { maxWaitMs: 100 });
    path.time.advance(90);
    expect(request.response).to.equal(undefined);
    path.time.advance(20);
    expect(batchesIn(results(request)[0]!.records)).to.equal(0);
  });

  it('reads from memory once somebody has read at the end', async () => {
    path.fetch(0, { maxWaitMs: 0 });
    await write(batchOf('a'));
    expect(batchesIn(results(path.fetch(0))[0]!.records)).to.equal(1);
  });

  it('answers once when its time ends during a read of the file', async () => {
    await write(batchOf('a'));
    const request = path.fetch(0, { minBytes: 1_000_000, maxWaitMs: 50 });
    path.time.advance(100);
    await path.settle();
    expect(batchesIn(results(request)[0]!.records)).to.equal(1);
  });

  it('waits on until minBytes are there', async () => {
    const one = batchOf('a');
    const request = path.fetch(0, { minBytes: one.length + 1 });
    await write(one);
    expect(request.response).to.equal(undefined);
    await write(batchOf('b'));
    expect(batchesIn(results(request)[0]!.records)).to.equal(2);
  });

  it('sends one batch even if it is larger than the limit, and no second one', async () => {
    await write(batchOf('a'.repeat(500)), batchOf('b'));
    const [result] = results(await settled(path.fetch(0, { maxBytes: 10 })));
    expect(batchesIn(result!.records)).to.equal(1);
  });

  it('shares the limit: what the first partition took is not there for the second', async () => {
    await path.lead({ partitionCount: 2 });
    const batch = batchOf('a'.repeat(400));
    path.produce([batch, batchOf('b'.repeat(400))], { acks: 0 });
    path.flush();
    await path.settle();
    const request = path.fetch(0, { partitionCount: 2, maxBytes: batch.length + 10 });
    const answered = results(await settled(request));
    expect(answered.map(({ records }) => batchesIn(records))).to.deep.equal([1, 0]);
    expect(answered[1]).to.include({ errorCode: 0, highWatermark: 1 });
  });

  it('refuses offsets outside of the log and says so at once', async () => {
    await write(batchOf('a'));
    const [result] = results(path.fetch(2));
    expect(result).to.include({
      errorCode: errorCode('OFFSET_OUT_OF_RANGE'),
      highWatermark: -1,
    });
  });

  it('tells a waiting consumer when the leadership moves', async () => {
    const request = path.fetch(0);
    await path.lead({ leader: 2, leaderEpoch: 1 });
    expect(results(request)[0]).to.include({
      errorCode: errorCode('NOT_LEADER_OR_FOLLOWER'),
      leader: 2,
    });
  });

  it('tells a waiting consumer when the registration is lost', () => {
    const request = path.fetch(0);
    path.replicas.fence();
    expect(results(request)[0]!.errorCode).to.equal(errorCode('NOT_LEADER_OR_FOLLOWER'));
  });
});
