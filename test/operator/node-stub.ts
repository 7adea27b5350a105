import type { StatusReport } from '../../src/operator/index.ts'
import { idleReport } from '../examples/idle-report.ts'

/** A report of a node at a height, with what is to be different. */
export function reportAt(index: number, changes: Partial<StatusReport> = {}): StatusReport {
  return { ...idleReport, highestSynced: { index, digest: '' }, highestKnown: index, ...changes }
}

/** A peer in a report. */
export const somePeer: StatusReport['peers'][number] = {
  peerId: '12D3KooWJFZgUEP6afn3hQF2TeXKefMUxNFuMhwecESSVRVifgjk',
  address: '/ip4/192.0.2.7/tcp/9000',
  direction: 'outbound',
  source: 'committee',
  connectedMs: 61_000,
  isProtected: false,
  score: { bytesPerMinute: 2_048, penalty: 0 },
  highestCommit: 12,
  lowestCommit: 1
}
