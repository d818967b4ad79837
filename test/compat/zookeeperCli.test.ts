/** ZooKeeper's own command line (its Java client) against the embedded coordinator. */

import { spawn } from 'node:child_process';
import { expect } from 'chai';
import { startEmbedded } from '../harness/embedded.ts';
import { startZooKeeper } from '../harness/zookeeper.ts';

const COMMANDS = [
  'create /cli hello',
  'get -s /cli',
  'create -e /cli/e x',
  'create -s /cli/s- y',
  'create /cli/e',
  'create /absent/child',
  'create /cli//bad',
  'ls /cli',
  'ls -s /',
  'set -v 0 /cli b',
  'set -v 0 /cli c',
  'set /cli d',
  'getAcl /cli',
  'setAcl /cli world:anyone:cdrw',
  'getAcl -s /cli',
  'addauth digest user:password',
  'sync /cli',
  'delete /cli',
  'deleteall /cli',
  'stat /cli',
  'ls /zookeeper',
  'quit',
];

/** Everything that the command line prints, without what differs from run to run. */
async function run(address: string): Promise<string[]> {
  const main = 'org.apache.zookeeper.ZooKeeperMain';
  const child = spawn('java', ['-cp', '/usr/share/java/zookeeper.jar', main, '-server', address]);
  const outputs = [child.stdout, child.stderr].map(async (stream) => {
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += chunk;
    return text;
  });
  child.stdin.end(`${COMMANDS.join('\n')}\n`);
  const texts = await Promise.all(outputs);
  return texts
    .flatMap((text) => text.split('\n'))
    .filter((line) => !/^(SLF4J|Connecting to)|^[cm]time = /.test(line))
    .map((line) => line.replace(/^([cmp]Zxid|ephemeralOwner) = 0x[0-9a-f]{2,}$/, '$1 = some'))
    .map((line) => line.replace(/^([cmp]Zxid) = 0x[0-9a-f]+$/, '$1 = some'))
    .map((line) => (/^\[.*\]$/.test(line) ? line.slice(1, -1).split(', ').sort().join() : line));
}

describe("ZooKeeper's own command line", function suite() {
  this.timeout(60_000);

  it('prints the same against the embedded coordinator as against ZooKeeper', async () => {
    const servers = await Promise.all([startEmbedded(), startZooKeeper()]);
    try {
      const [embedded, zookeeper] = await Promise.all(servers.map(({ address }) => run(address)));
      expect(zookeeper).to.include('Created /cli/s-0000000001');
      expect(embedded).to.deep.equal(zookeeper);
    } finally {
      for (const server of servers) await server.stop();
    }
  });
});
