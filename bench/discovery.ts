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

const ofMedian = (what: keyof Effort) => (start: ColdStart) => median(start.others.map((node) => node[what]))
const ofBusiest = (what: keyof Effort) => (start: ColdStart) => Math.max(...start.others.map((node) => node[what]))

/** What is measured of one cold start. Everybody's first question goes to the seed, whose effort therefore grows with the network: it is told apart. */
const MEASURES: readonly Measure[] = [
  { name: 'time on the clock of the nodes', unit: 'seconds begun', bound: 'log n', of: ({ seconds }) => seconds },
  { name: 'messages of the median node', unit: 'messages', bound: 'log n', of: ofMedian('messages') },
  { name: 'messages of the busiest node', unit: 'messages', bound: 'log n', of: ofBusiest('messages') },
  { name: 'messages of the seed', unit: 'messages', of: ({ seed }) => seed.messages },
  { name: 'bytes of the median node', unit: 'bytes', bound: 'n', of: ofMedian('bytes') },
  { name: 'bytes of the busiest node', unit: 'bytes', bound: 'n', of: ofBusiest('bytes') },
  { name: 'bytes of the seed', unit: 'bytes', of: ({ seed }) => seed.bytes },
  { name: 'connections of the median node', unit: 'connections', of: ofMedian('connections') },
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
    return larger.map((nodes) => {
      const values = (measured.get(nodes) ?? []).map(of)
      const value = median(values)
      return {
        benchmark: 'discovery',
        case: `${nodes} nodes, ${name}`,
        value,
        unit,
        spread: [Math.min(...values), Math.max(...values)] as const,
        against: `${least} nodes${bound === undefined || smoke ? '' : `, ratio at most ${growth(bound, least, nodes).toFixed(2)} as ${bound}`}`,
        againstValue,
        ratio: value / againstValue
      }
    })
  })
}

function growth(bound: 'log n' | 'n', from: number, to: number): number {
  return bound === 'n' ? to / from : Math.log(to) / Math.log(from)
}
