import { expect } from 'chai';
import { GroupFixture } from '../../../harness/group/groupFixture.ts';

const MEMBER_COUNT = 1000;

describe('a group of a thousand members', function () {
  this.timeout(30_000);

  it('becomes stable, and again when one more comes', async () => {
    const group = await new GroupFixture().lead();
    const members = Array.from({ length: MEMBER_COUNT }, () =>
      group.member({ requiresKnownMemberId: true }),
    );
    await Promise.all(members.map((member) => member.join()));
    await group.stable(...members);
    const newcomer = group.member();
    const joins = [newcomer.join(), ...members.map((member) => member.join())];
    await Promise.all(joins);
    await Promise.all([newcomer, ...members].map((member) => member.sync([])));
    expect(new Set(members.map(({ generationId }) => generationId))).to.deep.equal(new Set([2]));
    const answers = await Promise.all(members.map((member) => member.heartbeat()));
    expect(new Set(answers)).to.deep.equal(new Set(['NONE']));
    expect(group.fatal).to.deep.equal([]);
  });

  it('keeps nothing of members that join in a loop and never come back', async () => {
    const group = await new GroupFixture().lead();
    for (let round = 0; round < MEMBER_COUNT; round += 1) {
      const member = group.member({ requiresKnownMemberId: true, sessionTimeoutMs: 6000 });
      expect((await member.join()).error).to.equal('MEMBER_ID_REQUIRED');
    }
    await group.time.advance(6001);
    const listed = await group.coordinator.listGroups({ states: [], types: [] });
    expect(listed.groups).to.deep.equal([]);
  });

  it('holds one place for a member that joins again and again', async () => {
    const group = await new GroupFixture().lead();
    const member = group.member();
    await group.stable(member);
    for (let round = 0; round < 100; round += 1) {
      await member.join();
      await member.sync([]);
    }
    const [described] = await group.coordinator.describeGroups(['billing']);
    expect(described?.members).to.have.length(1);
    expect(member.generationId).to.equal(101);
  });
});
