import { expect } from 'chai';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  KafkaWireError,
  kafkaApis,
  kafkaApiVersions,
  kafkaFetch,
  kafkaFindCoordinator,
  kafkaJoinGroup,
  kafkaListOffsets,
  kafkaMetadata,
  kafkaProduce,
  readRequestHeader,
  ZERO_UUID,
} from '../../../../../broker/kafka/wire/index.ts';

const LENGTH_BYTES = 4;
const header = { correlationId: 7, clientId: 'tester' };

/** @param hex of the frame after its length. */
function frameOf(hex: string): Buffer {
  return Buffer.from(`00000000${hex.replace(/[\s|]/g, '')}`, 'hex');
}

function headerOf(frame: Uint8Array): ReturnType<typeof readRequestHeader> {
  return readRequestHeader(frame, LENGTH_BYTES, frame.length - LENGTH_BYTES);
}

function refusalOf(action: () => unknown): KafkaWireError {
  try {
    action();
  } catch (error) {
    if (error instanceof KafkaWireError) return error;
    throw error;
  }
  throw new Error('Nothing was refused');
}

describe('the header of a request', () => {
  it('ends after the client id, whose length is never compact, below flexible versions', () => {
    const frame = frameOf('0003 0008 00000007 0002 6162 | ff');
    expect(headerOf(frame)).to.deep.equal({
      apiKey: 3,
      apiVersion: 8,
      correlationId: 7,
      clientId: 'ab',
      api: kafkaMetadata,
      bodyPosition: frame.length - 1,
    });
  });

  it('has tags after the client id in flexible versions, also when that is null or empty', () => {
    for (const [hex, clientId] of [
      ['ffff', null],
      ['0000', ''],
    ] as const) {
      const frame = frameOf(`0003 0009 00000007 ${hex} 01 05 02 aabb | ff`);
      const read = headerOf(frame);
      expect(read.clientId).to.equal(clientId);
      expect(read.bodyPosition).to.equal(frame.length - 1);
    }
  });

  it('is read for keys and versions that nobody knows', () => {
    const unknown = headerOf(frameOf('7fff 0001 00000007 ffff'));
    expect(unknown).to.include({ apiKey: 0x7fff, apiVersion: 1, api: undefined });
    const late = headerOf(frameOf('0012 0063 00000007 ffff 00'));
    expect(late).to.include({ apiKey: 18, apiVersion: 99, api: kafkaApiVersions });
  });

  it('is refused when it is cut short', () => {
    expect(refusalOf(() => headerOf(frameOf('0003 0009 0000'))).code).to.equal('INVALID_REQUEST');
    const name = () => headerOf(frameOf('0003 0008 00000007 0009 6162'));
    expect(refusalOf(name).code).to.equal('INVALID_REQUEST');
  });
});

describe('a request', () => {
  it('gives its records as views on the frame', () => {
    const records = Buffer.from('record batches');
    const value = {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 'orders', partitionData: [{ index: 3, records }] }],
    };
    for (const version of [3, 9]) {
      const frame = Buffer.concat(encodeRequest(kafkaProduce, version, header, value));
      const { bodyPosition } = headerOf(frame);
      const { topicData } = decodeRequest(kafkaProduce, version, frame, bodyPosition, frame.length);
      const view = topicData[0]?.partitionData[0]?.records;
      expect(view).to.deep.equal(records);
      expect(view?.buffer).to.equal(frame.buffer);
    }
  });

  it('has the defaults of fields that its version lacks', () => {
    const frame = Buffer.concat(encodeRequest(kafkaMetadata, 1, header, { topics: null }));
    const { bodyPosition } = headerOf(frame);
    expect(decodeRequest(kafkaMetadata, 1, frame, bodyPosition, frame.length)).to.deep.equal({
      topics: null,
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    });
  });

  it('may have tagged fields that nobody knows, at every level', () => {
    // Metadata 12: one topic with a tag 9 of three bytes, and after the body tags 0 and 300.
    const body = `02 ${'00'.repeat(16)} 02 61 01 09 03 010203 | 01 00 02 00 01 ff ac02 00`;
    const frame = frameOf(body);
    const value = decodeRequest(kafkaMetadata, 12, frame, LENGTH_BYTES, frame.length);
    expect(value.topics).to.deep.equal([{ topicId: ZERO_UUID, name: 'a' }]);
    expect(value.allowAutoTopicCreation).to.equal(true);
  });

  it('may have them beside those that are known', () => {
    // Fetch 12, after the fields: tag 0 is the cluster id, tags 7 and 8 are none.
    const fields = `${'00'.repeat(12)} 7fffffff 00 00000000 ffffffff 01 01 01`;
    const frame = frameOf(`${fields} 03 07 02 aabb 00 02 02 61 08 00 | ff`);
    expect(decodeRequest(kafkaFetch, 12, frame, 4, frame.length).clusterId).to.equal('a');
  });

  it('may be followed by bytes that nobody reads', () => {
    const frame = frameOf('0001 0000 ff ff ff');
    expect(decodeRequest(kafkaFindCoordinator, 0, frame, 4, frame.length).keyType).to.equal(0);
  });

  it('of a version outside of what is accepted is refused by another code', () => {
    for (const version of [-1, 2, 12, Number.NaN]) {
      const refusal = refusalOf(() => decodeRequest(kafkaProduce, version, frameOf(''), 4, 4));
      expect(refusal.code).to.equal('UNSUPPORTED_VERSION');
    }
  });
});

