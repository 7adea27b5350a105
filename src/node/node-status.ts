import type { Health } from '../runtime/health.ts'
import { toHex } from '../runtime/hex.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { StorageError } from '../storage/storage-error.ts'
import type { NodeParts } from './node-parts.ts'
import { peerStatuses } from './peer-statuses.ts'
import type { NodeStatus } from './soma-node.ts'

/** What only the node itself knows of its status. */
export interface NodeStatusInit extends Pick<NodeStatus, 'chainId' | 'role' | 'uptimeMs' | 'epoch'> {
  readonly store: CommitStore
  readonly parts: NodeParts
}

/** Where a node stands: what its parts say, put together. */
export async function nodeStatus({ store, parts, ...own }: NodeStatusInit): Promise<NodeStatus> {
  const { libp2p, delivery, events } = parts
  const { stateSync, discovery } = libp2p.services
  const { highestSynced, highestCertifiable, lowestAvailable } = store.watermarks
  const sync = stateSync.status()
  const { cursors, unreadable } = await cursorsOf(delivery)
  return {
    ...own,
    peerId: libp2p.peerId.toString(),
    addresses: libp2p.getMultiaddrs().map(String),
    highestSynced: { index: highestSynced.index, digest: toHex(highestSynced.digest) },
    highestSyncedAtMs: sync.highestSyncedAtMs,
    highestCertifiable,
    lowestAvailable,
    highestKnown: sync.highestKnown,
    cursors,
    bytesInFlight: sync.bytesInFlight,
    rangesInFlight: sync.ranges.length,
    sync: { ranges: sync.ranges, stages: sync.stages, waiting: sync.waiting },
    synced: sync.synced,
    peers: peerStatuses(libp2p),
    knownPeers: discovery.known().length,
    discovery: discovery.status(),
    health: { ...healthOf(parts), ...(unreadable && { storage: unreadable }) },
    events: events.recent
  }
}

/** How all parts are: the embedder's own, and over them those of the node. */
export function healthOf({ reported, health }: NodeParts): Record<string, Health> {
  return { ...reported.all(), ...health.all() }
}

/** Whoever asks how the node is gets an answer while its disk cannot be read, too: it says so. */
async function cursorsOf(
  delivery: NodeParts['delivery']
): Promise<{ cursors: Record<string, number>; unreadable?: Health }> {
  try {
    return { cursors: Object.fromEntries(await delivery.positions()) }
  } catch (thrown) {
    if (!(thrown instanceof StorageError && thrown.code === 'STORAGE_READ_FAILED')) throw thrown
    return { cursors: {}, unreadable: { state: 'degraded', reason: `${thrown.code}: ${thrown.message}` } }
  }
}
