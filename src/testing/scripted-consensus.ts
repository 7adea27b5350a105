import type { BlockRef } from '../consensus/block-ref.ts'
import { genesisBlockRef } from '../consensus/block-ref.ts'
import { encodeCommit, trustCommit } from '../consensus/commit.ts'
import type { CommitRef, CommitVote } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import { blake2b256, type Digest } from '../consensus/digest.ts'
import { type Genesis, genesisCommitRef } from '../consensus/genesis.ts'
import { decodeSignedBlock, trustBlock, type VerifiedBlock } from '../consensus/signed-block.ts'
import { StakeAggregator } from '../consensus/stake-aggregator.ts'
import type { ConsensusCommit } from '../node/soma-node.ts'
import { bytesEqual } from '../runtime/hex.ts'
import { seededRandom } from '../runtime/random.ts'
import { ed25519PublicKey } from '../verify/ed25519.ts'
import { chooseAncestors } from './choose-ancestors.ts'
import { scriptedSnapshotMessage } from './scripted-snapshot.ts'
import { seededBytes } from './seeded-bytes.ts'
import { signBlock } from './sign-block.ts'
import type { ValidatorKeys } from './validator-keys.ts'

/** What a scripted consensus is made from. The same options give the same chain in every process. */
export interface ScriptedConsensusOptions {
  readonly genesis: Genesis
  /** The secrets of all validators, by index in the committee. */
  readonly keys: readonly ValidatorKeys[]
  /** Decides ancestors and transactions: an integer from 0. */
  readonly seed: number
  /** Transactions of a block. @default 10 */
  readonly transactions?: number
  /** Bytes of a transaction. @default 400 */
  readonly transactionBytes?: number
  /** Milliseconds between the timestamps of two rounds. @default 250 */
  readonly roundIntervalMs?: number
  /** Another seed for the rounds after a commit's leader: it gives a chain with that commit as the last in common. @default none */
  readonly fork?: { readonly after: number; readonly seed: number } | undefined
}

/** Rounds after a leader's until its commit is known to all: their next blocks vote for it. */
const ROUNDS_TO_LEARN = 2

/**
 * Stands in for consensus: a real DAG made from a genesis and a seed.
 *
 * Every round each validator makes a signed block on the blocks of the rounds before, of which a few come late. The leader of round `r` is
 * validator `r` modulo their number; commit `r` holds its uncommitted causal history, by round and author, itself last. All learn it
 * when round `r + 2` is complete, vote for it in round `r + 3`, and then it is handed over with a quorum of those votes.
 *
 * What is kept is at most five rounds, however long the chain.
 */
export class ScriptedConsensus {
  readonly #genesis: Genesis
  readonly #keys: readonly ValidatorKeys[]
  readonly #seed: number
  readonly #streamKey: Digest
  readonly #fork: { readonly after: number; readonly streamKey: Digest }
  readonly #transactions: number
  readonly #transactionBytes: number
  readonly #roundIntervalMs: number
  #round = 0
  #lastCommit: CommitRef
  /** Blocks not committed yet, by {@link #position}; inserted, and therefore iterated, by round and author. */
  readonly #uncommitted = new Map<number, VerifiedBlock>()

