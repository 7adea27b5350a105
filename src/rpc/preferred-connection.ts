import type { Connection, PeerId } from '@libp2p/interface'

/**
 * Connections that the two sides dialled within this time of each other, in milliseconds, were dialled without knowledge of one another: the slowest dial,
 * about. Later than that, whoever dials has lost the other connection.
 */
const CROSSED_MS = 10_000

/**
 * Orders the connections to one peer by a rule that both sides come to the same first one by: of two that crossed, the one dialled by the peer with
 * the smaller id; otherwise the newer, for the older may be dead. What is not open is left out.
 */
export function byPreference(own: PeerId, connections: readonly Connection[]): Connection[] {
  const byAge = connections.filter(({ status }) => status === 'open').sort((a, b) => a.timeline.open - b.timeline.open)
  const [oldest, ...newer] = byAge
  if (oldest === undefined) return []
  const first = newer.reduce((kept, next) => (isKept(own, kept, next) ? kept : next), oldest)
  return [first, ...byAge.reverse().filter((connection) => connection !== first)]
}

/** Whether this side has the smaller peer id of the two: a tie that both sides break the same way. */
export function isSmaller(own: PeerId, other: PeerId): boolean {
  return Buffer.compare(own.toMultihash().bytes, other.toMultihash().bytes) < 0
}

function isKept(own: PeerId, older: Connection, newer: Connection): boolean {
  if (older.direction === newer.direction || newer.timeline.open - older.timeline.open > CROSSED_MS) return false
  return (older.direction === 'outbound') === isSmaller(own, older.remotePeer)
}
