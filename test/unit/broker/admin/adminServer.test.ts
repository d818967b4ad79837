import { expect } from 'chai';
import { openAdminServer } from '../../../../broker/admin/index.ts';
import { silentLogger } from '../../../../common/index.ts';
import { FakeBackend } from './fakeBackend.ts';

const options = { allowedHosts: [], softwareVersion: '0' };
const loopback = { host: '127.0.0.1', port: 0 };

describe('openAdminServer', () => {
  it('serves on the port that it took, until it is closed', async () => {
    const server = await openAdminServer(new FakeBackend(), loopback, options, silentLogger);
    const url = `http://127.0.0.1:${server.address.port}/v3/clusters`;
    const body = (await (await fetch(url)).json()) as { metadata: { self: string } };
    expect(body.metadata.self).to.equal(url);
    await server.close();
    await server.close();
    let refused = false;
    await fetch(url).catch(() => {
      refused = true;
    });
    expect(refused).to.equal(true);
  });

  it('names a port that is taken', async () => {
    const server = await openAdminServer(new FakeBackend(), loopback, options, silentLogger);
    try {
      let code: unknown;
      await openAdminServer(new FakeBackend(), server.address, options, silentLogger).catch(
        (error: { code?: unknown }) => {
          code = error.code;
        },
      );
      expect(code).to.equal('EADDRINUSE');
    } finally {
      await server.close();
    }
  });
});
