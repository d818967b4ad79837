import { expect } from 'chai';
import { fuzz } from '../../bench/fuzz/fuzzer.ts';
import { brokerTarget } from '../../bench/fuzz/fuzzTarget.ts';
import { kafkaDialect } from '../../bench/fuzz/kafkaDialect.ts';
import { nativeDialect } from '../../bench/fuzz/nativeDialect.ts';
import { residentBytes } from '../../bench/load/processUsage.ts';
import { systemClock, systemTimers } from '../../common/environment/production/index.ts';
import { nodeTransport } from '../../network/index.ts';

const SEED = 31;
const environment = { clock: systemClock, timers: systemTimers, transport: nodeTransport };

describe('fuzzed broker', () => {
  for (const listener of ['native', 'kafka'] as const) {
    it(`takes 50,000 spoiled frames on its ${listener} listener with flat memory and goes on serving`, async () => {
      const target = await brokerTarget(listener);
      try {
        const dialect =
          listener === 'kafka' ? kafkaDialect(target) : nativeDialect(environment, target);
        const options = { address: target.address, dialect };
        await fuzz({ ...options, seed: SEED, frames: 15_000 });
        const before = residentBytes(target.pid!).now;
        const result = await fuzz({ ...options, seed: SEED + 1, frames: 35_000 });
        expect(result.frames).to.be.at.least(35_000);
        expect(result.goodCalls).to.be.above(10);
        expect(residentBytes(target.pid!).now - before).to.be.below(100 * 1024 * 1024);
      } finally {
        await target.close();
      }
    }).timeout(120_000);
  }
});
