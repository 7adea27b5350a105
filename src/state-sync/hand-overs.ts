import type { Logger } from '@libp2p/interface'
import { type CommitRef, commitRefsEqual } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import type { Digest } from '../consensus/digest.ts'
import type { Clock } from '../runtime/clock.ts'
import { bytesEqual, toHex } from '../runtime/hex.ts'
import { toError } from '../runtime/soma-error.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import type { CheckpointGuard } from './checkpoint-guard.ts'
import type { EpochGate } from './epoch-gate.ts'
import { type ProvenHandOver, provenHandOverOf } from './hand-over.ts'
import { type HaltEvidence, SyncError } from './sync-error.ts'

/**
 * The state that, by the executing node's own execution, an epoch hands over. Which commit's state that is, is a matter of the consensus; it is asked by the epoch's
 * last commit. `undefined` where it is not known yet: nobody waits for it.
 */
export type LocalStateHash = (lastCommit: number) => Promise<Digest | undefined>

export interface HandOversInit {
  readonly store: CommitStore
  readonly epochs: EpochGate
  readonly clock: Clock
  readonly log: Logger
  /** @default there is no checkpoint */
  readonly guard?: CheckpointGuard
  /** @default there is nothing to compare with */
  readonly localStateHash?: LocalStateHash | undefined
}

/** How long the executing node may look for its state, in milliseconds: it is at hand or it is not, and the chain goes on. */
const LOCAL_STATE_PATIENCE_MS = 2_000

/** Judges how epochs hand over: by the proofs in the chain, by what the executing node inserts and computes, and by the trusted checkpoint. */
export class HandOvers {
  readonly #init: HandOversInit
  /** Inserted for an epoch whose hand-over has not been stored yet. */
  #expected: Committee | undefined

  constructor(init: HandOversInit) {
    this.#init = init
  }

  /**
   * The committee that a certified commit hands over to, on a chain that proves it.
   *
   * @param evidence that a quorum certified the commit
   * @throws {SyncError} `SYNC_COMMITTEE_CONFLICT` when another committee was inserted, or the trusted checkpoint has another; `SYNC_CERTIFIED_DATA_REFUSED` when the
   * state handed over is not the one that this node has computed
   */
  async after(subDag: CommittedSubDag, evidence: () => HaltEvidence): Promise<Committee | undefined> {
    const { epochs, guard } = this.#init
    const handOver = epochs.mode === 'proof' ? provenHandOverOf(subDag) : undefined
    if (handOver === undefined) return undefined
    const { next } = handOver
    const { index } = subDag.commit.ref
    guard?.checkHandOver(index, next, evidence)
    if (this.#expected?.epoch === next.epoch && !bytesEqual(this.#expected.digest, next.digest)) {
      const what = `the chain proves another committee of epoch ${next.epoch} than the one inserted`
      throw new SyncError('SYNC_COMMITTEE_CONFLICT', what, { evidence: evidence() })
    }
    await this.#checkState(index, handOver, evidence)
    return next
  }

  /**
   * Judges a committee that the executing node inserts.
   *
   * @param lastCommit the last commit of the epoch before, which the node has executed
   * @returns `stored` when it is to be stored now, `known` when it is already, `expected` when its epoch is still to be proven
   * @throws {SyncError} `SYNC_COMMITTEE_CONFLICT`, `CONSENSUS_GAP`, `CONSENSUS_INVALID`
   */
  async insert(committee: Committee, lastCommit: CommitRef): Promise<'stored' | 'known' | 'expected'> {
    const { store, epochs, guard } = this.#init
    const { epoch } = committee
    const known = await store.getCommittee(epoch)
    if (known !== undefined) {
      if (bytesEqual(known.digest, committee.digest)) return 'known'
      throw new SyncError('SYNC_COMMITTEE_CONFLICT', `another committee of epoch ${epoch} is stored than is inserted`)
    }
    if (epoch !== epochs.nextEpoch + 1) {
      const what = `a committee of epoch ${epoch} while the chain is in ${epochs.nextEpoch}`
      throw new SyncError('CONSENSUS_INVALID', what)
    }
    if (epochs.mode === 'proof') {
      this.#expected = committee
      return 'expected'
    }
    const tip = store.watermarks.highestSynced
    if (lastCommit.index > tip.index) {
      throw new SyncError('CONSENSUS_GAP', `commit ${lastCommit.index} is not stored: the chain ends at ${tip.index}`)
    }
    if (!commitRefsEqual(lastCommit, tip)) {
      const what = `epoch ${epoch - 1} is said to end with commit ${lastCommit.index}, and the chain went on in it to ${tip.index}`
      throw new SyncError('SYNC_COMMITTEE_CONFLICT', what)
    }
    if (epochs.nextEpoch !== (await store.getCommit(tip.index))?.commit.epoch) {
      throw new SyncError('CONSENSUS_INVALID', `epoch ${epoch - 1} has no commit yet that could be its last`)
    }
    guard?.checkHandOver(tip.index, committee)
    return 'stored'
  }

  /** Only what a quorum signed is compared: one author's block may say of the state what it likes, and no node stops for that. */
  async #checkState(index: number, { stateHash, leader }: ProvenHandOver, evidence: () => HaltEvidence): Promise<void> {
    const own = await this.#localStateHash(index)
    if (own === undefined || stateHash === undefined || bytesEqual(own, stateHash)) return
    const what = `commit ${index} hands over state ${toHex(stateHash)}, and this node has computed ${toHex(own)}`
    throw new SyncError('SYNC_CERTIFIED_DATA_REFUSED', what, { evidence: { ...evidence(), blocks: [leader] } })
  }

  /** Whatever the executing node does, the chain goes on: it compares by itself when it comes there. */
  async #localStateHash(index: number): Promise<Digest | undefined> {
    const { localStateHash, clock, log } = this.#init
    if (localStateHash === undefined) return undefined
    const ended = new AbortController()
    try {
      const tooLong = clock.sleep(LOCAL_STATE_PATIENCE_MS, { signal: ended.signal }).then(
        () => log('the state at commit %d was not at hand: it is not compared', index),
        () => undefined // it came in time
      )
      return (await Promise.race([localStateHash(index), tooLong])) ?? undefined
    } catch (thrown) {
      log.error('the state at commit %d could not be read, and is not compared: %s', index, toError(thrown).message)
      return undefined
    } finally {
      ended.abort()
    }
  }
}
