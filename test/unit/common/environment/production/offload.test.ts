import { expect } from 'chai';
import { WorkerOffload } from '../../../../../common/environment/production/index.ts';

const module = new URL('./offloadTasks.ts', import.meta.url).href;
const double = { module, function: 'multiply', parameter: 2 };

describe('worker offload', () => {
  let offload: WorkerOffload;
  beforeEach(() => {
    offload = new WorkerOffload({ threadsMax: 2 });
  });
  afterEach(() => offload.close());

  it('runs the named function on another thread and leaves the input with the caller', async () => {
    const input = Buffer.from([1, 2, 3]);
    const result = await offload.run(double, input);
    expect([...result]).to.deep.equal([2, 4, 6]);
    expect([...input]).to.deep.equal([1, 2, 3]);
    const thread = await offload.run({ module, function: 'threadNumber', parameter: 0 }, input);
    expect(thread[0]).to.be.greaterThan(0);
  });

  it('runs many tasks at once and returns to each caller its own result', async () => {
    const inputs = Array.from({ length: 20 }, (_, index) => Uint8Array.of(index));
    const results = await Promise.all(inputs.map((input) => offload.run(double, input)));
    expect(results.map((result) => result[0])).to.deep.equal(inputs.map((_, index) => index * 2));
  });

  it('rejects with the message and the code that the task threw', async () => {
    const error = await offload
      .run({ module, function: 'fail', parameter: 0 }, new Uint8Array())
      .catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Error).that.includes({ message: 'bad bytes', code: 'E_BAD' });
  });

  it('names a function that the module does not export', async () => {
    const error = await offload
      .run({ module, function: 'absent', parameter: 0 }, new Uint8Array())
      .catch((reason: unknown) => reason);
    expect((error as Error).message).to.match(/exports no function "absent"/);
  });

  it('fails the tasks of a thread that dies, and serves later ones from a new thread', async () => {
    const died = await offload
      .run({ module, function: 'die', parameter: 0 }, new Uint8Array())
      .catch((reason: unknown) => reason);
    expect(died).to.be.instanceOf(Error);
    expect([...(await offload.run(double, Uint8Array.of(4)))]).to.deep.equal([8]);
  });

  it('refuses work after it was closed', async () => {
    await offload.close();
    const error = await offload.run(double, Uint8Array.of(1)).catch((reason: unknown) => reason);
    expect((error as Error).message).to.match(/closed/);
  });
});
