import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'

/** Commits that one write of the executor takes at most: so many may be executed by a write whose process is killed before it can say so. */
const MOST_UNTOLD = 64

/**
 * A node's executions, each appended to a file once its effects are durable: what was written survives `kill -9`. Whenever the executor begins, it says where the
 * ledger stands.
 */
export class Journal {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  began(highestExecuted: number): void {
    writeSync(this.#file, `began ${highestExecuted}\n`)
  }

  executed(index: number, stateDigest: string): void {
    writeSync(this.#file, `${index} ${stateDigest}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** What a journal shows. */
export interface JournalAccount {
  /** The state after each commit that it tells of. */
  readonly states: ReadonlyMap<number, string>
  /** Times that the executor began. */
  readonly beginnings: number
  /** What speaks against each commit having been executed once and in order. */
  readonly faults: readonly string[]
}

/** That of a node which was killed before it began one tells of nothing. */
export function readJournal(path: string): JournalAccount {
  return accountOf(existsSync(path) ? readFileSync(path, 'utf8') : '')
}

/** Reads the text of a journal. A last line without its end is one that a kill cut off. */
export function accountOf(text: string): JournalAccount {
  const states = new Map<number, string>()
  const faults: string[] = []
  let last = 0
  let beginnings = 0
  for (const line of text.split('\n').slice(0, -1)) {
    const [first = '', second = ''] = line.split(' ')
    if (first === 'began') {
      const position = Number(second)
      beginnings += 1
      if (position < last) faults.push(`commit ${last} was executed, and then the ledger stood at ${position}`)
      if (position > last + MOST_UNTOLD) faults.push(`executed from ${last} to ${position} without a word`)
      last = position
      continue
    }
    const index = Number(first)
    if (states.has(index)) faults.push(`commit ${index} was executed twice`)
    else if (index !== last + 1) faults.push(`commit ${index} was executed after ${last}`)
    states.set(index, second)
    last = index
  }
  return { states, beginnings, faults }
}
