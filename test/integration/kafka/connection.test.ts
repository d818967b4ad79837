/** The numbers are those of the pitfalls that a Kafka listener must not fall into. */

import { expect } from 'chai';
import {
  encodeRequest,
  kafkaApiVersions,
  kafkaFetch,
  kafkaMetadata,
  kafkaProduce,
} from '../../../broker/index.ts';
import type { KafkaTestClient } from '../../harness/kafkaClient.ts';
import { batchOfCount } from '../../harness/protocol/batches.ts';
import { waitFor } from '../../harness/waitFor.ts';
import { fetchInput, KafkaFixture } from './fixture.ts';

/** Broken into its fields, so that headers can be wrong. */
function frame(options: {
  readonly key: number;
  readonly version: number;
  readonly clientId?: string | null;
  readonly rest?: readonly number[];
}): Buffer {
  const { key, version, clientId = null, rest = [] } = options;
  const id = Buffer.from(clientId ?? '');
  const body = Buffer.alloc(10);
  body.writeInt16BE(key, 0);
  body.writeInt16BE(version, 2);
  body.writeInt32BE(77, 4);
  body.writeInt16BE(clientId === null ? -1 : id.length, 8);
  const whole = Buffer.concat([body, id, Buffer.from(rest)]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(whole.length);
  return Buffer.concat([length, whole]);
}

describe('The Kafka listener: connections and versions', function () {
  this.timeout(60_000);
  let fixture: KafkaFixture;
  let client: KafkaTestClient;
  before(async () => {
    fixture = await KafkaFixture.start();
  });
  after(() => fixture.stop());
  beforeEach(async () => {
    client = await fixture.client();
  });

  const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1.0' };

  it('1: takes null and empty client ids, below and above the flexible version', async () => {
    for (const clientId of [null, '']) {
      client.write(frame({ key: 18, version: 0, clientId }));
      expect(await client.next()).to.have.property('correlationId', 77);
      // No tags, then two compact strings of one letter and again no tags.
      client.write(frame({ key: 18, version: 3, clientId, rest: [0, 2, 97, 2, 49, 0] }));
      const response = client.decode(kafkaApiVersions, 3, await client.next());
      expect(response.errorCode).to.equal(0);
    }
  });

  it('2: answers ApiVersions without tags in the header, whatever the version', async () => {
    client.send(kafkaApiVersions, 3, software);
    const { bytes } = await client.next();
    // Correlation id, then at once the error code and the compact array.
    expect(bytes.readInt16BE(4)).to.equal(0);
    expect(bytes[6]).to.be.greaterThan(20);
  });

  for (const version of [5, 99]) {
    it(`3: answers ApiVersions version ${version} in version 0, naming what it has`, async () => {
      client.write(frame({ key: 18, version, rest: [0, 1, 2, 3, 4] }));
      const answer = await client.next();
      const response = client.decode(kafkaApiVersions, 0, answer);
      expect(response.errorCode).to.equal(35);
      expect(response.apiKeys).to.deep.equal([{ apiKey: 18, minVersion: 0, maxVersion: 4 }]);
      expect((await client.call(kafkaApiVersions, 4, software)).errorCode).to.equal(0);
    });
  }

  it('4: refuses software names that are none, and goes on', async () => {
    const wrong = { clientSoftwareName: '-x', clientSoftwareVersion: '' };
    expect((await client.call(kafkaApiVersions, 3, wrong)).errorCode).to.equal(42);
    expect((await client.call(kafkaApiVersions, 3, software)).errorCode).to.equal(0);
  });

  it('1.1: advertises the ranges by which clients switch features on', async () => {
    const { apiKeys } = await client.call(kafkaApiVersions, 3, software);
    const ranges = new Map(
      apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]),
    );
    const wanted: Readonly<Record<number, readonly [number, number]>> = {
      0: [0, 11],
      1: [4, 17],
      2: [1, 10],
      3: [0, 13],
      8: [2, 9],
      9: [1, 9],
      10: [0, 5],
      11: [0, 9],
      12: [0, 4],
      13: [0, 5],
      14: [0, 5],
      18: [0, 4],
      19: [2, 7],
      20: [1, 6],
      22: [0, 5],
      44: [0, 1],
      60: [0, 2],
    };
    for (const [key, range] of Object.entries(wanted)) {
      expect(ranges.get(Number(key)), `API ${key}`).to.deep.equal(range);
    }
    for (const inner of [4, 5, 6, 7, 24, 68, 69]) expect(ranges.has(inner)).to.equal(false);
  });

  for (const [what, bytes] of [
    ['an unknown key', frame({ key: 999, version: 0 })],
    ['a version that is too new', frame({ key: 3, version: 99 })],
    ['Produce version 2, which is advertised all the same', frame({ key: 0, version: 2 })],
    ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff, 0])],
    ['a length beyond the limit', Buffer.from([0x10, 0, 0, 0, 0])],
    ['a body that ends early', frame({ key: 3, version: 1, rest: [0, 0, 0, 9] })],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a TLS handshake', Buffer.from([0x16, 3, 1, 2, 0, 1])],
  ] as const) {
    it(`6: ends a connection that sends ${what}`, async () => {
      client.write(bytes);
      await client.untilClosed();
      expect(client.pending).to.have.length(0);
    });
  }

  it('6: says in the log who speaks another protocol', async () => {
    client.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await waitFor(() => /speaks HTTP to the Kafka listener/.test(fixture.cluster.broker.log), {
      what: 'the log names HTTP',
    });
  });

  it('7: skips tags that it does not know, at every level', async () => {
    const tag = [1, 50, 2, 1, 2];
    // Metadata 9: topics null, three booleans, then the tags.
    client.write(frame({ key: 3, version: 9, rest: [...tag, 0, 0, 0, 0, ...tag] }));
    const response = client.decode(kafkaMetadata, 9, await client.next());
    expect(response.brokers).to.have.length(1);
  });

  it('9: answers in the order of the requests, though a later one is ready first', async () => {
    const topic = await fixture.topic(client);
    const more = { maxWaitMs: 500, minBytes: 1 };
    const fetch = client.send(kafkaFetch, 12, fetchInput({ topic, more }) as never);
    const metadata = client.send(kafkaMetadata, 1, { topics: [] });
    const versions = client.send(kafkaApiVersions, 0, {});
    const order = [await client.next(), await client.next(), await client.next()];
    expect(order.map(({ correlationId }) => correlationId)).to.deep.equal([
      fetch,
      metadata,
      versions,
    ]);
  });

  it('9: keeps the order of 500 requests sent at once', async () => {
    const topic = await fixture.topic(client);
    const sent = Array.from({ length: 500 }, (_, n) =>
      n % 2 === 0
        ? client.send(kafkaMetadata, 1, { topics: [{ name: topic }] })
        : client.send(kafkaProduce, 7, {
            acks: -1,
            timeoutMs: 10_000,
            topicData: [{ name: topic, partitionData: [{ index: 0, records: batchOfCount(1) }] }],
          }),
    );
    const came: number[] = [];
    for (const _ of sent) came.push((await client.next()).correlationId);
    expect(came).to.deep.equal(sent);
  });

  it('10: answers nothing to acks 0, and ends the connection where it refuses', async () => {
    const topic = await fixture.topic(client);
    const produce = (name: string): void => {
      client.send(kafkaProduce, 7, {
        acks: 0,
        timeoutMs: 1_000,
        topicData: [{ name, partitionData: [{ index: 0, records: batchOfCount(2) }] }],
      });
    };
    produce(topic);
    const next = client.send(kafkaApiVersions, 0, {});
    expect(await client.next()).to.have.property('correlationId', next);
    produce('no-such-topic');
    await client.untilClosed();
    const other = await fixture.client();
    const [read] = (await fixture.fetch(other, { topic })).responses[0]!.partitions;
    expect(read?.highWatermark).to.equal(2);
  });

  it('10: refuses other acks in the answer of each partition', async () => {
    const topic = await fixture.topic(client);
    const result = await fixture.produce(client, topic, batchOfCount(1), { acks: 2 });
    expect(result).to.include({ errorCode: 21, baseOffset: -1 });
  });

  it('stays up under a connection that sends one byte at a time', async () => {
    const request = Buffer.concat(
      encodeRequest(kafkaMetadata, 1, { correlationId: 5, clientId: null }, { topics: null }),
    );
    for (const byte of request) client.write(Buffer.from([byte]));
    expect(await client.next()).to.have.property('correlationId', 5);
  });
});
