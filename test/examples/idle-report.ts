import type { NodeReport } from '../../examples/cli/node-report.ts'

/** What a node reports that has five commits, and nobody to get more from. */
export const idleReport: NodeReport = {
  pid: 1,
  version: '0.1.0',
  peerId: '12D3KooW',
  chainId: '',
  addresses: [],
  role: 'full',
  uptimeMs: 0,
  epoch: 0,
  highestSynced: { index: 5, digest: '' },
  highestSyncedAtMs: 1_700_000_000_000,
  highestCertifiable: 5,
  lowestAvailable: 1,
  highestKnown: 9,
  cursors: {},
  bytesInFlight: 0,
  rangesInFlight: 0,
  sync: { ranges: [], stages: [], waiting: undefined },
  synced: { commits: 5, blocks: 5, bytes: 5 },
  peers: [],
  knownPeers: 0,
  discovery: {
    known: 0,
    bySource: { configured: 0, committee: 0, gossip: 0, dht: 0, seed: 0, cache: 0 },
    connected: 0,
    isIsolated: true,
    lacking: [],
    committee: { kept: 0, connected: 0 },
    goodPeers: 0,
    dialling: 0,
    exchanges: { underWay: 0, succeeded: 0, failed: 0 },
    answered: 0,
    infos: { learned: 0, crowdedOut: 0, refused: {} },
    visits: { underWay: 0, begun: 0, parted: 0 },
    dropped: 0
  },
  health: { storage: { state: 'ok' } },
  events: []
}
