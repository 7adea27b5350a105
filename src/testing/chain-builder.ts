import type { Committee } from '../consensus/committee.ts'
import type { ScriptedEpochs } from './epoch-schedule.ts'
import { type BuiltGenesis, buildGenesis } from './genesis-builder.ts'
import { type ScriptedCommit, ScriptedConsensus, type ScriptedConsensusOptions } from './scripted-consensus.ts'
import type { ScriptedContent } from './scripted-content.ts'
import { deriveValidatorKeys } from './validator-keys.ts'

/** What a chain for a test is made from. Small blocks by default. */
export interface ChainOptions {
  /** Length of the chain. */
  readonly commits: number
  /** Number of validators of equal stake, or the stake of each. @default 4 */
  readonly validators?: number | readonly number[]
  /** Of keys, ancestors and transactions. @default 1 */
  readonly seed?: number
  /** The transactions of each block. @default random bytes, as the next two say */
  readonly content?: ScriptedContent
  /** Transactions of a block. @default 2 */
  readonly transactions?: number
  /** Bytes of a transaction. @default 32 */
  readonly transactionBytes?: number
  /** Milliseconds between the timestamps of two rounds. @default 250 */
  readonly roundIntervalMs?: number
  /** Start of epoch 0, in milliseconds since the Unix epoch. @default the start of 2026 */
  readonly startTimeMs?: number
  /** A genesis to build on instead of a new one: with another seed it gives another chain of the same validators. */
  readonly genesis?: BuiltGenesis
  /** How the chain is divided into epochs: see `changingValidators` for who may be in them. @default one epoch without an end */
  readonly epochs?: ScriptedEpochs
}

/** A chain with the secrets of its validators. */
export interface Chain extends BuiltGenesis {
  /** Commit `i` is at `i - 1`: see {@link commitAt}. */
  readonly commits: readonly ScriptedCommit[]
  /** By epoch, from the genesis' on: of every epoch that has commits, and of the next where the chain ends with an epoch. */
  readonly committees: readonly Committee[]
  /** Makes the commits after the last, and knows the secrets of every epoch: `consensus.epoch(3).keys`. */
  readonly consensus: ScriptedConsensus
  /** What the chain was made from. */
  readonly options: ScriptedConsensusOptions
}

/** Builds a valid chain from commit 1 on, the same for the same options. */
export function buildChain(options: ChainOptions): Chain {
  const { seed = 1, content, transactions = 2, transactionBytes = 32, roundIntervalMs = 250, epochs } = options
  const { genesis, keys } = options.genesis ?? genesisOf(options)
  const blocks = { content, transactions, transactionBytes, roundIntervalMs }
  return chainOf({ genesis, keys, seed, ...blocks, epochs }, options.commits)
}

/**
 * Builds the chain that the same validators would have made, had they gone another way after a commit: every commit of it is as valid and as
 * certified as the chain's own. Only a committee in which a quorum lies can make both.
 *
 * @param fork.after the last commit in common
 * @param fork.commits length of the whole fork
 * @param fork.seed of the other way. @default the chain's, plus one
 * @throws {RangeError} when the chain is a fork itself
 */
export function forkChain(chain: Chain, fork: { after: number; commits: number; seed?: number }): Chain {
  if (chain.options.fork !== undefined) throw new RangeError('a fork of a fork')
  const { after, commits, seed = chain.options.seed + 1 } = fork
  return chainOf({ ...chain.options, fork: { after, seed } }, commits)
}

/**
 * A commit of a chain by its index.
 *
 * @throws {RangeError} when the chain is shorter
 */
export function commitAt<C>(chain: { readonly commits: readonly C[] }, index: number): C {
  const commit = chain.commits[index - 1]
  if (commit === undefined) throw new RangeError(`no commit ${index} in a chain of ${chain.commits.length}`)
  return commit
}

/**
 * The index of the last commit of an epoch.
 *
 * @throws {RangeError} when the epoch does not end in the chain
 */
export function lastCommitOfEpoch(chain: Pick<Chain, 'commits' | 'consensus'>, epoch: number): number {
  const { lastCommit } = chain.consensus.epoch(epoch)
  if (lastCommit > chain.commits.length) {
    throw new RangeError(`epoch ${epoch} does not end in a chain of ${chain.commits.length} commits`)
  }
  return lastCommit
}

function genesisOf({ validators = 4, seed = 1, startTimeMs = Date.UTC(2026, 0, 1) }: ChainOptions): BuiltGenesis {
  const stakes = typeof validators === 'number' ? new Array<number>(validators).fill(1) : validators
  return buildGenesis({
    validators: stakes.map((stake, index) => ({ keys: deriveValidatorKeys(seed, index), stake })),
    startTimeMs
  })
}

/** Builds the chain of a scripted consensus, from commit 1 to `count`. */
export function chainOf(options: ScriptedConsensusOptions, count: number): Chain {
  const consensus = new ScriptedConsensus(options)
  const commits = Array.from({ length: count }, () => consensus.nextCommit())
  const { genesis, keys } = options
  const committees = [genesis.committee, ...commits.flatMap(({ nextCommittee }) => nextCommittee ?? [])]
  return { genesis, keys, commits, committees, consensus, options }
}
