import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { SomaNode } from '../../../src/node/soma-node.ts'
import { type Clock, systemClock } from '../../../src/runtime/clock.ts'
import { bytesEqual } from '../../../src/runtime/hex.ts'
import { errorCode } from '../../../src/runtime/soma-error.ts'
import { getCommitInfo } from '../../../src/state-sync/protocols.ts'
import { type ByzantinePeer, commitAt, startByzantinePeer, TestNetwork } from '../../../src/testing/index.ts'
import { SAMPLE_COMMITS, sampleChain } from '../sample-chain.ts'

/** Inputs after which somebody honest asks. */
const INPUTS_PER_HONEST = 100
/** Most bytes that a node may hold more after the inputs than after the first of them. */
const MAX_GROWTH_BYTES: number = 48 * 1024 * 1024
/** How long opening a stream may take, with all tries, and the time between two of them, in milliseconds. */
const OPEN_MS = 25_000
const AGAIN_MS = 50
/** Inputs after which everything is warm. */
const WARM_INPUTS = 500

/** The limits of rates are tested elsewhere: here a second is a minute, so that each request is looked at. */
const hurriedClock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() * 60 }

/** A node with the whole chain, and somebody who sends it whatever it likes. */
export interface Serving {
  /** A stream of the hostile one. It tries again where the connection is lost, as one of two that were dialled at once, or the limits of streams are reached. */
  open(protocol: string): Promise<Stream>
  /** To be called after each input: now and then somebody honest asks, and must be answered. */
  assertServes(): Promise<void>
  /** @throws when the node is not as it was */
  close(): Promise<void>
}

/** The hostile peer is one that the operator chose, so that it is reported and never banned. */
export async function startServing(): Promise<Serving> {
  const chain = sampleChain()
  const network = new TestNetwork(chain)
  const hostile = await startByzantinePeer({ chain: { genesis: chain.genesis, commits: [] } })
  const honest = await startByzantinePeer({ chain })
  const node = await network.start({
    validator: 0,
    commits: SAMPLE_COMMITS,
    seeds: [...hostile.addresses(), ...honest.addresses()],
    clock: hurriedClock
  })
  return new ServingNode(network, node, hostile, honest)
}

class ServingNode implements Serving {
  readonly #network: TestNetwork
  readonly #node: SomaNode
  readonly #hostile: ByzantinePeer
  readonly #honest: ByzantinePeer
  #inputs = 0
  #warmBytes: number | undefined

  constructor(network: TestNetwork, node: SomaNode, hostile: ByzantinePeer, honest: ByzantinePeer) {
    this.#network = network
    this.#node = node
    this.#hostile = hostile
    this.#honest = honest
  }

  async open(protocol: string): Promise<Stream> {
    const options = { maxOutboundStreams: 10_000, signal: AbortSignal.timeout(OPEN_MS) }
    for (;;) {
      try {
        const connection = await connectionTo(this.#hostile, this.#node)
        return await connection.newStream(protocol, options)
      } catch (thrown) {
        if (options.signal.aborted) throw thrown
        await delay(AGAIN_MS)
      }
    }
  }

  async assertServes(): Promise<void> {
    this.#inputs += 1
    if (this.#inputs === WARM_INPUTS) this.#warmBytes = bytesHeld()
    if (this.#inputs % INPUTS_PER_HONEST === 0) await this.#askHonestly()
  }

  async close(): Promise<void> {
    try {
      await this.#askHonestly()
      const { health } = await this.#node.status()
      for (const [part, { state, reason }] of Object.entries(health)) assert.equal(state, 'ok', `${part}: ${reason}`)
      const growth = bytesHeld() - (this.#warmBytes ?? Number.POSITIVE_INFINITY)
      assert.ok(growth < MAX_GROWTH_BYTES, `${growth} bytes more are held after ${this.#inputs} inputs`)
    } finally {
      await Promise.all([this.#hostile.stop(), this.#honest.stop()])
      await this.#network[Symbol.asyncDispose]()
    }
  }

  async #askHonestly(): Promise<void> {
    const question = { latest: true, index: undefined, digest: undefined }
    const { rpc } = this.#honest.libp2p.services
    const connect = () => connectionTo(this.#honest, this.#node)
    const { commit } = await connected(() => rpc.call(this.#node.peerId, getCommitInfo, question), connect)
    const { ref } = commitAt(sampleChain(), SAMPLE_COMMITS).subDag.commit
    assert.ok(commit.index === ref.index && bytesEqual(commit.digest, ref.digest), 'another answer than the true one')
  }
}

/** An open connection; a new one where the last is lost, or was one of two dialled at once. */
async function connectionTo(peer: ByzantinePeer, node: SomaNode): Promise<Connection> {
  const open = peer.libp2p.getConnections(node.peerId).findLast(({ status }) => status === 'open')
  return open ?? (await peer.libp2p.dial(node.addresses().map((address) => multiaddr(address))))
}

/** Asks over an open connection; once more on a new one where it turns out to be lost. */
async function connected<T>(ask: () => Promise<T>, connect: () => Promise<unknown>): Promise<T> {
  await connect()
  try {
    return await ask()
  } catch (thrown) {
    if (!['RPC_STREAM_TORN', 'RPC_NOT_CONNECTED'].includes(errorCode(thrown))) throw thrown
    await connect()
    return await ask()
  }
}

/** Bytes held by this thread, after a collection. */
function bytesHeld(): number {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
