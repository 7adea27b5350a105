import type { Logger } from 'pino'
import type { SomaNode } from '../../src/node/soma-node.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import type { Health } from '../../src/runtime/health.ts'
import { errorCode, toError } from '../../src/runtime/soma-error.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type ExecutorInit, runExecutor } from '../ledger/run-executor.ts'

/** First wait before a failed executor runs again; it doubles up to the longest. A full disk takes a person minutes to notice. */
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 60_000

/** What an executor is kept running with. */
export interface SupervisedExecutorInit {
  readonly node: ExecutorInit['node'] & Pick<SomaNode, 'reportHealth'>
  readonly ledger: Ledger
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: Logger
}

/** The part of the node's health. */
const PART = 'executor'

/** Failures that end by themselves, when the disk has room again say. After any other somebody has to do something, though it is tried again too. */
const PASSING = new Set(['LEDGER_READ_FAILED', 'LEDGER_WRITE_FAILED', 'STORAGE_READ_FAILED', 'STORAGE_WRITE_FAILED'])

/**
 * An executor that is started again where it was after a failure, for it must never harm the sync. The node's health says how it is: `degraded` while the
 * database fails, `failed` where it refuses a commit.
 */
export class SupervisedExecutor {
  readonly #init: SupervisedExecutorInit
  #failure: string | undefined

  constructor(init: SupervisedExecutorInit) {
    this.#init = init
  }

  /** Why the executor does not go on at present. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Runs the executor until the signal aborts or the node stops. */
  async run(): Promise<void> {
    const { node, ledger, clock, signal, log } = this.#init
    let wait = FIRST_RETRY_MS
    while (!signal.aborted) {
      const before = ledger.highestExecuted
      try {
        await ledger.recover()
        if (ledger.highestExecuted > before) this.#onProgress() // the disk had kept what it refused
        await runExecutor({ node, ledger, signal, onExecuted: () => this.#onProgress() })
        return
      } catch (thrown) {
        if (signal.aborted) return
        this.#failure = `${toError(thrown).message} [${errorCode(thrown)}]`
        node.reportHealth(PART, healthOf(thrown, this.#failure))
        if (ledger.highestExecuted > before) wait = FIRST_RETRY_MS
        log.debug({ err: toError(thrown), retryMs: wait }, 'the executor failed; the sync goes on')
        await clock.sleep(wait, { signal }).catch(() => undefined) // aborted: the loop ends
        wait = Math.min(wait * 2, LONGEST_RETRY_MS)
      }
    }
  }

  #onProgress(): void {
    if (this.#failure === undefined) return
    this.#failure = undefined
    this.#init.node.reportHealth(PART, { state: 'ok' })
    this.#init.log.debug('the executor goes on')
  }
}

function healthOf(thrown: unknown, reason: string): Health {
  return { state: PASSING.has(errorCode(thrown)) ? 'degraded' : 'failed', reason }
}
