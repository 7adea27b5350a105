import type { PeerId } from '@libp2p/interface'
import type { Digest } from '../consensus/digest.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { Clock } from '../runtime/clock.ts'
import { bytesEqual, toHex } from '../runtime/hex.ts'
import type { TaskGroup } from '../runtime/task-group.ts'
import { getCommitAvailability, getCommitInfo } from './protocols.ts'
import { SyncError } from './sync-error.ts'

export interface PeerQuestionsInit {
  readonly chainId: Digest
  readonly rpc: Rpc
  readonly clock: Clock
  readonly tasks: TaskGroup
  /** A peer's chain is ours. */
  readonly onChecked: (peer: PeerId) => void
  /** A peer said what it has. */
  readonly onHeight: (peer: PeerId, highest: number, lowest: number) => void
  readonly onFailure: (peer: PeerId, thrown: unknown) => void
}

/** The small questions to peers, beside the loop: one at a time to each, and its failure is the peer's. */
export class PeerQuestions {
  readonly #init: PeerQuestionsInit
  /** Peers that are being asked. */
  readonly #asking = new Set<string>()

  constructor(init: PeerQuestionsInit) {
    this.#init = init
  }

  /** The chain check: commit 0 is the genesis, so that a peer of another chain is found out before it is asked for anything. Then its heights. */
  greet(peer: PeerId): void {
    const { rpc, chainId, onChecked } = this.#init
    this.#ask(peer, async (signal) => {
      const question = { latest: undefined, index: 0, digest: undefined }
      const { commit } = await rpc.call(peer, getCommitInfo, question, { signal })
      if (commit.index !== 0 || !bytesEqual(commit.digest, chainId)) {
        throw new SyncError('SYNC_WRONG_CHAIN', `its genesis is ${toHex(commit.digest)}`)
      }
      onChecked(peer)
      await this.#queryHeight(peer, signal)
    })
  }

  /** Asks what a peer has. */
  queryHeight(peer: PeerId): void {
    this.#ask(peer, (signal) => this.#queryHeight(peer, signal))
  }

  async #queryHeight(peer: PeerId, signal: AbortSignal): Promise<void> {
    const { rpc, clock, onHeight } = this.#init
    const answer = await rpc.call(peer, getCommitAvailability, { timestampMs: clock.now() }, { signal })
    onHeight(peer, answer.highestCertifiable, answer.lowestAvailable)
  }

  #ask(peer: PeerId, question: (signal: AbortSignal) => Promise<void>): void {
    const key = peer.toString()
    if (this.#asking.has(key)) return
    this.#asking.add(key)
    this.#init.tasks.run(async (signal) => {
      try {
        await question(signal)
      } catch (thrown) {
        if (!signal.aborted) this.#init.onFailure(peer, thrown)
      } finally {
        this.#asking.delete(key)
      }
    })
  }
}
