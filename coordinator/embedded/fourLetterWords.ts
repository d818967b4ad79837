/** ZooKeeper's four-letter words, as far as people and monitors ask this server: in brief. */

export interface ServerFigures {
  readonly version: string;
  readonly lastZxid: number;
  readonly nodes: number;
  readonly ephemerals: number;
  readonly watches: number;
  readonly dataBytes: number;
  readonly sessions: number;
  readonly connections: number;
  readonly packetsReceived: number;
  /** Answers that wait for the disk. */
  readonly outstanding: number;
  /** Remote addresses of the connections. */
  readonly clients: readonly string[];
}

/**
 * @param figures are only gathered where the word needs them.
 * @returns the text to send, or undefined where `word` is no command.
 */
export function answerFourLetterWord(
  word: string,
  figures: () => ServerFigures,
): string | undefined {
  switch (word) {
    case 'ruok':
      return 'imok';
    case 'srvr':
      return srvr(figures());
    case 'stat':
      return stat(figures());
    case 'mntr':
      return mntr(figures());
    default:
      return undefined;
  }
}

function srvr(figures: ServerFigures): string {
  return lines([versionLine(figures), ...serverLines(figures)]);
}

function stat(figures: ServerFigures): string {
  const clients = figures.clients.map((remote) => ` /${remote}`);
  return lines([versionLine(figures), 'Clients:', ...clients, '', ...serverLines(figures)]);
}

function versionLine({ version }: ServerFigures): string {
  return `Zookeeper version: ${version}`;
}

function serverLines(figures: ServerFigures): string[] {
  return [
    `Received: ${figures.packetsReceived}`,
    `Connections: ${figures.connections}`,
    `Outstanding: ${figures.outstanding}`,
    `Zxid: 0x${figures.lastZxid.toString(16)}`,
    'Mode: standalone',
    `Node count: ${figures.nodes}`,
  ];
}

function mntr(figures: ServerFigures): string {
  return lines([
    `zk_version\t${figures.version}`,
    'zk_server_state\tstandalone',
    `zk_packets_received\t${figures.packetsReceived}`,
    `zk_num_alive_connections\t${figures.connections}`,
    `zk_outstanding_requests\t${figures.outstanding}`,
    `zk_znode_count\t${figures.nodes}`,
    `zk_watch_count\t${figures.watches}`,
    `zk_ephemerals_count\t${figures.ephemerals}`,
    `zk_approximate_data_size\t${figures.dataBytes}`,
    `zk_global_sessions\t${figures.sessions}`,
  ]);
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
