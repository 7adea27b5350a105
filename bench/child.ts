import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** V8 settings for processes of ours: without them external buffers make V8 collect all the time. */
const V8_FLAGS = ['--external-memory-accounted-in-global-limit', '--initial-heap-size=512']

/** A process of a benchmark, ended with it. */
export interface Child extends AsyncDisposable {
  readonly process: ChildProcess
  /** The next message. @throws when the process ends before it */
  message<T>(): Promise<T>
}

/**
 * Starts a module of this folder in a process of its own, with one JSON argument.
 *
 * @param settings.plain without the V8 settings, as an embedder's process is
 */
export function startChild(module: string, options: unknown, settings: { plain?: boolean } = {}): Child {
  const child = fork(new URL(module, import.meta.url), [JSON.stringify(options)], {
    execArgv: [...process.execArgv, ...(settings.plain === true ? [] : V8_FLAGS)],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc']
  })
  const ended = new AbortController()
  child.once('exit', (code) => ended.abort(new Error(`${module} ended with ${code}`)))
  return {
    process: child,
    async message<T>() {
      const [message] = await once(child, 'message', { signal: ended.signal })
      return message as T
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill()
      await once(child, 'exit')
    }
  }
}

/** The JSON argument that a child was started with. */
export function childOptions<T>(): T {
  process.on('disconnect', () => process.exit(0))
  return JSON.parse(process.argv[2] ?? '{}') as T
}
