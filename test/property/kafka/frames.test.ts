import { expect } from 'chai';
import { FuzzRandom } from '../../../bench/fuzz/fuzzRandom.ts';
import { KafkaFrameMaker } from '../../../bench/fuzz/kafkaFrameMaker.ts';
import { KafkaValues } from '../../../bench/fuzz/kafkaValues.ts';
import {
  decodeRequest,
  encodeRequest,
  type KafkaApi,
  type KafkaRequestInput,
  KafkaWireError,
  readRequestHeader,
} from '../../../broker/kafka/wire/index.ts';

const FRAMES = 50_000;
const LENGTH_BYTES = 4;
const MIB = 1024 * 1024;

/** What a listener does with a frame. @returns what was decoded, as bytes again. */
function takeFrame(bytes: Buffer): Buffer | undefined {
  const length = bytes.length - LENGTH_BYTES;
  if (length < 0) return undefined;
  const header = readRequestHeader(bytes, LENGTH_BYTES, length);
  const { api, apiVersion } = header;
  if (api === undefined) return undefined;
  const value = decodeRequest(api, apiVersion, bytes, header.bodyPosition, bytes.length);
  const again = value as KafkaRequestInput<KafkaApi>;
  return Buffer.concat(encodeRequest(api, apiVersion, header, again));
}

/** What taking a frame came to: its code when it was refused. */
function outcomeOf(bytes: Buffer): string {
  try {
    const once = takeFrame(bytes);
    if (once === undefined) return 'passed over';
    // What was decoded is what it says: encoded and decoded again it gives the same bytes.
    expect(takeFrame(once)?.equals(once)).to.equal(true);
    return 'decoded';
  } catch (error) {
    if (!(error instanceof KafkaWireError)) throw error;
    return error.code;
  }
}

describe('spoiled frames of the Kafka protocol', () => {
  it('are decoded or refused, never anything else, 50,000 times with flat memory', () => {
    const random = new FuzzRandom(31);
    const maker = new KafkaFrameMaker(random, new KafkaValues(random, { topics: ['a', 'b'] }));
    const outcomes = new Map<string, number>();
    let before = 0;
    for (let count = 0; count < FRAMES; count += 1) {
      if (count === FRAMES / 2) before = process.memoryUsage().heapUsed;
      const outcome = outcomeOf(maker.next().bytes);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect(process.memoryUsage().heapUsed - before).to.be.below(100 * MIB);
    const expected = ['decoded', 'passed over', 'INVALID_REQUEST', 'UNSUPPORTED_VERSION'];
    expect([...outcomes.keys()]).to.have.members(expected);
    expect(outcomes.get('decoded')).to.be.above(FRAMES / 2);
    expect(outcomes.get('INVALID_REQUEST')).to.be.above(1000);
  }).timeout(60_000);
});
