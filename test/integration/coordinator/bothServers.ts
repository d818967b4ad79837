/** Runs a suite against the embedded coordinator and against a real ZooKeeper. */

import { startEmbedded } from '../../harness/embedded.ts';
import { abandonClients } from '../../harness/zookeeperClient.ts';
import { startZooKeeper, type ZooKeeperServer } from '../../harness/zookeeper.ts';

const SERVERS = [
  { name: 'the embedded coordinator', start: startEmbedded },
  { name: 'a real ZooKeeper', start: startZooKeeper },
];

export const TICK_MS = 100;

/** @param cases defines the tests; `server()` and `path()` may be called within them only. */
export function onBothServers(
  title: string,
  cases: (context: { server: () => ZooKeeperServer; path: (name: string) => string }) => void,
): void {
  for (const { name, start } of SERVERS) {
    describe(`${title}: ${name}`, function suite() {
      this.timeout(40_000);
      let server: ZooKeeperServer | undefined;
      let caseCount = 0;
      before(async () => {
        server = await start({ tickMs: TICK_MS });
      });
      beforeEach(() => {
        caseCount += 1;
      });
      after(async () => {
        await server?.stop();
      });
      cases({ server: () => server!, path: (part) => `/case${caseCount}-${part}` });
      // Behind the hooks of the suite itself, which may close their clients in order.
      afterEach(abandonClients);
    });
  }
}
