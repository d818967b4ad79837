import { expect } from 'chai';
import { DemoCheck, isSound } from '../../../bench/demoCheck.ts';

function checked(acknowledged: readonly number[], read: readonly [number, string][]): DemoCheck {
  const check = new DemoCheck(10);
  for (const number of acknowledged) check.acknowledge(number);
  for (const [number, key] of read) check.read(number, key);
  return check;
}

describe('the check of the demo', () => {
  it('is content with every record once, in order within its key', () => {
    const check = checked(
      [0, 1, 2],
      [
        [1, 'b'],
        [0, 'a'],
        [2, 'a'],
      ],
    );
    const result = check.result(3, 0);
    expect(result).to.deep.equal({
      input: 3,
      acknowledged: 3,
      read: 3,
      lost: 0,
      duplicates: 0,
      outOfOrder: 0,
      kills: 0,
    });
    expect(isSound(result)).to.equal(true);
  });

  it('counts an acknowledged record that never came back, and no other, as lost', () => {
    const result = checked([0, 1], [[2, 'a']]).result(3, 1);
    expect(result).to.include({ lost: 2, read: 1, acknowledged: 2 });
    expect(isSound(result)).to.equal(false);
  });

  it('counts a record that comes after a later one of its key as out of order', () => {
    const result = checked(
      [0, 1],
      [
        [1, 'a'],
        [0, 'a'],
      ],
    ).result(2, 1);
    expect(result).to.include({ outOfOrder: 1, duplicates: 0 });
    expect(isSound(result)).to.equal(false);
  });

  it('takes a repeated batch as duplicates, which nothing excuses', () => {
    const read: [number, string][] = [
      [0, 'a'],
      [1, 'a'],
      [0, 'a'],
      [1, 'a'],
    ];
    const result = checked([0, 1], read).result(2, 0);
    expect(result).to.include({ duplicates: 2, outOfOrder: 0, lost: 0 });
    expect(isSound(result)).to.equal(false);
    expect(isSound({ ...result, kills: 1 })).to.equal(false);
  });

  it('lets records go unacknowledged only where a broker was killed', () => {
    const result = checked([0], [[0, 'a']]).result(2, 0);
    expect(isSound(result)).to.equal(false);
    expect(isSound({ ...result, kills: 1 })).to.equal(true);
  });
});
