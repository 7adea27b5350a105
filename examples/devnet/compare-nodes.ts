import type { NodeDigests } from './node-protocol.ts'

/** A node that is compared. */
export interface ComparedNode {
  readonly name: string
  readonly highestSynced: number
  readonly lowestAvailable: number
  readonly highestExecuted: number
  /** What it holds at a commit. */
  digests(index: number): Promise<NodeDigests>
}

/** Where a node differs from most others. */
export interface Difference {
  readonly node: string
  readonly what: 'commit' | 'state'
  /** The first commit at which it does. */
  readonly index: number
  /** In hexadecimal; empty where it holds nothing. */
  readonly found: string
  readonly expected: string
}

/** What a comparison found. */
export interface Comparison {
  /** The highest commit that all nodes have stored and executed: where they were compared. */
  readonly height: number
  /** What each node holds there, in the order of the nodes. */
  readonly held: readonly NodeDigests[]
  /** Empty where all are equal. */
  readonly differences: readonly Difference[]
}

/** Compares what nodes hold at the highest commit that all have, and finds where those that differ began to. */
export async function compareNodes(nodes: readonly ComparedNode[]): Promise<Comparison> {
  const height = Math.min(...nodes.map((node) => Math.min(node.highestSynced, node.highestExecuted)))
  const held = await Promise.all(nodes.map((node) => node.digests(height)))
  const differences: Difference[] = []
  for (const what of ['commit', 'state'] as const) {
    const expected = mostCommon(held.map((digests) => digests[what]))
    const reference = nodes[held.findIndex((digests) => digests[what] === expected)]
    for (const [at, node] of nodes.entries()) {
      if (reference === undefined || held[at]?.[what] === expected) continue
      differences.push(await firstDifference(node, reference, what, height))
    }
  }
  return { height, held, differences }
}

/** Halves the chain until it is found: each digest covers those before, so that what differs once differs from there on. */
async function firstDifference(
  node: ComparedNode,
  reference: ComparedNode,
  what: 'commit' | 'state',
  height: number
): Promise<Difference> {
  const pairAt = async (index: number) => {
    const [found, expected] = await Promise.all([node.digests(index), reference.digests(index)])
    return { found: found[what], expected: expected[what] }
  }
  let low = Math.max(node.lowestAvailable, reference.lowestAvailable)
  let high = height
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const { found, expected } = await pairAt(middle)
    if (found === expected) low = middle + 1
    else high = middle
  }
  return { node: node.name, what, index: high, ...(await pairAt(high)) }
}

/** Of several that are as common, the first. */
function mostCommon(values: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const most = Math.max(...counts.values())
  return values.find((value) => counts.get(value) === most) ?? ''
}
