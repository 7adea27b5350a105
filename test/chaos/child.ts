import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { OutputTail } from '../../examples/devnet/output-tail.ts'
import type { CallMessage, Calls, ChildEvent, ChildMessage } from './protocol.ts'

/** How long a call may take. Generous: the machine may have much else to do. */
const ANSWER_MS = 60_000
/** How long a process may take to end once it has nothing to do. */
const END_MS = 20_000

/** All that run, whoever has started them: none may outlive this process. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export interface ChildInit {
  readonly name: string
  readonly script: URL
  readonly onEvent: (event: ChildEvent) => void
  /** It has ended and nobody asked it to. */
  readonly onDeath: (why: string) => void
}

/** A process of the chaos: it is asked, and stopped or killed. */
export class Child<C extends Calls> {
  readonly name: string
  readonly #child: ChildProcess
  readonly #output = new OutputTail()
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #ready = Promise.withResolvers<void>()
  readonly #closed: Promise<unknown>
  #lastId = 0
  #mayEnd = false

  constructor({ name, script, onEvent, onDeath }: ChildInit) {
    this.name = name
    this.#child = fork(script, [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    running.add(this.#child)
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on('data', this.#output.add)
    this.#ready.promise.catch(() => undefined) // whoever calls has the error
    this.#child.on('message', (message: ChildMessage) => {
      if ('event' in message) {
        if (message.event.kind === 'ready') this.#ready.resolve()
        else onEvent(message.event)
        return
      }
      const call = this.#calls.get(message.id)
      this.#calls.delete(message.id)
      if ('error' in message) call?.reject(new Error(`${name}: ${message.error}`))
      else call?.resolve(message.answer)
    })
    this.#child.on('error', () => undefined) // a message to one that is killed
    this.#closed = once(this.#child, 'close').then(([code, signal]) => {
      running.delete(this.#child)
      const why = `${name} ended with ${signal ?? `exit code ${code}`}. ${this.#output.text}`
      this.#ready.reject(new Error(why))
      for (const call of this.#calls.values()) call.reject(new Error(why))
      this.#calls.clear()
      if (!this.#mayEnd || (signal !== 'SIGKILL' && code !== 0)) onDeath(why)
    })
  }

  /** @throws what the process answered, or that it ended or does not answer */
  async call<Name extends keyof C & string>(call: Name, argument: C[Name]['argument']): Promise<C[Name]['answer']> {
    await this.#ready.promise
    const id = ++this.#lastId
    const answer = Promise.withResolvers<unknown>()
    this.#calls.set(id, answer)
    const timer = setTimeout(() => answer.reject(new Error(`${this.name} does not answer "${call}"`)), ANSWER_MS)
    try {
      this.#child.send({ id, call, argument } satisfies CallMessage)
      return (await answer.promise) as C[Name]['answer']
    } finally {
      clearTimeout(timer)
      this.#calls.delete(id)
    }
  }

  /** `undefined` where it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Whether it was killed, or asked to stop: then its calls may fail. */
  get isLeaving(): boolean {
    return this.#mayEnd
  }

  /** `kill -9`. Resolves when the process is gone. Idempotent. */
  async kill(): Promise<void> {
    this.#mayEnd = true
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  /** Asks it to stop and waits for its end. @throws when it does not end by itself; it is killed then */
  async stop(): Promise<void> {
    this.#mayEnd = true
    const timer = setTimeout(() => this.#child.kill('SIGABRT'), END_MS + ANSWER_MS)
    try {
      await this.call('stop', null as C['stop']['argument'])
      clearTimeout(timer)
      const ended = setTimeout(() => this.#child.kill('SIGABRT'), END_MS) // told apart from a kill by its exit code
      await this.#closed
      clearTimeout(ended)
    } catch (thrown) {
      await this.kill()
      throw thrown
    } finally {
      clearTimeout(timer)
    }
  }
}
