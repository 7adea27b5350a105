import assert from 'node:assert/strict'
import { blockRefKey } from '../../src/consensus/block-ref.ts'
import type { PeerReport } from '../../src/index.ts'
import type { SomaNode } from '../../src/node/soma-node.ts'
import { toHex } from '../../src/runtime/hex.ts'
import {
  type ByzantinePeer,
  type ByzantinePeerInit,
  type Chain,
  commitAt,
  startByzantinePeer,
  TestNetwork,
  type TestNodeOptions
} from '../../src/testing/index.ts'

/** How long anything here may take before the test counts as hung. */
const PATIENCE_MS = 20_000

export function patience(): AbortSignal {
  return AbortSignal.timeout(PATIENCE_MS)
}

/** What a node reported of its peers, to be waited for. */
export class Reports {
  readonly all: PeerReport[] = []
  readonly #waiting = new Set<() => void>()

  readonly add = (report: PeerReport): void => {
    this.all.push(report)
    for (const wake of this.#waiting) wake()
  }

  /** The first report that a peer got for one of these errors, now or later. */
  async of(peer: { readonly peerId: PeerReport['peerId'] }, ...codes: string[]): Promise<PeerReport> {
    const signal = patience()
    for (;;) {
      const found = this.all.find((report) => codes.includes(report.code) && report.peerId.equals(peer.peerId))
      if (found !== undefined) return found
      if (signal.aborted) assert.fail(`no ${codes}, but ${JSON.stringify(this.all.map((report) => report.code))}`)
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        this.#waiting.add(wake)
        signal.addEventListener('abort', wake)
      })
    }
  }
}

/** A full node with an empty store that knows nobody but a liar. */
export class Meeting implements AsyncDisposable {
  readonly chain: Chain
  readonly network: TestNetwork
  readonly victim: SomaNode
  readonly liar: ByzantinePeer
  readonly reports: Reports

  private constructor(parts: Pick<Meeting, 'chain' | 'network' | 'victim' | 'liar' | 'reports'>) {
    this.chain = parts.chain
    this.network = parts.network
    this.victim = parts.victim
    this.liar = parts.liar
    this.reports = parts.reports
  }

  /**
   * The liar dials the victim, so that it is a stranger to it.
   *
   * @param chain of the network
   * @param liar what it is made from. @default the same chain, honestly
   */
  static async begin(
    chain: Chain,
    liar: Partial<ByzantinePeerInit>,
    options: TestNodeOptions & { isSeed?: boolean } = {}
  ): Promise<Meeting> {
    const { isSeed = false, ...victimOptions } = options
    const network = new TestNetwork(chain)
    const reports = new Reports()
    const byzantine = await startByzantinePeer({ chain, ...liar })
    const victim = await network.start({
      ...victimOptions,
      ...(isSeed ? { seeds: byzantine.addresses() } : {}),
      onPeerReport: reports.add
    })
    if (!isSeed) await byzantine.dial(victim)
    return new Meeting({ chain, network, victim, liar: byzantine, reports })
  }

  /** The highest commit that the victim has stored. */
  get stored(): number {
    return this.victim.store.watermarks.highestSynced.index
  }

  /** An honest validator with the whole chain joins, and the victim comes to have exactly that chain. */
  async recover(): Promise<void> {
    const { network, victim, chain } = this
    const { length } = chain.commits
    await network.start({ validator: 0, commits: length, seeds: [victim] })
    await network.reached(victim, length, { signal: patience() })
    await this.assertStoredIsTrue()
    assert.equal(this.stored, length)
  }

  /** Whatever the victim has stored is of the chain, block by block. */
  async assertStoredIsTrue(): Promise<void> {
    for (let index = 1; index <= this.stored; index++) {
      const subDag = await this.victim.store.getSubDag(index)
      const expected = commitAt(this.chain, index).subDag
      assert.equal(subDag && toHex(subDag.commit.ref.digest), toHex(expected.commit.ref.digest), `commit ${index}`)
      assert.deepEqual(
        subDag?.blocks.map(({ ref }) => blockRefKey(ref)),
        expected.blocks.map(({ ref }) => blockRefKey(ref)),
        `blocks of commit ${index}`
      )
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.liar.stop()
    await this.network[Symbol.asyncDispose]()
  }
}
