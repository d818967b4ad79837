/** What only the embedded coordinator promises: its directory, its limits, its journal. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { JuteWriter } from '../../../coordinator/embedded/jute.ts';
import { type EmbeddedServer, startEmbedded } from '../../harness/embedded.ts';
import { JuteClient } from '../../harness/juteClient.ts';
import { removeDirectory, temporaryDirectory } from '../../harness/temporaryDirectory.ts';
import { waitFor } from '../../harness/waitFor.ts';
import { abandonClients, TestClient } from '../../harness/zookeeperClient.ts';

const EXISTS = 3;
const GET_DATA = 4;

describe('the embedded coordinator', function suite() {
  this.timeout(60_000);
  let server: EmbeddedServer;

  beforeEach(async () => {
    server = await startEmbedded({ snapshotBytes: 100_000 });
  });
  afterEach(async () => {
    abandonClients();
    await server.stop();
  });

  it('has every answered write after many kills at any moment', async () => {
    const client = await TestClient.connect(server.address);
    await client.create('/log');
    const answered: string[] = [];
    let writing = true;
    const write = async (): Promise<void> => {
      while (writing) {
        const name = `/log/${client.sessionId}-`;
        await client.create(name, Buffer.alloc(500, 'x'), 'persistentSequential').then(
          (path) => answered.push(path.slice('/log/'.length)),
          // The outcome of what was under way when the server died is not known.
          () => new Promise((resolve) => setImmediate(resolve)),
        );
      }
    };
    const writers = Array.from({ length: 8 }, write);
    for (let round = 1; round <= 5; round += 1) {
      const goal = answered.length + 200;
      await waitFor(() => answered.length >= goal, { what: 'more answered writes' });
      await server.kill9();
      await server.restart();
      await client.waitForState('connected', round + 1);
    }
    writing = false;
    await Promise.all(writers);
    const { children, stat } = await client.getChildren('/log');
    expect(children).to.include.members(answered);
    expect(stat.cversion).to.equal(children.length);
    await client.close();
  });

  it('refuses a directory that another one serves from, and names the process', async () => {
    const outcome = await startEmbedded({ directory: server.directory }).then(
      async (second) => {
        await second.stop();
        return '';
      },
      (error: unknown) => String(error),
    );
    expect(outcome).to.include('COORDINATOR_DIR_LOCKED');
    expect(outcome).to.include(String(server.pid));
    expect(outcome).to.include(server.directory);
    const client = await TestClient.connect(server.address);
    await client.create('/still-serving');
    await client.close();
  });

  it('ends with exit code 0 on SIGTERM and keeps its sessions', async () => {
    const client = await TestClient.connect(server.address);
    await client.create('/ephemeral', '', 'ephemeral');
    expect(await server.terminate()).to.equal(0);
    await server.restart();
    await client.waitForState('connected', 2);
    expect((await client.exists('/ephemeral'))?.ephemeralOwner).to.equal(client.sessionId);
    await client.close();
  });

  it('names a damaged file at start and exits, leaving it as it is', async () => {
    const directory = temporaryDirectory('damaged');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'snapshot-0000000000000005'), 'garbage');
    const outcome = await startEmbedded({ directory }).then(
      () => '',
      (error: unknown) => String(error),
    );
    expect(outcome).to.include('SNAPSHOT_DAMAGED');
    expect(outcome).to.include(join(directory, 'snapshot-0000000000000005'));
    removeDirectory(directory);
  });

  it('stops reading from a client that does not take its answers, and serves the others', async () => {
    const owner = await TestClient.connect(server.address);
    await owner.create('/big', Buffer.alloc(500_000, 'x'));
    const greedy = await JuteClient.connect(server.address);
    greedy.stopReading();
    const read = Array.from({ length: 400 }, () => ({
      operation: GET_DATA,
      body: (writer: JuteWriter) => void writer.string('/big').boolean(false),
    }));
    for (let round = 0; round < 10; round += 1) greedy.send(...read);
    const before = memoryOf(server.pid);
    await owner.setData('/big', 'small');
    await waitFor(async () => (await owner.getData('/big')).data.length === 5, { what: 'service' });
    // 4,000 answers of half a mebibyte would be 2 GB.
    expect(memoryOf(server.pid) - before).to.be.lessThan(60_000_000);
    greedy.drop();
    await owner.close();
  });

  it('closes a connection that never asks for a session, and keeps serving under many', async () => {
    const idle = await Promise.all(
      Array.from({ length: 50 }, () => JuteClient.dial(server.address)),
    );
    const client = await JuteClient.connect(server.address);
    const { err } = await client.call(EXISTS, (writer) => void writer.string('/').boolean(false));
    expect(err).to.equal(0);
    await waitFor(() => idle.every((connection) => connection.closed), {
      what: 'idle connections are closed',
      timeoutMs: 15_000,
    });
    client.drop();
  });
});

/** Resident bytes of a process. */
function memoryOf(pid: number): number {
  const [, pages] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return Number(pages) * 4096;
}
