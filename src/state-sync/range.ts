import type { PeerId } from '@libp2p/interface'
import type { BlockRef } from '../consensus/block-ref.ts'
import { BlockRefMap, type ReadonlyBlockRefMap } from '../consensus/block-ref-map.ts'
import type { TrustedCommit } from '../consensus/commit.ts'
import type { VerifiedBlock } from '../consensus/signed-block.ts'

/** The certified commits of a range, with what certifies the last of them. */
export interface CertifiedCommits {
  readonly commits: readonly TrustedCommit[]
  readonly certifiers: readonly VerifiedBlock[]
}

/** Where a commit came from: the certified range that it is of, and who served that last. */
export interface CommitOrigin {
  readonly certified: CertifiedCommits
  readonly peer: PeerId | undefined
}

/** Where a range stands. */
export type RangeState =
  /** Nobody is asked; `failed` once there were attempts. */
  | { readonly name: 'waiting' }
  /** A peer is asked for its commits. */
  | { readonly name: 'asked'; readonly peer: PeerId; readonly since: number }
  /** Its commits are certified; their blocks are coming and being verified. */
  | { readonly name: 'verifying'; readonly peer: PeerId; readonly since: number }
  /** The attempt failed; to be asked elsewhere. */
  | { readonly name: 'failed'; readonly error: Error; readonly attempts: number; readonly since: number }
  /** Whole, waiting for its turn in the tail. */
  | { readonly name: 'ready' }

/** A commit whose blocks are all at hand and verified. */
export interface CompleteCommit {
  readonly commit: TrustedCommit
  readonly blocks: ReadonlyBlockRefMap<VerifiedBlock>
  /** With the last commit of a range. */
  readonly certifiers: readonly VerifiedBlock[]
  /** Bytes that it holds of the sync's budget. */
  readonly budgetBytes: number
  /** For the evidence of a halt. */
  readonly origin?: CommitOrigin
}

/**
 * One run of consecutive commits on its way from peers into the store. It keeps what was certified and verified when a peer fails, so that
 * the next one is asked for the rest only. Two peers may be at it at once: what both bring is kept once.
 */
export class Range {
  readonly start: number
  #end: number
  #state: RangeState = { name: 'waiting' }
  #attempts = 0
  #lastPeer: PeerId | undefined
  #certified: CertifiedCommits | undefined
  /** Offset in the certified commits of the next one to be taken. */
  #taken = 0
  /** How many of the commits not taken yet have a block. */
  readonly #needed = new BlockRefMap<number>()
  readonly #blocks = new BlockRefMap<VerifiedBlock>()
  #heldBytes = 0
  #isAbandoned = false

  constructor(start: number, end: number) {
    this.start = start
    this.#end = end
  }

  get end(): number {
    return this.#end
  }

  get state(): RangeState {
    return this.#state
  }

  get attempts(): number {
    return this.#attempts
  }

  get certified(): CertifiedCommits | undefined {
    return this.#certified
  }

  /** What of it is not taken yet: all that a further attempt needs. */
  get remaining(): CertifiedCommits | undefined {
    return this.#certified && { ...this.#certified, commits: this.#certified.commits.slice(this.#taken) }
  }

  /** The first commit that has not been taken yet. */
  get next(): number {
    return this.start + this.#taken
  }

  get isTaken(): boolean {
    return this.next > this.#end
  }

  /** Whether nothing of what was certified is missing. */
  get isWhole(): boolean {
    return this.#certified !== undefined && this.missingBlocks === 0
  }

  /** Blocks of certified commits that are not here yet. */
  get missingBlocks(): number {
    return this.#needed.size - this.#blocks.size
  }

