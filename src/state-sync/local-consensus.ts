import type { AbortOptions, Logger } from '@libp2p/interface'
import { blockRefKey, blockRefsEqual } from '../consensus/block-ref.ts'
import { BlockRefMap } from '../consensus/block-ref-map.ts'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import { decodeSignedBlock } from '../consensus/signed-block.ts'
import type { Clock } from '../runtime/clock.ts'
import { bytesEqual } from '../runtime/hex.ts'
import { toError } from '../runtime/soma-error.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { StorageError } from '../storage/storage-error.ts'
import type { BlockVerifier } from '../verify/block-verifier.ts'
import { verifyCertification } from '../verify/certification.ts'
import type { CommitWriter } from './commit-writer.ts'
import type { CommittedTimestamps } from './committed-timestamps.ts'
import type { EpochGate } from './epoch-gate.ts'
import { SyncError } from './sync-error.ts'

/** What local consensus hands in. */
export interface ConsensusCommit {
  readonly subDag: CommittedSubDag
  /** Signed blocks, as bytes, whose votes certify the commit: at least a quorum of stake. */
  readonly certifiers: readonly Uint8Array[]
}

export interface LocalConsensusInit {
  readonly store: CommitStore
  readonly writer: CommitWriter
  readonly epochs: EpochGate
  readonly blockVerifier: BlockVerifier
  readonly clock: Clock
  readonly timestamps: CommittedTimestamps
  readonly log: Logger
}

/** The way of local consensus into the store: every commit is checked for its link, its blocks and its certifiers, and a refusal is the caller's. */
export class LocalConsensus {
  readonly #init: LocalConsensusInit
  readonly #listeners = new Set<(highestSynced: CommitRef) => void>()
  #lastCommitAt = Number.NEGATIVE_INFINITY
  #highestHandedIn = 0

  constructor(init: LocalConsensusInit) {
    this.#init = init
  }

  /** Whether consensus has handed in a commit within so many milliseconds. */
  isActive(withinMs: number): boolean {
    return this.#init.clock.monotonic() - this.#lastCommitAt < withinMs
  }

  async sendCommit(handedIn: ConsensusCommit, options?: AbortOptions): Promise<'stored' | 'known'> {
    const { subDag } = handedIn
    const { ref, commit } = subDag.commit
    options?.signal?.throwIfAborted()
    await this.#init.writer.settled()
    await this.#checkPlace(subDag)
    checkBlocks(subDag)
    this.#checkTimestamps(subDag)
    if (await this.#isBeforeBeginning(subDag)) return 'known'
    const certifiers = await this.#verifyCertifiers(handedIn, options)
    this.#highestHandedIn = Math.max(this.#highestHandedIn, ref.index)
    try {
      const stored = await this.#init.writer.append([{ subDag, certifiers }])
      if (stored === 0) return 'known'
      this.#lastCommitAt = this.#init.clock.monotonic() // one that replays what is known is not at the tip
      return 'stored'
    } catch (thrown) {
      if (!(thrown instanceof SyncError)) throw thrown
      const code = thrown.code === 'SYNC_CERTIFIED_DATA_REFUSED' ? 'CONSENSUS_INVALID' : 'CONSENSUS_CONFLICT'
      throw new SyncError(code, `commit ${ref.index} of epoch ${commit.epoch}: ${thrown.message}`, { cause: thrown })
    }
  }

  onOvertaken(listener: (highestSynced: CommitRef) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Commits are durable: tells consensus when they came another way. */
  stored(highest: CommitRef): void {
    if (highest.index <= this.#highestHandedIn) return
    for (const listener of this.#listeners) {
      try {
        listener(highest)
      } catch (thrown) {
        this.#init.log.error('a listener to onOvertaken failed: %s', toError(thrown).message)
      }
    }
  }

  #checkTimestamps({ commit, blocks }: CommittedSubDag): void {
    try {
      this.#init.timestamps.assemble({
        commit,
        blocks: new BlockRefMap(blocks.map((block) => [block.ref, block]))
      })
    } catch (cause) {
      if (!(cause instanceof SyncError)) throw cause
      throw new SyncError('CONSENSUS_INVALID', cause.message, { cause })
    }
  }

  async #checkPlace({ commit: { ref, commit } }: CommittedSubDag): Promise<void> {
    const tip = this.#init.store.watermarks.highestSynced
    if (ref.index > tip.index + 1) {
      throw new SyncError('CONSENSUS_GAP', `commit ${ref.index} does not follow the highest synced commit ${tip.index}`)
    }
    if (ref.index === tip.index + 1) {
      const { nextEpoch } = this.#init.epochs
      if (commit.epoch !== nextEpoch) {
        const what = `commit ${ref.index} is of epoch ${commit.epoch}, and the chain goes on in epoch ${nextEpoch}`
        throw new SyncError('CONSENSUS_INVALID', what)
      }
      if (bytesEqual(commit.previousDigest, tip.digest)) return
      throw new SyncError('CONSENSUS_BROKEN_LINK', `commit ${ref.index} does not link to the highest synced commit`)
    }
    const stored = ref.index === tip.index ? tip : (await this.#init.store.getCommit(ref.index))?.ref
    if (stored !== undefined && !bytesEqual(stored.digest, ref.digest)) {
      throw new SyncError('CONSENSUS_CONFLICT', `commit ${ref.index} is stored with another digest`)
    }
  }

  /** Of what lies before the checkpoint that the store began at, it knows no committee: it is taken for granted. */
  async #isBeforeBeginning({ commit: { ref, commit } }: CommittedSubDag): Promise<boolean> {
    const { store } = this.#init
    return ref.index < store.watermarks.lowestAvailable && (await store.getCommittee(commit.epoch)) === undefined
  }

  async #verifyCertifiers({ subDag, certifiers }: ConsensusCommit, options?: AbortOptions) {
    const { epoch } = subDag.commit.commit
    const committee = await this.#init.store.getCommittee(epoch)
    if (committee === undefined) throw new SyncError('CONSENSUS_INVALID', `no committee is known for epoch ${epoch}`)
    try {
      return await verifyCertification({
        commit: subDag.commit,
        certifiers: certifiers.map(decodeSignedBlock),
        committee,
        blockVerifier: this.#init.blockVerifier,
        ...(options?.signal == null ? {} : { signal: options.signal })
      })
    } catch (thrown) {
      options?.signal?.throwIfAborted()
      const cause = toError(thrown)
      if (cause instanceof StorageError) throw cause // says nothing about the certifiers
      throw new SyncError('CONSENSUS_UNCERTIFIED', `commit ${subDag.commit.ref.index}: ${cause.message}`, { cause })
    }
  }
}

function checkBlocks({ commit, blocks }: CommittedSubDag): void {
  const refs = commit.commit.blocks
  const wrong = refs.findIndex((ref, position) => {
    const block = blocks[position]
    return block === undefined || !blockRefsEqual(block.ref, ref)
  })
  if (wrong !== -1 || blocks.length !== refs.length) {
    const place = refs[wrong]
    const which = place === undefined ? `${blocks.length} blocks for ${refs.length} references` : blockRefKey(place)
    throw new SyncError('CONSENSUS_INVALID', `the blocks of commit ${commit.ref.index} are not its own: ${which}`)
  }
}
