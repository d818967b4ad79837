import { expect } from 'chai';
import { brokerId } from '../../../../common/index.ts';
import { ProducerIds } from '../../../../coordinator/index.ts';
import { producerIdBlockZnode } from '../../../../coordinator/znodes/index.ts';
import { SimCluster } from '../support/simCluster.ts';

const path = producerIdBlockZnode.path;

async function idsOf(cluster: SimCluster, id: number): Promise<ProducerIds> {
  const { session } = await cluster.start(id);
  return new ProducerIds(session, { brokerId: brokerId(id) });
}

describe('Producer ids', () => {
  it('come one by one from a block of 1000, and the next block follows', async () => {
    const cluster = new SimCluster();
    const ids = await idsOf(cluster, 1);
    for (let wanted = 0; wanted <= 1_000; wanted++) {
      expect(await cluster.settle(ids.allocate())).to.equal(wanted);
    }
    expect(cluster.json(path)).to.deep.equal({
      version: 1,
      broker: 1,
      block_start: '1000',
      block_end: '1999',
    });
  });

  it('are claimed ahead of need, when half of a block is given out', async () => {
    const cluster = new SimCluster();
    const { session } = await cluster.start(1);
    const ids = new ProducerIds(session, { brokerId: brokerId(1) });
    ids.claimAhead();
    expect(await cluster.settle(ids.allocate())).to.equal(0);
    for (let wanted = 1; wanted <= 499; wanted++) await cluster.settle(ids.allocate());
    expect(cluster.json(path)).to.include({ block_start: '0' });
    for (let wanted = 500; wanted <= 600; wanted++) {
      expect(await cluster.settle(ids.allocate())).to.equal(wanted);
    }
    // Requests of a session are answered in order: what was sent before has been done.
    for (let request = 0; request < 3; request++) await cluster.settle(session.getData(path));
    expect(cluster.json(path)).to.include({ block_start: '1000' });
  });

  it('are never given out twice by brokers that claim at the same moment', async () => {
    const cluster = new SimCluster();
    const all = [await idsOf(cluster, 1), await idsOf(cluster, 2), await idsOf(cluster, 3)];
    const asked = all.flatMap((ids) => Array.from({ length: 1_500 }, () => ids.allocate()));
    const given = await cluster.settle(Promise.all(asked));
    expect(new Set(given).size).to.equal(4_500);
  });

  for (const applied of [true, false]) {
    it(`go on behind a claim that ${applied ? 'was applied but not answered' : 'never arrived'}`, async () => {
      const cluster = new SimCluster();
      const ids = await idsOf(cluster, 1);
      cluster.simulation.coordinator.loseNext({ path, applied });
      expect(await cluster.settle(ids.allocate())).to.equal(applied ? 1_000 : 0);
    });
  }

  it('are refused where the znode cannot be understood', async () => {
    const cluster = new SimCluster();
    const ids = await idsOf(cluster, 1);
    const { session } = cluster.brokers.get(1) ?? {};
    const data = Buffer.from('{"version":1,"broker":1,"block_start":"0","block_end":"x"}');
    await cluster.settle(session?.write({ type: 'create', path, data }) ?? Promise.reject());
    const refusal = await cluster.settle(ids.allocate().then(String, String));
    expect(refusal).to.include('block_end');
  });
});
