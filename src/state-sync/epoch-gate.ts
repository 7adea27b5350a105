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

/** How long a peer's answer waits at a chain that stands still, in milliseconds. Longer than honest peers need for what lies between, as a rule. */
const PATIENCE_MS = 10_000

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
 * epoch before has been stored whole: until then its ranges wait here, for as long as the chain comes on. They wait for the chain and not for a peer, who is not
 * blamed; but who claims what is far ahead must not hold turns and bytes for as long as it stands still.
 */
export class EpochGate {
  readonly #init: EpochGateInit
  /** The commit that the chain goes on with. */
  #next = { index: 1, epoch: 0, validators: MAX_COMMITTEE_SIZE }
  #moved = Promise.withResolvers<void>()
  #toldOf = 0
  #awaited: { readonly epoch: number; readonly commit: number } | undefined
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

  /** The epoch whose committee the executing node has to insert before the chain goes on, and its first commit. */
  get awaited(): { readonly epoch: number; readonly commit: number } | undefined {
    return this.#awaited
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
    if (this.#awaited !== undefined) this.#init.health.set('epoch', { state: 'ok' })
    this.#awaited = undefined
    const { resolve } = this.#moved
    this.#moved = Promise.withResolvers()
    resolve()
    if (isAnother) this.#init.onEpoch(committee)
  }

  /**
   * Waits until it is known by which committee a range is to be verified.
   *
   * @throws {VerifyError} `COMMITS_WRONG_EPOCH` for a range that follows the stored chain and claims an epoch that has not begun there, one before the store's first, or
   * more epochs ahead than there are commits between; `BLOCK_UNKNOWN_EPOCH`, which blames nobody, when the chain stood still, or its committee was not inserted, for a while
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
      if (start <= next.index) this.#mayWait(start, epoch)
      await this.#untilMoved(epoch, signal)
    }
  }

  /** Refuses claims that no chain can bear out: no epoch is without a commit. */
  #mayBe(start: number, epoch: number): void {
    const { index, epoch: current } = this.#next
    if (epoch < this.#firstEpoch) throw wrongEpoch(start, epoch, `the chain began here in epoch ${this.#firstEpoch}`)
    if (start <= index || epoch - current <= start - index) return
    throw wrongEpoch(start, epoch, `the chain goes on in epoch ${current} with commit ${index}`)
  }

  /** Waits for a chain that stands still for a while only. Who claimed the truth is asked again. */
  async #untilMoved(epoch: number, signal: AbortSignal): Promise<void> {
    const ended = new AbortController()
    const patience = this.#init.clock.sleep(PATIENCE_MS, { signal: ended.signal }).then(
      () => 'over' as const,
      () => 'ended' as const
    )
    try {
      const moved = unlessAborted(this.#moved.promise, signal).then(() => 'moved' as const)
      if ((await Promise.race([moved, patience])) !== 'over') return
    } finally {
      ended.abort()
    }
    throw new VerifyError('BLOCK_UNKNOWN_EPOCH', `the chain has not come to epoch ${epoch} yet`)
  }

  /** What follows the stored chain directly can only wait for the executing node. */
  #mayWait(start: number, epoch: number): void {
    const { mode, log, health } = this.#init
    if (mode === 'proof' || epoch > this.#next.epoch + 1) {
      throw wrongEpoch(start, epoch, `the chain goes on in epoch ${this.#next.epoch}`)
    }
    const reason = `waiting for the executing node to insert the committee of epoch ${epoch}, from commit ${start} on`
    health.set('epoch', { state: 'degraded', reason })
    this.#awaited = { epoch, commit: start }
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

function wrongEpoch(start: number, epoch: number, truth: string): VerifyError {
  return new VerifyError('COMMITS_WRONG_EPOCH', `commit ${start} claims epoch ${epoch}; ${truth}`)
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
