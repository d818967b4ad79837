import { expect } from 'chai';
import { FrameMaker } from '../../../bench/fuzz/frameMaker.ts';
import { FuzzRandom } from '../../../bench/fuzz/fuzzRandom.ts';
import { SchemaValues } from '../../../bench/fuzz/schemaValues.ts';
import { Distribution } from '../../../bench/load/distribution.ts';
import { NumberedRecords } from '../../../bench/load/numberedRecords.ts';
import { cpuSeconds, residentBytes } from '../../../bench/load/processUsage.ts';

describe('numbered records', () => {
  const records = new NumberedRecords(100);
  const written = Buffer.alloc(100);

  it('read back the sequence number that was written, up to 2^53', () => {
    for (const sequence of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 7]) {
      records.write(written, sequence);
      expect(records.read(written)).to.equal(sequence);
    }
  });

  it('know a value with any byte changed, another length, or none', () => {
    for (let position = 0; position < 100; position += 1) {
      records.write(written, 123_456);
      written[position]! ^= 1;
      expect(records.read(written)).not.to.equal(123_456);
    }
    records.write(written, 5);
    expect(records.read(written.subarray(1))).to.equal(-1);
    expect(records.read(null)).to.equal(-1);
  });
});

describe('distribution', () => {
  it('gives percentiles in whole microseconds, whatever the order', () => {
    const times = new Distribution(2000);
    for (let n = 1000; n >= 1; n -= 1) times.addMs(n / 1000);
    expect(times.percentiles()).to.deep.equal({
      p50Us: 501,
      p90Us: 901,
      p99Us: 991,
      p999Us: 1000,
      maxUs: 1000,
    });
  });
});

describe('process usage', () => {
  it('reads CPU time and memory of a process', () => {
    const { user, system } = process.cpuUsage();
    expect(cpuSeconds(process.pid)).to.be.closeTo((user + system) / 1e6, 0.5);
    const { now, peak } = residentBytes(process.pid);
    expect(now).to.be.within(10e6, peak);
  });
});

describe('spoiled frames', () => {
  function frames(seed: number): readonly string[] {
    const random = new FuzzRandom(seed);
    const maker = new FrameMaker(random, new SchemaValues(random, { topics: ['a', 'b'] }));
    return Array.from({ length: 500 }, () => maker.next().bytes.toString('hex'));
  }

  it('are the same for the same seed, and others for another', () => {
    expect(frames(3)).to.deep.equal(frames(3));
    expect(frames(3)).not.to.deep.equal(frames(4));
  });
});
