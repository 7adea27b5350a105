import { type BenchContext, type Figure, figureBeside, percentile } from './figure.ts'
import { measureWire } from './measure-wire.ts'
import type { Wire } from './wire.ts'

const WIRES = ['noise', 'tls', 'grpc'] as const satisfies readonly Wire[]
const NAMES = { noise: 'noise', tls: 'TLS', grpc: 'gRPC-js over TLS' }

type Measured = Record<(typeof WIRES)[number], number[]>

/** What is measured of one wire with so many requests at a time. */
const MEASURES = [
  { unit: 'requests/s', goal: { least: 1 } },
  { unit: 'ms, median', goal: { most: 1 } },
  { unit: 'ms, 99th percentile', goal: { most: 1 } }
] as const

/** GetCommitAvailability, one and sixteen at a time, on streams that are kept, beside gRPC-js with the same messages. */
export async function benchRequests({ runs, smoke, log }: BenchContext): Promise<Figure[]> {
  const milliseconds = smoke ? 150 : 3_000
  const crowds = [1, 16]
  const measured = crowds.map(() => MEASURES.map((): Measured => ({ noise: [], tls: [], grpc: [] })))
  for (let run = 1; run <= runs; run++) {
    for (const wire of WIRES) {
      const tasks = crowds.map((atOnce) => ({ what: 'availability', atOnce, milliseconds }) as const)
      for (const [at, { seconds, latencies }] of (await measureWire(wire, tasks)).entries()) {
        const found = [latencies.length / seconds, percentile(latencies, 0.5), percentile(latencies, 0.99)]
        for (const [index, value] of found.entries()) measured[at]?.[index]?.[wire].push(value)
        const [rate = 0, middle = 0, high = 0] = found
        log(
          `run ${run} of ${runs}, ${NAMES[wire]}, ${crowds[at]} at a time: ${rate.toFixed(0)}/s, ${middle.toFixed(2)} ms (99th percentile ${high.toFixed(2)})`
        )
      }
    }
  }
  return crowds.flatMap((atOnce, at) =>
    MEASURES.flatMap(({ unit, goal }, index) =>
      (['noise', 'tls'] as const).map((wire) =>
        figureBeside({
          benchmark: 'requests',
          case: `${NAMES[wire]}, ${atOnce} at a time`,
          unit,
          values: measured[at]?.[index]?.[wire] ?? [],
          against: NAMES.grpc,
          againstValues: measured[at]?.[index]?.grpc ?? [],
          goal
        })
      )
    )
  )
}
