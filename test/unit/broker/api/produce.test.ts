import { expect } from 'chai';
import { errorCode, setBatchProducer } from '../../../../protocol/index.ts';
import { batchOf, DataPath, type ProduceResponse, TOPIC_ID, type TestRequest } from './fixture.ts';

function results(request: TestRequest) {
  const response = request.response as ProduceResponse;
  return response.topics[0]!.partitions;
}

/** A batch of two records of an idempotent producer. */
function repeatable(producerId: number, baseSequence: number, producerEpoch = 0): Uint8Array {
  const batch = batchOf('a', 'b');
  setBatchProducer(batch, 0, { producerId, producerEpoch, baseSequence });
  return batch;
}

describe('Produce', () => {
  let path: DataPath;

  beforeEach(async () => {
    path = new DataPath();
    await path.lead();
  });

  it('acknowledges a batch only when it is on disk', async () => {
    const request = path.produce([batchOf('a', 'b')]);
    expect(request.response, 'before the write').to.equal(undefined);
    path.flush();
    expect(request.response, 'written, not synced').to.equal(undefined);
    await path.settle();
    expect(results(request)[0]).to.include({ errorCode: 0, baseOffset: 0, logStartOffset: 0 });
    expect(
      path.fileSystem
        .afterCrash('loseAllUnsynced')
        .snapshot()
        .get('/data/t-0/00000000000000000000.log'),
    ).to.have.length.greaterThan(61);
  });

  it('acknowledges from the page cache where the topic asks for no more', async () => {
    await path.lead({ topicConfigs: { 'flush.messages': '9223372036854775807' } });
    const request = path.produce([batchOf('a')]);
    path.flush();
    expect(results(request)[0]).to.include({ errorCode: 0, baseOffset: 0 });
  });

  it('answers a repeated batch with its first offset, and appends nothing', async () => {
    for (const acks of [1, -1]) {
      await path.lead();
      const base = path.replicas.partition('t', 0).log.logEndOffset;
      const first = path.produce([repeatable(acks + 10, 0)], { acks });
      const another = path.produce([repeatable(acks + 10, 2)], { acks });
      const again = path.produce([repeatable(acks + 10, 0)], { acks });
      path.flush();
      expect(again.response, 'before the first is on disk').to.equal(undefined);
      await path.settle();
      for (const [request, offset] of [
        [first, base],
        [another, base + 2],
        [again, base],
      ] as const) {
        expect(results(request)[0]).to.include({ errorCode: 0, baseOffset: offset });
      }
      const late = path.produce([repeatable(acks + 10, 2)], { acks });
      expect(late.response, 'within the turn').to.equal(undefined);
      path.flush();
      expect(results(late)[0]).to.include({ errorCode: 0, baseOffset: base + 2 });
      expect(path.replicas.partition('t', 0).log.logEndOffset).to.equal(base + 4);
    }
    expect(path.probe.producedRecordsTotal).to.equal(8);
  });

  it('refuses a repeated batch too when the first was lost on a full disk', async () => {
    path.fileSystem.inject({ operation: 'write', path: /\.log$/, error: 'ENOSPC' });
    const requests = [path.produce([repeatable(5, 0)]), path.produce([repeatable(5, 0)])];
    path.flush();
    await path.settle();
    for (const request of requests) {
      expect(results(request)[0]!.errorCode).to.equal(errorCode('KAFKA_STORAGE_ERROR'));
    }
    const retried = path.produce([repeatable(5, 0)]);
    path.flush();
    await path.settle();
    expect(results(retried)[0]).to.include({ errorCode: 0, baseOffset: 0 });
    expect(path.replicas.partition('t', 0).log.logEndOffset).to.equal(2);
  });

  it('refuses a gap in the sequence of a producer, and an old epoch', async () => {
    const codes: number[] = [];
    for (const batch of [
      repeatable(5, 0, 1),
      repeatable(5, 4, 1),
      repeatable(5, 2, 0),
      repeatable(5, 1, 1),
      repeatable(5, 2, 1),
    ]) {
      const request = path.produce([batch]);
      path.flush();
      await path.settle();
      codes.push(results(request)[0]!.errorCode);
    }
    const names = [
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      'INVALID_PRODUCER_EPOCH',
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
    ] as const;
    expect(codes).to.deep.equal([0, ...names.map((name) => errorCode(name)), 0]);
  });

  it('gives consecutive offsets to the batches of one turn and answers each request', async () => {
    const requests = [path.produce([batchOf('a', 'b', 'c')]), path.produce([batchOf('d')])];
    path.flush();
    await path.settle();
    expect(requests.map((request) => results(request)[0]!.baseOffset)).to.deep.equal([0, 3]);
    expect(path.probe).to.include({ producedBatchesTotal: 2, producedRecordsTotal: 4 });
  });

  it('answers acks 0 with nothing, and ends the connection where it refuses', () => {
    expect(path.produce([batchOf('a')], { acks: 0 }).dropped).to.equal(true);
    expect(path.produce([batchOf('a')], { acks: 0, topic: 'x' }).closedFor).to.be.a('string');
  });

  it('refuses acks that mean nothing', () => {
    const request = path.produce([batchOf('a')], { acks: 2 });
    expect(request.refusal?.error).to.equal('INVALID_REQUIRED_ACKS');
  });

  it('refuses a corrupt batch without touching the others of the request', async () => {
    await path.lead({ partitionCount: 2, leaderEpoch: 0 });
    const corrupt = batchOf('a');
    corrupt[corrupt.length - 1]! ^= 1;
    const request = path.produce([corrupt, batchOf('b')]);
    path.flush();
    await path.settle();
    expect(results(request).map((result) => result.errorCode)).to.deep.equal([
      errorCode('CORRUPT_MESSAGE'),
      0,
    ]);
    expect(results(request)[0]!.baseOffset).to.equal(-1);
  });

  it('checks the leader epoch that the client names, both ways', async () => {
    await path.lead({ leaderEpoch: 3 });
    const answer = (leaderEpoch: number): number =>
      results(path.produce([batchOf('a')], { leaderEpoch }))[0]!.errorCode;
    expect(answer(2)).to.equal(errorCode('FENCED_LEADER_EPOCH'));
    expect(answer(4)).to.equal(errorCode('UNKNOWN_LEADER_EPOCH'));
  });

  it('refuses a topic made anew under a name that the client knew as another', () => {
    const request = path.produce([batchOf('a')], { topicId: 'BBBBBBBBBBBBBBBBBBBBBQ' });
    expect(results(request)[0]!.errorCode).to.equal(errorCode('UNKNOWN_TOPIC_ID'));
    expect(path.produce([batchOf('a')], { topicId: TOPIC_ID }).response).to.equal(undefined);
  });

  it('names the leader when it is another broker', async () => {
    await path.lead({ leader: 2, leaderEpoch: 1 });
    expect(results(path.produce([batchOf('a')]))[0]).to.include({
      errorCode: errorCode('NOT_LEADER_OR_FOLLOWER'),
      leader: 2,
      leaderEpoch: 1,
    });
  });

  it('ends a wait with an unknown outcome when the leadership is lost before the sync', async () => {
    const request = path.produce([batchOf('a')]);
    path.flush();
    await path.lead({ leader: 2, leaderEpoch: 1 });
    expect(results(request)[0]!.errorCode).to.equal(errorCode('NOT_LEADER_OR_FOLLOWER'));
    await path.settle();
  });

  it('acknowledges nothing while the registration is lost', async () => {
    const before = path.produce([batchOf('a')]);
    path.flush();
    path.replicas.fence();
    expect(results(before)[0]!.errorCode).to.equal(errorCode('NOT_LEADER_OR_FOLLOWER'));
    const after = path.produce([batchOf('b')]);
    expect(results(after)[0]!.errorCode).to.equal(errorCode('NOT_LEADER_OR_FOLLOWER'));
    await path.settle();
  });

  it('times out with an unknown outcome when the disk does not answer', () => {
    const request = path.produce([batchOf('a')], { timeoutMs: 100 });
    path.flush();
    path.time.advance(120);
    expect(results(request)[0]!.errorCode).to.equal(errorCode('REQUEST_TIMED_OUT'));
  });

  it('answers KAFKA_STORAGE_ERROR when the sync fails, and never acknowledges again', async () => {
    path.fileSystem.inject({ operation: 'datasync', path: /\.log$/, error: 'EIO' });
    const request = path.produce([batchOf('a')]);
    path.flush();
    await path.settle();
    expect(results(request)[0]!.errorCode).to.equal(errorCode('KAFKA_STORAGE_ERROR'));
    const next = path.produce([batchOf('b')]);
    path.flush();
    await path.settle();
    expect(results(next)[0]!.errorCode).to.equal(errorCode('KAFKA_STORAGE_ERROR'));
  });
});
