import type { CommitRef, CommitVote } from '../consensus/commit-ref.ts'
import type { Committee } from '../consensus/committee.ts'
import { blake2b256, type Digest } from '../consensus/digest.ts'
import { type Genesis, genesisCommitRef } from '../consensus/genesis.ts'
import { decodeSignedBlock, trustBlock, type VerifiedBlock } from '../consensus/signed-block.ts'
import { StakeAggregator } from '../consensus/stake-aggregator.ts'
import type { ConsensusCommit } from '../node/soma-node.ts'
import { bytesEqual } from '../runtime/hex.ts'
import { ed25519PublicKey } from '../verify/ed25519.ts'
import { type EpochPlan, EpochSchedule, ROUNDS_TO_VOTE, type ScriptedEpochs } from './epoch-schedule.ts'
import type { ScriptedContent } from './scripted-content.ts'
import { ScriptedDag, type ScriptedDagInit } from './scripted-dag.ts'
import { ScriptedEpochEnd } from './scripted-epoch-end.ts'
import { scriptedSnapshotMessage } from './scripted-snapshot.ts'
import type { ValidatorKeys } from './validator-keys.ts'

/** What a scripted consensus is made from. The same options give the same chain in every process. */
export interface ScriptedConsensusOptions {
  readonly genesis: Genesis
  /** The secrets of all validators, by index in the committee. */
  readonly keys: readonly ValidatorKeys[]
  /** Decides ancestors and transactions: an integer from 0. */
  readonly seed: number
  /** The transactions of each block. @default random bytes, as the next two say */
  readonly content?: ScriptedContent | undefined
  /** Transactions of a block. @default 10 */
  readonly transactions?: number
  /** Bytes of a transaction. @default 400 */
  readonly transactionBytes?: number
  /** Milliseconds between the timestamps of two rounds. @default 250 */
  readonly roundIntervalMs?: number
  /** Another seed for the rounds after a commit's leader: it gives a chain with that commit as the last in common. @default none */
  readonly fork?: { readonly after: number; readonly seed: number } | undefined
  /** How the chain is divided into epochs. @default one epoch without an end */
  readonly epochs?: ScriptedEpochs | undefined
}

/** A commit of a scripted consensus. */
export interface ScriptedCommit extends ConsensusCommit {
  /** Who comes next, with the last commit of an epoch: what its proof says, and what executing it would give. */
  readonly nextCommittee?: Committee | undefined
}

interface EpochUnderWay {
  readonly dag: ScriptedDag
  /** `undefined` where epochs have no end, or do not prove it. */
  readonly end: ScriptedEpochEnd | undefined
}

/** Rounds after a leader's until its commit is known to all: their next blocks vote for it. */
const ROUNDS_TO_LEARN: number = ROUNDS_TO_VOTE - 1

/**
 * Stands in for consensus: a real DAG made from a genesis and a seed.
 *
 * Every round each validator makes a signed block on the blocks of the rounds before, of which a few come late. The leader of round `r` is
 * validator `r` modulo their number; commit `r` holds its uncommitted causal history, by round and author, itself last. All learn it
 * when round `r + 2` is complete, vote for it in round `r + 3`, and then it is handed over with a quorum of those votes.
 *
 * Where the chain has epochs, each begins with round 1 on genesis blocks of its own. The last of an epoch's `n` commits has its leader in round `n + 4`,
 * for the state that it hands over is the one after the commit before it: round `n + 2`, whose blocks vote for that commit, announces the end; in round
 * `n + 3` everyone signs the hand-over; the leader then carries the aggregate of those whose blocks it links. The blocks after it are in no commit.
 *
 * What is kept is at most five rounds, however long the chain.
 */
export class ScriptedConsensus {
  readonly #options: ScriptedConsensusOptions
  readonly #schedule: EpochSchedule
  readonly #rounds: Pick<ScriptedDagInit, 'content' | 'transactions' | 'transactionBytes' | 'roundIntervalMs'>
  #lastCommit: CommitRef
  #epoch: EpochUnderWay

