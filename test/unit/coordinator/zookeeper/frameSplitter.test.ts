import { expect } from 'chai';
import fc from 'fast-check';
import { FrameSplitter, frameBytesMax } from '../../../../coordinator/zookeeper/frameSplitter.ts';
import { frame, int } from '../support/fakeZookeeper.ts';

describe('FrameSplitter', () => {
  it('gives the same frames however the stream is cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 });
    const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(bodies, cuts, (contents, sizes) => {
        const frames = contents.map((content) => frame(Buffer.from(content)));
        const stream = Buffer.concat(frames);
        const splitter = new FrameSplitter();
        const found: Buffer[] = [];
        for (let position = 0, cut = 0; position < stream.length; cut++) {
          const end = position + (sizes[cut % sizes.length] ?? 1);
          found.push(...(splitter.push(stream.subarray(position, end)) ?? []));
          position = end;
        }
        expect(found.map((each) => each.toString('hex'))).to.deep.equal(
          frames.map((each) => each.toString('hex')),
        );
      }),
    );
  });

  it('refuses impossible lengths as soon as they are there', () => {
    for (const length of [-1, -(2 ** 31), frameBytesMax]) {
      expect(new FrameSplitter().push(int(length))).to.equal(undefined);
      const second = Buffer.concat([frame(Buffer.from('ok')), int(length)]);
      expect(new FrameSplitter().push(second)).to.equal(undefined);
    }
  });

  it('forgets what it has when reset', () => {
    const splitter = new FrameSplitter();
    splitter.push(frame(Buffer.alloc(50)).subarray(0, 20));
    splitter.reset();
    const whole = frame(Buffer.from('x'));
    expect(splitter.push(whole)).to.deep.equal([whole]);
  });
});
