import type { Work } from './forecast.ts'
import { MAX_BLOCKS_PER_FETCH } from './messages.ts'
import type { Range } from './range.ts'

/** What a range weighed fades by a fifth with each one after it. */
const KEEP = 0.8
/** Before any range has come: a guess, by a commit of a few small blocks. */
const FIRST_GUESS = { commits: 1, blocks: 4, bytes: 16 * 1024 }

/** What ranges weigh, by those that came: for what is still to be fetched of one. */
export class RangeWeight {
  #seen = FIRST_GUESS
  #isGuess = true

  /** Counts a range that one peer has brought, all of it. */
  count(range: Range, bytes: number): void {
    const commits = range.certified?.commits ?? []
    if (commits.length === 0) return
    const blocks = commits.reduce((sum, { commit }) => sum + commit.blocks.length, 0)
    const keep = this.#isGuess ? 0 : KEEP
    this.#isGuess = false
    this.#seen = {
      commits: this.#seen.commits * keep + commits.length,
      blocks: this.#seen.blocks * keep + blocks,
      bytes: this.#seen.bytes * keep + bytes
    }
  }

  /** What is still to be fetched of a range. */
  left(range: Range): Work {
    const { commits, blocks, bytes } = this.#seen
    if (range.certified === undefined) {
      const wanted = range.end - range.next + 1
      return { requests: 1 + requestsFor((wanted * blocks) / commits), bytes: (wanted * bytes) / commits }
    }
    const { missingBlocks } = range
    return { requests: requestsFor(missingBlocks), bytes: (missingBlocks * bytes) / Math.max(blocks, 1) }
  }
}

function requestsFor(blocks: number): number {
  return Math.max(1, Math.ceil(blocks / MAX_BLOCKS_PER_FETCH))
}
