import { ClassicLevel } from 'classic-level'
import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import { type Digest, digestKey, digestOf } from '../../src/consensus/digest.ts'
import { bytesEqual } from '../../src/runtime/hex.ts'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { LedgerError, type LedgerErrorCode } from './ledger-error.ts'
import { encodeIndex, POSITION_KEY, stateKey, transactionKey } from './ledger-keys.ts'
import { decodePosition, encodePosition, type LedgerPosition } from './ledger-position.ts'
import { EMPTY_STATE, nextState } from './state-digest.ts'

/** What executing one commit did. */
export interface ExecutedCommit {
  readonly index: number
  /** The state after it. */
  readonly stateDigest: Digest
  /** Transactions executed, and those left out because an earlier one was the same. */
  readonly transactions: number
  readonly duplicates: number
}

/**
 * A small ledger: the example of an executor's own database.
 *
 * Executing a transaction, opaque bytes here, is to fold its digest into a running state digest; each is executed once, however many
 * blocks carry it. The effects of a commit and the position behind it are one atomic, durable write, so that whatever kills the process,
 * each commit is executed exactly once.
 */
export interface Ledger extends LedgerPosition {
  /**
   * Executes commits in order, the first following the one executed last, in one write. Calls queue behind each other.
   *
   * @throws {LedgerError} `LEDGER_GAP`, `LEDGER_OTHER_CHAIN`, `LEDGER_READ_FAILED`, `LEDGER_WRITE_FAILED`; nothing is executed then
   */
  execute(subDags: readonly CommittedSubDag[]): Promise<ExecutedCommit[]>
  /** The state after the commit of an index, or `undefined` where that is not executed. */
  getStateDigest(index: number): Promise<Digest | undefined>
  /** Waits for the execution under way and closes the database. Idempotent. */
  close(): Promise<void>
}

/**
 * Opens the ledger of a directory, which is made when it is not there.
 *
 * @throws {LedgerError} `LEDGER_LOCKED`, `LEDGER_OPEN_FAILED`, `LEDGER_CORRUPTED`
 */
export async function openLedger(directory: string): Promise<Ledger> {
  const database = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  try {
    await database.open()
  } catch (cause) {
    const locked = cause instanceof Error && cause.cause !== undefined && errorCode(cause.cause) === 'LEVEL_LOCKED'
    if (locked) throw new LedgerError('LEDGER_LOCKED', `another process has the ledger in ${directory} open`, { cause })
    throw new LedgerError('LEDGER_OPEN_FAILED', `the ledger in ${directory} does not open`, { cause })
  }
  try {
    const stored = await database.get(POSITION_KEY)
    return new LevelLedger(database, stored === undefined ? undefined : decodePosition(stored))
  } catch (thrown) {
    await database.close()
    throw thrown
  }
}

type Put = { type: 'put'; key: Uint8Array; value: Uint8Array }

class LevelLedger implements Ledger {
  readonly #database: ClassicLevel<Uint8Array, Uint8Array>
  #position: LedgerPosition
  #running: Promise<unknown> = Promise.resolve()

  constructor(database: ClassicLevel<Uint8Array, Uint8Array>, position: LedgerPosition | undefined) {
    this.#database = database
    this.#position = position ?? {
      highestExecuted: 0,
      commitDigest: undefined,
      stateDigest: EMPTY_STATE,
      transactions: 0
    }
  }

  get highestExecuted(): number {
    return this.#position.highestExecuted
  }

  get commitDigest(): Digest | undefined {
    return this.#position.commitDigest
  }

  get stateDigest(): Digest {
    return this.#position.stateDigest
  }

  get transactions(): number {
    return this.#position.transactions
  }

  execute(subDags: readonly CommittedSubDag[]): Promise<ExecutedCommit[]> {
    const execution = this.#running.then(() => this.#execute(subDags))
    this.#running = execution.catch(() => undefined) // its caller has the error; the next in the queue must run
    return execution
  }

  async getStateDigest(index: number): Promise<Digest | undefined> {
    const stored = await this.#guard('LEDGER_READ_FAILED', () => this.#database.get(stateKey(index)))
    return stored && new Uint8Array(stored)
  }

  async close(): Promise<void> {
    await this.#running
    await this.#database.close()
  }

  async #execute(subDags: readonly CommittedSubDag[]): Promise<ExecutedCommit[]> {
    if (subDags.length === 0) return []
    const digests = subDags.map((subDag) =>
      subDag.blocks.flatMap(({ block }) => block.transactions.map((bytes) => digestOf('transaction', bytes)))
    )
    const done = await this.#alreadyExecuted(digests.flat())
    const puts: Put[] = []
    const executed: ExecutedCommit[] = []
    let position = this.#position
    for (const [at, { commit }] of subDags.entries()) {
      const { index, digest } = commit.ref
      checkFollows(position, commit)
      const carried = digests[at] ?? []
      const fresh = carried.filter((transaction) => {
        const key = digestKey(transaction)
        return !done.has(key) && done.add(key)
      })
      const stateDigest = nextState(position.stateDigest, digest, fresh)
      position = {
        highestExecuted: index,
        commitDigest: digest,
        stateDigest,
        transactions: position.transactions + fresh.length
      }
      const value = encodeIndex(index)
      for (const transaction of fresh) puts.push({ type: 'put', key: transactionKey(transaction), value })
      puts.push({ type: 'put', key: stateKey(index), value: stateDigest })
      executed.push({ index, stateDigest, transactions: fresh.length, duplicates: carried.length - fresh.length })
    }
    puts.push({ type: 'put', key: POSITION_KEY, value: encodePosition(position) })
    await this.#guard('LEDGER_WRITE_FAILED', () => this.#database.batch(puts, { sync: true }))
    this.#position = position
    return executed
  }

  async #alreadyExecuted(digests: readonly Digest[]): Promise<Set<string>> {
    const found = await this.#guard('LEDGER_READ_FAILED', () => this.#database.hasMany(digests.map(transactionKey)))
    return new Set(digests.filter((_, at) => found[at]).map(digestKey))
  }

  async #guard<T>(code: LedgerErrorCode, operation: () => Promise<T>): Promise<T> {
    if (this.#database.status !== 'open') throw new LedgerError('LEDGER_CLOSED', 'the ledger is closed')
    try {
      return await operation()
    } catch (cause) {
      throw new LedgerError(code, `the ledger's database failed: ${String(cause)}`, { cause })
    }
  }
}

function checkFollows(position: LedgerPosition, { ref, commit }: CommittedSubDag['commit']): void {
  if (ref.index !== position.highestExecuted + 1) {
    throw new LedgerError('LEDGER_GAP', `commit ${ref.index} after commit ${position.highestExecuted}`)
  }
  if (position.commitDigest !== undefined && !bytesEqual(commit.previousDigest, position.commitDigest)) {
    throw new LedgerError('LEDGER_OTHER_CHAIN', `commit ${ref.index} follows another commit than the one executed`)
  }
}
