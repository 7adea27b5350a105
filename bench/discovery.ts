import { startChild } from './child.ts'
import type { ColdStart, DiscoveryNetworkOptions, Effort } from './discovery-network.ts'
import { type BenchContext, type Figure, median } from './figure.ts'

interface Measure {
  readonly name: string
  readonly unit: string
  /** What it may grow with, at most; for some there is no such demand. */
  readonly bound?: 'log n' | 'n'
  readonly of: (start: ColdStart) => number
}

type Of = (start: ColdStart) => number

const ofMean =
  (what: keyof Effort): Of =>
  ({ seed, others }) =>
    [seed, ...others].reduce((sum, node) => sum + node[what], 0) / (others.length + 1)
const ofMedian =
  (what: keyof Effort): Of =>
  ({ seed, others }) =>
    median([seed, ...others].map((node) => node[what]))
const ofBusiest =
  (what: keyof Effort): Of =>
  ({ others }) =>
    Math.max(...others.map((node) => node[what]))

/** What the seed does for each of those who come to it. */
const forEachNewcomer =
  (what: keyof Effort): Of =>
  ({ seed, others }) =>
    seed[what] / others.length

/**
 * What is measured of one cold start. Each newcomer's first questions go to the seed, the only one that it knows: so what the seed does is told apart, for each newcomer, and asked of it is what is asked of
 * the others. In all, which is in the table beside it, that is n times as much, whatever the design.
 */
const MEASURES: readonly Measure[] = [
  { name: 'time', unit: 'ms', bound: 'log n', of: ({ milliseconds }) => milliseconds },
  ...(['messages', 'bytes'] as const).flatMap((what): Measure[] => {
    const bound = what === 'messages' ? 'log n' : 'n'
    return [
      { name: `${what} of a node, mean`, unit: what, bound, of: ofMean(what) },
      { name: `${what} of a node, median`, unit: what, bound, of: ofMedian(what) },
      { name: `${what} of the busiest but the seed`, unit: what, bound, of: ofBusiest(what) },
      { name: `${what} of the seed for each newcomer`, unit: what, bound, of: forEachNewcomer(what) },
      { name: `${what} of the seed in all`, unit: what, of: ({ seed }) => seed[what] }
    ]
  }),
  { name: 'connections of a node, median', unit: 'connections', of: ofMedian('connections') },
  { name: 'CPU time of all nodes together', unit: 'ms', of: ({ cpuSeconds }) => cpuSeconds * 1_000 }
]

/**
 * A cold start: a network whose nodes know nothing but one seed, from the start of all until each knows every other, by the number of nodes. Time and messages of a node should
 * grow no faster than log n, its bytes no faster than n.
 */
export async function benchDiscovery({ runs, smoke, log }: BenchContext): Promise<Figure[]> {
  const sizes = smoke ? [4, 8] : [10, 30, 60]
  const measured = new Map<number, ColdStart[]>(sizes.map((nodes) => [nodes, []]))
  for (let run = 1; run <= runs; run++) {
    for (const [nodes, starts] of measured) {
      log(`run ${run} of ${runs}: ${nodes} nodes`)
      await using network = startChild('discovery-network.ts', { nodes } satisfies DiscoveryNetworkOptions)
      starts.push(await network.message<ColdStart>())
    }
  }
  const [least = 0, ...larger] = sizes
  return MEASURES.flatMap(({ name, unit, bound, of }) => {
    const againstValue = median((measured.get(least) ?? []).map(of))
    return larger.map((nodes): Figure => {
      const values = (measured.get(nodes) ?? []).map(of)
      const value = median(values)
      return {
        benchmark: 'discovery',
        case: `${nodes} nodes, ${name}`,
        value,
        unit,
        spread: [Math.min(...values), Math.max(...values)],
        against: `${least} nodes`,
        againstValue,
        ratio: value / againstValue,
        ...(bound && { goal: { most: growth(bound, least, nodes) } })
      }
    })
  })
}

/** How much more it may be, to two digits. */
function growth(bound: 'log n' | 'n', from: number, to: number): number {
  const ratio = bound === 'n' ? to / from : Math.log(to) / Math.log(from)
  return Math.round(ratio * 100) / 100
}
