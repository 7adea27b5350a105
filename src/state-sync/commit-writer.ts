import type { CommitRef } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import { bytesEqual } from '../runtime/hex.ts'
import type { CertifierWrite, CommitStore, StoreWrite } from '../storage/commit-store.ts'
import { StorageError } from '../storage/storage-error.ts'
import { type CertifiedSubDag, checkEpoch, checkLinks, evidenceOf } from './certified-sub-dag.ts'
import type { CheckpointGuard } from './checkpoint-guard.ts'
import type { EpochGate } from './epoch-gate.ts'
import type { HandOvers } from './hand-overs.ts'
import { type HaltEvidence, SyncError } from './sync-error.ts'
import { VoteCollector } from './vote-collector.ts'

export interface CommitWriterInit {
  readonly store: CommitStore
  readonly epochs: EpochGate
  readonly handOvers: HandOvers
  /** Nothing that conflicts with the trusted checkpoint is stored. @default there is none */
  readonly guard?: CheckpointGuard
  /** Writes into the store. @default the store itself */
  readonly write?: (write: StoreWrite) => Promise<void>
  /** Called with each of the latest stored commits when the writer opens. */
  readonly onRead?: (subDag: CommittedSubDag) => void
  /** Called after commits are durable, before `append` resolves. */
  readonly onStored: (subDags: readonly CommittedSubDag[]) => void
}

/**
 * The one door into the store, for synced commits and for those of local consensus. Writes are one at a time and in order, so that the watermark
 * never regresses and a commit that came both ways is stored once.
 */
export class CommitWriter {
  readonly #init: CommitWriterInit
  readonly #store: CommitStore
  readonly #writeStore: (write: StoreWrite) => Promise<void>
  readonly #onStored: (subDags: readonly CommittedSubDag[]) => void
  readonly #onRead: (subDag: CommittedSubDag) => void
  /** The highest commit of which `onStored` was told. */
  #told: number
  /** The commit up to which votes and epochs are counted. */
  #counted: number
  #votes = new VoteCollector()
  #last: Promise<unknown> = Promise.resolve()

  constructor(init: CommitWriterInit) {
    this.#init = init
    this.#store = init.store
    this.#writeStore = init.write ?? ((write) => init.store.write(write))
    this.#onStored = init.onStored
    this.#onRead = init.onRead ?? (() => {})
    this.#told = init.store.watermarks.highestSynced.index
    this.#counted = this.#told
  }

  /** Reads the latest stored commits again, so that votes seen before a restart count for commits that are not certifiable yet. */
  async open(): Promise<void> {
    await this.#init.epochs.open()
    this.#votes = new VoteCollector()
    const { highestSynced, lowestAvailable } = this.#store.watermarks
    for (
      let index = Math.max(lowestAvailable, highestSynced.index - WARM_UP_COMMITS);
      index <= highestSynced.index;
      index++
    ) {
      const subDag = await this.#store.getSubDag(index)
      if (subDag === undefined) continue
      this.#onRead(subDag)
      const isCertified = (await this.#store.highestCertifiableIn(index, index)) !== undefined
      this.#votes.add(subDag, await this.#committeeOf(subDag), isCertified)
    }
    this.#counted = highestSynced.index
  }

  /** Takes note of what a failed write has stored after all: whoever looks at where the chain goes on does so afterwards. @throws {StorageError} */
  settled(): Promise<void> {
    return this.#inTurn(() => this.#settle())
  }

  /**
   * Stores those of the commits that are not stored yet.
   *
   * @returns how many were new
   * @throws {SyncError} `SYNC_FORK` when one conflicts with what is stored, or does not link to it, or is of another epoch than the chain goes on with;
   * or conflicts with the trusted checkpoint; what `HandOvers.after` throws
   * @throws {StorageError} when the store refuses; nothing was written
   */
  append(commits: readonly CertifiedSubDag[]): Promise<number> {
    return this.#inTurn(() => this.#append(commits))
  }

  /**
   * Takes the next epoch's committee from the executing node. Where epochs hand over by proof it is compared with the proven one; elsewhere it opens the next
   * epoch.
   *
   * @param lastCommit the last commit of the epoch before, which the node has executed
   * @returns `known` when it is stored already, `expected` when its epoch is still to be proven
   * @throws {SyncError} `SYNC_COMMITTEE_CONFLICT`, `CONSENSUS_GAP`, `CONSENSUS_INVALID`
   */
  insertCommittee(committee: Committee, lastCommit: CommitRef): Promise<'stored' | 'known' | 'expected'> {
    return this.#inTurn(() => this.#insertCommittee(committee, lastCommit))
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#last.then(task)
    this.#last = done.catch(() => undefined) // the caller gets the failure; the next write is tried all the same
    return done
  }

  /** A write that failed may turn out to be stored after all, once the database is open again: its commits are told of then. */
  async #settle(): Promise<void> {
    const { index: highest } = this.#store.watermarks.highestSynced
    if (highest === this.#counted) return
    await this.open()
    for (let index = this.#told + 1; index <= highest; index++) {
      const subDag = await this.#store.getSubDag(index)
      if (subDag !== undefined) this.#tell([subDag])
    }
  }

  async #insertCommittee(committee: Committee, lastCommit: CommitRef): Promise<'stored' | 'known' | 'expected'> {
    const { epochs, handOvers } = this.#init
    await this.#settle()
    const answer = await handOvers.insert(committee, lastCommit)
    if (answer !== 'stored') return answer
    await this.#store.write({ commits: [], committees: [committee] })
    await epochs.moved(lastCommit.index, committee.epoch)
    return answer
  }

