import { createServer, type Server } from 'node:net';
import { expect } from 'chai';
import { assertPortsFree, countUp } from '../../../../cli/start/portPlan.ts';
import { UsageError } from '../../../../cli/usageError.ts';

describe('the ports of a start', () => {
  it('are counted up per broker, and any free one stays any free one', () => {
    const ports = (first: number): readonly number[] =>
      countUp(first, 3, '--native-port').map(({ port }) => port);
    expect(ports(9192)).to.deep.equal([9192, 9193, 9194]);
    expect(ports(0)).to.deep.equal([0, 0, 0]);
    expect(() => ports(65_534)).to.throw(UsageError, '--native-port 65534 leaves no room');
  });

  it('that two flags claim are refused by both names', async () => {
    const wishes = [...countUp(9000, 2, '--native-port'), ...countUp(9001, 1, '--admin-port')];
    const error = await assertPortsFree('127.0.0.1', wishes).catch((it: unknown) => it);
    expect(error).to.be.instanceOf(UsageError);
    expect(error).to.have.property('message', '--native-port and --admin-port both take port 9001');
  });

  describe('where one is taken', () => {
    let server: Server;
    let port: number;
    beforeEach(async () => {
      server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      port = typeof address === 'object' && address !== null ? address.port : 0;
    });
    afterEach(() => new Promise((resolve) => server.close(resolve)));

    it('are refused, naming port, flag and 0', async () => {
      const wish = { port, flag: '--coordinator-port' };
      const error = await assertPortsFree('127.0.0.1', [wish]).catch((it: unknown) => it);
      expect(error)
        .to.include({ code: 'PORT_IN_USE' })
        .with.property('message')
        .that.equals(
          `port ${port} is taken; choose another with --coordinator-port, ` +
            'or --coordinator-port 0 for any free port',
        );
    });
  });

  it('are free again after they were looked at', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await new Promise((resolve) => server.close(resolve));
    await assertPortsFree('127.0.0.1', [{ port, flag: '--native-port' }]);
    await assertPortsFree('127.0.0.1', [{ port, flag: '--native-port' }]);
  });
});
