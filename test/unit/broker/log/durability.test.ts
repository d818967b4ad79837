import { expect } from 'chai';
import { Durability } from '../../../../broker/log/durability.ts';
import type { OpenFile } from '../../../../common/index.ts';

describe('Durability', () => {
  const active = { path: 'active' } as OpenFile;
  const capture = (durability: Durability, writtenOffset: number) =>
    durability.capture(writtenOffset, () => active)!;

  it('counts a later sync only after the earlier ones', () => {
    const durability = new Durability(0);
    const first = capture(durability, 5);
    const second = capture(durability, 9);
    expect(durability.complete(second)).to.equal(false);
    expect(durability.durableOffset).to.equal(0);
    expect(durability.complete(first)).to.equal(true);
    expect(durability.durableOffset).to.equal(9);
  });

  it('captures nothing where everything is on disk or under way', () => {
    const durability = new Durability(5);
    expect(durability.capture(5, () => active)).to.equal(undefined);
    capture(durability, 6);
    expect(durability.capture(6, () => active)).to.equal(undefined);
  });

  it('does not count for new bytes a sync that covered the ones cut off', () => {
    const durability = new Durability(0);
    const sync = capture(durability, 9);
    durability.lowerTo(4);
    durability.complete(sync);
    expect(durability.durableOffset).to.equal(4);
    // Bytes at 4 to 8 stand again, and are other ones.
    expect(durability.capture(9, () => active)?.files).to.deep.equal([active]);
  });

  it('syncs rolled files before the active one, and new names before both', () => {
    const durability = new Durability(0);
    const old = { path: 'old' } as OpenFile;
    durability.addFile(old);
    durability.addDirectory('/d');
    expect(capture(durability, 1)).to.deep.equal({ directories: ['/d'], files: [old, active] });
  });

  it('closes no file that a sync may still name', () => {
    const durability = new Durability(0);
    const closed: string[] = [];
    durability.addFile({ path: 'old' } as OpenFile);
    durability.closeLater({ close: () => closed.push('old') });
    const sync = capture(durability, 1);
    expect(closed).to.deep.equal([]);
    durability.complete(sync);
    expect(closed).to.deep.equal(['old']);
  });

  it('lets waiters go when what they wait for is on disk, or rejects them', async () => {
    const durability = new Durability(0);
    expect(durability.wait(0)).to.equal(undefined);
    const waiting = durability.wait(3);
    const cut = durability.wait(9);
    durability.complete(capture(durability, 3));
    durability.settleWaiters();
    await waiting;
    durability.lowerTo(2);
    durability.settleWaiters();
    await cut;
    const failing = durability.wait(5);
    durability.rejectWaiters(new Error('gone'));
    expect(await failing?.catch((error: Error) => error.message)).to.equal('gone');
  });
});
