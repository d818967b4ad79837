import { expect } from 'chai';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { createAdminApp } from '../../../../broker/admin/adminApp.ts';
import { probeFamilies } from '../../../../broker/admin/index.ts';
import { BrokerProbe } from '../../../../broker/metrics/index.ts';
import { type LogFields, type Logger, silentLogger } from '../../../../common/index.ts';
import { ProtocolError } from '../../../../protocol/index.ts';
import { adminRouteTable } from '../../../harness/docs/adminTables.ts';
import { generatedSection } from '../../../harness/docs/generatedSection.ts';
import { FakeBackend } from './fakeBackend.ts';

const CLUSTER = '/v3/clusters/cluster-1';

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>> & {
    readonly data: readonly Record<string, unknown>[];
  };
}

describe('the admin endpoint', () => {
  let backend: FakeBackend;
  let app: FastifyInstance;
  let errors: [string, LogFields | undefined][];

  beforeEach(async () => {
    backend = new FakeBackend();
    errors = [];
    const logger: Logger = { ...silentLogger, error: (...line) => errors.push(line as never) };
    const options = { allowedHosts: ['Kafka.Example'], softwareVersion: '1.2.3' };
    app = await createAdminApp(backend, options, logger);
  });

  afterEach(() => app.close());

  async function call(
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    options: Pick<InjectOptions, 'payload' | 'headers'> = {},
  ): Promise<Answer> {
    const headers = { host: '127.0.0.1:9292', ...options.headers };
    const response = await app.inject({ method, url, ...options, headers });
    const isJson = String(response.headers['content-type']).includes('json');
    return {
      status: response.statusCode,
      text: response.body,
      headers: response.headers,
      body: isJson ? response.json() : { data: [] },
    };
  }

  const get = (url: string, headers: Record<string, string> = {}): Promise<Answer> =>
    call('GET', url, { headers });
  const post = (url: string, payload: InjectOptions['payload']): Promise<Answer> =>
    call('POST', url, { ...(payload === undefined ? {} : { payload }) });

  describe('health', () => {
    it('is live whether or not it is ready', async () => {
      backend.reasons = ['Waiting for ZooKeeper'];
      expect(await get('/health/live')).to.deep.include({ status: 200, body: { status: 'live' } });
    });

    it('is ready without reasons, and 503 with them', async () => {
      const ready = await get('/health/ready');
      expect([ready.status, ready.body]).to.deep.equal([200, { status: 'ready', reasons: [] }]);
      backend.reasons = ['Waiting for ZooKeeper', 'Log directory "/a" is offline'];
      const waiting = await get('/health/ready');
      expect([waiting.status, waiting.body]).to.deep.equal([
        503,
        { status: 'not ready', reasons: backend.reasons },
      ]);
    });
  });

  describe('metrics', () => {
    it('publishes counters, gauges and histograms as Prometheus reads them', async () => {
      backend.families = [
        {
          type: 'gauge',
          name: 'odradek_log_bytes',
          help: 'Bytes.',
          samples: [{ labels: { topic: 'a"b\n', partition: 3 }, value: 12.5 }],
        },
        {
          type: 'histogram',
          name: 'odradek_wait_seconds',
          help: 'Waits.',
          bounds: [0.1, 1],
          samples: [{ counts: [2, 0, 5], sum: 30 }],
        },
      ];
      const { status, text, headers } = await get('/metrics');
      expect(status).to.equal(200);
      expect(headers['content-type']).to.match(/^text\/plain/);
      const lines = text.split('\n');
      expect(lines).to.include.members([
        '# TYPE odradek_log_bytes gauge',
        'odradek_log_bytes{topic="a\\"b\\n",partition="3"} 12.5',
        '# TYPE odradek_wait_seconds histogram',
        'odradek_wait_seconds_bucket{le="0.1"} 2',
        'odradek_wait_seconds_bucket{le="1"} 2',
        'odradek_wait_seconds_bucket{le="+Inf"} 7',
        'odradek_wait_seconds_sum 30',
        'odradek_wait_seconds_count 7',
      ]);
      expect(text).to.match(/^process_resident_memory_bytes \d+$/m);
    });

    it('publishes what the probe of the broker has counted, anew each time', async () => {
      const probe = new BrokerProbe();
      probe.countRequest('Produce');
      probe.countError('CORRUPT_MESSAGE');
      probe.produceLatency.observe(0.3);
      probe.producedBytesTotal = 10;
      backend.families = probeFamilies(probe);
      expect((await get('/metrics')).text).to.contain('odradek_produced_bytes_total 10\n');
      probe.producedBytesTotal = 11;
      backend.families = probeFamilies(probe);
      const { text } = await get('/metrics');
      for (const line of [
        'odradek_produced_bytes_total 11',
        'odradek_requests_total{api="Produce"} 1',
        'odradek_errors_total{error="CORRUPT_MESSAGE"} 1',
        'odradek_produce_latency_seconds_bucket{le="0.00025"} 0',
        'odradek_produce_latency_seconds_bucket{le="0.0005"} 1',
        'odradek_produce_latency_seconds_count 1',
      ]) {
        expect(text.split('\n')).to.include(line);
      }
    });
  });

  describe('the cluster', () => {
    it('is listed and described with links that lead back to the caller', async () => {
      const list = await get('/v3/clusters');
      expect(list.status).to.equal(200);
      expect(list.body).to.include({ kind: 'KafkaClusterList' });
      const one = await get(CLUSTER);
      expect(list.body.data[0]).to.deep.equal(one.body);
      const self = `http://127.0.0.1:9292${CLUSTER}`;
      expect(one.body).to.deep.equal({
        kind: 'KafkaCluster',
        metadata: { self, resource_name: 'crn:///kafka=cluster-1' },
        cluster_id: 'cluster-1',
        controller: { related: `${self}/brokers/2` },
        brokers: { related: `${self}/brokers` },
        topics: { related: `${self}/topics` },
      });
    });

    it('has no controller while none is known', async () => {
      backend.controller = -1;
      expect((await get(CLUSTER)).body['controller']).to.equal(null);
    });

    it('lists its brokers and describes each', async () => {
      const { data } = (await get(`${CLUSTER}/brokers`)).body;
      expect(data.map(({ broker_id }) => broker_id)).to.deep.equal([1, 2]);
      const two = await get(`${CLUSTER}/brokers/2`);
      expect(two.body).to.include({ kind: 'KafkaBroker', broker_id: 2, port: 9193, rack: 'r2' });
      for (const id of ['3', '02', '-1', 'x', '__proto__']) {
        const absent = await get(`${CLUSTER}/brokers/${id}`);
        expect([absent.status, absent.body['error_code']]).to.deep.equal([404, 404]);
      }
    });

    it('is the only one: another id is not found anywhere', async () => {
      for (const path of ['', '/brokers', '/brokers/1', '/topics', '/topics/flights']) {
        const answer = await get(`/v3/clusters/other${path}`);
        expect(answer.status, path).to.equal(404);
        expect(answer.body['message']).to.contain('"other"');
      }
      const posted = await post('/v3/clusters/other/topics', { topic_name: 'a' });
      expect(posted.status).to.equal(404);
      expect((await call('DELETE', '/v3/clusters/other/topics/flights')).status).to.equal(404);
      expect([backend.created, backend.deleted]).to.deep.equal([[], []]);
    });
  });

  describe('topics', () => {
    it('are listed and described', async () => {
      const { body } = await get(`${CLUSTER}/topics`);
      const self = `http://127.0.0.1:9292${CLUSTER}/topics`;
      expect(body).to.deep.include({ metadata: { self, next: null } });
      expect(body.data).to.deep.equal([(await get(`${CLUSTER}/topics/flights`)).body]);
      expect(body.data[0]).to.deep.include({
        kind: 'KafkaTopic',
        topic_name: 'flights',
        is_internal: false,
        replication_factor: 2,
        partitions_count: 2,
        partitions: { related: `${self}/flights/partitions` },
      });
    });

    it('tell where their partitions are', async () => {
      const { data } = (await get(`${CLUSTER}/topics/flights/partitions`)).body;
      const cluster = `http://127.0.0.1:9292${CLUSTER}`;
      expect(data[0]).to.deep.include({
        kind: 'KafkaPartition',
        partition_id: 0,
        leader: { related: `${cluster}/brokers/1` },
        leader_id: 1,
        leader_epoch: 4,
        replica_ids: [1, 2],
        isr_ids: [1],
      });
      expect(data[1]).to.include({ leader: null, leader_id: null });
    });

    it('tell their settings and where each comes from', async () => {
      const { data } = (await get(`${CLUSTER}/topics/flights/configs`)).body;
      expect(data[0]).to.include({ name: 'retention.ms', value: '1000', is_default: false });
      expect(data.map(({ source }) => source)).to.deep.equal([
        'DYNAMIC_TOPIC_CONFIG',
        'DEFAULT_CONFIG',
      ]);
    });

    it('that do not exist are not found, by the code of the catalogue', async () => {
      for (const path of ['', '/partitions', '/configs']) {
        const { status, body } = await get(`${CLUSTER}/topics/absent${path}`);
        expect([status, body['error_code']]).to.deep.equal([404, 3]);
        expect(body['message']).to.contain('"absent"');
      }
    });

    it('are created as asked, with defaults for what is left out', async () => {
      const { status, body, headers } = await post(`${CLUSTER}/topics`, { topic_name: 'new' });
      expect(status).to.equal(201);
      expect(headers['location']).to.equal(`http://127.0.0.1:9292${CLUSTER}/topics/new`);
      expect(body).to.include({ topic_name: 'new', partitions_count: 6, replication_factor: 1 });
      await post(`${CLUSTER}/topics`, {
        topic_name: 'placed',
        partitions_count: 2,
        replication_factor: 1,
        replicas_assignments: [
          { partition_id: 1, broker_ids: [2, 1] },
          { partition_id: 0, broker_ids: [1, 2] },
        ],
        configs: [{ name: 'retention.ms', value: '5' }],
      });
      const nothing = { assignments: null, configs: [], validateOnly: false };
      expect(backend.created).to.deep.equal([
        { name: 'new', partitionCount: -1, replicationFactor: -1, ...nothing },
        {
          name: 'placed',
          partitionCount: 2,
          replicationFactor: 1,
          assignments: [
            [1, 2],
            [2, 1],
          ],
          configs: [{ name: 'retention.ms', value: '5' }],
          validateOnly: false,
        },
      ]);
    });

    it('are only validated where asked, which is 200 and not 201', async () => {
      const body = { topic_name: 'new', validate_only: true };
      expect((await post(`${CLUSTER}/topics`, body)).status).to.equal(200);
      expect(backend.created[0]!.validateOnly).to.equal(true);
    });

    it('are deleted', async () => {
      const { status, text } = await call('DELETE', `${CLUSTER}/topics/flights`);
      expect([status, text]).to.deep.equal([204, '']);
      expect(backend.deleted).to.deep.equal(['flights']);
      const again = await call('DELETE', `${CLUSTER}/topics/absent`);
      expect([again.status, again.body['error_code']]).to.deep.equal([404, 3]);
    });

    it('are refused with the status and code of the catalogue', async () => {
      const exists = await post(`${CLUSTER}/topics`, { topic_name: 'flights' });
      expect([exists.status, exists.body]).to.deep.equal([
        409,
        { error_code: 36, message: 'Topic "flights" exists already' },
      ]);
      backend.failure = new ProtocolError('NOT_CONTROLLER');
      expect((await post(`${CLUSTER}/topics`, { topic_name: 'a' })).status).to.equal(503);
    });
  });

  describe('bad input', () => {
    it('is refused where a topic name is not allowed', async () => {
      const names = ['a%20b', '..', 'a'.repeat(250), '%C3%A9', 'a%2Fb', '%00'];
      for (const name of names.filter((one) => one !== '..')) {
        const { status, body } = await get(`${CLUSTER}/topics/${name}`);
        expect([name, status, body['error_code']]).to.deep.equal([name, 400, 17]);
        const deleted = await call('DELETE', `${CLUSTER}/topics/${name}`);
        expect(deleted.status).to.equal(400);
      }
      for (const name of ['', '.', '..', 'a b', 'a/b', 'a'.repeat(250), 'é', 'a\n']) {
        const { status, body } = await post(`${CLUSTER}/topics`, { topic_name: name });
        expect([name, status, body['error_code']]).to.deep.equal([name, 400, 17]);
      }
      const longest = 'a'.repeat(249);
      expect((await post(`${CLUSTER}/topics`, { topic_name: longest })).status).to.equal(201);
      expect((await get(`${CLUSTER}/topics/${longest}`)).status).to.equal(404);
      expect([backend.created.length, backend.deleted]).to.deep.equal([1, []]);
    });

    it('is refused where a body is not of the shape, and never bent to fit', async () => {
      const bodies: readonly object[] = [
        {},
        [],
        { topic_name: 1 },
        { topic_name: 'a', partitions_count: '3' },
        { topic_name: 'a', partitions_count: 0 },
        { topic_name: 'a', partitions_count: 2 ** 31 },
        { topic_name: 'a', partitions_count: 1.5 },
        { topic_name: 'a', replication_factor: 40_000 },
        { topic_name: 'a', partition_count: 3 },
        { topic_name: 'a', configs: [{ name: 'x', value: 1 }] },
        { topic_name: 'a', configs: { x: 1 } },
        { topic_name: 'a', validate_only: 'yes' },
      ];
      for (const payload of bodies) {
        const { status, body } = await post(`${CLUSTER}/topics`, payload);
        const seen = [JSON.stringify(payload), status, body['error_code']];
        expect(seen).to.deep.equal([JSON.stringify(payload), 400, 42]);
      }
      const gap = { topic_name: 'a', replicas_assignments: [{ partition_id: 1, broker_ids: [1] }] };
      expect((await post(`${CLUSTER}/topics`, gap)).body['error_code']).to.equal(39);
      expect(backend.created).to.deep.equal([]);
    });

    it('is refused where it is no JSON, another type, or too large', async () => {
      const url = `${CLUSTER}/topics`;
      const send = (payload: string, type: string): Promise<Answer> =>
        call('POST', url, { payload, headers: { 'content-type': type } });
      expect((await send('{', 'application/json')).status).to.equal(400);
      expect((await send('{"__proto__":{"topic_name":"a"}}', 'application/json')).status).to.equal(
        400,
      );
      expect((await send('{"topic_name":"a"}', 'text/plain')).status).to.equal(415);
      expect((await send('topic_name=a', 'application/x-www-form-urlencoded')).status).to.equal(
        415,
      );
      const large = JSON.stringify({ topic_name: 'x'.repeat(1024 * 1024) });
      expect((await send(large, 'application/json')).status).to.equal(413);
      expect((await call('POST', url)).status).to.equal(400);
      expect(backend.created).to.deep.equal([]);
    });

    it('is answered in one shape, unknown paths too', async () => {
      for (const url of ['/', '/v3', `${CLUSTER}/topics/a/b`, '/health', '/v3/clusters/%ff']) {
        const { status, body } = await get(url);
        expect(status, url).to.be.oneOf([400, 404]);
        expect(body).to.have.all.keys('error_code', 'message');
      }
    });

    it('tells nothing of what failed within, but logs it', async () => {
      backend.failure = new Error('secret path /var/x');
      const { status, body } = await post(`${CLUSTER}/topics`, { topic_name: 'a' });
      expect([status, body['error_code']]).to.deep.equal([500, -1]);
      expect(JSON.stringify(body)).to.not.contain('secret');
      expect(errors).to.have.length(1);
      expect(errors[0]![1]).to.deep.include({ error: backend.failure, method: 'POST' });
    });
  });

  describe('the Host header', () => {
    it('is taken where it names loopback or a configured name', async () => {
      const hosts = ['localhost', 'LOCALHOST:1', '127.0.0.1', '127.9.9.9:80', '[::1]:9292'];
      for (const host of [...hosts, 'kafka.example', 'Kafka.Example:9292']) {
        expect((await get('/health/live', { host })).status, host).to.equal(200);
      }
    });

    it('is refused for any other name, on every route', async () => {
      const hosts = [
        'evil.example',
        '127.0.0.1.evil.example',
        'localhost.evil.example',
        '10.0.0.1',
      ];
      for (const host of [...hosts, 'x@127.0.0.1.evil', '127.0.0.1@evil.example', ':']) {
        const { status, body } = await get(CLUSTER, { host });
        expect([host, status, body['error_code']]).to.deep.equal([host, 403, 403]);
      }
      const headers = { host: 'evil.example' };
      for (const url of ['/metrics', '/openapi.json', '/health/live', '/nowhere']) {
        expect((await get(url, headers)).status, url).to.equal(403);
      }
      await call('DELETE', `${CLUSTER}/topics/flights`, { headers });
      expect(backend.deleted).to.deep.equal([]);
    });

    it('does not help a page of another origin', async () => {
      const headers = { origin: 'https://evil.example' };
      const { status } = await call('DELETE', `${CLUSTER}/topics/flights`, { headers });
      expect(status).to.equal(403);
      expect((await get('/health/live', { origin: 'null' })).status).to.equal(403);
      expect((await get('/health/live', { origin: 'http://localhost:3000' })).status).to.equal(200);
      expect(backend.deleted).to.deep.equal([]);
    });
  });

  it('describes every route in /openapi.json', async () => {
    const { status, body } = await get('/openapi.json');
    expect(status).to.equal(200);
    expect(body['openapi']).to.match(/^3\./);
    expect((body['info'] as { version: string }).version).to.equal('1.2.3');
    const paths = body['paths'] as Record<string, object>;
    const shown = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(shown.sort()).to.deep.equal([
      'delete /v3/clusters/{clusterId}/topics/{topicName}',
      'get /health/live',
      'get /health/ready',
      'get /metrics',
      'get /v3/clusters',
      'get /v3/clusters/{clusterId}',
      'get /v3/clusters/{clusterId}/brokers',
      'get /v3/clusters/{clusterId}/brokers/{brokerId}',
      'get /v3/clusters/{clusterId}/topics',
      'get /v3/clusters/{clusterId}/topics/{topicName}',
      'get /v3/clusters/{clusterId}/topics/{topicName}/configs',
      'get /v3/clusters/{clusterId}/topics/{topicName}/partitions',
      'post /v3/clusters/{clusterId}/topics',
    ]);
  });

  it('is described in docs/admin.md route by route (UPDATE=1 rewrites it)', async () => {
    const table = adminRouteTable((await get('/openapi.json')).body);
    expect(generatedSection('admin.md', table)).to.equal(table);
  });
});
