/** Wall clocks that are set forth and back under a running cluster. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { TestCluster } from '../harness/cluster.ts';
import { removeDirectory, temporaryDirectory } from '../harness/temporaryDirectory.ts';
import { waitFor } from '../harness/waitFor.ts';
import { abandonClients, TestClient } from '../harness/zookeeperClient.ts';
import { Ledger } from './acknowledged.ts';

const HOUR_MS = 3_600_000;
const PRELOAD = fileURLToPath(new URL('../harness/jumpingClock.mjs', import.meta.url));

describe('a clock that jumps', function suite() {
  this.timeout(120_000);
  let directory: string;
  let clockFile: string;
  let cluster: TestCluster;

  beforeEach(async () => {
    directory = temporaryDirectory('clock');
    clockFile = join(directory, 'offset');
    setClock(0);
    const env = { NODE_OPTIONS: `--import ${PRELOAD}`, ODRADEK_TEST_CLOCK: clockFile };
    cluster = await TestCluster.start({ brokerCount: 2, env });
  });
  afterEach(async () => {
    abandonClients();
    await cluster.stop();
    removeDirectory(directory);
  });

  function setClock(offsetMs: number): void {
    writeFileSync(clockFile, String(offsetMs));
  }

  it('costs no session and no record, forth or back', async () => {
    const client = cluster.client();
    await client.admin().createTopic({
      topic: 'events',
      partitions: 2,
      configs: { 'message.timestamp.type': 'LogAppendTime' },
    });
    const observer = await TestClient.connect(cluster.coordinator.address);
    const epochs = async () => {
      const stats = await Promise.all([1, 2].map((id) => observer.exists(`/brokers/ids/${id}`)));
      return stats.map((stat) => stat?.czxid);
    };
    const before = await epochs();
    const producer = client.producer();
    const ledger = new Ledger(client, 'events');
    ledger.start();
    for (const offsetMs of [HOUR_MS, -2 * HOUR_MS, 30 * 24 * HOUR_MS, 0]) {
      setClock(offsetMs);
      await ledger.progress(200);
      await waitFor(
        async () => {
          const { timestamp } = await producer.send({ topic: 'events', value: valueNobodyCounts });
          return Math.abs(timestamp - Date.now() - offsetMs) < HOUR_MS / 2;
        },
        { what: `the broker's clock has jumped by ${offsetMs} ms` },
      );
    }
    await ledger.progress(200);
    await ledger.stop();
    expect([...ledger.failures]).to.deep.equal([]);
    await ledger.expectNothingLost();
    expect(await epochs()).to.deep.equal(before);
    for (const broker of cluster.brokers) expect(broker.child.exit).to.equal(undefined);
  });

  it('that jumped while a broker was dead does not keep it from recovering', async () => {
    const client = cluster.client();
    await client.admin().createTopic({ topic: 'events', partitions: 2 });
    const ledger = new Ledger(client, 'events');
    ledger.start();
    for (const offsetMs of [-5 * HOUR_MS, 5 * HOUR_MS]) {
      await ledger.progress(200);
      for (const broker of cluster.brokers) await broker.kill9();
      setClock(offsetMs);
      for (const broker of cluster.brokers) await broker.start();
    }
    await ledger.progress(200);
    await ledger.stop();
    expect([...ledger.failures]).to.deep.equal([]);
    await ledger.expectNothingLost();
  });
});

/** Has the four bytes that the ledger reads, with a number that it never reaches. */
const valueNobodyCounts = Buffer.from([0xff, 0xff, 0xff, 0xff]);
