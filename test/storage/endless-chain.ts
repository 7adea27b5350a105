import { blockMessage } from '../../src/consensus/block.ts'
import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import { type Genesis, genesisCommitRef } from '../../src/consensus/genesis.ts'
import { ED25519_SIGNATURE_LENGTH } from '../../src/consensus/limits.ts'
import { decodeSignedBlock, trustBlock, type VerifiedBlock } from '../../src/consensus/signed-block.ts'
import type { StoreWrite } from '../../src/storage/commit-store.ts'
import { forgeSubDag } from '../../src/testing/forge.ts'

/** Blocks of a commit. */
const AUTHORS = 3
/** Rounds until the blocks come that certify a commit. */
const VOTES_AFTER = 3

/**
 * A chain for stores alone, the same in every process: commit `i` holds the blocks of round `i`, which nobody signed. Thousands of
 * commits a second, each with certifiers that a later commit holds.
 */
export class EndlessChain {
  readonly #genesis: Genesis
  readonly #commits: CommittedSubDag[] = []

  constructor(genesis: Genesis) {
    this.#genesis = genesis
  }

  commitAt(index: number): CommittedSubDag {
    for (let next = this.#commits.length + 1; next <= index; next++) {
      const previous = this.#commits.at(-1)?.commit.ref ?? genesisCommitRef(this.#genesis)
      this.#commits.push(forgeSubDag(previous, blocksOf(next)))
    }
    return this.#commits[index - 1] as CommittedSubDag
  }

  /** The blocks that certify a commit. */
  certifiersOf(index: number): VerifiedBlock[] {
    return blocksOf(index + VOTES_AFTER)
  }

  /** Commits `start` to `end`, each with its certifiers. */
  write(start: number, end: number): StoreWrite {
    const indexes = Array.from({ length: end - start + 1 }, (_, i) => start + i)
    return {
      commits: indexes.map((index) => this.commitAt(index)),
      certifiers: indexes.map((index) => ({ index, blocks: this.certifiersOf(index) }))
    }
  }
}

function blocksOf(round: number): VerifiedBlock[] {
  return Array.from({ length: AUTHORS }, (_, author) => {
    const payload = blockMessage.encode({
      epoch: 0,
      round,
      author,
      timestampMs: round,
      ancestors: [],
      transactions: [new Uint8Array(((round * 7 + author) % 40) * 100).fill(round)],
      commitVotes: [],
      endOfEpoch: undefined
    })
    const bytes = new Uint8Array(ED25519_SIGNATURE_LENGTH + payload.byteLength)
    bytes.set(payload, ED25519_SIGNATURE_LENGTH)
    return trustBlock(decodeSignedBlock(bytes))
  })
}
