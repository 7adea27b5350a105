import type { Logger } from '@libp2p/interface'
import type { Committee } from '../consensus/committee.ts'
import { MAX_COMMITTEE_SIZE } from '../consensus/limits.ts'
import type { Clock } from '../runtime/clock.ts'
import type { HealthRegistry } from '../runtime/health.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { epochAfter } from '../storage/epoch-after.ts'
import { StorageError } from '../storage/storage-error.ts'
import { VerifyError } from '../verify/verify-error.ts'

/** How an epoch hands over to the next: by the proof in its last commit, or by a committee that the executing node inserts. */
export type HandOverMode = 'proof' | 'inserted'

export interface EpochGateInit {
  readonly store: CommitStore
  readonly mode: HandOverMode
  readonly health: HealthRegistry
  readonly clock: Clock
  readonly log: Logger
  /** Called when the chain goes on in another epoch. It must not throw. */
  readonly onEpoch: (committee: Committee) => void
}

/** How long a peer's answer waits for a committee to be inserted before another peer is asked, in milliseconds. */
const INSERTION_PATIENCE_MS = 10_000

/** A range that asks to be verified. */
export interface GateRequest {
  /** Index of its first commit. */
  readonly start: number
  /** The epoch that its commits claim. */
  readonly epoch: number
  readonly signal: AbortSignal
}

/** The committee that a range is verified by. */
export interface Admission {
  readonly committee: Committee
  /** Whether that epoch is over where the range begins: if a quorum certified it all the same, the chain has forked. */
  readonly isOver: boolean
}

/**
 * Where the stages meet the end of an epoch (promise 4 of the design). Ranges are fetched ahead, and the committee of a later epoch is known only when the
 * epoch before has been stored whole: until then its ranges wait here. They wait for the chain and not for a peer, who loses no turn by it.
 */
export class EpochGate {
  readonly #init: EpochGateInit
  /** The commit that the chain goes on with. */
  #next = { index: 1, epoch: 0, validators: MAX_COMMITTEE_SIZE }
  #moved = Promise.withResolvers<void>()
  #toldOf = 0
  /** Where the store began: committees of earlier epochs are not known, and what claims to be of them is of another chain. */
  #firstEpoch = 0
  #isOpen = false

  constructor(init: EpochGateInit) {
    this.#init = init
  }

  /** Reads where the store stands. */
  async open(): Promise<void> {
    const { store } = this.#init
    const { index } = store.watermarks.highestSynced
    this.#firstEpoch = (await store.getBeginning())?.committee.epoch ?? 0
    const epoch = await epochAfter(store, index)
    if (epoch === undefined)
      throw new StorageError('STORAGE_CORRUPTED', `commit ${index}, the highest synced one, is missing`)
    await this.moved(index, epoch)
    this.#isOpen = true
  }

  get mode(): HandOverMode {
    return this.#init.mode
  }

  /** The epoch of the commit that the chain goes on with. */
  get nextEpoch(): number {
    return this.#next.epoch
  }

  /**
   * Most certifier blocks that an answer needs to have: one of each validator, where the committee is known. That of an epoch that is over counts too: its
   * quorum is what proves a fork.
   *
   * @param start of the range
   * @param epoch that its commits claim
   * @throws {VerifyError} `COMMITS_WRONG_EPOCH` for an epoch before the store's first
   */
  async maxCertifiers(start: number, epoch: number): Promise<number> {
    const next = this.#next
    this.#mayBe(start, epoch)
    if (epoch < next.epoch) return (await this.#committeeOf(epoch)).validators.length
    const isInserted = this.#init.mode === 'inserted'
    const mayBeUnknown = epoch > next.epoch && (start > next.index || isInserted)
    return mayBeUnknown ? MAX_COMMITTEE_SIZE : next.validators
  }

  /** The chain is stored up to a commit, and goes on in an epoch whose committee is stored. */
  async moved(tip: number, epoch: number): Promise<void> {
    const committee = await this.#committeeOf(epoch)
    const isAnother = this.#isOpen && epoch !== this.#next.epoch
    this.#next = { index: tip + 1, epoch, validators: committee.validators.length }
    if (this.#toldOf === epoch) this.#init.health.set('epoch', { state: 'ok' })
    const { resolve } = this.#moved
    this.#moved = Promise.withResolvers()
    resolve()
    if (isAnother) this.#init.onEpoch(committee)
  }

  /**
   * Waits until it is known by which committee a range is to be verified.
   *
   * @throws {VerifyError} `COMMITS_WRONG_EPOCH` for a range that follows the stored chain and claims an epoch that has not begun there, or one before the store's first; `BLOCK_UNKNOWN_EPOCH`,
   * which blames nobody, when its committee was not inserted for a while
   * @throws the signal's reason
   */
  async admit({ start, epoch, signal }: GateRequest): Promise<Admission> {
    while (true) {
      signal.throwIfAborted()
      const next = this.#next
      this.#mayBe(start, epoch)
      if (epoch <= next.epoch) {
        return { committee: await this.#committeeOf(epoch), isOver: epoch < next.epoch && start >= next.index }
      }
      if (start > next.index) await unlessAborted(this.#moved.promise, signal)
      else await this.#waitForInsertion(start, epoch, signal)
    }
  }

  #mayBe(start: number, epoch: number): void {
    if (epoch >= this.#firstEpoch) return
    const what = `commit ${start} claims epoch ${epoch}; the chain began here in epoch ${this.#firstEpoch}`
    throw new VerifyError('COMMITS_WRONG_EPOCH', what)
  }

  /** A liar may claim the next epoch where there is more of this one: it is waited with for a while, and then another peer is asked. */
  async #waitForInsertion(start: number, epoch: number, signal: AbortSignal): Promise<void> {
    this.#mayWait(start, epoch)
    const ended = new AbortController()
    const patience = this.#init.clock.sleep(INSERTION_PATIENCE_MS, { signal: ended.signal }).then(
      () => 'over' as const,
      () => 'ended' as const
    )
    try {
      const moved = unlessAborted(this.#moved.promise, signal).then(() => 'moved' as const)
      if ((await Promise.race([moved, patience])) !== 'over') return
    } finally {
      ended.abort()
    }
    throw new VerifyError('BLOCK_UNKNOWN_EPOCH', `the committee of epoch ${epoch} has not been inserted yet`)
  }

  /** What follows the stored chain directly can only wait for the executing node. */
  #mayWait(start: number, epoch: number): void {
    const { mode, log, health } = this.#init
    if (mode === 'proof' || epoch > this.#next.epoch + 1) {
      const what = `commit ${start} claims epoch ${epoch}; the chain goes on in epoch ${this.#next.epoch}`
      throw new VerifyError('COMMITS_WRONG_EPOCH', what)
    }
    const reason = `waiting for the executing node to insert the committee of epoch ${epoch}, from commit ${start} on`
    health.set('epoch', { state: 'degraded', reason })
    if (this.#toldOf === epoch) return
    this.#toldOf = epoch
    log('%s', reason)
  }

  async #committeeOf(epoch: number): Promise<Committee> {
    const committee = await this.#init.store.getCommittee(epoch)
    if (committee !== undefined) return committee
    throw new StorageError('STORAGE_CORRUPTED', `no committee of epoch ${epoch} beside its commits`)
  }
}

async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
