import { toError } from '../../src/runtime/soma-error.ts'
import { LiveLatency } from './live-latency.ts'
import { NodeProcess } from './node-process.ts'
import type { CatchUp, NodeEvent, NodeRole, SyncProgress } from './node-protocol.ts'

/** Milliseconds after which a condition is looked at again when no node says anything. */
const LOOK_MS = 250

/** A node of the devnet, and what it last said of itself. */
export interface DevnetMember {
  readonly name: string
  readonly role: NodeRole
  readonly index: number
  readonly process: NodeProcess
  progress: SyncProgress | undefined
  catchUp: CatchUp | undefined
  /** Of its status page, once it has one. */
  page: string | undefined
}

/** What the processes of a devnet are made for. */
export interface DevnetInit {
  readonly validators: number
  readonly fullNodes: number
  /** Ends everything that is waited for. */
  readonly signal: AbortSignal
}

/** The processes of a devnet. They load as soon as it is made; {@link Devnet.stop} must follow. */
export class Devnet {
  readonly validators: readonly DevnetMember[]
  readonly fullNodes: readonly DevnetMember[]
  readonly #failed = new AbortController()
  readonly #signal: AbortSignal
  #tip = 0
  #latency: LiveLatency | undefined
  #wake: (() => void) | undefined

  constructor({ validators, fullNodes, signal }: DevnetInit) {
    this.#signal = AbortSignal.any([signal, this.#failed.signal])
    this.validators = Array.from({ length: validators }, (_, index) => this.#member('validator', index))
    this.fullNodes = Array.from({ length: fullNodes }, (_, index) => this.#member('full', index))
  }

  get members(): readonly DevnetMember[] {
    return [...this.validators, ...this.fullNodes]
  }

  /** Aborts when the devnet is interrupted, or one of its nodes fails. */
  get signal(): AbortSignal {
    return this.#signal
  }

  /** The highest commit that a validator had at the start, or has handed in since. */
  get tip(): number {
    return this.#tip
  }

  /** Takes note of where the validators start: what follows goes on from there. */
  startsAt(height: number): void {
    this.#tip = Math.max(this.#tip, height)
  }

  /** Measures the latency of the commits after the tip from now on. */
  measureLatency(): LiveLatency {
    this.#latency = new LiveLatency(this.#tip + 1, this.fullNodes.length)
    return this.#latency
  }

  /**
   * Resolves once the condition holds. It is looked at whenever a node says something, and several times a second; one wait at a time.
   *
   * @throws the signal's reason, and what the condition throws
   */
  async until(condition: () => boolean): Promise<void> {
    const wake = () => this.#wake?.()
    const look = setInterval(wake, LOOK_MS)
    this.#signal.addEventListener('abort', wake)
    try {
      while (true) {
        this.#signal.throwIfAborted()
        if (condition()) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      clearInterval(look)
      this.#signal.removeEventListener('abort', wake)
    }
  }

  /**
   * Stops all nodes and waits for the ends of their processes. Idempotent.
   *
   * @throws {DevnetError} of the first that did not stop cleanly
   */
  async stop(): Promise<void> {
    const stopped = await Promise.allSettled(this.members.map(({ process }) => process.stop()))
    const failed = stopped.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw toError(failed.reason)
  }

  #member(role: NodeRole, index: number): DevnetMember {
    const name = `${role === 'validator' ? 'validator' : 'full-node'}-${index}`
    const process = new NodeProcess({
      name,
      onEvent: (event) => this.#heard(member, event),
      onFailure: (error) => this.#failed.abort(error)
    })
    const member: DevnetMember = {
      name,
      role,
      index,
      process,
      progress: undefined,
      catchUp: undefined,
      page: undefined
    }
    return member
  }

  #heard(member: DevnetMember, event: NodeEvent): void {
    switch (event.event) {
      case 'handed-in':
        this.#tip = Math.max(this.#tip, event.index)
        this.#latency?.handedIn(event.index, event.at)
        break
      case 'executed':
        this.#latency?.executed(event.index, event.at)
        break
      case 'progress':
        member.progress = event.progress
        break
      case 'caught-up':
        member.catchUp = event.catchUp
    }
    this.#wake?.()
  }
}
