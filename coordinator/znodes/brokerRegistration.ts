/**
 * /brokers/ids/N, ephemeral: a live broker. Its czxid is the broker epoch.
 *
 *     {"version":5,"host":null,"port":-1,"jmx_port":-1,"timestamp":"1700000000000",
 *      "endpoints":[],"listener_security_protocol_map":{},"features":{},"rack":"r1",
 *      "odradek":{"native":["10.0.0.1:9192"],"admin":["10.0.0.1:9292"],"directory":"4KX..."}}
 *
 * Everything but `odradek` is Kafka 3.9's, and holds only what its decoder takes: an endpoint with a
 * security protocol that Kafka does not know would stop a Kafka broker that reads it.
 */

import type { SocketAddress } from '../../common/index.ts';
import { damagedZnode, encodeJson, ZnodeFields } from './znodeFields.ts';

export interface BrokerRegistration {
  /** Our own endpoints; undefined for a broker of Apache Kafka. */
  readonly odradek: OdradekEndpoints | undefined;
  /** Endpoints of the Kafka listeners, `NAME://host:port`. */
  readonly kafkaEndpoints: readonly string[];
  /** Security protocol of each listener name in `kafkaEndpoints`. */
  readonly securityProtocols: Readonly<Record<string, string>>;
  readonly rack: string | undefined;
  /** Wall clock of the broker when it registered, in milliseconds. For people only. */
  readonly registeredMs: number;
}

export interface OdradekEndpoints {
  /** Never empty; the first is what brokers and clients use. */
  readonly native: readonly SocketAddress[];
  readonly admin: readonly SocketAddress[];
  /** Id of the data directory that the broker holds locked, where it has told one. */
  readonly directoryId: string | undefined;
  /**
   * Broker epoch at the end of which the broker last stopped cleanly; absent where it did not. What
   * it had in that registration is then still on its disks.
   */
  readonly cleanStopEpoch?: number;
  /** Some of its replicas may be offline: it will say which. Absent where all are served. */
  readonly offlineReplicas?: true;
}

const KAFKA_ENDPOINT =
  /^(?<listener>[^:/]+):\/\/(?:\[(?<ip6>[^\]]+)\]|(?<host>[^:]+)):(?<port>\d{1,5})$/;
const PLAINTEXT_ENDPOINT = /^PLAINTEXT:\/\/(?<host>.*):(?<port>\d+)$/;

export const brokerIdsPath = '/brokers/ids';

export const brokerRegistrationZnode = {
  path(brokerId: number): string {
    return `${brokerIdsPath}/${brokerId}`;
  },

  encode(registration: BrokerRegistration): Buffer {
    const plaintext = registration.kafkaEndpoints
      .map((endpoint) => PLAINTEXT_ENDPOINT.exec(endpoint)?.groups)
      .find((groups) => groups !== undefined);
    const { odradek } = registration;
    return encodeJson({
      version: 5,
      host: plaintext?.['host'] ?? null,
      port: plaintext === undefined ? -1 : Number(plaintext['port']),
      jmx_port: -1,
      timestamp: String(registration.registeredMs),
      endpoints: registration.kafkaEndpoints,
      listener_security_protocol_map: registration.securityProtocols,
      features: {},
      ...(registration.rack === undefined ? {} : { rack: registration.rack }),
      ...(odradek === undefined
        ? {}
        : {
            odradek: {
              native: odradek.native.map(formatAddress),
              ...(odradek.admin.length === 0 ? {} : { admin: odradek.admin.map(formatAddress) }),
              ...(odradek.directoryId === undefined ? {} : { directory: odradek.directoryId }),
              ...(odradek.cleanStopEpoch === undefined
                ? {}
                : { cleanStopEpoch: odradek.cleanStopEpoch }),
              ...(odradek.offlineReplicas ? { offlineReplicas: true } : {}),
            },
          }),
    });
  },

  /** @throws {OdradekError} ZNODE_DAMAGED */
  decode(path: string, data: Uint8Array): BrokerRegistration {
    const fields = ZnodeFields.parse(path, data);
    const version = fields.version([1, 2, 3, 4, 5]);
    const map = fields.optionalObject('listener_security_protocol_map');
    const timestamp = Number(fields.optionalString('timestamp') ?? '0');
    return {
      odradek: decodeOdradek(path, fields.optionalObject('odradek')),
      kafkaEndpoints: version === 1 ? [] : fields.strings('endpoints'),
      securityProtocols: Object.fromEntries(
        (map?.names ?? []).map((name) => [name, map?.string(name) ?? '']),
      ),
      rack: fields.optionalString('rack'),
      registeredMs: Number.isSafeInteger(timestamp) ? timestamp : 0,
    };
  },
};

function decodeOdradek(
  path: string,
  fields: ZnodeFields | undefined,
): OdradekEndpoints | undefined {
  if (fields === undefined) return undefined;
  const native = fields.strings('native').map((text) => parseAddress(path, text));
  if (native.length === 0) throw damagedZnode(path, '"odradek.native" is empty');
  const admin = fields.has('admin') ? fields.strings('admin') : [];
  return {
    native,
    admin: admin.map((text) => parseAddress(path, text)),
    directoryId: fields.optionalString('directory'),
    ...(fields.has('cleanStopEpoch')
      ? { cleanStopEpoch: fields.integer('cleanStopEpoch', 0) }
      : {}),
    ...(fields.has('offlineReplicas') ? { offlineReplicas: true } : {}),
  };
}

/** A listener of the Kafka protocol, as a registration has it. */
export interface KafkaEndpoint {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
}

/** `NAME://host:port`, as Kafka writes it. */
export function formatKafkaEndpoint({ listener, host, port }: KafkaEndpoint): string {
  return `${listener}://${formatAddress({ host, port })}`;
}

/** @returns undefined where the text is no endpoint: another release may know more. */
export function parseKafkaEndpoint(text: string): KafkaEndpoint | undefined {
  const groups = KAFKA_ENDPOINT.exec(text)?.groups;
  const port = Number(groups?.['port']);
  if (groups === undefined || port > 65_535) return undefined;
  return {
    listener: groups['listener'] ?? '',
    host: groups['ip6'] ?? groups['host'] ?? '',
    port,
  };
}

/** `host:port`, with square brackets around an IPv6 address. */
export function formatAddress(address: SocketAddress): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

function parseAddress(path: string, text: string): SocketAddress {
  const groups = /^(?:\[(?<ip6>[^\]]+)\]|(?<host>[^:]+)):(?<port>\d{1,5})$/.exec(text)?.groups;
  const port = Number(groups?.['port']);
  if (groups === undefined || port === 0 || port > 65535) {
    throw damagedZnode(path, `"${text.slice(0, 60)}" is no host:port`);
  }
  return { host: groups['ip6'] ?? groups['host'] ?? '', port };
}
