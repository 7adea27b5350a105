import { genesisBlockRef } from '../consensus/block-ref.ts'
import type { Digest } from '../consensus/digest.ts'

/** Epochs kept: the current one, its neighbours, and one that is asked for out of turn. */
const EPOCHS_KEPT = 4

/** The digests of genesis blocks, each computed once for as long as its epoch is among the last used. */
export class GenesisDigests {
  readonly #chainId: Digest
  readonly #epochs = new Map<number, Digest[]>()

  constructor(chainId: Digest) {
    this.#chainId = chainId
  }

  /** @param author index of a member of the epoch's committee */
  get(epoch: number, author: number): Digest {
    const digests = this.#ofEpoch(epoch)
    const known = digests[author]
    if (known !== undefined) return known
    const { digest } = genesisBlockRef(this.#chainId, epoch, author)
    digests[author] = digest
    return digest
  }

  #ofEpoch(epoch: number): Digest[] {
    let digests = this.#epochs.get(epoch)
    if (digests !== undefined) return digests
    digests = []
    this.#epochs.set(epoch, digests)
    for (const oldest of this.#epochs.keys()) {
      if (this.#epochs.size <= EPOCHS_KEPT) break
      this.#epochs.delete(oldest)
    }
    return digests
  }
}
