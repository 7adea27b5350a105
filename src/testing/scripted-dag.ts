import { type BlockRef, genesisBlockRef } from '../consensus/block-ref.ts'
import { encodeCommit, trustCommit } from '../consensus/commit.ts'
import type { CommitRef, CommitVote } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Digest } from '../consensus/digest.ts'
import type { EndOfEpochData } from '../consensus/end-of-epoch.ts'
import { trustBlock, type VerifiedBlock } from '../consensus/signed-block.ts'
import { seededRandom } from '../runtime/random.ts'
import { chooseAncestors } from './choose-ancestors.ts'
import type { EpochPlan } from './epoch-schedule.ts'
import type { ScriptedContent } from './scripted-content.ts'
import { seededBytes } from './seeded-bytes.ts'
import { signBlock } from './sign-block.ts'

/** What the blocks of an epoch are made from. */
export interface ScriptedDagInit {
  readonly chainId: Digest
  readonly plan: EpochPlan
  /** What ancestors and transactions of a round follow from: 32 bytes. */
  readonly streamKey: (round: number) => Digest
  /** The transactions of blocks, in place of the random ones that the next two describe. */
  readonly content: ScriptedContent | undefined
  /** Transactions of a block. */
  readonly transactions: number
  /** Bytes of a transaction. */
  readonly transactionBytes: number
  readonly roundIntervalMs: number
}

/** What the blocks of a round say, beside their transactions. */
export interface RoundContent {
  readonly commitVotes?: readonly CommitVote[]
  /** @default nothing of the end of the epoch */
  readonly endOfEpoch?: ((author: number, ancestors: readonly BlockRef[]) => EndOfEpochData | undefined) | undefined
}

/** The blocks of one epoch, by its own rounds from 1 on. It keeps those that are not committed. */
export class ScriptedDag {
  readonly #init: ScriptedDagInit
  #round = 0
  /** By {@link #position}; inserted, and therefore iterated, by round and author. */
  readonly #uncommitted = new Map<number, VerifiedBlock>()

  constructor(init: ScriptedDagInit) {
    this.#init = init
  }

  get plan(): EpochPlan {
    return this.#init.plan
  }

  /** The last round made; 0 at first. */
  get round(): number {
    return this.#round
  }

  /** The blocks not committed yet, by round and author. */
  get uncommitted(): Iterable<VerifiedBlock> {
    return this.#uncommitted.values()
  }

  /** Takes a block that was made before, in the order of {@link uncommitted}. */
  add(block: VerifiedBlock): void {
    this.#uncommitted.set(this.#position(block.ref.round, block.ref.author), block)
    this.#round = Math.max(this.#round, block.ref.round)
  }

  /** Makes a block of each validator. */
  makeRound({ commitVotes = [], endOfEpoch }: RoundContent = {}): VerifiedBlock[] {
    const { chainId, plan, streamKey, content, transactions, transactionBytes, roundIntervalMs } = this.#init
    const { committee, epoch, startTimeMs } = plan
    const round = this.#round + 1
    const blockBytes = content === undefined ? transactions * transactionBytes : 0
    const roundKey = streamKey(round)
    const stream = seededBytes(roundKey, round, 4 + blockBytes * plan.keys.length)
    const random = seededRandom(new DataView(stream.buffer, stream.byteOffset).getUint32(0))
    const parents = this.#refsOf(round - 1)
    const grandparents = round > 1 ? this.#refsOf(round - 2) : []
    const blocks = plan.keys.map((keys, author) => {
      const linked = this.#linkedBy(round - 1, author)
      const ancestors = chooseAncestors({ author, committee, parents, grandparents, linked, random })
      const block = signBlock(keys, chainId, {
        epoch,
        round,
        author,
        timestampMs: startTimeMs + round * roundIntervalMs,
        ancestors,
        transactions:
          content?.({ plan, round, author, roundKey }) ??
          this.#transactionsIn(stream.subarray(4 + author * blockBytes)),
        commitVotes,
        endOfEpoch: endOfEpoch?.(author, ancestors)
      })
      return trustBlock(block)
    })
    for (const block of blocks) this.add(block)
    return blocks
  }

  /** Commits what the leader of a round reaches of the uncommitted blocks: it is validator `round` modulo their number. */
  commit(leaderRound: number, previous: CommitRef): CommittedSubDag {
    const author = leaderRound % this.plan.keys.length
    const leader = this.#uncommitted.get(this.#position(leaderRound, author)) as VerifiedBlock
    const blocks = this.#takeHistory(leader)
    const commit = encodeCommit({
      index: previous.index + 1,
      previousDigest: previous.digest,
      timestampMs: leader.block.timestampMs,
      leader: leader.ref,
      blocks: blocks.map((block) => block.ref),
      epoch: this.plan.epoch
    })
    return { commit: trustCommit(commit), blocks }
  }

  #transactionsIn(stream: Uint8Array): Uint8Array[] {
    const { transactions, transactionBytes: size } = this.#init
    return Array.from({ length: transactions }, (_, index) => stream.subarray(index * size, (index + 1) * size))
  }

  /** Takes out of the uncommitted blocks what a leader reaches, by round and author. */
  #takeHistory(leader: VerifiedBlock): VerifiedBlock[] {
    const reached = new Set([this.#position(leader.ref.round, leader.ref.author)])
    for (const position of reached) {
      for (const { round, author } of this.#uncommitted.get(position)?.block.ancestors ?? []) {
        const ancestor = this.#position(round, author)
        if (this.#uncommitted.has(ancestor)) reached.add(ancestor)
      }
    }
    const blocks: VerifiedBlock[] = []
    for (const position of [...reached].sort((a, b) => a - b)) {
      blocks.push(this.#uncommitted.get(position) as VerifiedBlock)
      this.#uncommitted.delete(position)
    }
    return blocks
  }

  /** The blocks of a round, by author. Rounds needed for a new one are uncommitted still, for a commit is three rounds late. */
  #refsOf(round: number): BlockRef[] {
    const { chainId, plan } = this.#init
    return plan.keys.map((_, author) =>
      round === 0
        ? genesisBlockRef(chainId, plan.epoch, author)
        : (this.#uncommitted.get(this.#position(round, author)) as VerifiedBlock).ref
    )
  }

  /** Whose blocks of the round before an author's block links. */
  #linkedBy(round: number, author: number): ReadonlySet<number> {
    const ancestors = this.#uncommitted.get(this.#position(round, author))?.block.ancestors
    if (ancestors === undefined) return new Set(this.plan.keys.keys()) // before round 1 nothing can have been missed
    return new Set(ancestors.filter((ancestor) => ancestor.round === round - 1).map((ancestor) => ancestor.author))
  }

  #position(round: number, author: number): number {
    return round * this.plan.keys.length + author
  }
}