  /** @throws {RangeError} when the keys are not those of the committee, in its order, or a number is out of range */
  constructor(options: ScriptedConsensusOptions) {
    const { genesis, keys, seed, transactions = 10, transactionBytes = 400, roundIntervalMs = 250 } = options
    const fork = options.fork ?? { after: 0, seed }
    const { validators } = genesis.committee
    if (
      keys.length !== validators.length ||
      !validators.every((validator, index) =>
        bytesEqual(validator.protocolKey, ed25519PublicKey((keys[index] as ValidatorKeys).protocolSeed))
      )
    ) {
      throw new RangeError("keys that are not the committee's, in its order")
    }
    const numbers = { seed, transactions, transactionBytes, roundIntervalMs, after: fork.after, forkSeed: fork.seed }
    for (const [name, value] of Object.entries(numbers)) {
      if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} is not an integer from 0: ${value}`)
    }
    this.#genesis = genesis
    this.#keys = keys
    this.#seed = seed
    this.#streamKey = streamKey(genesis, seed)
    this.#fork = { after: fork.after, streamKey: streamKey(genesis, fork.seed) }
    this.#transactions = transactions
    this.#transactionBytes = transactionBytes
    this.#roundIntervalMs = roundIntervalMs
    this.#lastCommit = genesisCommitRef(genesis)
  }

  /**
   * Goes on where a snapshot was taken. With the same options the commits are those that the first would have made; only the genesis and
   * the seed are compared.
   *
   * @throws {RangeError} when the snapshot is of another chain or seed
   * @throws {WireError | ConsensusError} when it is damaged
   */
  static resume(options: ScriptedConsensusOptions, snapshot: Uint8Array): ScriptedConsensus {
    const consensus = new ScriptedConsensus(options)
    const { chainId, seed, lastCommit, uncommitted } = scriptedSnapshotMessage.decode(new Uint8Array(snapshot))
    if (!bytesEqual(chainId, options.genesis.chainId)) throw new RangeError('a snapshot of another chain')
    if (seed !== options.seed) throw new RangeError(`a snapshot of seed ${seed}, not ${options.seed}`)
    consensus.#lastCommit = lastCommit
    for (const bytes of uncommitted) consensus.#add(trustBlock(decodeSignedBlock(new Uint8Array(bytes))))
    return consensus
  }

  /** The commit handed over last; commit 0 at first. */
  get lastCommit(): CommitRef {
    return this.#lastCommit
  }

  /** Makes the next round, and the commit that its blocks vote for. The first call makes four rounds. */
  nextCommit(): ConsensusCommit {
    const leaderRound = this.#lastCommit.index + 1
    while (this.#round < leaderRound + ROUNDS_TO_LEARN) this.#makeRound([])
    const subDag = this.#commit(leaderRound)
    const voters = this.#makeRound([subDag.commit.ref])
    this.#lastCommit = subDag.commit.ref
    return { subDag, certifiers: this.#quorumOf(voters, leaderRound) }
  }

  /** Where this consensus stands, for {@link ScriptedConsensus.resume}: its uncommitted blocks and a few bytes. */
  snapshot(): Uint8Array {
    return scriptedSnapshotMessage.encode({
      chainId: this.#genesis.chainId,
      seed: this.#seed,
      lastCommit: this.#lastCommit,
      uncommitted: Array.from(this.#uncommitted.values(), (block) => block.bytes)
    })
  }

  #makeRound(commitVotes: readonly CommitVote[]): VerifiedBlock[] {
    const { committee, chainId, startTimeMs } = this.#genesis
    const round = this.#round + 1
    const blockBytes = this.#transactions * this.#transactionBytes
    const key = round > this.#fork.after ? this.#fork.streamKey : this.#streamKey
    const stream = seededBytes(key, round, 4 + blockBytes * this.#keys.length)
    const random = seededRandom(new DataView(stream.buffer, stream.byteOffset).getUint32(0))
    const parents = this.#refsOf(round - 1)
    const grandparents = round > 1 ? this.#refsOf(round - 2) : []
    const blocks = this.#keys.map((keys, author) => {
      const linked = this.#linkedBy(round - 1, author)
      const block = signBlock(keys, chainId, {
        epoch: committee.epoch,
        round,
        author,
        timestampMs: startTimeMs + round * this.#roundIntervalMs,
        ancestors: chooseAncestors({ author, committee, parents, grandparents, linked, random }),
        transactions: this.#transactionsIn(stream.subarray(4 + author * blockBytes)),
        commitVotes,
        endOfEpoch: undefined
      })
      return trustBlock(block)
    })
    for (const block of blocks) this.#add(block)
    return blocks
  }

  #transactionsIn(stream: Uint8Array): Uint8Array[] {
    const size = this.#transactionBytes
    return Array.from({ length: this.#transactions }, (_, index) => stream.subarray(index * size, (index + 1) * size))
  }

  #commit(leaderRound: number): CommittedSubDag {
    const { committee } = this.#genesis
    const leader = this.#uncommitted.get(
      this.#position(leaderRound, leaderRound % committee.validators.length)
    ) as VerifiedBlock
    const blocks = this.#takeHistory(leader)
    const commit = encodeCommit({
      index: this.#lastCommit.index + 1,
      previousDigest: this.#lastCommit.digest,
      timestampMs: leader.block.timestampMs,
      leader: leader.ref,
      blocks: blocks.map((block) => block.ref),
      epoch: committee.epoch
    })
    return { commit: trustCommit(commit), blocks }
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

  /** As few votes as make a quorum, beginning with another validator each time. */
  #quorumOf(voters: readonly VerifiedBlock[], start: number): Uint8Array[] {
    const stake = new StakeAggregator(this.#genesis.committee)
    const quorum: Uint8Array[] = []
    for (let step = 0; !stake.hasQuorum; step++) {
      const voter = voters[(start + step) % voters.length] as VerifiedBlock
      stake.add(voter.ref.author)
      quorum.push(voter.bytes)
    }
    return quorum
  }

  /** The blocks of a round, by author. Rounds needed for a new one are uncommitted still, for a commit is three rounds late. */
  #refsOf(round: number): BlockRef[] {
    return this.#keys.map((_, author) =>
      round === 0
        ? genesisBlockRef(this.#genesis.chainId, this.#genesis.committee.epoch, author)
        : (this.#uncommitted.get(this.#position(round, author)) as VerifiedBlock).ref
    )
  }

  /** Whose blocks of the round before an author's block links. */
  #linkedBy(round: number, author: number): ReadonlySet<number> {
    const ancestors = this.#uncommitted.get(this.#position(round, author))?.block.ancestors
    if (ancestors === undefined) return new Set(this.#keys.keys()) // before round 1 nothing can have been missed
    return new Set(ancestors.filter((ancestor) => ancestor.round === round - 1).map((ancestor) => ancestor.author))
  }

  #add(block: VerifiedBlock): void {
    this.#uncommitted.set(this.#position(block.ref.round, block.ref.author), block)
    this.#round = Math.max(this.#round, block.ref.round)
  }

  #position(round: number, author: number): number {
    return round * this.#keys.length + author
  }
}

function streamKey(genesis: Genesis, seed: number): Digest {
  return blake2b256(new TextEncoder().encode(`soma-p2p/testing/scripted/${seed}:`), genesis.chainId)
}
