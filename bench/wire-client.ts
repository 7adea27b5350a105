import { childOptions } from './child.ts'
import type { Wire, WireAddress, WireClient } from './wire.ts'
import { connectGrpc } from './wire-grpc.ts'
import { connectLibp2p } from './wire-libp2p.ts'
import { connectBareTls } from './wire-tls.ts'

/** A process that asks one serving process. It tells when it is connected, and answers each task with how it went. */
export interface WireClientOptions extends WireAddress {
  readonly wire: Wire
}

/** Something to do for a while. */
export interface WireTask {
  readonly what: 'blocks' | 'availability'
  /** Requests under way at a time. */
  readonly atOnce: number
  readonly milliseconds: number
}

/** How it went. */
export interface WireResult {
  readonly seconds: number
  /** CPU seconds of the asking process. */
  readonly cpuSeconds: number
  readonly bytes: number
  /** How long each small request took, in milliseconds. */
  readonly latencies: readonly number[]
}

const { wire, ...server } = childOptions<WireClientOptions>()
const connect: Readonly<Record<Wire, () => WireClient | Promise<WireClient>>> = {
  noise: () => connectLibp2p('noise', server),
  tls: () => connectLibp2p('tls', server),
  grpc: () => connectGrpc(server),
  'bare-tls': () => connectBareTls(server)
}
const client = await connect[wire]()
const refs = Array.from({ length: 1_000 }, (_, round) => ({ epoch: 0, round, author: 0, digest: new Uint8Array(32) }))

async function run({ what, atOnce, milliseconds }: WireTask): Promise<WireResult> {
  const latencies: number[] = []
  let bytes = 0
  const cpu = process.cpuUsage()
  const begun = performance.now()
  const isOver = () => performance.now() - begun >= milliseconds
  const fetchBlocks = async () => {
    while (!isOver()) {
      for await (const come of client.fetchBlocks({ refs })) {
        bytes += come
        if (isOver()) break
      }
    }
  }
  const askHeights = async () => {
    while (!isOver()) {
      const asked = performance.now()
      await client.availability({ timestampMs: Date.now() })
      latencies.push(performance.now() - asked)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, what === 'blocks' ? fetchBlocks : askHeights))
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - begun) / 1_000, cpuSeconds: (user + system) / 1e6, bytes, latencies }
}

process.on('message', async (task: WireTask) => process.send?.(await run(task)))
process.send?.('connected')
