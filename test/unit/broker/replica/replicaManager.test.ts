/** What an update does to partitions and to their files: which go, which stay, which are set aside. */

import { expect } from 'chai';
import { parseBrokerConfig } from '../../../../broker/config/index.ts';
import type { TopicImage } from '../../../../broker/metadata/index.ts';
import { ReplicaManager } from '../../../../broker/replica/index.ts';
import { brokerEpoch, silentLogger, type TopicPartition } from '../../../../common/index.ts';
import { batchOf, LOG_DIR, LogFixture, readAll, settle } from '../log/logFixture.ts';

const SELF = 1;
const FIRST_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';
const SECOND_ID = 'AAAAAAAAAAAAAAAAAAAAAg';
const PARTITION = { topic: 't', partition: 0 };

function managerOn(
  fixture: LogFixture,
  onReplicaOffline: (replica: TopicPartition) => void = () => undefined,
): ReplicaManager {
  const config = parseBrokerConfig(
    `broker.id=${SELF}\nlog.dirs=/data\nzookeeper.connect=127.0.0.1:2181`,
  );
  return new ReplicaManager(
    { clock: fixture.time, timers: fixture.time },
    fixture.manager,
    config,
    {
      brokerEpoch: () => brokerEpoch(7),
      isProven: () => true,
      isAlive: () => true,
      openChannel: () => Promise.reject(new Error('There is no other broker')),
      alterPartition: () => Promise.reject(new Error('There is no controller')),
      onReplicaOffline,
      onFatal: (error) => {
        throw error;
      },
    },
    silentLogger,
  );
}

function topic(change: Partial<TopicImage> & { readonly replicas?: number[] } = {}): TopicImage {
  const { replicas = [SELF], ...image } = change;
  return {
    name: 't',
    topicId: FIRST_ID,
    deleting: false,
    configs: {},
    partitions: [
      {
        index: 0,
        leader: replicas[0]!,
        leaderEpoch: 0,
        partitionEpoch: 0,
        replicas,
        isr: replicas,
        eligibleLeaders: [],
        addingReplicas: [],
        removingReplicas: [],
        throttle: 0,
      },
    ],
    ...image,
  };
}

const snapshot = (...changed: TopicImage[]) => ({
  snapshot: true,
  brokersChanged: true,
  changed,
  removed: [],
});
const delta = (changed: TopicImage[], removed: TopicImage[] = []) => ({
  snapshot: false,
  brokersChanged: false,
  changed,
  removed,
});

/** A broker that leads `t-0` with three records in it. */
async function leading() {
  const fixture = new LogFixture().start();
  const replicas = managerOn(fixture);
  await replicas.apply(snapshot(topic()));
  const { log } = replicas.partition('t', 0);
  fixture.write(log, batchOf(['one', 'two', 'three']));
  await settle();
  const directories = () =>
    fixture.fileSystem.readDirectorySync(LOG_DIR).filter((name) => name.startsWith('t-0'));
  return { fixture, replicas, directories };
}

