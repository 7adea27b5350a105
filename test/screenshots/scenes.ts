import { setTimeout as delay } from 'node:timers/promises'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { startStatusServer } from '../../src/operator/index.ts'
import {
  type ByzantineScript,
  breakSignature,
  buildChain,
  type Chain,
  garbageFrame,
  silence,
  startByzantinePeer,
  startDelayingProxy,
  TestNetwork,
  type TestNodeOptions,
  unusedPort
} from '../../src/testing/index.ts'

/** A node to be looked at, as it is in some situation, and everything around it. */
export interface Scene extends AsyncDisposable {
  readonly url: string
}

/** Milliseconds between rounds, as they are in the chains. */
const ROUND_MS = 250

/** A stage for a scene: a network, and whatever has to be taken down with it. */
class Stage extends AsyncDisposableStack {
  readonly chain: Chain
  readonly network: TestNetwork

  /** @param now the commit whose time is now */
  constructor(commits: number, now: number, content: { transactions?: number; transactionBytes?: number } = {}) {
    super()
    this.chain = buildChain({
      commits,
      startTimeMs: Date.now() - now * ROUND_MS,
      roundIntervalMs: ROUND_MS,
      ...content
    })
    this.network = this.use(new TestNetwork(this.chain))
  }

  /** A node behind a link of some megabits a second. */
  async startBehind(megabitsPerSecond: number, options: TestNodeOptions): Promise<SomaNode> {
    const port = await unusedPort()
    const link = await startDelayingProxy({ target: { host: '127.0.0.1', port }, megabitsPerSecond, delayMs: 20 })
    this.defer(() => link.stop())
    const announce = [`/ip4/127.0.0.1/tcp/${link.address.port}`]
    return this.network.start({ ...options, listen: [`/ip4/127.0.0.1/tcp/${port}`], announce })
  }

  /** Shows a node, with something that consumes its commits. */
  async show(node: SomaNode): Promise<Scene> {
    const stop = new AbortController()
    const consuming = consume(node, stop.signal)
    this.defer(async () => {
      stop.abort()
      await consuming
    })
    const server = await startStatusServer({ node })
    this.defer(() => server.stop())
    return { url: server.url, [Symbol.asyncDispose]: () => this.disposeAsync() }
  }

  /** Makes the chain go on at its own pace. */
  goOn(from: number, validators: readonly SomaNode[]): void {
    const stop = new AbortController()
    const going = (async () => {
      for (let index = from; index <= this.chain.commits.length && !stop.signal.aborted; index++) {
        await delay(ROUND_MS, undefined, { signal: stop.signal }).catch(() => undefined)
        if (!stop.signal.aborted) await this.network.commit(index, validators)
      }
    })()
    this.defer(async () => {
      stop.abort()
      await going
    })
  }
}

async function consume(node: SomaNode, signal: AbortSignal): Promise<void> {
  for await (const { commit } of node.subscribe({ name: 'executor', signal }))
    if (commit.ref.index % 50 === 0) await delay(1)
}

const VALIDATORS = [0, 1, 2, 3]

/** A node at the height of the others, which it follows. */
export async function idle(): Promise<Scene> {
  const stage = new Stage(800, 600)
  const validators: SomaNode[] = []
  for (const validator of VALIDATORS) {
    validators.push(await stage.network.start({ validator, commits: 600, seeds: validators }))
  }
  const node = await stage.network.start({ commits: 600, seeds: validators.slice(0, 1) })
  for (let count = 0; count < 2; count++) await stage.network.start({ commits: 600, seeds: [node] })
  stage.goOn(601, validators)
  const scene = await stage.show(node)
  await delay(15_000)
  return scene
}

/** A node in the middle of a catch-up. */
export async function catchingUp(): Promise<Scene> {
  const stage = new Stage(2_000, 2_000, { transactions: 5, transactionBytes: 400 })
  const validators: SomaNode[] = []
  for (const [validator, megabits] of [1.5, 3, 1, 2].entries()) {
    validators.push(await stage.startBehind(megabits, { validator, commits: 2_000, seeds: validators }))
  }
  const node = await stage.startBehind(3, {
    commits: 200,
    seeds: validators.slice(0, 1),
    config: { commitsPerRange: 50 }
  })
  const scene = await stage.show(node)
  await delay(7_000)
  return scene
}

/** A node whose peers have pruned what it lacks. */
export async function stuck(): Promise<Scene> {
  const stage = new Stage(600, 600)
  const validators: SomaNode[] = []
  for (const validator of VALIDATORS.slice(0, 3)) {
    validators.push(await stage.network.start({ validator, commits: 600, prunedBelow: 400, seeds: validators }))
  }
  const node = await stage.network.start({ commits: 150, seeds: validators.slice(0, 1) })
  const scene = await stage.show(node)
  await delay(18_000)
  return scene
}

/** What attackers do, each in turn. */
const ATTACKS: readonly ByzantineScript[] = [
  {
    fetchBlocks: {
      async *answer(honest) {
        for await (const { blocks } of honest) {
          yield {
            blocks: blocks.map((bytes, at) => (at === 1 ? breakSignature(decodeSignedBlock(bytes)).bytes : bytes))
          }
        }
      }
    }
  },
  { fetchCommits: { stream: garbageFrame(new Uint8Array(300).fill(255)) } },
  { fetchBlocks: { stream: silence() } },
  {
    getCommitAvailability: {
      async *answer() {
        yield { highestCertifiable: 9_000_000, lowestAvailable: 1 }
      }
    },
    fetchCommits: { stream: silence() }
  }
]

/** A node that catches up while liars come, one after the other. */
export async function underAttack(): Promise<Scene> {
  const stage = new Stage(1_500, 1_500, { transactions: 5, transactionBytes: 400 })
  const validators: SomaNode[] = []
  for (const [validator, megabits] of [3, 2].entries()) {
    validators.push(await stage.startBehind(megabits, { validator, commits: 1_500, seeds: validators }))
  }
  const node = await stage.startBehind(2, { seeds: validators.slice(0, 1), config: { commitsPerRange: 25 } })
  const scene = await stage.show(node)
  for (let count = 0; count < 8; count++) {
    const script = ATTACKS[count % ATTACKS.length]
    const liar = await startByzantinePeer({ chain: stage.chain, ...(script && { script }) })
    stage.defer(() => liar.stop())
    await liar.dial(node)
    await delay(900)
  }
  return scene
}
