/** Three brokers as processes over a real ZooKeeper, under each named fault in its short form. */

import { abandonClients } from '../harness/zookeeperClient.ts';
import { runScenario, scenarios } from './replication/index.ts';

describe('replication', function suite() {
  this.timeout(180_000);

  afterEach(() => {
    abandonClients();
  });

  for (const scenario of scenarios) {
    it(`${scenario.name} (${scenario.id})`, async () => {
      await runScenario(scenario, 'short');
    });
  }
});