  async #append(commits: readonly CertifiedSubDag[]): Promise<number> {
    await this.#settle()
    const fresh: CertifiedSubDag[] = []
    for (const [position, commit] of commits.entries()) {
      if (await this.#isKnown(commit.subDag.commit.ref, () => evidenceOf(commits.slice(0, position + 1)))) continue
      fresh.push(commit)
    }
    if (fresh.length > 0) await this.#write(fresh)
    this.#tell(commits.map(({ subDag }) => subDag))
    await this.#settle() // the write itself may have opened the database anew, and found more than it brought
    return fresh.length
  }

  async #write(fresh: readonly CertifiedSubDag[]): Promise<void> {
    checkLinks(this.#store.watermarks.highestSynced, fresh)
    const subDags = fresh.map(({ subDag }) => subDag)
    const { epochs, guard, handOvers } = this.#init
    try {
      const certifiers: CertifierWrite[] = []
      const committees: Committee[] = []
      let epoch = epochs.nextEpoch
      for (const [position, { subDag, certifiers: blocks }] of fresh.entries()) {
        const upToHere = fresh.slice(0, position + 1)
        checkEpoch(subDag, epoch, upToHere)
        guard?.checkCommits([subDag.commit], () => evidenceOf(upToHere))
        const committee = committees.at(-1) ?? (await this.#committeeOf(subDag))
        certifiers.push(...this.#votes.add(subDag, committee, blocks.length > 0))
        if (blocks.length > 0) certifiers.push({ index: subDag.commit.ref.index, blocks })
        const next = await handOvers.after(subDag, () => evidenceOf(upToHere))
        if (next === undefined) continue
        committees.push(next)
        epoch = next.epoch
      }
      await this.#writeStore({ commits: subDags, certifiers, committees })
      this.#counted = subDags.at(-1)?.commit.ref.index ?? this.#counted
      if (this.#counted === this.#store.watermarks.highestSynced.index) await epochs.moved(this.#counted, epoch)
    } catch (thrown) {
      await this.open() // the votes counted for this write are not stored: count from the store again
      throw thrown
    }
  }

  #tell(subDags: readonly CommittedSubDag[]): void {
    const untold = subDags.filter(({ commit }) => commit.ref.index > this.#told)
    this.#told = Math.max(this.#told, subDags.at(-1)?.commit.ref.index ?? 0)
    if (untold.length > 0) this.#onStored(untold)
  }

  async #isKnown(ref: CommitRef, evidence: () => HaltEvidence): Promise<boolean> {
    const { highestSynced } = this.#store.watermarks
    if (ref.index > highestSynced.index) return false
    // the highest synced commit is known though a store that has just begun does not hold it
    const stored = ref.index === highestSynced.index ? highestSynced : (await this.#store.getCommit(ref.index))?.ref
    if (stored !== undefined && !bytesEqual(stored.digest, ref.digest)) {
      throw new SyncError('SYNC_FORK', `commit ${ref.index} conflicts with the one that is stored`, {
        evidence: evidence()
      })
    }
    return true
  }

  async #committeeOf(subDag: CommittedSubDag): Promise<Committee> {
    const { epoch } = subDag.commit.commit
    const committee = await this.#store.getCommittee(epoch)
    if (committee === undefined)
      throw new StorageError('STORAGE_CORRUPTED', `no committee of epoch ${epoch} beside its commits`)
    return committee
  }
}

/** Votes for a commit follow within some rounds. */
const WARM_UP_COMMITS = 16
