import { expect } from 'chai';
import { AssertionError } from '../../../../common/index.ts';
import {
  compressionNames,
  RecordBatchBuilder,
  readRecords,
  runCompressionTask,
  verifyBatch,
} from '../../../../protocol/index.ts';
import { expectProtocolError } from '../../../harness/protocol/errors.ts';
import { plain } from '../../../harness/protocol/plain.ts';

describe('RecordBatchBuilder', () => {
  it('writes the bytes that Kafka documents', () => {
    const builder = new RecordBatchBuilder({ baseOffset: 1, partitionLeaderEpoch: 2 });
    builder.append('k', null, [], 1000);
    builder.append(
      null,
      Buffer.from('vv'),
      [
        ['h', 'x'],
        ['n', null],
      ],
      999,
    );
    const count = '00000002';
    const first = '0e 00 00 00 02 6b 01 00';
    const second = '1e 00 01 02 01 04 7676 04 02 68 02 78 02 6e 01';
    const expected = `${count}${first}${second}`.replaceAll(' ', '');
    expect(builder.build().subarray(57).toString('hex')).to.equal(expected);
  });

  it('foretells exactly how many bytes a record takes', () => {
    const builder = new RecordBatchBuilder();
    const values = ['', 'é', 'x'.repeat(63), 'x'.repeat(64), 'x'.repeat(9000), null];
    values.forEach((value, i) => {
      for (const headers of [[], [['name', value]]] as const) {
        const timestamp = 1_700_000_000_000 + (i % 2 === 0 ? 1 : -1) * 10 ** (2 * i);
        const before = builder.sizeBytes;
        const expected = builder.recordBytes(value, value, headers, timestamp);
        builder.append(value, value, headers, timestamp);
        expect(builder.sizeBytes - before).to.equal(expected);
      }
    });
    expect(builder.build().length).to.equal(builder.sizeBytes);
  });

  it('is used again after reset and leaves nothing behind', () => {
    const builder = new RecordBatchBuilder({ initialBytes: 64 });
    const build = (value: string): string => {
      builder.append(null, value, [], 5);
      return builder.build().toString('hex');
    };
    const first = build('a long value of the first batch');
    builder.reset();
    expect(builder.recordsCount).to.equal(0);
    expect(builder.maxTimestamp).to.equal(-1);
    build('b');
    builder.reset();
    expect(build('a long value of the first batch')).to.equal(first);
  });

  it('copies what it is given', () => {
    const builder = new RecordBatchBuilder();
    const value = Buffer.from('value');
    builder.append(value, value, [['h', value]], 1);
    value.fill(0);
    const [record] = readRecords(builder.build());
    expect([String(record!.key), String(record!.value)]).to.deep.equal(['value', 'value']);
    expect(String(record!.headers[0]![1])).to.equal('value');
  });

  it('keeps the greatest timestamp, and offsets from the first timestamp both ways', () => {
    const builder = new RecordBatchBuilder();
    const times = [1_700_000_000_000, 1_800_000_000_000, 0, -1, 2 ** 53 - 1];
    for (const time of times) builder.append(null, 'v', [], time);
    expect(builder.maxTimestamp).to.equal(2 ** 53 - 1);
    const read = [...readRecords(builder.build())].map(({ timestamp }) => timestamp);
    expect(read).to.deep.equal(times);
  });

  it('refuses what is no timestamp', () => {
    const builder = new RecordBatchBuilder();
    for (const wrong of [-2, 1.5, Number.NaN, 2 ** 53]) {
      expectProtocolError('INVALID_TIMESTAMP', () => builder.append(null, null, [], wrong));
    }
  });

  it('takes no record after build, and builds no empty batch', () => {
    const builder = new RecordBatchBuilder();
    expect(() => builder.build()).to.throw(AssertionError);
    builder.append(null, 'v', [], 1);
    builder.build();
    expect(() => builder.append(null, 'v', [], 1)).to.throw(AssertionError);
    expect(() => builder.build()).to.throw(AssertionError);
  });

  it('compresses the same here and on another thread', async () => {
    for (const compression of compressionNames) {
      const builder = new RecordBatchBuilder({ compression });
      const fill = (): void => {
        builder.reset();
        for (let i = 0; i < 100; i += 1) builder.append(`k${i}`, 'value '.repeat(20), [], i);
      };
      fill();
      const here = Buffer.from(builder.build());
      fill();
      const tasks: string[] = [];
      const there = await builder.buildOffloaded({
        run: async (task, input) => {
          tasks.push(`${task.module.split('/').at(-1)} ${task.function}`);
          return runCompressionTask(input, task.parameter);
        },
        close: async () => undefined,
      });
      expect(plain(there)).to.deep.equal(plain(here));
      expect(verifyBatch(there, 0, { origin: 'client' })).to.equal(undefined);
      const expected = compression === 'none' ? [] : ['compressionTask.ts runCompressionTask'];
      expect(tasks).to.deep.equal(expected);
    }
  });
});
