/**
 * /config/topics/T: what the topic sets itself; everything else follows the defaults.
 *
 *     {"version":1,"config":{"retention.ms":"3600000"}}
 */

import { encodeJson, ZnodeFields } from './znodeFields.ts';

export const topicConfigsPath = '/config/topics';

export const topicConfigZnode = {
  path(topic: string): string {
    return `${topicConfigsPath}/${topic}`;
  },

  encode(configs: ReadonlyMap<string, string>): Buffer {
    return encodeJson({ version: 1, config: Object.fromEntries(configs) });
  },

  /** @throws {OdradekError} ZNODE_DAMAGED */
  decode(topic: string, data: Uint8Array): ReadonlyMap<string, string> {
    const fields = ZnodeFields.parse(this.path(topic), data);
    fields.version([1]);
    const config = fields.object('config');
    return new Map(config.names.map((name) => [name, config.string(name)]));
  },
};
