import { expect } from 'chai';
import { fuzz } from '../../../bench/fuzz/fuzzer.ts';
import { nativeDialect } from '../../../bench/fuzz/nativeDialect.ts';
import { startStubServer } from '../../../bench/fuzz/stubServer.ts';
import { CollectingLogger, productionNetwork } from './harness.ts';

const SEED = 20261121;

describe('fuzzed listener', () => {
  it('answers or closes 50,000 spoiled frames, and serves a good connection all the while', async () => {
    const logger = new CollectingLogger();
    const server = await startStubServer(productionNetwork, logger);
    try {
      const options = {
        address: server.address,
        dialect: nativeDialect(productionNetwork, { topics: ['fuzz', 'absent'] }),
      };
      await fuzz({ ...options, seed: SEED, frames: 5_000 });
      const rssBefore = process.memoryUsage.rss();
      const result = await fuzz({ ...options, seed: SEED + 1, frames: 45_000 });
      const rssAfter = process.memoryUsage.rss();
      expect(result.frames).to.be.at.least(45_000);
      expect(result.goodCalls).to.be.above(10);
      const { stats } = server;
      expect(stats.malformedCount).to.be.above(10_000);
      expect(stats.requestCount).to.be.above(1_000);
      expect(stats.responseMemoryBytes).to.equal(0);
      expect(rssAfter - rssBefore).to.be.below(200 * 1024 * 1024);
      // The decoder refuses by its own checks, never by an exception that nobody foresaw.
      expect(logger.lines.filter((line) => line.startsWith('error'))).to.deep.equal([]);
    } finally {
      await server.close();
    }
  }).timeout(60_000);
});
