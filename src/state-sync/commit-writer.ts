import type { CommitRef } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import { bytesEqual } from '../runtime/hex.ts'
import type { CertifierWrite, CommitStore } from '../storage/commit-store.ts'
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
  readonly #onStored: (subDags: readonly CommittedSubDag[]) => void
  readonly #onRead: (subDag: CommittedSubDag) => void
  /** The highest commit of which `onStored` was told. */
  #told: number
  #votes = new VoteCollector()
  #last: Promise<unknown> = Promise.resolve()

  constructor(init: CommitWriterInit) {
    this.#init = init
    this.#store = init.store
    this.#onStored = init.onStored
    this.#onRead = init.onRead ?? (() => {})
    this.#told = init.store.watermarks.highestSynced.index
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
    const appended = this.#last.then(() => this.#append(commits))
    this.#last = appended.catch(() => undefined) // the caller gets the failure; the next write is tried all the same
    return appended
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
    const inserted = this.#last.then(() => this.#insertCommittee(committee, lastCommit))
    this.#last = inserted.catch(() => undefined)
    return inserted
  }

  async #insertCommittee(committee: Committee, lastCommit: CommitRef): Promise<'stored' | 'known' | 'expected'> {
    const { epochs, handOvers } = this.#init
    const answer = await handOvers.insert(committee, lastCommit)
    if (answer !== 'stored') return answer
    await this.#store.write({ commits: [], committees: [committee] })
    await epochs.moved(lastCommit.index, committee.epoch)
    return answer
  }

  async #append(commits: readonly CertifiedSubDag[]): Promise<number> {
    const fresh: CertifiedSubDag[] = []
    for (const [position, commit] of commits.entries()) {
      if (await this.#isKnown(commit.subDag.commit.ref, () => evidenceOf(commits.slice(0, position + 1)))) continue
      fresh.push(commit)
    }
    if (fresh.length > 0) await this.#write(fresh)
    this.#tell(commits)
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
      await this.#store.write({ commits: subDags, certifiers, committees })
      await epochs.moved(this.#store.watermarks.highestSynced.index, epoch)
    } catch (thrown) {
      await this.open() // the votes counted for this write are not stored: count from the store again
      throw thrown
    }
  }

  /** A write that failed may turn out to be stored after all, once the database is open again: its commits are told of then. */
  #tell(commits: readonly CertifiedSubDag[]): void {
    const untold = commits.map(({ subDag }) => subDag).filter(({ commit }) => commit.ref.index > this.#told)
    this.#told = Math.max(this.#told, this.#store.watermarks.highestSynced.index)
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
