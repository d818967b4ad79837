import { expect } from 'chai';
import { consumerProperties, producerProperties } from '../../../cli/properties.ts';
import { UsageError } from '../../../cli/usageError.ts';

describe('--property of produce and consume', () => {
  it("takes Kafka's names for the options of the SDK", () => {
    const properties = new Map([
      ['linger.ms', '5'],
      ['batch.size', '16384'],
    ]);
    expect(producerProperties(properties)).to.deep.equal({ lingerMs: 5, batchBytes: 16_384 });
    expect(consumerProperties(new Map([['fetch.max.wait.ms', '10']]))).to.deep.equal({
      fetchWaitMsMax: 10,
    });
    expect(producerProperties(undefined)).to.deep.equal({});
  });

  it('refuses an unknown name with the known ones, and a value that is no number', () => {
    expect(() => producerProperties(new Map([['acks', '1']]))).to.throw(
      UsageError,
      /knows no "acks"; it knows linger\.ms, batch\.size/,
    );
    expect(() => producerProperties(new Map([['linger.ms', 'x']]))).to.throw(
      UsageError,
      '--property linger.ms takes a whole number, not "x"',
    );
  });
});
