import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import type { Digest } from '../../src/consensus/digest.ts'
import { consensusTransactionMessage, transactionDigest } from '../../src/consensus/transaction.ts'
import { WireError } from '../../src/runtime/wire-error.ts'
import type { Operation } from '../../src/storage/database.ts'
import { type Account, NEW_ACCOUNT } from './account.ts'
import { CachedRows } from './cached-rows.ts'
import { executeTransfer, type SentTransfer, type TransferState } from './execute-transfer.ts'
import { ExecutedBefore } from './executed-before.ts'
import type { LedgerDatabase } from './ledger-database.ts'
import { decodeAccount, decodeVersion, encodeAccount, encodeVersion } from './row-codec.ts'
import { type ExecutedTransactions, slicesOf, type TransactionExecution } from './transaction-execution.ts'
import { decodeTransfer } from './transfer.ts'
import { effectsDigest, encodeEffects } from './transfer-effects.ts'

/** Accounts, and objects, remembered: about ten megabytes of each at most. */
const REMEMBERED = 65_536

type Entry = 'end-of-publish' | 'unreadable' | (SentTransfer & { readonly digest: Digest })

/** Executes certified transactions whose payloads are transfers. That they are certified has been verified with their blocks. */
export class CertifiedExecution implements TransactionExecution {
  readonly #database: LedgerDatabase
  readonly #before = new ExecutedBefore()
  readonly #accounts = new CachedRows<Account>({
    kind: 'account',
    absent: NEW_ACCOUNT,
    encode: encodeAccount,
    decode: decodeAccount,
    capacity: REMEMBERED
  })
  readonly #objects = new CachedRows<number>({
    kind: 'object',
    absent: 0,
    encode: encodeVersion,
    decode: decodeVersion,
    capacity: REMEMBERED
  })
  readonly #state: TransferState = {
    account: (key) => this.#accounts.get(key),
    setAccount: (key, account) => this.#accounts.set(key, account),
    version: (object) => this.#objects.get(object),
    setVersion: (object, version) => this.#objects.set(object, version)
  }

  constructor(database: LedgerDatabase) {
    this.#database = database
  }

  async execute(subDag: CommittedSubDag): Promise<ExecutedTransactions> {
    const { index } = subDag.commit.ref
    const folded: Digest[] = []
    const counts = { failed: 0, duplicates: 0, endsOfPublish: 0, unreadable: 0 }
    for (const slice of slicesOf(subDag)) {
      const sent: (SentTransfer & { readonly digest: Digest })[] = []
      for (const bytes of slice) {
        const entry = readEntry(bytes, index)
        if (entry === 'end-of-publish') counts.endsOfPublish += 1
        else if (entry === 'unreadable') counts.unreadable += 1
        else sent.push(entry)
      }
      const fresh = await this.#take(sent)
      counts.duplicates += sent.length - fresh.length
      for (const transaction of fresh) {
        const effects = executeTransfer(transaction, this.#state)
        const encoded = encodeEffects(effects)
        this.#before.add(transaction.digest, encoded)
        folded.push(effectsDigest(transaction.digest, encoded))
        if (effects.outcome !== 'transferred') counts.failed += 1
      }
    }
    return { folded, transactions: folded.length, ...counts }
  }

  puts(): Operation[] {
    return [...this.#before.puts(), ...this.#accounts.puts(), ...this.#objects.puts()]
  }

  keep(): void {
    this.#before.clear()
    this.#accounts.keep()
    this.#objects.keep()
  }

  drop(): void {
    this.#before.clear()
    this.#accounts.drop()
    this.#objects.drop()
  }

  forget(): void {
    this.#before.clear()
    this.#accounts.forget()
    this.#objects.forget()
  }

  /** Those not executed before, with what they need at hand. */
  async #take<T extends SentTransfer & { readonly digest: Digest }>(sent: readonly T[]): Promise<T[]> {
    const isFirst = await this.#before.firstOf(
      this.#database,
      sent.map(({ digest }) => digest)
    )
    const fresh = sent.filter((_, at) => isFirst[at])
    const readable = fresh.flatMap(({ sender, transfer }) => (transfer === undefined ? [] : { sender, ...transfer }))
    await Promise.all([
      this.#accounts.load(
        this.#database,
        readable.flatMap(({ sender, to }) => [sender, to])
      ),
      this.#objects.load(
        this.#database,
        readable.flatMap(({ shared }) => shared)
      )
    ])
    return fresh
  }
}

/** Reads an entry of a block's transactions. A transaction is named by its own digest, over sender and payload, whoever certified it and in whatever epoch. */
function readEntry(bytes: Uint8Array, commit: number): Entry {
  try {
    const { certified } = consensusTransactionMessage.decode(bytes)
    if (certified === undefined) return 'end-of-publish'
    const { sender, payload } = certified
    return { digest: transactionDigest(sender, payload), sender, transfer: decodeTransfer(payload), commit }
  } catch (thrown) {
    if (thrown instanceof WireError) return 'unreadable'
    throw thrown
  }
}
