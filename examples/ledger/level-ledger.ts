import type { AbortOptions } from '@libp2p/interface'
import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import type { Digest } from '../../src/consensus/digest.ts'
import type { Genesis } from '../../src/consensus/genesis.ts'
import { bytesEqual } from '../../src/runtime/hex.ts'
import type { ByteLevel, Operation } from '../../src/storage/database.ts'
import { SerialQueue } from '../../src/storage/serial-queue.ts'
import { type Account, NEW_ACCOUNT } from './account.ts'
import { CertifiedExecution } from './certified-execution.ts'
import { type EpochEnds, type LastCommit, readEpochEnd } from './epoch-end.ts'
import type { EpochHandOver, ExecutedCommit, ExecuteOptions, Ledger } from './ledger.ts'
import { LedgerDatabase } from './ledger-database.ts'
import { LedgerError, StateDivergedError } from './ledger-error.ts'
import { epochKey, FORMAT_KEY, FORMAT_VERSION, POSITION_KEY, rowKey, stateKey, transactionKey } from './ledger-keys.ts'
import { decodePosition, encodePosition, type LedgerPosition, type TransactionKind } from './ledger-position.ts'
import { OpaqueExecution } from './opaque-execution.ts'
import { decodeAccount, decodeLastCommit, decodeVersion, encodeLastCommit } from './row-codec.ts'
import { nextEpochState, nextState } from './state-digest.ts'
import { StateWaiters } from './state-waiters.ts'
import type { TransactionExecution } from './transaction-execution.ts'
import { decodeEffects, type TransferEffects } from './transfer-effects.ts'

export interface LevelLedgerInit {
  readonly genesis: Genesis
  readonly transactions?: TransactionKind | undefined
  readonly epochEnds?: EpochEnds | undefined
  /** @default the one in the directory */
  readonly level?: ByteLevel | undefined
  /** Where it lies, and what the ledger is called in errors. */
  readonly directory: string
}

/** A ledger over a database of the abstract-level family. */
export class LevelLedger implements Ledger {
  readonly #database: LedgerDatabase
  readonly #genesis: Genesis
  readonly #epochEnds: EpochEnds | undefined
  readonly #execution: TransactionExecution
  readonly #executions = new SerialQueue()
  readonly #waiters = new StateWaiters()
  #position: LedgerPosition
  /** Whether the database may be ahead of what is known of it. */
  #isStale = false
  #closed = false

  private constructor(database: LedgerDatabase, init: LevelLedgerInit, position: LedgerPosition) {
    this.#database = database
    this.#genesis = init.genesis
    this.#epochEnds = init.epochEnds
    this.#position = position
    this.#execution = position.kind === 'opaque' ? new OpaqueExecution(database) : new CertifiedExecution(database)
  }

  static async open(init: LevelLedgerInit): Promise<LevelLedger> {
    const { genesis, transactions: kind = 'opaque', directory } = init
    const database = await LedgerDatabase.open(directory, init.level)
    try {
      await checkFormat(database, directory)
      const position = (await readPosition(database)) ?? beginning(genesis, kind)
      if (!bytesEqual(position.chainId, genesis.chainId)) {
        throw new LedgerError('LEDGER_OTHER_CHAIN', otherChain(directory))
      }
      if (position.kind !== kind) {
        const what = `the ledger in ${directory} was made for ${position.kind} transactions, not ${kind} ones: ${ELSEWHERE}`
        throw new LedgerError('LEDGER_OTHER_TRANSACTIONS', what)
      }
      return new LevelLedger(database, init, position)
    } catch (thrown) {
      await database.close()
      throw thrown
    }
  }

  get highestExecuted(): number {
    return this.#position.highestExecuted
  }

  get commitDigest(): Digest {
    return this.#position.commitDigest
  }

  get stateDigest(): Digest {
    return this.#position.stateDigest
  }

  get epoch(): number {
    return this.#position.epoch
  }

  get transactions(): number {
    return this.#position.transactions
  }