  /** @throws {RangeError} when the keys are not those of the committee, in its order, or a number is out of range */
  constructor(options: ScriptedConsensusOptions) {
    const { genesis, keys, seed, transactions = 10, transactionBytes = 400, roundIntervalMs = 250 } = options
    const { after = 0, seed: forkSeed = seed } = options.fork ?? {}
    const { validators } = genesis.committee
    if (
      keys.length !== validators.length ||
      !validators.every((validator, index) =>
        bytesEqual(validator.protocolKey, ed25519PublicKey((keys[index] as ValidatorKeys).protocolSeed))
      )
    ) {
      throw new RangeError("keys that are not the committee's, in its order")
    }
    const numbers = { seed, transactions, transactionBytes, roundIntervalMs, after, forkSeed }
    for (const [name, value] of Object.entries(numbers)) {
      if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} is not an integer from 0: ${value}`)
    }
    this.#options = options
    this.#schedule = new EpochSchedule({ genesis, keys, roundIntervalMs, epochs: options.epochs })
    this.#rounds = { content: options.content, transactions, transactionBytes, roundIntervalMs }
    this.#lastCommit = genesisCommitRef(genesis)
    this.#epoch = this.#begin(0)
  }

  /**
   * Goes on where a snapshot was taken. With the same options the commits are those that the first would have made; only the genesis, the
   * seed and how far the epoch is are compared.
   *
   * @throws {RangeError} when the snapshot is of another chain or seed, or of other epochs
   * @throws {WireError | ConsensusError} when it is damaged
   */
  static resume(options: ScriptedConsensusOptions, snapshot: Uint8Array): ScriptedConsensus {
    const consensus = new ScriptedConsensus(options)
    const { chainId, seed, lastCommit, uncommitted } = scriptedSnapshotMessage.decode(new Uint8Array(snapshot))
    if (!bytesEqual(chainId, options.genesis.chainId)) throw new RangeError('a snapshot of another chain')
    if (seed !== options.seed) throw new RangeError(`a snapshot of seed ${seed}, not ${options.seed}`)
    const blocks = uncommitted.map((bytes) => decodeSignedBlock(new Uint8Array(bytes)))
    consensus.#goOn(lastCommit, blocks.map(trustBlock))
    return consensus
  }

  /** The commit handed over last; commit 0 at first. */
  get lastCommit(): CommitRef {
    return this.#lastCommit
  }

  /** The commits, start and validators of an epoch, made or not. Without epochs, every epoch has the validators of the genesis. */
  epoch(epoch: number): EpochPlan {
    return this.#schedule.get(epoch)
  }

  /** The epoch of a commit from 1 on, made or not. */
  epochOf(index: number): number {
    return this.#schedule.epochOf(index)
  }

  /**
   * When a commit is certified, by the timestamps of the blocks that vote for it: milliseconds since the Unix epoch. Commits are a round apart, but
   * the end of an epoch takes seven rounds more.
   */
  dueMs(index: number): number {
    return this.#schedule.dueMs(index)
  }

  /** Makes the next round, and the commit that its blocks vote for. The first call of an epoch makes four rounds. */
  nextCommit(): ScriptedCommit {
    const { dag } = this.#epoch
    const { plan } = dag
    const index = this.#lastCommit.index + 1
    const leaderRound = this.#schedule.leaderRound(index)
    const next = index === plan.lastCommit ? this.#schedule.get(plan.epoch + 1) : undefined
    while (dag.round < leaderRound + ROUNDS_TO_LEARN) this.#makeRound()
    const subDag = dag.commit(leaderRound, this.#lastCommit)
    this.#lastCommit = subDag.commit.ref
    const voters = this.#makeRound([this.#lastCommit])
    const commit = { subDag, certifiers: quorumOf(plan.committee, voters, leaderRound) }
    if (next === undefined) return commit
    this.#epoch = this.#begin(next.epoch)
    return { ...commit, nextCommittee: next.committee }
  }

  /** Where this consensus stands, for {@link ScriptedConsensus.resume}: its uncommitted blocks and a few bytes. */
  snapshot(): Uint8Array {
    return scriptedSnapshotMessage.encode({
      chainId: this.#options.genesis.chainId,
      seed: this.#options.seed,
      lastCommit: this.#lastCommit,
      uncommitted: Array.from(this.#epoch.dag.uncommitted, (block) => block.bytes)
    })
  }

  #goOn(lastCommit: CommitRef, uncommitted: readonly VerifiedBlock[]): void {
    this.#lastCommit = lastCommit
    this.#epoch = this.#begin(this.#schedule.epochOf(lastCommit.index + 1))
    const { dag } = this.#epoch
    for (const block of uncommitted) dag.add(block)
    const { epoch, firstCommit } = dag.plan
    const round = lastCommit.index < firstCommit ? 0 : this.#schedule.leaderRound(lastCommit.index) + ROUNDS_TO_VOTE
    if (dag.round === round && uncommitted.every(({ ref }) => ref.epoch === epoch)) return
    throw new RangeError('a snapshot of a chain with other epochs')
  }

  #begin(epoch: number): EpochUnderWay {
    const { genesis, epochs } = this.#options
    const { chainId } = genesis
    const schedule = this.#schedule
    const plan = schedule.get(epoch)
    const dag = new ScriptedDag({ chainId, plan, streamKey: this.#streamKeys(plan), ...this.#rounds })
    if (epochs === undefined || epochs.proofs === false) return { dag, end: undefined }
    return { dag, end: new ScriptedEpochEnd({ chainId, plan, schedule, stateHash: epochs.stateHash }) }
  }

  /** What the rounds of an epoch follow from. */
  #streamKeys({ epoch, firstCommit, lastCommit }: EpochPlan): (round: number) => Digest {
    const { genesis, seed, fork } = this.#options
    const own = streamKey(genesis, seed, epoch)
    if (fork === undefined || fork.after > lastCommit) return () => own
    const other = streamKey(genesis, fork.seed, epoch)
    const inCommon = fork.after < firstCommit ? 0 : this.#schedule.leaderRound(fork.after)
    return (round) => (round > inCommon ? other : own)
  }

  #makeRound(commitVotes: readonly CommitVote[] = []): VerifiedBlock[] {
    const { dag, end } = this.#epoch
    const endOfEpoch = end?.in(dag.round + 1, this.#lastCommit)
    return dag.makeRound({ commitVotes, endOfEpoch })
  }
}

/** As few votes as make a quorum, beginning with another validator each time. */
function quorumOf(committee: Committee, voters: readonly VerifiedBlock[], start: number): Uint8Array[] {
  const stake = new StakeAggregator(committee)
  const quorum: Uint8Array[] = []
  for (let step = 0; !stake.hasQuorum; step++) {
    const voter = voters[(start + step) % voters.length] as VerifiedBlock
    stake.add(voter.ref.author)
    quorum.push(voter.bytes)
  }
  return quorum
}

function streamKey(genesis: Genesis, seed: number, epoch: number): Digest {
  const name = epoch === 0 ? `${seed}` : `${seed}/${epoch}`
  return blake2b256(new TextEncoder().encode(`soma-p2p/testing/scripted/${name}:`), genesis.chainId)
}
