import type { PeerHeights } from './peer-heights.ts'
import type { RangeTable } from './range-table.ts'

/**
 * Why the chain does not come on for want of a peer, for people.
 *
 * @param next the commit that follows what is stored, or on its way into the store
 * @returns `undefined` where nothing is lacking
 */
export function reasonToWait(next: number, heights: PeerHeights, { lowest }: RangeTable): string | undefined {
  const isWanted = heights.highestKnown(next - 1) >= next || lowest?.certified !== undefined
  if (!isWanted || lowest?.peer !== undefined || lowest?.isWhole === true) return undefined
  const failure = lowest?.state.name === 'failed' ? `; last failure: ${lowest.state.error.message}` : ''
  return `waiting for a peer that can deliver commit ${next}${pastOf(next, heights)}${failure}`
}

/** Where all who are further have pruned the commit, no waiting helps. */
function pastOf(next: number, heights: PeerHeights): string {
  const lowest = heights.all().flatMap((row) => (row.highest >= next ? row.lowest : []))
  const first = lowest.length === 0 ? next : Math.min(...lowest)
  if (first <= next) return ''
  return `; the peers have pruned what lies before commit ${first}: an empty store may begin at a trusted checkpoint`
}
