/** A compacted topic as its users see it: made, filled, read and changed by the command line. */

import { expect } from 'chai';
import { TestCluster } from '../harness/cluster.ts';
import { type CommandResult, jsonLines, odradek } from '../harness/odradek.ts';
import { waitFor } from '../harness/waitFor.ts';

const KEYS = 20;
const LINES = 1_000;
const ROUNDS = 4;

interface Consumed {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
}

describe('a compacted topic', function () {
  this.timeout(90_000);
  let cluster: TestCluster;

  before(async () => {
    cluster = await TestCluster.start({ properties: { 'log.cleaner.backoff.ms': '200' } });
  });
  after(() => cluster.stop());

  function run(args: readonly string[], input = ''): Promise<CommandResult> {
    return odradek(args, { input, env: { ODRADEK_BROKERS: cluster.broker.native } });
  }

  async function consume(): Promise<readonly Consumed[]> {
    const read = await run(['consume', 'prices', '--json', '--from-beginning', '--exit']);
    expect(read, read.stderr).to.include({ code: 0 });
    return jsonLines<Consumed>(read.stdout);
  }

  /** What is left must say of each key what was said last. */
  function checkLastValues(records: readonly Consumed[]): void {
    const last = new Map(records.map(({ key, value }) => [key, value]));
    for (let key = 0; key < KEYS; key += 1) {
      const line = LINES - KEYS + key;
      expect(last.get(`key ${key}`)).to.match(new RegExp(`^round ${ROUNDS - 1} line ${line} `));
    }
    const offsets = records.map(({ offset }) => offset);
    expect(offsets).to.deep.equal([...offsets].sort((a, b) => a - b));
  }

  it('is made by topic create, and keeps the last value of each key', async () => {
    const settings = ['cleanup.policy=compact', 'segment.bytes=120000'];
    settings.push('min.cleanable.dirty.ratio=0.01', 'segment.ms=1000');
    const flags = settings.flatMap((setting) => ['--config', setting]);
    const created = await run(['topic', 'create', 'prices', '--partitions', '1', ...flags]);
    expect(created, created.stderr).to.include({ code: 0 });
    for (let round = 0; round < ROUNDS; round += 1) {
      const lines = Array.from({ length: LINES }, (_, line) => {
        return `key ${line % KEYS}:${`round ${round} line ${line} `.padEnd(80, '.')}\n`;
      });
      const produced = await run(['produce', 'prices', '--key-separator', ':'], lines.join(''));
      expect(produced, produced.stderr).to.include({ code: 0 });
    }
    let records: readonly Consumed[] = [];
    await waitFor(
      async () => {
        records = await consume();
        return records.length < (ROUNDS * LINES) / 2;
      },
      { what: 'the compaction', timeoutMs: 30_000 },
    );
    checkLastValues(records);
    expect(records.at(-1)?.offset).to.equal(ROUNDS * LINES - 1);
  });

  it('refuses a record without a key', async () => {
    const refused = await run(['produce', 'prices'], 'no key\n');
    expect(refused.code).not.to.equal(0);
    expect(refused.stderr).to.include('a record without a key is not taken');
  });

  it('is as it was after kill -9', async () => {
    await cluster.broker.kill9();
    await cluster.broker.start();
    checkLastValues(await consume());
  });

  it('can be changed by topic alter, and back', async () => {
    for (const policy of ['delete', 'compact,delete']) {
      const altered = await run([
        'topic',
        'alter',
        'prices',
        '--config',
        `cleanup.policy=${policy}`,
      ]);
      expect(altered, altered.stderr).to.include({ code: 0 });
    }
    const wrong = await run(['topic', 'alter', 'prices', '--config', 'cleanup.policy=shrink']);
    expect(wrong.code).not.to.equal(0);
    expect(wrong.stderr).to.include('cleanup.policy');
  });
});
