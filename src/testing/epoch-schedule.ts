import type { CommitRef } from '../consensus/commit-ref.ts'
import { type BuiltCommittee, buildCommittee, type CommitteeMember, membersOf } from './committee-builder.ts'
import type { BuiltGenesis } from './genesis-builder.ts'

/** How a scripted chain is divided into epochs. */
export interface ScriptedEpochs {
  /** Commits of each epoch: an integer from 1. */
  readonly commits: number
  /**
   * The validators of an epoch from 1 on, always the same for the same epoch; those of epoch 0 are the genesis'. Members, stakes and addresses may
   * all change. @default those of the genesis
   */
  readonly validators?: (epoch: number) => readonly CommitteeMember[]
  /**
   * Whether the last commit of an epoch proves which committee comes next. Without, whoever executes the chain has to know: see
   * `ScriptedCommit.nextCommittee`. @default true
   */
  readonly proofs?: boolean
  /**
   * The executed state that an epoch hands over, 32 bytes: the one after the commit before the epoch's last, which has been handed out by then;
   * after the last of the epoch before, where an epoch is a single commit. @default a digest of that commit's
   */
  readonly stateHash?: (after: CommitRef) => Uint8Array
}

/** One epoch of a scripted chain. */
export interface EpochPlan extends BuiltCommittee {
  readonly epoch: number
  /** Milliseconds since the Unix epoch. */
  readonly startTimeMs: number
  /** Index of its first commit. */
  readonly firstCommit: number
  /** Index of its last commit; infinite on a chain without epochs. */
  readonly lastCommit: number
  /** The round of its last commit's leader, with whose block the epoch ends; infinite on a chain without epochs. */
  readonly lastRound: number
}

/** What a schedule is made from: part of the options of a scripted consensus. */
export interface EpochScheduleInit extends BuiltGenesis {
  readonly roundIntervalMs: number
  readonly epochs: ScriptedEpochs | undefined
}

/** Rounds that the leader of an epoch's last commit comes later than it would in the middle: see `ScriptedConsensus`. */
const ROUNDS_TO_HAND_OVER = 4
/** Rounds from a leader's to that of the blocks that vote for its commit. */
export const ROUNDS_TO_VOTE = 3
/** Epochs kept: the one being made, its neighbours, and one that is asked for out of turn. */
const EPOCHS_KEPT = 4

/** Which commits, rounds, times and validators each epoch of a scripted chain has. All of it follows from the options. */
export class EpochSchedule {
  readonly #init: EpochScheduleInit
  /** Commits of an epoch. */
  readonly #length: number
  readonly #plans = new Map<number, EpochPlan>()

  /** @throws {RangeError} for epochs without commits */
  constructor(init: EpochScheduleInit) {
    this.#init = init
    this.#length = init.epochs?.commits ?? Number.POSITIVE_INFINITY
    if (init.epochs !== undefined && !(Number.isSafeInteger(this.#length) && this.#length > 0)) {
      throw new RangeError(`epochs of ${this.#length} commits`)
    }
  }

  /** The epoch that a commit belongs to, from commit 1 on. */
  epochOf(index: number): number {
    return Math.floor((index - 1) / this.#length)
  }

  /** When the blocks are made that vote for a commit, in milliseconds since the Unix epoch. */
  dueMs(index: number): number {
    const { startTimeMs } = this.get(this.epochOf(index))
    return startTimeMs + (this.leaderRound(index) + ROUNDS_TO_VOTE) * this.#init.roundIntervalMs
  }

  /** The round of a commit's leader. */
  leaderRound(index: number): number {
    const position = this.#length === Number.POSITIVE_INFINITY ? index : ((index - 1) % this.#length) + 1
    return position === this.#length ? position + ROUNDS_TO_HAND_OVER : position
  }

  /**
   * An epoch's commits, start and validators. On a chain without epochs every epoch has those of the genesis.
   *
   * @throws {ConsensusError} `COMMITTEE_INVALID` for validators that are no committee
   */
  get(epoch: number): EpochPlan {
    const known = this.#plans.get(epoch)
    if (known !== undefined) return known
    const plan = this.#make(epoch)
    this.#plans.set(epoch, plan)
    for (const oldest of this.#plans.keys()) {
      if (this.#plans.size <= EPOCHS_KEPT) break
      this.#plans.delete(oldest)
    }
    return plan
  }

  #make(epoch: number): EpochPlan {
    const { genesis, keys, roundIntervalMs, epochs } = this.#init
    if (!Number.isSafeInteger(epoch) || epoch < 0) throw new RangeError(`no epoch ${epoch}`)
    const built = epoch === 0 ? { committee: genesis.committee, keys } : this.#build(epoch)
    if (epochs === undefined) {
      const endless = { lastCommit: Number.POSITIVE_INFINITY, lastRound: Number.POSITIVE_INFINITY }
      return { ...built, epoch, startTimeMs: genesis.startTimeMs, firstCommit: 1, ...endless }
    }
    const lastRound = this.#length + ROUNDS_TO_HAND_OVER
    return {
      ...built,
      epoch,
      startTimeMs: genesis.startTimeMs + epoch * (lastRound + ROUNDS_TO_VOTE) * roundIntervalMs,
      firstCommit: epoch * this.#length + 1,
      lastCommit: (epoch + 1) * this.#length,
      lastRound
    }
  }

  #build(epoch: number): BuiltCommittee {
    const { genesis, keys, epochs } = this.#init
    const validators = epochs?.validators?.(epoch) ?? membersOf({ committee: genesis.committee, keys })
    return buildCommittee({ epoch, validators, chainId: genesis.chainId })
  }
}
