import type { Connection, Logger } from '@libp2p/interface'
import { toError } from '../runtime/soma-error.ts'
import { TaskGroup } from '../runtime/task-group.ts'

/** How long a peer has to take what was written and let go, in milliseconds. */
const CLOSE_MS = 1_000

/** Closes connections: in good order if the peer lets us, by force if not. */
export class ConnectionCloser {
  readonly #closed = new WeakSet<Connection>()
  readonly #log: Logger
  #tasks: TaskGroup

  constructor(log: Logger) {
    this.#log = log
    this.#tasks = this.#newTasks()
  }

  start(): void {
    this.#tasks = this.#newTasks()
  }

  /** Resolves when every connection that was being closed is. */
  async stop(): Promise<void> {
    await this.#tasks.stop(new Error('this node is stopping'))
  }

  /** Whether it was we who closed a connection. */
  has(connection: Connection): boolean {
    return this.#closed.has(connection)
  }

  close(connection: Connection): void {
    if (this.#closed.has(connection)) return
    this.#closed.add(connection)
    this.#tasks.run(async (signal) => {
      try {
        await connection.close({ signal: AbortSignal.any([signal, AbortSignal.timeout(CLOSE_MS)]) })
      } catch (thrown) {
        connection.abort(toError(thrown))
      }
    })
  }

  #newTasks(): TaskGroup {
    return new TaskGroup((error) => this.#log.error('a connection could not be closed - %e', error))
  }
}
