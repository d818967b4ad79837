/** The bytes of a log directory, kept: what one release wrote, every later one must read. */

import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { SimFileSystem } from '../../../simulation/kernel/index.ts';
import { batchOf, LOG_DIR, LogFixture, readAll, START_MS, settle } from './logFixture.ts';

/** Content of each file, in hexadecimal, by its path in the log directory. */
function golden(version: number): ReadonlyMap<string, string> {
  const file = path.join(import.meta.dirname, `../../../golden/log/directory.v${version}.json`);
  return new Map(
    Object.entries(JSON.parse(fs.readFileSync(file, 'utf8')) as Readonly<Record<string, string>>),
  );
}

/** 2 has a directory.id, and snapshots of the producers. */
const VERSION = 2;

async function writtenNow(): Promise<Map<string, Buffer>> {
  const fixture = new LogFixture().start();
  const log = fixture.createLog();
  for (let index = 0; index < 30; index += 1) {
    const values = [`value ${index}`.padEnd(100, '.'), `and ${index}`];
    fixture.write(log, batchOf(values, START_MS + index * 10), index < 12 ? 0 : 3);
  }
  await settle();
  log.updateHighWatermark(log.writtenOffset);
  await fixture.manager.close({ brokerEpoch: 4294967358 });
  return fixture.fileSystem.snapshot();
}

describe('a log directory', () => {
  it('is written as the newest version says', async () => {
    const now = await writtenNow();
    const wanted = golden(VERSION);
    const names = [...now.keys()].map((name) => name.slice(LOG_DIR.length + 1)).sort();
    expect(names).to.deep.equal([...wanted.keys()].sort());
    for (const [name, content] of now) {
      expect(content.toString('hex'), name).to.equal(wanted.get(name.slice(LOG_DIR.length + 1)));
    }
  });

  it('of every version is read, after a clean stop and without one', async () => {
    for (const [version, isClean] of [1, VERSION].flatMap((version) => [
      [version, true] as const,
      [version, false] as const,
    ])) {
      const fileSystem = new SimFileSystem({ directories: [`${LOG_DIR}/flights-0`] });
      for (const [name, content] of golden(version)) {
        if (name === '.kafka_cleanshutdown' && !isClean) continue;
        fileSystem.replaceFileSync(`${LOG_DIR}/${name}`, Buffer.from(content, 'hex'));
      }
      const log = new LogFixture({ fileSystem }).start().log();
      const records = await readAll(log);
      expect(records).to.have.length(60);
      expect(records.at(-1)).to.deep.equal([59, 'and 29']);
      expect([log.latestEpoch, log.highWatermark]).to.deep.equal([3, 60]);
    }
  });
});
