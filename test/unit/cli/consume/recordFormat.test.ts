import { expect } from 'chai';
import { formatValue, jsonFormat } from '../../../../cli/consume/recordFormat.ts';
import type { ConsumedRecord } from '../../../../client/index.ts';

const record = {
  topic: 't',
  partition: 1,
  offset: 2,
  timestamp: 3,
  keyBytes: Buffer.from('ké'),
  valueBytes: Buffer.from('v'),
  headers: [
    ['h', Buffer.from('x')],
    ['h', null],
  ],
} as unknown as ConsumedRecord;
const tombstone = { ...record, keyBytes: null, valueBytes: null, headers: [] } as ConsumedRecord;

describe('how consume prints a record', () => {
  it('is the value alone, bytes as they are', () => {
    expect(String(formatValue(record))).to.equal('v\n');
    expect(String(formatValue(tombstone))).to.equal('\n');
  });

  it('is a JSON document with keys in a fixed order', () => {
    expect(jsonFormat('utf8')(record)).to.equal(
      '{"topic":"t","partition":1,"offset":2,"timestamp":3,"key":"ké","value":"v",' +
        '"headers":[["h","x"],["h",null]]}\n',
    );
    expect(jsonFormat('utf8')(tombstone)).to.contain('"key":null,"value":null,"headers":[]');
  });

  it('is base64 where asked for', () => {
    const { key, value, headers } = JSON.parse(String(jsonFormat('base64')(record)));
    expect({ key, value, headers }).to.deep.equal({
      key: Buffer.from('ké').toString('base64'),
      value: 'dg==',
      headers: [
        ['h', 'eA=='],
        ['h', null],
      ],
    });
  });
});
