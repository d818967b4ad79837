import { expect } from 'chai';
import { jsonLines, StartedCluster } from '../harness/odradek.ts';
import { waitFor } from '../harness/waitFor.ts';

interface Described {
  readonly partition: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly highWatermark: number;
  readonly lags: readonly { readonly broker: number; readonly lag: number }[];
}

describe('the commands of a replicated cluster', function () {
  this.timeout(120_000);
  let cluster: StartedCluster;

  before(async () => {
    cluster = await StartedCluster.start({ args: ['--broker-count', '3'] });
  });
  after(() => cluster.stop());

  const describeTopic = async (topic: string) =>
    jsonLines<Described>((await cluster.run(['topic', 'describe', topic, '--json'])).stdout);

  it('makes topics of three replicas, and tells how far each replica is', async () => {
    await cluster.run(['topic', 'create', 'three', '--config', 'min.insync.replicas=2']);
    await cluster.run(['produce', 'three'], { input: 'a\nb\n' });
    const [partition] = await waitFor(
      async () => {
        const described = await describeTopic('three');
        return described.every(({ lags }) => lags.every(({ lag }) => lag === 0)) && described;
      },
      { what: 'replicas that have everything' },
    );
    expect(partition?.replicas).to.have.length(3);
    expect(partition?.highWatermark).to.equal(2);
    expect(partition?.lags.map(({ broker }) => broker).toSorted()).to.deep.equal([1, 2, 3]);
  });

  it('moves a partition with its records, and gives it back to its preferred leader', async () => {
    await cluster.run(['topic', 'create', 'moved', '--replication-factor', '2']);
    const input = Array.from({ length: 500 }, (_, number) => `${number}\n`).join('');
    await cluster.run(['produce', 'moved'], { input });
    const [before] = await describeTopic('moved');
    const added = [1, 2, 3].find((id) => !before!.replicas.includes(id))!;
    const wanted = [added, before!.replicas[0]!];
    const place = ['--topic', 'moved', '--partition', '0'];
    const move = ['reassign', ...place, '--replicas', wanted.join()];
    expect(await cluster.run(move)).to.include({ code: 0 });
    await waitFor(
      async () => (await describeTopic('moved'))[0]?.replicas.join() === wanted.join(),
      { what: 'the end of the move' },
    );
    expect(await cluster.run(['reassign', '--list', '--json'])).to.include({ code: 0, stdout: '' });
    const cancelled = await cluster.run(['reassign', ...place, '--cancel', '--json']);
    expect(cancelled.code).to.equal(1);
    expect(cancelled.stderr).to.contain('NO_REASSIGNMENT_IN_PROGRESS');

    const elect = ['leader', 'elect', '--preferred', '--topic', 'moved', '--json'];
    expect(await cluster.run(elect)).to.include({ code: 0 });
    await waitFor(async () => (await describeTopic('moved'))[0]?.leader === added, {
      what: 'the preferred leader',
    });
    const again = jsonLines((await cluster.run(elect)).stdout);
    expect(again).to.deep.equal([{ topic: 'moved', partition: 0, elected: false }]);
    const read = await cluster.run(['consume', 'moved', '--from-beginning', '--exit']);
    expect(read.stdout).to.equal(input);
  });

  it('moves a partition no faster than its throttle says, which ends with the move', async () => {
    await cluster.run(['topic', 'create', 'slow', '--replication-factor', '2']);
    // In batches that the throttle can tell apart: about 1.2 MB.
    const input = `${'x'.repeat(6_000)}\n`.repeat(200);
    const batches = ['--property', 'batch.size=16384'];
    expect(await cluster.run(['produce', 'slow', ...batches], { input })).to.include({ code: 0 });
    const [before] = await describeTopic('slow');
    const original = before!.replicas;
    const added = [1, 2, 3].find((id) => !original.includes(id))!;
    const place = ['--topic', 'slow', '--partition', '0'];
    const move = (...more: readonly string[]) =>
      cluster.run(['reassign', ...place, ...more, '--json']);
    // The copy takes a quarter of an hour at this rate: it is under way for as long as we look.
    const target = [added, original[1]!];
    const begun = await move('--replicas', target.join(), '--throttle', '1000');
    expect(jsonLines(begun.stdout)).to.deep.equal([
      { topic: 'slow', partition: 0, replicas: target, throttle: 1000 },
    ]);
    const lagOfAdded = async () =>
      (await describeTopic('slow'))[0]?.lags.find(({ broker }) => broker === added)?.lag ?? -1;
    await waitFor(async () => (await lagOfAdded()) > 0, { what: 'the first of the copy' });
    const listed = async () =>
      jsonLines<{ throttle: number }>((await cluster.run(['reassign', '--list', '--json'])).stdout);
    expect((await listed()).map(({ throttle }) => throttle)).to.deep.equal([1000]);

    expect(await move('--cancel')).to.include({ code: 0 });
    await waitFor(async () => (await describeTopic('slow'))[0]?.replicas.length === 2, {
      what: 'the end of the cancelled move',
    });
    expect((await describeTopic('slow'))[0]?.replicas).to.deep.equal(original);
    expect(await listed()).to.deep.equal([]);

    await move('--replicas', target.join(), '--throttle', '1000');
    await waitFor(async () => (await lagOfAdded()) > 0, { what: 'the first of the copy' });
    await move('--replicas', target.join(), '--throttle', '100000000');
    await waitFor(async () => (await describeTopic('slow'))[0]?.replicas.join() === target.join(), {
      what: 'the end of the move, which a higher throttle lets come',
    });
    const read = await cluster.run(['consume', 'slow', '--from-beginning', '--exit']);
    expect(read.stdout).to.equal(input);
  });

  it('refuses a command line that leaves open what to do', async () => {
    for (const args of [
      ['reassign'],
      ['reassign', '--list', '--cancel'],
      ['reassign', '--list', '--throttle', '5'],
      ['reassign', '--replicas', '1', '--topic', 't', '--partition', '0', '--throttle', '0'],
      ['reassign', '--replicas', '1,2', '--topic', 't'],
      ['reassign', '--replicas', '1,1', '--topic', 't', '--partition', '0'],
      ['leader', 'elect'],
      ['leader', 'elect', '--preferred', '--unclean'],
      ['leader', 'elect', '--preferred', '--partition', '0'],
    ]) {
      expect(await cluster.run(args), args.join(' ')).to.include({ code: 2 });
    }
  });

  it('answers by exit code whether the cluster is healthy', async () => {
    const health = () => cluster.run(['cluster', 'health', '--json']);
    const wanted = { healthy: true, underReplicated: 0, offline: 0, leaderless: 0 };
    const whole = await health();
    expect(whole.code, whole.stderr).to.equal(0);
    expect(JSON.parse(whole.stdout)).to.deep.equal(wanted);
    process.kill(cluster.started.brokers[2]!.pid, 'SIGKILL');
    // At once, while the session of the dead one lasts.
    const asked = await health();
    expect(asked.code).to.equal(1);
    expect(asked.stderr).to.match(
      /^broker 3 at 127\.0\.0\.1:\d+ is registered, but does not answer: /,
    );
    expect(JSON.parse(asked.stdout)).to.have.property('underReplicated').that.is.at.least(1);
    const people = await cluster.run(['cluster', 'health']);
    expect(people.stdout).to.match(
      /^not healthy\nunder-replicated: \d+ \((\w+-\d+(, )?)+(\.\.\.)?\)\n/,
    );
    const hurt = await waitFor(
      async () => {
        const answer = await health();
        return answer.code === 1 && answer.stderr === '' && answer;
      },
      { what: 'the end of its session', timeoutMs: 60_000 },
    );
    const told = JSON.parse(hurt.stdout) as { healthy: boolean; underReplicated: number };
    expect(told.healthy).to.equal(false);
    expect(told.underReplicated).to.be.at.least(1);
    const nobody = await cluster.run(['cluster', 'health', '--brokers', '127.0.0.1:1', '--json']);
    expect(nobody).to.include({ code: 3, stdout: '' });
    expect(nobody.stderr).to.contain('NO_BROKER_AVAILABLE');
  });
});
