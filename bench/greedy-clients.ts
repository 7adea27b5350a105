import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { decodeCommit } from '../src/consensus/commit.ts'
import { fromHex } from '../src/index.ts'
import { encryptersOf } from '../src/node/encrypters.ts'
import { sparingWindowUpdates } from '../src/node/sparing-window-updates.ts'
import { type Rpc, RpcError, rpc, YAMUX_STREAM_OPTIONS } from '../src/rpc/index.ts'
import { fetchBlocks, fetchCommits } from '../src/state-sync/protocols.ts'
import { childOptions } from './child.ts'

/**
 * A process of peers that fetch a chain as a syncing node does, range by range, over and over, and verify and keep nothing: greedier than any node. It tells once all are
 * connected; then each message lets them fetch for so many milliseconds.
 */
export interface GreedyClientsOptions {
  readonly chainId: string
  readonly address: string
  readonly clients: number
  readonly commits: number
}

/** What they got. */
export interface Loot {
  readonly seconds: number
  /** Blocks of each client. */
  readonly blocks: readonly number[]
  readonly bytes: number
  /** CPU seconds that all took together, all threads. */
  readonly cpuSeconds: number
  /** Requests that the server put off. */
  readonly refused: number
  /** Requests that ended with their stream. */
  readonly torn: number
}

/** Ranges that a client fetches at once, and their length: what a node does with its one peer. */
const RANGES_AT_ONCE = 4
const COMMITS_PER_RANGE = 100
const REFS_PER_REQUEST = 1_000

const { chainId, address, clients, commits } = childOptions<GreedyClientsOptions>()

const server = multiaddr(address)
const peer = peerIdFromString(server.getComponents().at(-1)?.value ?? '')

class GreedyClient {
  blocks = 0
  bytes = 0
  refused = 0
  torn = 0
  readonly #libp2p: Libp2p<{ rpc: Rpc }>
  #next: number

  private constructor(libp2p: Libp2p<{ rpc: Rpc }>, start: number) {
    this.#libp2p = libp2p
    this.#next = start
  }

  static async connect(start: number): Promise<GreedyClient> {
    const libp2p = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: await encryptersOf({ encryption: 'noise' }),
      streamMuxers: [sparingWindowUpdates(yamux({ streamOptions: YAMUX_STREAM_OPTIONS }))],
      connectionMonitor: { enabled: false },
      services: { identify: identify(), ping: ping(), rpc: rpc({ chainId: fromHex(chainId) }) }
    })
    await libp2p.dial(server)
    return new GreedyClient(libp2p, start)
  }

  async fetch(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: RANGES_AT_ONCE }, () => this.#fetchRanges(signal)))
  }

  async #fetchRanges(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const start = this.#next
      this.#next = start + COMMITS_PER_RANGE > commits ? 1 : start + COMMITS_PER_RANGE
      try {
        await this.#fetchRange(start, Math.min(commits, start + COMMITS_PER_RANGE - 1), signal)
      } catch (thrown) {
        if (signal.aborted) return
        if (!(thrown instanceof RpcError)) throw thrown
        if (thrown.retryAfterMs === undefined) this.torn += 1
        else this.refused += 1
        await new Promise((resolve) => setTimeout(resolve, thrown.retryAfterMs ?? 100))
        await this.#libp2p.dial(server)
      }
    }
  }

  async #fetchRange(start: number, end: number, signal: AbortSignal): Promise<void> {
    const { rpc: rpcService } = this.#libp2p.services
    const frames = rpcService.stream(peer, fetchCommits, { start, end }, { signal })
    const encoded = (await Array.fromAsync(frames)).flatMap((frame) => frame.commits)
    const refs = encoded.flatMap((bytes) => decodeCommit(bytes).commit.blocks)
    for (let offset = 0; offset < refs.length; offset += REFS_PER_REQUEST) {
      const request = { refs: refs.slice(offset, offset + REFS_PER_REQUEST) }
      for await (const { blocks } of rpcService.stream(peer, fetchBlocks, request, { signal })) {
        this.blocks += blocks.length
        for (const block of blocks) this.bytes += block.byteLength
      }
    }
  }
}

const all: GreedyClient[] = []
// each begins elsewhere, as nodes do that joined at different times
for (let index = 0; index < clients; index++) {
  all.push(
    await GreedyClient.connect(1 + Math.floor((index * commits) / clients / COMMITS_PER_RANGE) * COMMITS_PER_RANGE)
  )
}
process.on('message', async (milliseconds: number) => {
  const before = all.map(({ blocks, bytes, refused, torn }) => ({ blocks, bytes, refused, torn }))
  const begun = performance.now()
  const cpu = process.cpuUsage()
  const outcomes = await Promise.allSettled(all.map((client) => client.fetch(AbortSignal.timeout(milliseconds))))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  const gained = (what: 'bytes' | 'refused' | 'torn') =>
    all.reduce((sum, client, i) => sum + client[what] - (before[i]?.[what] ?? 0), 0)
  const { user, system } = process.cpuUsage(cpu)
  process.send?.({
    seconds: (performance.now() - begun) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    blocks: all.map(({ blocks }, i) => blocks - (before[i]?.blocks ?? 0)),
    bytes: gained('bytes'),
    refused: gained('refused'),
    torn: gained('torn')
  } satisfies Loot)
})
process.send?.('connected')