describe('hostile lengths', () => {
  /** Bytes that decoding took from the heap before it refused. */
  function refuse(decode: () => unknown): void {
    const before = process.memoryUsage().heapUsed;
    expect(refusalOf(decode).code).to.equal('INVALID_REQUEST');
    expect(process.memoryUsage().heapUsed - before).to.be.below(4 * 1024 * 1024);
  }

  it('of arrays are refused before anything is allocated', () => {
    const plainCount = frameOf('7fffffff 0001 61');
    const refused = /more elements than there are bytes/;
    expect(() => decodeRequest(kafkaMetadata, 1, plainCount, 4, plainCount.length)).to.throw(
      refused,
    );
    const compactCount = frameOf('ffffffff0f 02 61 00');
    const decode = () => decodeRequest(kafkaMetadata, 9, compactCount, 4, compactCount.length);
    expect(decode).to.throw(refused);
    refuse(decode);
  });

  it('of strings, bytes and records are refused', () => {
    // FindCoordinator 0: a string of 32767 bytes; FindCoordinator 3: compact, of 4 GiB.
    const plainString = frameOf('7fff 61');
    refuse(() => decodeRequest(kafkaFindCoordinator, 0, plainString, 4, plainString.length));
    const compactString = frameOf('ffffffff0f 61 00');
    refuse(() => decodeRequest(kafkaFindCoordinator, 3, compactString, 4, compactString.length));
    const records = frameOf('ffff 0001 00000000 00000001 0001 61 00000001 00000000 7fffffff 00');
    refuse(() => decodeRequest(kafkaProduce, 3, records, 4, records.length));
  });

  it('of strings above an int16 are refused though the bytes are there', () => {
    const longest = Buffer.concat([frameOf('808002'), Buffer.alloc(32_767, 'a'), Buffer.alloc(2)]);
    const { key } = decodeRequest(kafkaFindCoordinator, 3, longest, 4, longest.length);
    expect(key).to.have.length(32_767);
    const longer = Buffer.concat([frameOf('818002'), Buffer.alloc(32_768, 'a'), Buffer.alloc(2)]);
    refuse(() => decodeRequest(kafkaFindCoordinator, 3, longer, 4, longer.length));
  });

  it('of tags, and tags whose value has another size, are refused', () => {
    refuse(() => decodeRequest(kafkaFindCoordinator, 3, frameOf('01 00 ffffffff0f'), 4, 11));
    const longTag = frameOf('01 00 01 00 7f 61');
    refuse(() => decodeRequest(kafkaFindCoordinator, 3, longTag, 4, longTag.length));
    // Fetch 12, tag 0 of the body is the cluster id: a string of one byte, said to have three.
    const fetch = `${'00'.repeat(12)} 7fffffff 00 00000000 ffffffff 01 01 01`;
    const good = frameOf(`${fetch} 01 00 02 02 61`);
    expect(decodeRequest(kafkaFetch, 12, good, 4, good.length).clusterId).to.equal('a');
    const bad = frameOf(`${fetch} 01 00 03 02 61 00`);
    refuse(() => decodeRequest(kafkaFetch, 12, bad, 4, bad.length));
  });

  it('of varints without an end or with more than 32 bits are refused', () => {
    // FindCoordinator 4: no keys, and one tag without a value, whose number is the varint.
    const frameWith = (tag: string): Buffer => frameOf(`00 01 01 ${tag} 00`);
    const greatest = frameWith('ffffffff0f');
    const read = decodeRequest(kafkaFindCoordinator, 4, greatest, 4, greatest.length);
    expect(read.coordinatorKeys).to.deep.equal([]);
    for (const tag of ['ffffffff1f', 'ffffffffff', 'ffffffffff01', 'ffffffff8f00']) {
      const frame = frameWith(tag);
      refuse(() => decodeRequest(kafkaFindCoordinator, 4, frame, 4, frame.length));
    }
    const endless = frameOf('00 01 01 80');
    refuse(() => decodeRequest(kafkaFindCoordinator, 4, endless, 4, endless.length));
  });

  it('of nulls where none is allowed are refused', () => {
    const nullName = frameOf('00000001 ffff 00 00 00');
    refuse(() => decodeRequest(kafkaMetadata, 9, nullName, 4, nullName.length));
    const nullTopics = frameOf('ffffffff 00 ffffffff');
    refuse(() => decodeRequest(kafkaListOffsets, 2, nullTopics, 4, nullTopics.length));
  });

  it('cannot make a million small elements out of a large frame', () => {
    const names = 1_100_000;
    const frame = Buffer.alloc(LENGTH_BYTES + 4 + 2 * names);
    frame.writeInt32BE(names, LENGTH_BYTES);
    refuse(() => decodeRequest(kafkaMetadata, 1, frame, LENGTH_BYTES, frame.length));
  });
});