describe('The replica manager', () => {
  it('forgets a topic that an update leaves out, and finds its records when it is back', async () => {
    const { fixture, replicas, directories } = await leading();
    for (const gone of [delta([], [topic()]), { ...snapshot(), removed: [topic()] }]) {
      await replicas.apply(gone);
      await fixture.time.advance(600_000);
      expect(replicas.find('t', 0)).to.equal(undefined);
      expect(directories()).to.deep.equal(['t-0']);
      await replicas.apply(delta([topic()]));
      const { log } = replicas.partition('t', 0);
      expect((await readAll(log)).map(([, value]) => value)).to.deep.equal(['one', 'two', 'three']);
    }
  });

  it('leaves the files of a topic alone that a restarted broker is not told of', async () => {
    const { fixture } = await leading();
    await fixture.manager.close();
    const again = fixture.restart().start();
    const replicas = managerOn(again);
    await replicas.apply(snapshot());
    await again.time.advance(600_000);
    await replicas.apply(delta([topic()]));
    expect(replicas.partition('t', 0).log.logEndOffset).to.equal(3);
  });

  describe('on two directories, of which one cannot be read at the start', () => {
    const logDirs = [LOG_DIR, `${LOG_DIR}2`];

    async function halfRead() {
      const before = new LogFixture({ logDirs }).start();
      const replicas = managerOn(before);
      await replicas.apply(snapshot(topic()));
      const { log } = replicas.partition('t', 0);
      before.write(log, batchOf(['one', 'two', 'three']));
      await settle();
      await before.manager.close();
      const at = logDirs.find((path) => before.fileSystem.readDirectorySync(path).includes('t-0'));
      before.fileSystem.inject({
        operation: 'read',
        path: new RegExp(`^${at}/meta.properties$`),
        error: 'EIO',
        times: Number.POSITIVE_INFINITY,
      });
      const fixture = before.restart({ logDirs }).start();
      const offline: string[] = [];
      const manager = managerOn(fixture, (replica) =>
        offline.push(`${replica.topic}-${replica.partition}`),
      );
      return { fixture, manager, offline };
    }

    it('begins no partition anew that may stand in it, and says that it is offline', async () => {
      const { fixture, manager, offline } = await halfRead();
      expect(fixture.manager.hasUnreadDirectory).to.equal(true);
      await manager.apply(snapshot(topic()));
      expect(manager.find('t', 0)).to.equal(undefined);
      expect(fixture.manager.logs()).to.deep.equal([]);
      expect(offline).to.deep.equal(['t-0']);
      const moved = topic();
      const [state] = moved.partitions;
      await manager.apply(delta([{ ...moved, partitions: [{ ...state!, leader: -1 }] }]));
      expect(fixture.manager.logs()).to.deep.equal([]);
    });

    it('begins what is new since then in the other one', async () => {
      const { fixture, manager, offline } = await halfRead();
      await manager.apply(snapshot(topic()));
      await manager.apply(delta([topic({ name: 'u', topicId: SECOND_ID })]));
      expect(manager.partition('u', 0).isLeader).to.equal(true);
      expect(fixture.manager.logs()).to.have.length(1);
      expect(offline).to.deep.equal(['t-0']);
    });

    it('knows by the state of a partition that it is not new, where it hears of it late', async () => {
      const { manager, offline } = await halfRead();
      await manager.apply(snapshot());
      const known = topic();
      const [state] = known.partitions;
      await manager.apply(delta([{ ...known, partitions: [{ ...state!, leaderEpoch: 1 }] }]));
      expect(manager.find('t', 0)).to.equal(undefined);
      expect(offline).to.deep.equal(['t-0']);
    });
  });

  it('removes the files of a topic that is being deleted', async () => {
    const { fixture, replicas, directories } = await leading();
    expect(await replicas.apply(delta([topic({ deleting: true })]))).to.deep.equal([]);
    expect(fixture.manager.logs()).to.deep.equal([]);
    await fixture.time.advance(120_000);
    expect(directories()).to.deep.equal([]);
  });

  it('removes the files of a partition that has moved to others, after a restart too', async () => {
    for (const restarts of [false, true]) {
      const { fixture, replicas, directories } = await leading();
      if (restarts) await fixture.manager.close();
      const after = restarts ? fixture.restart().start() : fixture;
      const manager = restarts ? managerOn(after) : replicas;
      await manager.apply(snapshot(topic({ replicas: [2, 3] })));
      await after.time.advance(120_000);
      expect(after.manager.logs()).to.deep.equal([]);
      expect(directories()).to.deep.equal([]);
    }
  });

  it('removes a log that was begun for a partition and never got its id, once that has moved', async () => {
    const { fixture } = await leading();
    await fixture.manager.close();
    const again = fixture.restart();
    const begun = `${LOG_DIR}/t-1`;
    again.fileSystem.makeDirectorySync(begun);
    again.fileSystem.openSync(`${begun}/00000000000000000000.log`, 'create').closeSync();
    again.start();
    expect(again.manager.logs().length).to.equal(2);
    const manager = managerOn(again);
    const [first] = topic().partitions;
    const partitions = [first!, { ...first!, index: 1, leader: 2, replicas: [2, 3], isr: [2, 3] }];
    await manager.apply(snapshot(topic({ partitions })));
    await again.time.advance(120_000);
    const left = again.manager.logs().map(({ topicPartition }) => topicPartition.partition);
    expect(left).to.deep.equal([0]);
  });

  it('keeps the files of another topic of the same name when the partition is not its own', async () => {
    const { replicas, directories, fixture } = await leading();
    const other = topic({ topicId: SECOND_ID, replicas: [2, 3] });
    await replicas.apply(delta([other, { ...other, deleting: true }]));
    await fixture.time.advance(120_000);
    expect(directories()).to.deep.equal(['t-0']);
  });

  it('sets the records of an earlier topic aside before a new one of its name begins', async () => {
    const { fixture, replicas, directories } = await leading();
    await replicas.apply(delta([topic({ topicId: SECOND_ID })], [topic()]));
    const { log } = replicas.partition('t', 0, SECOND_ID);
    expect([log.logEndOffset, log.topicId]).to.deep.equal([0, SECOND_ID]);
    await fixture.time.advance(120_000);
    const [present, stray] = directories();
    expect(present).to.equal('t-0');
    expect(stray).to.match(/^t-0\.[0-9a-f]{32}-stray$/);
    const bytes = fixture.fileSystem.readFileSync(`${LOG_DIR}/${stray}/${'0'.repeat(20)}.log`);
    expect(bytes.toString()).to.include('three');
    expect(fixture.manager.log(PARTITION)).to.equal(log);
  });
});
