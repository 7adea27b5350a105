import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BUFFERS_IN_HEAP } from '../cli/count-buffers-in-heap.ts'
import { DevnetError } from './devnet-error.ts'
import type { AnswerMessage, CallMessage, NodeCalls, NodeEvent } from './node-protocol.ts'
import { OutputTail } from './output-tail.ts'

/** How long a node may take to load, to start, or to answer. Generous: many start at once, on a machine that may have other things to do. */
const ANSWER_MS = 120_000
/** How long a node may take to stop and its process to end. */
const STOP_MS = 30_000

/** Network buffers are counted with the heap, which begins at a size that is worth the while: the biggest lever there is on throughput. */
const V8_FLAGS = [...BUFFERS_IN_HEAP, '--initial-heap-size=512']

/** What becomes of a node's process. */
export interface NodeProcessInit {
  readonly name: string
  readonly onEvent: (event: NodeEvent) => void
  /** The process has ended, or its node failed, before it was stopped. */
  readonly onFailure: (error: DevnetError) => void
  /** What the process runs. @default node-main */
  readonly script?: string
  /** Milliseconds that a call may take, the loading of the process included. @default 120000 */
  readonly answerMs?: number
  /** Milliseconds that it may take to end. @default 30000 */
  readonly stopMs?: number
}

const NODE_MAIN = fileURLToPath(new URL(`./node-main${extname(import.meta.url)}`, import.meta.url))

/** One node of the devnet: a process of its own, which this one asks and stops. It stops by itself when this one is gone. */
export class NodeProcess {
  readonly name: string
  readonly #answerMs: number
  readonly #stopMs: number
  readonly #child: ChildProcess
  readonly #output = new OutputTail()
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #ready = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()
  #lastId = 0
  #stopping = false
  #failure: DevnetError | undefined

  constructor(init: NodeProcessInit) {
    const { name, onEvent, onFailure } = init
    this.name = name
    this.#answerMs = init.answerMs ?? ANSWER_MS
    this.#stopMs = init.stopMs ?? STOP_MS
    this.#child = fork(init.script ?? NODE_MAIN, [], {
      execArgv: [...process.execArgv, ...V8_FLAGS],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc']
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on('data', this.#output.add)
    this.#ready.promise.catch(() => undefined) // whoever calls has the error
    const fail = (error: DevnetError) => {
      this.#failure ??= error
      this.#ready.reject(error)
      for (const call of this.#calls.values()) call.reject(error)
      this.#calls.clear()
      if (!this.#stopping) onFailure(error)
    }
    this.#child.on('error', (cause) => fail(this.#error('DEVNET_NODE_ENDED', `cannot run: ${cause.message}`)))
    this.#child.on('close', (code, signal) => {
      this.#ended.resolve()
      fail(this.#error('DEVNET_NODE_ENDED', `ended with ${signal ?? `exit code ${code}`}`))
    })
    this.#child.on('message', (message: NodeEvent | AnswerMessage) => {
      if ('id' in message) this.#answered(message)
      else if (message.event === 'ready') this.#ready.resolve()
      else if (message.event === 'failed') fail(this.#error('DEVNET_NODE_FAILED', `failed: ${message.message}`))
      else onEvent(message)
    })
  }

  /** The process, for who looks after it. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** The end of what the process has printed; empty where it has nothing to say. */
  get lastWords(): string {
    return this.#output.text
  }

  /**
   * Asks the node.
   *
   * @throws {DevnetError} `DEVNET_NODE_ENDED`, `DEVNET_NODE_FAILED`, `DEVNET_NODE_SILENT`
   * @throws the signal's reason
   */
  async call<C extends keyof NodeCalls>(
    call: C,
    argument: NodeCalls[C]['argument'],
    signal?: AbortSignal
  ): Promise<NodeCalls[C]['answer']> {
    return this.#within(this.#answerMs, `"${call}"`, signal, async () => {
      await this.#ready.promise
      if (this.#failure !== undefined && call !== 'stop') throw this.#failure // one that failed is stopped like any other
      const id = ++this.#lastId
      const answer = Promise.withResolvers<unknown>()
      this.#calls.set(id, answer)
      this.#child.send({ id, call, argument } satisfies CallMessage)
      return (await answer.promise) as NodeCalls[C]['answer']
    })
  }

  /**
   * Stops the node and waits for the end of its process, which must come by itself: nothing may be left running in it. Idempotent.
   *
   * @throws {DevnetError} `DEVNET_NODE_STUCK` when it had to be killed, `DEVNET_NODE_FAILED` when it could not stop, `DEVNET_NODE_ENDED`
   * when it broke in the middle of it
   */
  async stop(): Promise<void> {
    const child = this.#child
    this.#stopping = true
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return // it has ended before
    const kill = setTimeout(() => child.kill('SIGKILL'), this.#stopMs)
    try {
      await this.call('stop', null)
    } catch (thrown) {
      if (!(thrown instanceof DevnetError && thrown.code === 'DEVNET_NODE_ENDED')) throw thrown // how it ended is seen below
    } finally {
      await this.#ended.promise
      clearTimeout(kill)
    }
    if (child.signalCode === 'SIGKILL') throw this.#error('DEVNET_NODE_STUCK', 'left something running and was killed')
    if (child.exitCode !== 0 && child.signalCode === null)
      throw this.#error('DEVNET_NODE_ENDED', `ended with exit code ${child.exitCode} when it was stopped`)
  }

  #answered(message: AnswerMessage): void {
    const call = this.#calls.get(message.id)
    this.#calls.delete(message.id)
    if ('answer' in message) call?.resolve(message.answer)
    else call?.reject(this.#error('DEVNET_NODE_FAILED', message.error))
  }

  async #within<T>(ms: number, what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const { promise: cancelled, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => reject(this.#error('DEVNET_NODE_SILENT', `gave no answer to ${what} in ${ms / 1000} s`)),
      ms
    )
    const abort = () => reject(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      signal?.throwIfAborted()
      return await Promise.race([cancelled, work()])
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  #error(code: DevnetError['code'], what: string): DevnetError {
    return new DevnetError(code, `${this.name} ${what}${quoteLastWords(this)}`)
  }
}

/** What to add to a message about a node: what it printed itself, if anything. */
export function quoteLastWords({ lastWords }: Pick<NodeProcess, 'lastWords'>): string {
  return lastWords === '' ? '' : `. Its last words:\n${lastWords}`
}
