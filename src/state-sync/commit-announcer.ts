import type { PeerId } from '@libp2p/interface'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { TaskGroup } from '../runtime/task-group.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import type { PeerHeights } from './peer-heights.ts'
import { pushCommit } from './protocols.ts'

export interface CommitAnnouncerInit {
  readonly rpc: Rpc
  readonly store: CommitStore
  readonly heights: PeerHeights
  readonly tasks: TaskGroup
  /** Whether a peer may be asked for anything now. */
  readonly isAvailable: (peer: PeerId) => boolean
  readonly onFailure: (peer: PeerId, error: unknown) => void
}

/** Tells peers that are behind of a new highest certifiable commit: one push at a time to each, always of the newest. */
export class CommitAnnouncer {
  readonly #init: CommitAnnouncerInit
  readonly #pushing = new Set<string>()
  #announced = 0

  constructor(init: CommitAnnouncerInit) {
    this.#init = init
  }

  /** Announces the highest certifiable commit, if it is new. */
  announce(): void {
    const { store, heights } = this.#init
    const { highestCertifiable } = store.watermarks
    if (highestCertifiable <= this.#announced) return
    this.#announced = highestCertifiable
    for (const { peer, highest } of heights.all()) {
      if (highest >= highestCertifiable || this.#pushing.has(peer.toString())) continue
      if (this.#init.isAvailable(peer)) this.#push(peer)
    }
  }

  #push(peer: PeerId): void {
    const { tasks, rpc, heights, onFailure } = this.#init
    this.#pushing.add(peer.toString())
    tasks.run(async (signal) => {
      let pushed = 0
      try {
        while (pushed < this.#announced && (heights.get(peer)?.highest ?? Number.POSITIVE_INFINITY) < this.#announced) {
          const commit = await this.#newest()
          if (commit === undefined) return
          const { lowestAvailable } = this.#init.store.watermarks
          await rpc.call(peer, pushCommit, { commit, lowestAvailable }, { signal })
          pushed = commit.index
        }
      } catch (thrown) {
        if (!signal.aborted) onFailure(peer, thrown)
      } finally {
        this.#pushing.delete(peer.toString())
      }
    })
  }

  async #newest(): Promise<CommitRef | undefined> {
    return (await this.#init.store.getCommit(this.#init.store.watermarks.highestCertifiable))?.ref
  }
}
