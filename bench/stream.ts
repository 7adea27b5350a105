import { type BenchContext, type Figure, figureBeside, type Goal } from './figure.ts'
import { measureWire } from './measure-wire.ts'
import type { Wire } from './wire.ts'

const MIB = 2 ** 20
/** Requests of 1,000 blocks under way at a time: as many ranges as a node fetches from one peer. */
const AT_ONCE = 4
const WIRES: readonly Wire[] = ['noise', 'tls', 'grpc', 'bare-tls']
const NAMES = { noise: 'noise', tls: 'TLS', grpc: 'gRPC-js over TLS', 'bare-tls': 'bare TLS' }

/** Answers of FetchBlocks, blocks of 4 kB out of memory, streaming from one process to another: ours over noise and TLS, beside gRPC-js and Node's TLS alone. */
export async function benchStream({ runs, smoke, log }: BenchContext): Promise<Figure[]> {
  const milliseconds = smoke ? 200 : 4_000
  const rates: Record<Wire, number[]> = { noise: [], tls: [], grpc: [], 'bare-tls': [] }
  for (let run = 1; run <= runs; run++) {
    for (const wire of WIRES) {
      const [result] = await measureWire(wire, [{ what: 'blocks', atOnce: AT_ONCE, milliseconds }])
      if (result === undefined) continue
      const { bytes, seconds, cpuSeconds } = result
      rates[wire].push(bytes / MIB / seconds)
      log(
        `run ${run} of ${runs}, ${NAMES[wire]}: ${(bytes / MIB / seconds).toFixed(0)} MiB/s, ${((cpuSeconds * 1e3) / (bytes / MIB)).toFixed(2)} ms of the reader's CPU a MiB`
      )
    }
  }
  const beside = (wire: Wire, other: Wire, goal?: Goal) =>
    figureBeside({
      benchmark: 'stream',
      case: NAMES[wire],
      unit: 'MiB/s',
      values: rates[wire],
      against: NAMES[other],
      againstValues: rates[other],
      goal
    })
  return [
    beside('tls', 'grpc', { least: 1 }),
    beside('noise', 'grpc', { least: 0.5 }),
    beside('tls', 'bare-tls'),
    beside('noise', 'bare-tls'),
    beside('grpc', 'bare-tls')
  ]
}