describe('a response', () => {
  it('takes few chunks, and records are not copied', () => {
    const one = Buffer.from('first batch');
    const two = Buffer.from('second batch');
    const partition = { errorCode: 0, highWatermark: 9 };
    const chunks = encodeResponse(kafkaFetch, 12, 7, {
      responses: [
        {
          topic: 'orders',
          partitions: [
            { ...partition, partitionIndex: 0, records: [one, two] },
            { ...partition, partitionIndex: 1, records: new Uint8Array(0) },
            { ...partition, partitionIndex: 2, records: two },
          ],
        },
      ],
    });
    expect(chunks).to.have.length(6);
    expect(chunks[1]).to.equal(one);
    expect(chunks[2]).to.equal(two);
    expect(chunks[4]).to.equal(two);
    const frame = Buffer.concat(chunks);
    expect(frame.readInt32BE(0)).to.equal(frame.length - LENGTH_BYTES);
    const { value } = decodeResponse(kafkaFetch, 12, frame, LENGTH_BYTES, frame.length);
    const found = value.responses[0]?.partitions.map(({ records }) => String(records));
    expect(found).to.deep.equal(['first batchsecond batch', '', 'second batch']);
  });

  it('to ApiVersions has no tags in its header, in no version', () => {
    const bytes = (version: number) =>
      Buffer.concat(encodeResponse(kafkaApiVersions, version, 7, { errorCode: 35, apiKeys: [] }));
    expect(bytes(0).toString('hex')).to.equal('0000000a000000070023' + '00000000');
    expect(bytes(3).toString('hex')).to.equal('0000000c000000070023' + '01' + '00000000' + '00');
  });

  it('is refused by a client that finds bytes after it', () => {
    const frame = Buffer.concat(
      encodeResponse(kafkaApiVersions, 0, 7, { errorCode: 35, apiKeys: [] }),
    );
    expect(decodeResponse(kafkaApiVersions, 0, frame, 4, frame.length).value.errorCode).to.equal(
      35,
    );
    const longer = Buffer.concat([frame, Buffer.alloc(1)]);
    const decode = () => decodeResponse(kafkaApiVersions, 0, longer, 4, longer.length);
    expect(refusalOf(decode).code).to.equal('INVALID_REQUEST');
  });

  it('leaves out fields that its version lacks, and tags that have their default', () => {
    const partition = { index: 0, errorCode: 6, baseOffset: -1 };
    const value = {
      responses: [
        {
          name: 'a',
          partitionResponses: [{ ...partition, currentLeader: { leaderId: 2, leaderEpoch: 5 } }],
        },
      ],
    };
    const bytes = (version: number) =>
      Buffer.concat(encodeResponse(kafkaProduce, version, 7, value));
    const without = { responses: [{ name: 'a', partitionResponses: [partition] }] };
    expect(bytes(9)).to.deep.equal(Buffer.concat(encodeResponse(kafkaProduce, 9, 7, without)));
    expect(bytes(10).length).to.be.above(bytes(9).length);
  });

  it('writes the size of a tag before it, of one byte or more', () => {
    for (const host of ['h', 'h'.repeat(300), 'h'.repeat(20_000)]) {
      const nodeEndpoints = [{ nodeId: 1, host, port: 9092, rack: null }];
      const value = { responses: [], nodeEndpoints };
      const frame = Buffer.concat(encodeResponse(kafkaProduce, 10, 7, value));
      const decoded = decodeResponse(kafkaProduce, 10, frame, LENGTH_BYTES, frame.length);
      expect(decoded.value.nodeEndpoints).to.deep.equal(nodeEndpoints);
    }
  });

  it('with a value that does not fit is refused, and the next one is not harmed', () => {
    const join = { errorCode: 0, leader: '', memberId: '', members: [], protocolName: null };
    expect(encodeResponse(kafkaJoinGroup, 7, 1, join)).to.have.length(1);
    const refusal = refusalOf(() => encodeResponse(kafkaJoinGroup, 6, 1, join));
    expect(refusal.code).to.equal('INVALID_VALUE');
    const broker = { nodeId: 2 ** 31, host: 'h', port: 1 };
    const metadata = { brokers: [broker], topics: [] };
    expect(refusalOf(() => encodeResponse(kafkaMetadata, 1, 1, metadata)).code).to.equal(
      'INVALID_VALUE',
    );
    const frame = Buffer.concat(
      encodeResponse(kafkaJoinGroup, 0, 1, { ...join, protocolName: '' }),
    );
    const { value } = decodeResponse(kafkaJoinGroup, 0, frame, LENGTH_BYTES, frame.length);
    expect(value.members).to.deep.equal([]);
  });

  it('keeps 64-bit numbers that are safe integers, and takes others as the nearest', () => {
    const frameWith = (offset: number): Buffer => {
      const topics = [{ name: 'a', partitions: [{ partitionIndex: 0, errorCode: 0, offset }] }];
      return Buffer.concat(encodeResponse(kafkaListOffsets, 1, 7, { topics }));
    };
    const offsetIn = (frame: Buffer): number | undefined => {
      const { value } = decodeResponse(kafkaListOffsets, 1, frame, LENGTH_BYTES, frame.length);
      return value.topics[0]?.partitions[0]?.offset;
    };
    for (const offset of [0, -1, -2, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 32, -(2 ** 32)]) {
      expect(offsetIn(frameWith(offset))).to.equal(offset);
    }
    const frame = frameWith(0);
    for (const [hex, offset] of [
      ['7fffffffffffffff', 2 ** 53 - 1],
      ['0020000000000000', 2 ** 53 - 1],
      ['8000000000000000', -(2 ** 53 - 1)],
    ] as const) {
      Buffer.from(hex, 'hex').copy(frame, frame.length - 8);
      expect(offsetIn(frame)).to.equal(offset);
    }
    for (const offset of [2 ** 53, 1.5, Number.NaN]) {
      expect(refusalOf(() => frameWith(offset)).code).to.equal('INVALID_VALUE');
    }
  });
});

describe('the catalogue of the Kafka protocol', () => {
  it('has each key once, and advertises nothing that begins above what is accepted', () => {
    for (const [key, api] of kafkaApis) {
      expect(api.key).to.equal(key);
      if (api.advertised === null) continue;
      expect(api.advertised.min, api.name).to.be.at.most(api.accepted.min);
      expect(api.advertised.max, api.name).to.equal(api.accepted.max);
    }
  });

  it('advertises Produce from 0, which it refuses', () => {
    expect(kafkaProduce.advertised).to.deep.equal({ min: 0, max: 11 });
    expect(kafkaProduce.accepted).to.deep.equal({ min: 3, max: 11 });
  });

  it('does not advertise the server-side group protocol', () => {
    expect([...kafkaApis.values()].filter(({ advertised }) => advertised === null)).to.have.length(
      2,
    );
    expect(kafkaApis.get(68)?.advertised).to.equal(null);
    expect(kafkaApis.get(69)?.advertised).to.equal(null);
  });
});