  execute(subDags: readonly CommittedSubDag[], options?: ExecuteOptions): Promise<ExecutedCommit[]> {
    return this.#executions.run(async () => {
      try {
        return await this.#execute(subDags, options)
      } catch (thrown) {
        this.#execution.drop()
        throw thrown
      }
    })
  }

  recover(): Promise<void> {
    return this.#executions.run(() => this.#recover())
  }

  async getStateDigest(index: number): Promise<Digest | undefined> {
    const stored = await this.#database.get(stateKey(index))
    return stored === undefined ? (index === 0 ? this.#genesis.stateHash : undefined) : new Uint8Array(stored)
  }

  async stateAfter(index: number, { signal }: AbortOptions = {}): Promise<Digest> {
    if (this.#closed) throw closed()
    if (index > this.highestExecuted) await this.#waiters.wait(index, signal)
    const state = await this.getStateDigest(index)
    if (state === undefined) throw new LedgerError('LEDGER_CORRUPTED', `the state after commit ${index} is missing`)
    return state
  }

  async getHandOver(epoch: number): Promise<EpochHandOver | undefined> {
    const stored = await this.#database.get(epochKey(epoch))
    const nextCommittee = this.#epochEnds?.(epoch)?.nextCommittee
    return stored && nextCommittee && { lastCommit: decodeLastCommit(stored), nextCommittee }
  }

  async getEffects(transaction: Digest): Promise<TransferEffects | undefined> {
    const stored = await this.#database.get(transactionKey(transaction))
    return stored === undefined || this.#position.kind === 'opaque' ? undefined : decodeEffects(new Uint8Array(stored))
  }

  async getAccount(key: Uint8Array): Promise<Account> {
    const stored = await this.#database.get(rowKey('account', key))
    return stored === undefined ? NEW_ACCOUNT : decodeAccount(stored)
  }

  async getVersion(object: Uint8Array): Promise<number> {
    const stored = await this.#database.get(rowKey('object', object))
    return stored === undefined ? 0 : decodeVersion(stored)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#waiters.reject(closed())
    await this.#executions.run(() => this.#database.close())
  }

  async #execute(subDags: readonly CommittedSubDag[], { onExecuted }: ExecuteOptions = {}): Promise<ExecutedCommit[]> {
    if (this.#closed) throw closed()
    await this.#recover()
    const executed: ExecutedCommit[] = []
    const states: Operation[] = []
    const isFirst = this.#position.highestExecuted === 0
    let position = this.#position
    let refusal: LedgerError | undefined
    for (const subDag of subDags) {
      const { index } = subDag.commit.ref
      const end = readEpochEnd(subDag, this.#epochEnds)
      refusal = refusalOf(subDag, end, position)
      if (refusal !== undefined) break
      const { folded, ...counts } = await this.#execution.execute(subDag)
      position = positionAfter(position, subDag, folded, end)
      const { stateDigest } = position
      const handOver = end && { lastCommit: subDag.commit.ref, nextCommittee: end.nextCommittee }
      executed.push({ index, stateDigest, handOver, ...counts })
      states.push({ type: 'put', key: stateKey(index), value: stateDigest })
      if (handOver !== undefined) {
        const value = encodeLastCommit(handOver.lastCommit)
        states.push({ type: 'put', key: epochKey(position.epoch - 1), value })
      }
    }
    if (executed.length > 0) {
      const at: Operation = { type: 'put', key: POSITION_KEY, value: encodePosition(position) }
      const format: Operation = { type: 'put', key: FORMAT_KEY, value: Uint8Array.of(FORMAT_VERSION) }
      await this.#database.write([...this.#execution.puts(), ...states, at, ...(isFirst ? [format] : [])])
      this.#execution.keep()
      this.#moveTo(position)
      if (onExecuted !== undefined) for (const commit of executed) onExecuted(commit)
    }
    if (refusal !== undefined) throw refusal
    return executed
  }

  async #recover(): Promise<void> {
    this.#isStale ||= await this.#database.recover()
    if (!this.#isStale) return
    this.#execution.forget()
    this.#moveTo((await readPosition(this.#database)) ?? this.#position)
    this.#isStale = false
  }

  #moveTo(position: LedgerPosition): void {
    this.#position = position
    this.#waiters.executed(position.highestExecuted)
  }
}

/** What to do with a ledger that is not the one that is wanted. */
const ELSEWHERE = 'use another data directory, or move the ledger away to execute the chain anew'

function otherChain(directory: string): string {
  return `the ledger in ${directory} is of another chain: ${ELSEWHERE}`
}

/** Compares the version that the database says it is of. An empty one says nothing yet. */
async function checkFormat(database: LedgerDatabase, directory: string): Promise<void> {
  const found = await database.peek(FORMAT_KEY)
  if (found === undefined && (await database.peek(POSITION_KEY)) === undefined) return
  if (found?.[0] === FORMAT_VERSION) return
  const version = found?.[0] === undefined ? 'an earlier format' : `format ${found[0]}`
  const what = `the ledger in ${directory} was written in ${version}, and this is format ${FORMAT_VERSION}`
  throw new LedgerError(
    'LEDGER_WRONG_VERSION',
    `${what}: use the version that wrote it, or move it away to execute the chain anew`
  )
}

async function readPosition(database: LedgerDatabase): Promise<LedgerPosition | undefined> {
  const stored = await database.get(POSITION_KEY)
  return stored && decodePosition(stored)
}

function beginning({ chainId, stateHash }: Genesis, kind: TransactionKind): LedgerPosition {
  return { chainId, kind, highestExecuted: 0, commitDigest: chainId, stateDigest: stateHash, epoch: 0, transactions: 0 }
}

/** Why a commit is not executed at a position. */
function refusalOf(
  { commit: { ref, commit } }: CommittedSubDag,
  end: LastCommit | undefined,
  position: LedgerPosition
): LedgerError | undefined {
  const { highestExecuted, commitDigest, stateDigest, epoch } = position
  if (ref.index !== highestExecuted + 1) {
    return new LedgerError('LEDGER_GAP', `commit ${ref.index} after commit ${highestExecuted}`)
  }
  if (!bytesEqual(commit.previousDigest, commitDigest)) {
    const what = `commit ${ref.index} follows another commit than the one executed`
    return new LedgerError('LEDGER_OTHER_CHAIN', what)
  }
  if (commit.epoch !== epoch) {
    const what = `commit ${ref.index} is of epoch ${commit.epoch}, and the ledger has come to epoch ${epoch}`
    return new LedgerError('LEDGER_WRONG_EPOCH', what)
  }
  const handedOver = end?.stateHash
  if (handedOver === undefined || bytesEqual(handedOver, stateDigest)) return undefined
  return new StateDivergedError({ own: stateDigest, handedOver: handedOver.slice(), commit: ref.index })
}

function positionAfter(
  before: LedgerPosition,
  { commit: { ref } }: CommittedSubDag,
  folded: readonly Digest[],
  end: LastCommit | undefined
): LedgerPosition {
  const state = nextState(before.stateDigest, ref.digest, folded)
  const epoch = end === undefined ? before.epoch : before.epoch + 1
  return {
    ...before,
    highestExecuted: ref.index,
    commitDigest: ref.digest,
    stateDigest: end === undefined ? state : nextEpochState(state, epoch, end.nextCommittee.digest),
    epoch,
    transactions: before.transactions + folded.length
  }
}

function closed(): LedgerError {
  return new LedgerError('LEDGER_CLOSED', 'the ledger is closed')
}