  /** The first commit of those certified of which a block is missing; `undefined` where none is. */
  get firstMissing(): number | undefined {
    const missing = this.#certified?.commits.findIndex(
      ({ commit }, position) => position >= this.#taken && commit.blocks.some((ref) => !this.hasBlock(ref))
    )
    return missing === undefined || missing === -1 ? undefined : this.start + missing
  }

  /** Who was asked last. */
  get lastPeer(): PeerId | undefined {
    return this.#lastPeer
  }

  /** The peer that is delivering it. */
  get peer(): PeerId | undefined {
    return this.#state.name === 'asked' || this.#state.name === 'verifying' ? this.#state.peer : undefined
  }

  /** waiting, failed -> asked (or verifying, where the commits are certified already) */
  ask(peer: PeerId, now: number): void {
    this.#attempts += 1
    this.#lastPeer = peer
    this.#state = { name: this.#certified === undefined ? 'asked' : 'verifying', peer, since: now }
  }

  /** asked, verifying: another peer is asked as well. */
  join(): void {
    this.#attempts += 1
  }

  /** asked, verifying: the peer that it was asked of has failed, and another that was asked beside it goes on. */
  passTo(peer: PeerId): void {
    this.#lastPeer = peer
    if (this.#state.name === 'asked' || this.#state.name === 'verifying') this.#state = { ...this.#state, peer }
  }

  /**
   * asked -> verifying, once. A peer may serve fewer commits than asked: the range ends with them.
   *
   * @returns the bytes of what is kept
   */
  certify(certified: CertifiedCommits): number {
    if (this.#certified !== undefined) return 0
    this.#certified = certified
    this.#end = this.start + certified.commits.length - 1
    if (this.#state.name === 'asked') this.#state = { ...this.#state, name: 'verifying' }
    if (this.#isAbandoned) return 0
    let kept = 0
    for (const { bytes, commit } of certified.commits) {
      kept += bytes.byteLength
      for (const ref of commit.blocks) this.#needed.set(ref, (this.#needed.get(ref) ?? 0) + 1)
    }
    return kept
  }

  /** asked, verifying -> failed */
  fail(error: Error, now: number): void {
    this.#state = { name: 'failed', error, attempts: this.#attempts, since: now }
  }

  /** verifying -> waiting: the peer has brought what it has of it, and others are to be asked for the rest. */
  wait(): void {
    this.#state = { name: 'waiting' }
  }

  /** verifying -> ready */
  finish(): void {
    this.#state = { name: 'ready' }
  }

  /** Takes over bytes of the budget that an attempt has taken for what is kept here. */
  hold(bytes: number): void {
    this.#heldBytes += bytes
  }

  /** Gives up a range whose commits came another way, and returns the bytes to give back. What its attempts still bring is not kept. */
  abandon(): number {
    this.#isAbandoned = true
    this.#needed.clear()
    this.#blocks.clear()
    const held = this.#heldBytes
    this.#heldBytes = 0
    return held
  }

  /** Shortens a range that no peer has been asked for yet. */
  shorten(end: number): void {
    if (this.#certified === undefined) this.#end = Math.max(this.start, Math.min(this.#end, end))
  }

  /** Keeps those blocks that are still missing, and returns their bytes. */
  addBlocks(blocks: readonly VerifiedBlock[]): number {
    let kept = 0
    for (const block of blocks) {
      if (this.hasBlock(block.ref)) continue
      this.#blocks.set(block.ref, block)
      kept += block.bytes.byteLength
    }
    return kept
  }

  /** Whether a block is here, or not needed any more. Of a range that is certified. */
  hasBlock(ref: BlockRef): boolean {
    return this.#blocks.has(ref) || !this.#needed.has(ref)
  }

  /** Takes the next commit if all its blocks are there. */
  take(): CompleteCommit | undefined {
    const certified = this.#certified
    const commit = certified?.commits[this.#taken]
    if (certified === undefined || commit === undefined) return undefined
    const blocks = new BlockRefMap<VerifiedBlock>()
    let bytes = commit.bytes.byteLength
    for (const ref of commit.commit.blocks) {
      const block = this.#blocks.get(ref)
      if (block === undefined) return undefined
      blocks.set(ref, block)
      bytes += block.bytes.byteLength
    }
    for (const ref of commit.commit.blocks) this.#release(ref)
    this.#taken += 1
    const budgetBytes = this.isTaken ? this.#heldBytes : Math.min(bytes, this.#heldBytes)
    this.#heldBytes -= budgetBytes
    const certifiers = this.isTaken ? certified.certifiers : []
    return { commit, blocks, certifiers, budgetBytes, origin: { certified, peer: this.#lastPeer } }
  }

  /** A commit that has a block was taken. */
  #release(ref: BlockRef): void {
    const others = (this.#needed.get(ref) ?? 0) - 1
    if (others > 0) {
      this.#needed.set(ref, others)
      return
    }
    this.#needed.delete(ref)
    this.#blocks.delete(ref)
  }
}
