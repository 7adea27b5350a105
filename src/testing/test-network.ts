import { createNode } from '../node/create-node.ts'
import type { NodeConfig, NodeInit, SomaNode } from '../node/soma-node.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { openMemoryStore } from '../storage/index.ts'
import { type Chain, commitAt } from './chain-builder.ts'
import { networkPrivateKey } from './validator-keys.ts'
import { writeChain } from './write-chain.ts'

/** What a node of a test network begins with. */
export interface TestNodeOptions extends Omit<NodeInit, 'genesis' | 'seeds' | 'store' | 'config'> {
  /** Commits of the chain that are in its store already. @default 0 */
  commits?: number
  /** Prunes its store below this commit. @default nothing is pruned */
  prunedBelow?: number
  /** Runs with the network key of this validator. @default a key of its own: a full node */
  validator?: number
  /** Nodes whose addresses it knows. @default none */
  seeds?: readonly (SomaNode | string)[]
  /** @default a memory store of its own */
  store?: CommitStore
  config?: Partial<NodeConfig>
}

/** Quick rounds, one thread: tests wait for events, and should not wait long. */
const QUICK: Partial<NodeConfig> = {
  discoveryIntervalMs: 200,
  heightQueryIntervalMs: 500,
  signatureWorkers: 0,
  privateNetwork: true
}

/**
 * Whole nodes in one process, over real TCP on loopback: for tests of what a network does.
 *
 * ```ts
 * await using network = new TestNetwork(buildChain({ commits: 500 }))
 * const validator = await network.start({ validator: 0, commits: 500 })
 * const node = await network.start({ seeds: [validator] })
 * await network.reached(node, 500)
 * ```
 */
export class TestNetwork implements AsyncDisposable {
  readonly chain: Chain
  readonly #nodes = new Set<SomaNode>()
  readonly #stores: CommitStore[] = []

  constructor(chain: Chain) {
    this.chain = chain
  }

  /** The running nodes. */
  get nodes(): readonly SomaNode[] {
    return [...this.#nodes]
  }

  /** Makes and starts a node. */
  async start(options: TestNodeOptions = {}): Promise<SomaNode> {
    const {
      commits = 0,
      prunedBelow,
      validator,
      seeds = [],
      store = await this.#makeStore(),
      config,
      ...init
    } = options
    await writeChain(store, this.chain.commits.slice(store.watermarks.highestSynced.index, commits))
    if (prunedBelow !== undefined) await store.prune(prunedBelow)
    const keys = validator === undefined ? undefined : this.chain.keys[validator]
    const node = await createNode({
      genesis: this.chain.genesis,
      ...(keys === undefined ? {} : { privateKey: await networkPrivateKey(keys) }),
      ...init,
      store,
      seeds: seeds.flatMap((seed) => (typeof seed === 'string' ? [seed] : seed.addresses())),
      config: { ...QUICK, ...config }
    })
    this.#nodes.add(node)
    await node.start()
    return node
  }

  /** Stops one node, whose store stays open. */
  async stop(node: SomaNode): Promise<void> {
    this.#nodes.delete(node)
    await node.stop()
  }

  /** Resolves when a node has stored a commit. @throws the signal's reason */
  async reached(node: SomaNode, index: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    const from = Math.max(index, node.store.watermarks.lowestAvailable)
    for await (const _ of node.subscribe({ from, ...options })) return
    options.signal?.throwIfAborted()
    throw new Error(`the node stopped before commit ${index}`)
  }

  /** Hands a commit of the chain to nodes' consensus interfaces, as their own consensus would. */
  async commit(index: number, nodes: readonly SomaNode[]): Promise<void> {
    await Promise.all(nodes.map((node) => node.consensus.sendCommit(commitAt(this.chain, index))))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#nodes].map((node) => node.stop()))
    await Promise.all(this.#stores.map((store) => store.close()))
  }

  async #makeStore(): Promise<CommitStore> {
    const store = await openMemoryStore({ genesis: this.chain.genesis })
    this.#stores.push(store)
    return store
  }
}
